/**
 * Mackerel's own command `mkr` against `mackerel-server.ts`: an independent client, written by those who know the
 * real service, finds wrong shapes that the adapter and the server, made by the same hand, would agree on.
 * Run with `npx vitest run --config vitest.go-tools.config.ts`; `mkr` is taken from $IREKAE_MKR or the PATH.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mackerelClient } from '../../lambdas/clients/mackerel.ts';
import { FULL_KEY, type MackerelServer, READ_ONLY_KEY, startMackerelServer } from './mackerel-server.ts';

const MKR = process.env.IREKAE_MKR ?? 'mkr';
const present = spawnSync(MKR, ['--version']).status === 0;
if (!present) {
  console.warn(
    `\n!!! SKIPPED: no "${MKR}" found; the Mackerel server's shapes are NOT checked by mkr. !!!\n`,
  );
}

let server: MackerelServer;
beforeEach(async () => {
  server = await startMackerelServer();
});
afterEach(() => server.stop());

/** Runs mkr against the server and answers what it printed. The configuration of this machine is never read. */
async function mkr(...args: string[]): Promise<string> {
  return (await run(FULL_KEY, args)).stdout;
}

const run = (key: string, args: readonly string[]) =>
  promisify(execFile)(MKR, [`--apibase=${server.url}`, '--conf=/nonexistent', ...args], {
    env: { MACKEREL_APIKEY: key, TZ: 'UTC', NO_PROXY: '127.0.0.1' },
    timeout: 20_000,
  });

const json = async (...args: string[]): Promise<unknown> => JSON.parse(await mkr(...args));
const addHost = (name: string, roleFullnames = ['Shop:web']) =>
  server.addHost({
    name,
    meta: { 'agent-version': '0.87.0', cloud: { provider: 'ec2', metadata: { 'instance-id': 'i-0a1b' } } },
    customIdentifier: 'i-0a1b.ec2.amazonaws.com',
    interfaces: [{ name: 'eth0', ipAddress: '10.0.1.23', ipv4Addresses: ['10.0.1.23'] }],
    roleFullnames,
    createdAt: 1772355600,
  });

