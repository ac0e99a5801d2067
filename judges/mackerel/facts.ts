/** What mkr sees and does at the wire, against what the server holds and our adapter sees. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { READ_ONLY_KEY } from '../../test/clients/mackerel-server.ts';
import { AT, Wire } from './wire.ts';

type Fact = readonly [title: string, holds: (wire: Wire) => Promise<void>];

export const FACTS: readonly Fact[] = [
  [
    'a host reads alike for mkr, the server and the adapter',
    async (wire) => {
      const { id, ...host } = wire.addHost('web-1');
      deepEqual(await wire.json('hosts', '-v', '--service', 'Shop', '--role', 'web'), [{ id, ...host }]);
      deepEqual(await wire.client.hosts('Shop', 'web'), [
        { id, name: 'web-1', status: 'working', instanceId: 'i-0a1b', createdAt: new Date(AT * 1_000) },
      ]);
      deepEqual(await wire.json('status', id), {
        ...{ id, name: 'web-1', status: 'working', roleFullnames: ['Shop:web'], isRetired: false },
        ...{ createdAt: '2026-03-01T09:00:00+00:00', ipAddresses: { eth0: '10.0.1.23' } },
      });
    },
  ],
  [
    'a role of a service is neither the role of another nor all of the service',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      wire.addHost('batch-1', { roleFullnames: ['Shop:batch'] });
      wire.addHost('blog-1', { roleFullnames: ['Blog:web'] });
      deepEqual(idsIn(await wire.json('hosts', '--service', 'Shop', '--role', 'web')), [id]);
      // A role without its service is ignored.
      equal(idsIn(await wire.json('hosts', '--role', 'web')).length, 3);
    },
  ],
  [
    'a host in maintenance or poweroff is not listed unless asked for',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      for (const status of ['maintenance', 'poweroff']) {
        await wire.mkr('update', '--status', status, id);
        deepEqual(await wire.json('hosts'), []);
        deepEqual(idsIn(await wire.json('hosts', '--status', status, '--status', 'working')), [id]);
        deepEqual(
          (await wire.client.hosts('Shop', 'web')).map((host) => host.status),
          [status],
        );
      }
    },
  ],
  [
    'what the adapter sets, mkr reads',
    async (wire) => {
      const [first, second] = [wire.addHost('web-1').id, wire.addHost('web-2').id];
      await wire.client.setStatus([first], 'standby');
      await wire.client.retire([second]);
      const listed = (await wire.json('hosts', '--service', 'Shop')) as { id: string; status: string }[];
      deepEqual(
        listed.map(({ id, status }) => [id, status]),
        [[first, 'standby']],
      );
    },
  ],
  [
    'a host that mkr creates, the adapter finds',
    async (wire) => {
      await wire.mkr('create', '-R', 'Shop:web', '--customIdentifier', 'i-0c.ec2.amazonaws.com', 'by-mkr');
      const [host] = await wire.client.hosts('Shop', 'web');
      deepEqual([host?.name, host?.instanceId, host?.status], ['by-mkr', 'i-0c', 'working']);
      deepEqual(await wire.json('services'), [{ name: 'Shop', memo: '', roles: ['web'] }]);
      deepEqual(await wire.client.roles('Shop'), ['web']);
    },
  ],
  [
    'update adds roles, and replaces them where it is told to',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      await wire.mkr('update', '-R', 'Shop:batch', id);
      deepEqual(wire.server.organization.hosts.get(id)?.roles, { Shop: ['web', 'batch'] });
      await wire.mkr('update', '-R', 'Blog:web', '--overwriteRoles', id);
      await wire.mkr('update', '--memo', 'noted', id);
      const host = wire.server.organization.hosts.get(id);
      deepEqual([host?.memo, host?.roles], ['noted', { Blog: ['web'] }]);
    },
  ],
  [
    'update writes a host without its identifier and its checks, as the runbook warns',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      await wire.mkr('update', '-R', 'Shop:batch', id);
      const body = wire.server.requests.find(({ method }) => method === 'PUT')?.body as object;
      deepEqual(['customIdentifier' in body, 'checks' in body && body.checks], [false, null]);
      // A Mackerel that takes what is left out for none: the documentation does not say.
      const strict = await Wire.open({ habits: { identifierLeftOut: 'is-gone' } });
      const host = strict.addHost('web-1', { meta: {} });
      await strict.mkr('update', '-R', 'Shop:batch', host.id);
      const [seen] = await strict.client.hosts('Shop', 'web');
      await strict.close();
      deepEqual([host.customIdentifier, seen?.instanceId], [null, undefined]);
    },
  ],
  [
    'retire takes hosts one by one, and needs no body',
    async (wire) => {
      const [first, second] = [wire.addHost('web-1').id, wire.addHost('web-2').id];
      await wire.mkr('retire', '--force', first, second);
      deepEqual(await wire.json('hosts'), []);
      deepEqual(await wire.client.hosts('Shop', 'web'), []);
      deepEqual(
        wire.server.requests.filter(({ method }) => method === 'POST').map(({ url, body }) => [url, body]),
        [first, second].map((id) => [`/api/v0/hosts/${id}/retire?`, null]),
      );
    },
  ],
  [
    'the mark that the adapter makes, mkr reads, changes and deletes',
    async (wire) => {
      wire.server.addService('Shop', ['web']);
      const at = new Date(AT * 1_000);
      await wire.client.annotate({
        ...{ service: 'Shop', role: 'web', title: 'Deployed', description: 'all' },
        ...{ from: at, to: at },
      });
      const span = ['--service', 'Shop', '--from', String(AT), '--to', String(AT)];
      const [mark] = wire.server.organization.marks;
      deepEqual(await wire.json('annotations', 'list', ...span), [mark]);
      await wire.mkr('annotations', 'update', '--id', mark?.id ?? '', ...span, '--title', 'Changed');
      equal(wire.server.organization.marks[0]?.title, 'Changed');
      await wire.mkr('annotations', 'delete', '--id', mark?.id ?? '');
      deepEqual(wire.server.organization.marks, []);
    },
  ],
  [
    'alerts are listed by pages, and closed',
    async (wire) => {
      const { id: hostId } = wire.addHost('web-1');
      for (let n = 0; n < 101; n += 1)
        wire.server.addAlert({ type: 'connectivity', status: 'CRITICAL', hostId, openedAt: AT + n });
      const newest = wire.server.organization.alerts[0]?.id ?? '';
      deepEqual(
        ((await wire.json('alerts')) as { id: string }[]).map(({ id }) => id).sort(),
        (await wire.client.openAlerts()).map(({ id }) => id).sort(),
      );
      match(await wire.mkr('alerts', 'list'), /CRITICAL.*web-1/);
      await wire.mkr('alerts', 'close', newest, '--reason', 'done');
      equal((await wire.client.openAlerts()).length, 100);
    },
  ],
  [
    'metrics that mkr throws, the adapter and mkr fetch',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      wire.server.addSample(id, 'loadavg5', { time: AT, value: 0.5 });
      const thrown = await wire.ask(['throw', '--host', id], { input: `queue\t1\t${AT}\n` });
      equal(thrown.status, 0, thrown.err);
      deepEqual(await wire.json('metric-names', '--host', id), ['loadavg5', 'custom.queue']);
      deepEqual(await wire.json('fetch', '--name', 'custom.queue', id), {
        [id]: { 'custom.queue': { time: AT, value: 1 } },
      });
      const span = ['--from', String(AT - 1), '--to', String(AT + 1)];
      deepEqual(await wire.json('metrics', '--host', id, '--name', 'loadavg5', ...span), [
        { time: AT, value: 0.5 },
      ]);
      // Only what an agent posts proves a living host.
      deepEqual([...(await wire.client.latestMetric([id]))], [[id, new Date(AT * 1_000)]]);
    },
  ],
  [
    'points of a service that mkr throws lie beside those of the adapter',
    async (wire) => {
      wire.server.addService('Shop', ['web']);
      const thrown = await wire.ask(['throw', '--service', 'Shop'], { input: `irekae.bake\t1\t${AT}\n` });
      equal(thrown.status, 0, thrown.err);
      await wire.client.postServiceMetrics('Shop', [
        { name: 'irekae.bake', value: 2, at: new Date((AT + 60) * 1_000) },
      ]);
      deepEqual(
        [...(wire.server.organization.serviceMetrics.get('Shop irekae.bake') ?? [])],
        [
          [AT, 1],
          [AT + 60, 2],
        ],
      );
    },
  ],
  [
    'the organization and its monitors are read',
    async (wire) => {
      deepEqual(await wire.json('org'), { name: 'irekae-test' });
      ok(((await wire.json('monitors')) as unknown[]).length > 0);
    },
  ],
  [
    'mkr reads the reason of a refusal',
    async (wire) => {
      const { id } = wire.addHost('web-1');
      const tries: readonly (readonly [string | undefined, string[], string])[] = [
        ['wrong-key', ['hosts'], 'Authentication failed. Please try with valid Api Key.'],
        [READ_ONLY_KEY, ['update', '--status', 'standby', id], 'Forbidden'],
        [undefined, ['status', 'nobody'], 'Host Not Found.'],
      ];
      for (const [key, args, said] of tries) {
        const { status, err } = await wire.ask(args, key === undefined ? {} : { key });
        ok(status === 1 && err.includes(said), `${args[0]} ended with ${status}: ${err}`);
      }
    },
  ],
];

const idsIn = (hosts: unknown): string[] => (hosts as { id: string }[]).map(({ id }) => id);