describe.skipIf(!present)('mkr against the Mackerel server', () => {
  it('lists the hosts of a role, with the fields it prints', async () => {
    const { id } = addHost('web-1');
    addHost('batch-1', ['Shop:batch']);
    expect(await json('hosts', '--service', 'Shop', '--role', 'web')).toEqual([
      {
        id,
        name: 'web-1',
        status: 'working',
        roleFullnames: ['Shop:web'],
        isRetired: false,
        createdAt: '2026-03-01T09:00:00+00:00',
        ipAddresses: { eth0: '10.0.1.23' },
      },
    ]);
  });

  it('does not see a host in poweroff unless it asks for it', async () => {
    const { id } = addHost('web-1');
    await mkr('update', '--status', 'poweroff', id);
    expect(await json('hosts')).toEqual([]);
    expect(await json('hosts', '--status', 'poweroff', '--status', 'working')).toMatchObject([
      { id, status: 'poweroff' },
    ]);
  });

  it('shows one host', async () => {
    const { id } = addHost('web-1');
    server.addSample(id, 'loadavg5', { time: 1772355660, value: 0.5 });
    expect(await json('status', id)).toMatchObject({ id, name: 'web-1' });
    expect(await mkr('status', '-v', id)).toContain('loadavg5');
  });

  it('creates a host that the adapter then finds', async () => {
    await mkr('create', '-R', 'Shop:web', '--customIdentifier', 'i-0ccc.ec2.amazonaws.com', 'made-by-mkr');
    const mackerel = mackerelClient({ apiKey: async () => FULL_KEY, baseUrl: server.url });
    expect(await mackerel.hosts('Shop', 'web')).toMatchObject([
      { name: 'made-by-mkr', instanceId: 'i-0ccc', status: 'working' },
    ]);
    expect(await json('services')).toMatchObject([{ name: 'Shop', roles: ['web'] }]);
  });

  it('adds and replaces roles, and changes a memo without touching them', async () => {
    const { id } = addHost('web-1');
    await mkr('update', '-R', 'Shop:batch', id);
    expect(server.organization.hosts.get(id)?.roles).toEqual({ Shop: ['web', 'batch'] });
    await mkr('update', '-R', 'Blog:web', '--overwriteRoles', id);
    await mkr('update', '--memo', 'noted', id);
    expect(server.organization.hosts.get(id)).toMatchObject({
      memo: 'noted',
      roles: { Blog: ['web'] },
      customIdentifier: 'i-0a1b.ec2.amazonaws.com',
    });
  });

  it('retires hosts', async () => {
    const [first, second] = [addHost('web-1').id, addHost('web-2').id];
    await mkr('retire', '--force', first, second);
    expect(await json('hosts')).toEqual([]);
    expect(
      server.requests.filter(({ method }) => method === 'POST').map(({ url, body }) => [url, body]),
    ).toEqual([
      [`/api/v0/hosts/${first}/retire?`, null],
      [`/api/v0/hosts/${second}/retire?`, null],
    ]);
  });

  it('reads the mark that the adapter made, changes and deletes it', async () => {
    server.addService('Shop', ['web']);
    const at = new Date('2026-03-01T09:00:00Z');
    const mackerel = mackerelClient({ apiKey: async () => FULL_KEY, baseUrl: server.url });
    await mackerel.annotate({
      service: 'Shop',
      role: 'web',
      title: 'Deployed',
      description: 'all',
      from: at,
      to: at,
    });
    const span = ['--service', 'Shop', '--from', '1772355600', '--to', '1772355600'];
    const [mark] = server.organization.marks;
    expect(await json('annotations', 'list', ...span)).toEqual([
      {
        id: mark?.id,
        title: 'Deployed',
        description: 'all',
        from: 1772355600,
        to: 1772355600,
        service: 'Shop',
        roles: ['web'],
      },
    ]);
    await mkr('annotations', 'update', '--id', mark?.id ?? '', ...span, '--title', 'Changed');
    expect(server.organization.marks).toMatchObject([{ title: 'Changed' }]);
    await mkr('annotations', 'delete', '--id', mark?.id ?? '');
    expect(server.organization.marks).toEqual([]);
  });

  it('lists and closes alerts, more than a page of them', async () => {
    const { id: hostId } = addHost('web-1');
    for (let n = 0; n < 101; n += 1) {
      server.addAlert({ type: 'connectivity', status: 'CRITICAL', hostId, openedAt: 1772355600 + n });
    }
    const newest = server.organization.alerts[0]?.id ?? '';
    expect(await json('alerts')).toHaveLength(101);
    expect(await mkr('alerts', 'list')).toMatch(/CRITICAL.*web-1/);
    await mkr('alerts', 'close', newest, '--reason', 'done');
    expect(await json('alerts')).toHaveLength(100);
  }, 20_000);

  it('fetches the metrics of a host, the latest and the past', async () => {
    const { id } = addHost('web-1');
    server.addSample(id, 'loadavg5', { time: 1772355600, value: 0.5 });
    expect(await json('fetch', '--name', 'loadavg5', id)).toEqual({
      [id]: { loadavg5: { time: 1772355600, value: 0.5 } },
    });
    expect(
      await json('metrics', '--host', id, '--name', 'loadavg5', '--from', '1772355500', '--to', '1772355700'),
    ).toEqual([{ time: 1772355600, value: 0.5 }]);
  });

  it('reads the reason of a refusal', async () => {
    const { id } = addHost('web-1');
    const tries: readonly (readonly [string, string[], string])[] = [
      ['wrong-key', ['hosts'], 'Authentication failed. Please try with valid Api Key.'],
      [READ_ONLY_KEY, ['update', '--status', 'standby', id], 'Forbidden'],
      [FULL_KEY, ['status', 'nobody'], 'Host Not Found.'],
    ];
    for (const [key, args, said] of tries) {
      await expect(run(key, args)).rejects.toMatchObject({ stderr: expect.stringContaining(said) });
    }
  });
});
