/** The Mackerel adapter over HTTP: it passes the contract, and keeps its head when the wire misbehaves. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MackerelOptions, mackerelClient, mackerelReader } from '../../lambdas/clients/mackerel.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { Mackerel } from '../../lambdas/ports/mackerel.ts';
import manifest from '../../package.json' with { type: 'json' };
import { some } from '../support/thorough.ts';
import { type MackerelSubject, mackerelContract } from './mackerel.contract.ts';
import {
  FULL_KEY,
  type Habits,
  type MackerelServer,
  READ_ONLY_KEY,
  startMackerelServer,
} from './mackerel-server.ts';

const QUICK = { timeoutMs: 15_000, backoffMs: 1 };
const clientOf = (url: string, options: Partial<MackerelOptions> = {}) =>
  mackerelClient({ apiKey: async () => FULL_KEY, baseUrl: url, ...QUICK, ...options });

async function subjectWith(habits: Partial<Habits>): Promise<MackerelSubject> {
  const server = await startMackerelServer(habits);
  const { hosts } = server.organization;
  return {
    mackerel: clientOf(server.url),
    add: async ({ name, instanceId, roles, status, createdAt }) =>
      server.addHost({
        name,
        meta: {},
        roleFullnames: roles,
        ...(instanceId && { customIdentifier: `${instanceId}.ec2.amazonaws.com` }),
        ...(status && { status }),
        ...(createdAt && { createdAt: createdAt.getTime() / 1000 }),
      }).id,
    openAlert: async (hostId, message) => {
      server.addAlert({ type: 'host', status: 'CRITICAL', hostId, message });
    },
    openMonitor: async ({ durationMinutes, ...monitor }, value) => {
      server.organization.monitors.push({
        ...monitor,
        id: 'mon2',
        ...(durationMinutes !== undefined && { duration: durationMinutes }),
      });
      server.addAlert({ type: monitor.type, monitorId: 'mon2', status: 'CRITICAL', value });
    },
    postMetric: async (hostId, at, name = 'loadavg5', value = 0.5) =>
      server.addSample(hostId, name, { time: at.getTime() / 1000, value }),
    addService: async (name, roles) => server.addService(name, roles),
    hostState: async (hostId) => {
      const host = hosts.get(hostId);
      if (!host) throw new Error(`no host ${hostId}`);
      return { status: host.status, retired: host.isRetired };
    },
    servicePoints: async (service, name) =>
      [...(server.organization.serviceMetrics.get(`${service} ${name}`) ?? [])]
        .sort(([a], [b]) => a - b)
        .map(([time, value]) => ({ at: new Date(time * 1000), value })),
    metadata: async (hostId, namespace) => server.organization.metadata.get(`${hostId}/${namespace}`),
    stop: server.stop,
  };
}

// What Mackerel documents nowhere, both ways.
for (const onRetired of [200, 400, 404] as const) {
  for (const failedBulk of ['changes-nothing', 'changes-the-rest'] as const) {
    mackerelContract(
      `Mackerel over HTTP, where a retired host answers ${onRetired} and a failed bulk call ${failedBulk}`,
      () => subjectWith({ onRetired, failedBulk }),
    );
  }
}

let server: MackerelServer;
let mackerel: Mackerel;

beforeEach(async () => {
  server = await startMackerelServer();
  mackerel = clientOf(server.url);
});
afterEach(() => server.stop());

const addHost = (name: string, more: Partial<Parameters<MackerelServer['addHost']>[0]> = {}) =>
  server.addHost({ name, meta: {}, roleFullnames: ['Shop:web'], ...more });
const lines = () => server.requests.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`);
const named = (name: string, message: RegExp | string = '') =>
  expect.objectContaining({ name, message: expect.stringMatching(message) });
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );

const AT = new Date('2026-03-01T09:00:00.900Z');
const AT_SECONDS = 1772355600;
const MARK = { service: 'Shop', role: 'web', title: 'Deployed', description: 'all of it', from: AT, to: AT };

/** Each method of the port once. */
const METHODS: Readonly<Record<string, (mackerel: Mackerel) => Promise<unknown>>> = {
  hosts: (m) => m.hosts('Shop', 'web'),
  roles: (m) => m.roles('Shop'),
  setStatus: (m) => m.setStatus(['h1'], 'standby'),
  retire: (m) => m.retire(['h1']),
  openAlerts: (m) => m.openAlerts(),
  monitors: (m) => m.monitors(),
  latestMetric: (m) => m.latestMetric(['h1']),
  // Of a metric that Mackerel does not know there are no points.
  metrics: async (m) => {
    const points = await m.metrics('h1', 'loadavg5', AT, AT);
    if (points.length === 0) throw new DeploymentError('MackerelRefused', JSON.stringify(points));
  },
  annotate: (m) => m.annotate(MARK),
  postServiceMetrics: (m) =>
    m.postServiceMetrics('Shop', [{ name: 'irekae.web.failures', value: 0, at: AT }]),
  // Whom Mackerel refused is answered, with its words.
  setMetadata: async (m) => {
    const { refused } = await m.setMetadata(['h1'], 'irekae', {});
    for (const { reason } of refused) throw new DeploymentError('MackerelRefused', reason);
  },
};
const METHOD_CASES = Object.entries(METHODS).map(([name, act]) => ({ name, act }));

describe('the requests', () => {
  it('ask for a role with its service and all four statuses, each key repeated', async () => {
    await mackerel.hosts('Shop', 'web');
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /api/v0/hosts?service=Shop&role=web&status=working&status=standby&status=maintenance&status=poweroff',
    ]);
  });

  it('carry the key and a name, and a content type only with content', async () => {
    const { id } = addHost('web-1');
    await mackerel.hosts('Shop', 'web');
    await mackerel.retire([id]);
    const [read, write] = server.requests;
    expect(read?.headers).toMatchObject({
      'x-api-key': FULL_KEY,
      'user-agent': `irekae/${manifest.version}`,
    });
    expect(read?.headers).not.toHaveProperty('content-type');
    expect(write?.headers).toMatchObject({ 'x-api-key': FULL_KEY, 'content-type': 'application/json' });
  });

  it('go out in bulks of 30', async () => {
    const ids = Array.from({ length: 61 }, (_, n) => addHost(`web-${n}`).id);
    await mackerel.setStatus(ids, 'poweroff');
    await mackerel.retire(ids);
    // Side by side, in whatever order they arrive.
    const sent = server.requests.map(({ url, body }) => [url, body]);
    expect(sent).toHaveLength(6);
    expect(sent).toEqual(
      expect.arrayContaining([
        ['/api/v0/hosts/bulk-update-statuses', { ids: ids.slice(0, 30), status: 'poweroff' }],
        ['/api/v0/hosts/bulk-update-statuses', { ids: ids.slice(30, 60), status: 'poweroff' }],
        ['/api/v0/hosts/bulk-update-statuses', { ids: ids.slice(60), status: 'poweroff' }],
        ['/api/v0/hosts/bulk-retire', { ids: ids.slice(0, 30) }],
        ['/api/v0/hosts/bulk-retire', { ids: ids.slice(30, 60) }],
        ['/api/v0/hosts/bulk-retire', { ids: ids.slice(60) }],
      ]),
    );
  });

  it('are not made for an empty list', async () => {
    await mackerel.setStatus([], 'poweroff');
    await mackerel.retire([]);
    await mackerel.latestMetric([]);
    expect(server.requests).toEqual([]);
  });

  it('page through alerts by nextId, 100 at a time', async () => {
    for (let n = 0; n < 101; n += 1) server.addAlert({ type: 'external', status: 'WARNING' });
    const oldest = server.organization.alerts.at(-1)?.id;
    expect(await mackerel.openAlerts()).toHaveLength(101);
    expect(lines()).toEqual([
      'GET /api/v0/alerts?limit=100',
      `GET /api/v0/alerts?limit=100&nextId=${oldest}`,
    ]);
  });

  it('ask for metrics that only an agent posts, of 100 hosts at a time', async () => {
    const ids = Array.from({ length: 101 }, (_, n) => `h${n}`);
    await mackerel.latestMetric(ids);
    const names = 'name=loadavg5&name=memory.used&name=cpu.user.percentage';
    expect(lines()).toEqual([
      `GET /api/v0/tsdb/latest?${ids
        .slice(0, 100)
        .map((id) => `hostId=${id}&`)
        .join('')}${names}`,
      `GET /api/v0/tsdb/latest?hostId=h100&${names}`,
    ]);
  });

  it('mark the role by its bare name, in whole seconds, with the texts cut', async () => {
    server.addService('Shop', ['web']);
    await mackerel.annotate({ ...MARK, title: 't'.repeat(251), description: 'd'.repeat(1024) });
    expect(server.requests.at(-1)).toMatchObject({
      method: 'POST',
      url: '/api/v0/graph-annotations',
      body: {
        service: 'Shop',
        roles: ['web'],
        title: `${'t'.repeat(249)}…`,
        description: 'd'.repeat(1024),
        from: AT_SECONDS,
        to: AT_SECONDS,
      },
    });
  });

  it.each([
    ['鯖', 251, `${'鯖'.repeat(249)}…`],
    ['🐟', 125, '🐟'.repeat(125)],
    ['🐟', 126, `${'🐟'.repeat(124)}…`],
  ])('cut between characters: %s times %i', async (character, times, title) => {
    server.addService('Shop', ['web']);
    await mackerel.annotate({ ...MARK, title: character.repeat(times) });
    expect(server.organization.marks).toMatchObject([{ title }]);
  });

  it('name each host once', async () => {
    const { id } = addHost('web-1');
    await mackerel.retire([id, id]);
    expect(server.requests.map(({ body }) => body)).toEqual([{ ids: [id] }]);
  });

  it('encode what is put into a path or a query', async () => {
    addHost('odd', { roleFullnames: [] });
    server.organization.hosts.set('a/b?c', { ...addHost('odd'), id: 'a/b?c' });
    await mackerel.hosts('Shop&role=all', 'web#1');
    await mackerel.setStatus(['a/b?c', 'nobody'], 'standby');
    expect(server.requests[0]?.url).toMatch('?service=Shop%26role%3Dall&role=web%231&');
    expect(server.requests.map(({ url }) => url)).toContain('/api/v0/hosts/a%2Fb%3Fc/status');
    expect(server.organization.hosts.get('a/b?c')?.status).toBe('standby');
  });
});

describe('who a host is', () => {
  const instanceOf = async (more: Parameters<typeof addHost>[1]) => {
    addHost('web-1', more);
    return (await mackerel.hosts('Shop', 'web'))[0]?.instanceId;
  };
  const cloud = (id: unknown, provider = 'ec2') => ({ cloud: { provider, metadata: { 'instance-id': id } } });

  it('is told by the custom identifier first', async () =>
    expect(await instanceOf({ customIdentifier: 'i-0aaa.ec2.amazonaws.com', meta: cloud('i-0bbb') })).toBe(
      'i-0aaa',
    ));
  it('is told by the cloud metadata where there is no custom identifier', async () =>
    expect(await instanceOf({ meta: cloud('i-0bbb') })).toBe('i-0bbb'));
  it('is told by the cloud metadata where the identifier is of another kind', async () =>
    expect(await instanceOf({ customIdentifier: 'db.rds.example', meta: cloud('i-0bbb') })).toBe('i-0bbb'));
  it.each<[string, unknown[], string[]]>([
    [
      'of today',
      [{ name: 'eth0', ipAddress: '10.0.1.23', ipv4Addresses: ['10.0.1.23', '10.0.1.24'] }],
      ['10.0.1.23', '10.0.1.24'],
    ],
    [
      'of former times',
      [{ name: 'eth0', ipAddress: '10.0.1.23', macAddress: '06:00:00:00:00:01' }],
      ['10.0.1.23'],
    ],
    [
      'of nothing that is an address',
      [{ name: '1.2.3', ipAddress: null, ipv6Addresses: ['fe80::1.2.3.4/64'] }],
      [],
    ],
  ])('may be told by the addresses where nothing else tells: %s', async (_, interfaces, addresses) => {
    addHost('web-1', { interfaces });
    expect((await mackerel.hosts('Shop', 'web'))[0]).toMatchObject({ addresses });
  });
  it('is unknown for an instance of another cloud', async () =>
    expect(await instanceOf({ meta: cloud('4242424242', 'gce') })).toBeUndefined());
  it('is unknown where the metadata holds something else', async () =>
    expect(await instanceOf({ meta: cloud(null) })).toBeUndefined());
  it('is unknown where the agent could not reach the metadata service', async () =>
    expect(await instanceOf({ meta: {} })).toBeUndefined());
});

describe('a list of hosts', () => {
  it.each([
    ['', 'web'],
    [' ', 'web'],
    ['Shop', ''],
  ])(
    'is not asked for with service "%s" and role "%s": Mackerel would list everybody',
    async (service, role) => {
      addHost('web-1');
      expect(await failureOf(mackerel.hosts(service, role))).toEqual(named('MackerelRoleUnknown'));
      expect(server.requests).toEqual([]);
    },
  );

  it('is not believed when it has a host of another role', async () => {
    const { id } = addHost('batch-1', { roleFullnames: ['Shop:batch', 'Blog:web'] });
    const everybody = JSON.stringify({ hosts: [...server.organization.hosts.values()] });
    server.fault({ reply: { status: 200, body: everybody } });
    const error = await failureOf(mackerel.hosts('Shop', 'web'));
    expect(error).toEqual(named('ServiceUnavailable', `${id}, which is not in Shop:web`));
  });

  it('leaves out a host that is marked as retired', async () => {
    const { id } = addHost('web-1');
    const retired = { ...addHost('web-2'), isRetired: true };
    const body = JSON.stringify({ hosts: [server.organization.hosts.get(id), retired] });
    server.fault({ reply: { status: 200, body } });
    expect((await mackerel.hosts('Shop', 'web')).map((host) => host.id)).toEqual([id]);
  });
});

describe('an answer that is not understood is unknown, never empty', () => {
  const NONSENSE = ['', 'null', '[]', '{}', '"ok"', '<html>Welcome to the hotel Wi-Fi</html>', '{"hosts":'];
  const cases = METHOD_CASES.flatMap(({ name, act }) => NONSENSE.map((body) => ({ name, act, body })));

  it.each(cases)('$name, told 200 with "$body"', async ({ act, body }) => {
    server.fault({ times: 9, reply: { status: 200, body } });
    expect(await failureOf(act(mackerel))).toEqual(named('ServiceUnavailable', 'not understood'));
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['hosts', '{"hosts":null}', 'hosts should be Array'],
    ['hosts', '{"hosts":[{"id":"h1"}]}', 'hosts.0.name should be "name"'],
    ['roles', '{"services":[{"name":"Shop"}]}', 'services.0.roles should be "roles"'],
    ['setStatus', '{"success":false}', 'success should be true'],
    ['openAlerts', '{"alerts":[{"id":"a1","status":"BAD"}]}', 'alerts.0.status'],
    ['monitors', '{"monitors":[{"id":"m1"}]}', 'monitors.0.type should be "type"'],
    ['latestMetric', '{"tsdbLatest":{"h1":{"loadavg5":{"time":"now"}}}}', 'time should be number'],
    ['metrics', '{"metrics":[{"time":1,"value":"2"}]}', 'metrics.0.value should be number'],
    ['annotate', '{"graphAnnotations":{}}', 'graphAnnotations should be Array'],
  ])('%s, told %s, says what was expected', async (name, body, message) => {
    server.fault({ times: 9, reply: { status: 200, body } });
    expect(await failureOf(METHODS[name]?.(mackerel) ?? Promise.resolve())).toEqual(
      named('ServiceUnavailable', message),
    );
  });

  it('a point without a value is none, and hides no other', async () => {
    server.fault({
      reply: { status: 200, body: '{"metrics":[{"time":60,"value":null},{"time":120,"value":7}]}' },
    });
    expect(await mackerel.metrics('h1', 'custom.nginx.5xx', AT, AT)).toEqual([
      { at: new Date(120_000), value: 7 },
    ]);
  });

  it('a status that Mackerel did not have when this was written is unknown too', async () => {
    const host = addHost('web-1');
    const body = JSON.stringify({ hosts: [{ ...host, status: 'hibernating' }] });
    server.fault({ reply: { status: 200, body } });
    expect(await failureOf(mackerel.hosts('Shop', 'web'))).toEqual(
      named('ServiceUnavailable', 'hosts.0.status'),
    );
  });

  it.each([
    '{"tsdbLatest":{}}',
    '{"tsdbLatest":{"h1":{}}}',
    '{"tsdbLatest":{"h1":null}}',
    '{"tsdbLatest":{"h1":{"loadavg5":null}}}',
  ])('but %s is a host without data', async (body) => {
    server.fault({ reply: { status: 200, body } });
    expect(await mackerel.latestMetric(['h1'])).toEqual(new Map());
  });
});

describe('a trouble that may pass', () => {
  it.each([408, 429, 500, 502, 503, 504])('is tried again after status %d', async (status) => {
    addHost('web-1');
    server.fault({ times: 2, reply: { status, body: '<html>Please wait</html>' } });
    expect(await mackerel.hosts('Shop', 'web')).toHaveLength(1);
    expect(server.requests).toHaveLength(3);
  });

  it('is tried again after a lost connection', async () => {
    addHost('web-1');
    server.fault({ times: 2, reply: 'reset' });
    expect(await mackerel.hosts('Shop', 'web')).toHaveLength(1);
  });

  it.each(['hang', 'stall'] as const)('is tried again when the answer %ss', async (reply) => {
    addHost('web-1');
    server.fault({ reply });
    const impatient = clientOf(server.url, { timeoutMs: 500 });
    expect(await impatient.hosts('Shop', 'web')).toHaveLength(1);
  });

  it.each(METHOD_CASES)('ends $name in ServiceUnavailable when it lasts', async ({ act }) => {
    server.fault({ times: 9, reply: { status: 503 } });
    expect(await failureOf(act(mackerel))).toEqual(
      named(
        'ServiceUnavailable',
        /^Mackerel did not answer \w+ \/api\/v0\/\S+ in 3 attempts \(last: status 503\)/,
      ),
    );
    expect(server.requests).toHaveLength(3);
  });

  it('names the time-out and the lost connection', async () => {
    server.fault({ times: 9, reply: 'hang' });
    const impatient = clientOf(server.url, { timeoutMs: 30, attempts: 2 });
    expect(await failureOf(impatient.roles('Shop'))).toEqual(
      named('ServiceUnavailable', 'in 2 attempts .last: no whole answer within 30 ms'),
    );
    await server.stop();
    expect(await failureOf(mackerel.roles('Shop'))).toEqual(named('ServiceUnavailable', 'ECONNREFUSED'));
  });

  it('is waited out longer each time', async () => {
    server.fault({ times: 9, reply: { status: 503 } });
    const pauses: number[] = [];
    const sleep = async (millis: number) => void pauses.push(millis);
    await failureOf(clientOf(server.url, { backoffMs: 100, attempts: 3, sleep }).roles('Shop'));
    // 100 and 200 ms, each shortened by half at most.
    expect(pauses).toHaveLength(2);
    expect(pauses.map((pause, index) => pause > 50 * 2 ** index && pause <= 100 * 2 ** index)).toEqual([
      true,
      true,
    ]);
  });

  it('that comes after Mackerel acted does no harm when it is tried again', async () => {
    const ids = [addHost('web-1').id, addHost('web-2').id];
    server.fault({ reply: 'reset', afterActing: true });
    expect(await mackerel.retire(ids)).toEqual({ refused: [] });
    expect([...server.organization.hosts.values()].every(({ isRetired }) => isRetired)).toBe(true);
  });
});

describe('a refusal', () => {
  it.each(METHOD_CASES)('of the key ends $name at once and says what to check', async ({ act }) => {
    const wrong = clientOf(server.url, { apiKey: async () => 'revoked-key' });
    expect(await failureOf(act(wrong))).toEqual(
      named('MackerelRefused', /401: Authentication failed.*Read and Write.*IP address restriction/),
    );
    expect(server.requests).toHaveLength(1);
  });

  it('of a key that may only read ends a write', async () => {
    const { id } = addHost('web-1');
    const reader = clientOf(server.url, { apiKey: async () => READ_ONLY_KEY });
    expect(await reader.hosts('Shop', 'web')).toHaveLength(1);
    expect(await failureOf(reader.retire([id]))).toEqual(
      named(
        'MackerelRefused',
        /POST \/api\/v0\/hosts\/bulk-retire with 403: Forbidden\. Check .*Read and Write/,
      ),
    );
    expect(server.organization.hosts.get(id)?.isRetired).toBe(false);
  });

  it.each(['object', 'string', 'html'] as const)('is quoted from an error in %s form', async (form) => {
    server.errorForm = form;
    const wrong = clientOf(server.url, { apiKey: async () => 'revoked-key' });
    const error = await failureOf(wrong.roles('Shop'));
    expect(error).toEqual(named('MackerelRefused', /(401: |401 )Authentication failed\. Please try/));
    expect(inspect(error)).not.toContain('<');
  });

  it('with an empty body still makes a sentence', async () => {
    server.fault({ reply: { status: 403 } });
    expect(await failureOf(mackerel.roles('Shop'))).toEqual(
      named('MackerelRefused', '403: no reason given. Check'),
    );
  });

  it('is quoted up to 200 characters', async () => {
    const body = JSON.stringify({ error: { message: `${'m'.repeat(199)}nn` } });
    server.fault({ reply: { status: 400, body } });
    expect(await failureOf(mackerel.openAlerts())).toEqual(
      named('MackerelRefused', /with 400: m{199}…\. Compare/),
    );
  });

  it.each(['hosts', 'roles', 'openAlerts', 'latestMetric'])(
    'with 404 is a refusal of %s, never an empty answer',
    async (name) => {
      server.fault({ times: 9, reply: { status: 404, body: '{"error":{"message":"Not found."}}' } });
      expect(await failureOf(METHODS[name]?.(mackerel) ?? Promise.resolve())).toEqual(
        named('MackerelRefused', 'with 404: Not found'),
      );
    },
  );

  it('by a redirect is not followed, since the key would go along', async () => {
    server.fault({ reply: { status: 302, headers: { Location: `${server.url}/api/v0/elsewhere` } } });
    expect(await failureOf(mackerel.roles('Shop'))).toEqual(named('MackerelRefused', 'with 302'));
    expect(server.requests).toHaveLength(1);
  });
});

describe('bulk calls of a large fleet', () => {
  const ids = Array.from({ length: 330 }, (_, n) => `h${n}`);

  /** A Mackerel that answers the nth request like this, after it has waited for as many as can be to be under way. */
  function crowded(answerOf: (nth: number) => Response) {
    const watched = { requests: 0, underWay: 0, most: 0 };
    const fetch = async () => {
      const nth = ++watched.requests;
      watched.underWay += 1;
      await new Promise((resolve) => setTimeout(resolve, 5 + nth));
      watched.most = Math.max(watched.most, watched.underWay);
      watched.underWay -= 1;
      return answerOf(nth);
    };
    const client = mackerelClient({ apiKey: async () => FULL_KEY, fetch, backoffMs: 1, attempts: 2 });
    return { client, watched };
  }
  const success = () => new Response('{"success":true}');

  it('go out ten side by side, and no more', async () => {
    const { client, watched } = crowded(success);
    await client.retire(ids);
    expect(watched).toEqual({ requests: 11, underWay: 0, most: 10 });
  });

  it('are asked again, each by itself, when Mackerel asks to slow down', async () => {
    const { client, watched } = crowded((nth) => (nth === 2 ? new Response('', { status: 429 }) : success()));
    await client.setStatus(ids, 'maintenance');
    expect(watched).toMatchObject({ requests: 12, underWay: 0 });
  });

  it('fail only when none is under way anymore, and then send no further one', async () => {
    const { client, watched } = crowded((nth) =>
      nth === 1 || nth === 11 ? new Response('', { status: 503 }) : success(),
    );
    expect(await failureOf(client.retire(ids))).toEqual(named('ServiceUnavailable', 'in 2 attempts'));
    expect(watched).toMatchObject({ requests: 11, underWay: 0 });
  });
});

describe('a bulk call that fails', () => {
  const reject = (id: string, status: number, message: string) =>
    server.fault({
      times: 9,
      on: ({ url }) => url.startsWith(`/api/v0/hosts/${id}/`),
      reply: { status, body: JSON.stringify({ error: { message } }) },
    });

  it('is done one by one, for those alone who are still there', async () => {
    const [first, last] = [addHost('web-1').id, addHost('web-2').id];
    expect(await mackerel.retire([first, 'gone', last])).toEqual({ refused: [] });
    expect(lines()).toEqual([
      'POST /api/v0/hosts/bulk-retire',
      'GET /api/v0/hosts?status=working&status=standby&status=maintenance&status=poweroff',
      `POST /api/v0/hosts/${first}/retire`,
      `POST /api/v0/hosts/${last}/retire`,
    ]);
  });

  it('leaves the other bulks alone', async () => {
    const ids = Array.from({ length: 59 }, (_, n) => addHost(`web-${n}`).id);
    await mackerel.retire(['gone', ...ids]);
    const bulks = server.requests.filter(({ url }) => url.endsWith('bulk-retire'));
    expect(bulks).toHaveLength(2);
    expect([...server.organization.hosts.values()].every(({ isRetired }) => isRetired)).toBe(true);
  });

  it('tells who was refused and why, and retires the rest', async () => {
    const [first, second, third] = [addHost('web-1').id, addHost('web-2').id, addHost('web-3').id];
    reject(second, 400, 'This host may not be retired.');
    expect(await mackerel.retire([first, second, 'gone', third])).toEqual({
      refused: [{ id: second, reason: '400: This host may not be retired.' }],
    });
    expect((await mackerel.hosts('Shop', 'web')).map(({ id }) => id)).toEqual([second]);
  });

  it('fails with MackerelRefused where a status was not set, and sets the rest', async () => {
    const [first, second] = [addHost('web-1').id, addHost('web-2').id];
    reject(first, 400, 'No.');
    expect(await failureOf(mackerel.setStatus([first, second, 'gone'], 'poweroff'))).toEqual(
      named('MackerelRefused', `to poweroff: ${first} .400: No.`),
    );
    expect(server.organization.hosts.get(second)?.status).toBe('poweroff');
  });

  it('counts a host as done that retired while it was being asked about', async () => {
    const { id } = addHost('web-1');
    server.fault({
      on: ({ url }) => url.endsWith(`/${id}/retire`),
      afterActing: true,
      reply: { status: 404, body: '{"error":{"message":"Host Not Found."}}' },
    });
    expect(await mackerel.retire([id, 'gone'])).toEqual({ refused: [] });
  });

  it('counts a host as done that Mackerel lists as retired', async () => {
    const retired = { ...addHost('web-1'), isRetired: true };
    server.fault({
      on: ({ method }) => method === 'GET',
      reply: { status: 200, body: JSON.stringify({ hosts: [retired] }) },
    });
    await mackerel.setStatus([retired.id, 'gone'], 'standby');
    expect(server.requests).toHaveLength(2);
    expect(server.organization.hosts.get(retired.id)?.status).toBe('working');
  });

  it('does not take a failed look for "gone"', async () => {
    const { id } = addHost('web-1');
    server.fault({ times: 9, on: ({ method }) => method === 'GET', reply: { status: 503 } });
    expect(await failureOf(mackerel.retire([id, 'gone']))).toEqual(named('ServiceUnavailable'));
  });

  it('does not take the 404 of a wrong address for "gone"', async () => {
    const elsewhere = createServer((_, response) => response.writeHead(404).end('{"error":"Not found."}'));
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const lost = clientOf(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`);
    expect(await failureOf(lost.retire(['h1']))).toEqual(
      named('MackerelRefused', 'GET /api/v0/hosts with 404'),
    );
    expect(await failureOf(lost.setStatus(['h1'], 'poweroff'))).toEqual(named('MackerelRefused'));
    elsewhere.close();
    elsewhere.closeAllConnections();
  });
});

describe('the latest metric', () => {
  it('is the newest of all that the agent posts', async () => {
    const { id } = addHost('web-1');
    const times = {
      loadavg5: 100,
      'memory.used': 160,
      'cpu.user.percentage': 40,
      'custom.ec2.cpu.used': 900,
    };
    for (const [name, time] of Object.entries(times)) server.addSample(id, name, { time, value: 1 });
    expect(await mackerel.latestMetric([id])).toEqual(new Map([[id, new Date(160_000)]]));
  });

  it('is not one that AWS Integration posts for a host without an agent', async () => {
    const { id } = addHost('web-1');
    server.addSample(id, 'custom.ec2.cpu.used', { time: 900, value: 1 });
    expect(await mackerel.latestMetric([id])).toEqual(new Map());
  });
});

describe('alerts', () => {
  it('of 5,000 are listed whole', async () => {
    for (let n = 0; n < 5000; n += 1) server.addAlert({ type: 'external', status: 'WARNING' });
    expect(await mackerel.openAlerts()).toHaveLength(5000);
  });

  it('beyond 5,000 are unknown rather than cut off', async () => {
    for (let n = 0; n < 5001; n += 1) server.addAlert({ type: 'external', status: 'WARNING' });
    expect(await failureOf(mackerel.openAlerts())).toEqual(
      named('ServiceUnavailable', 'more than 5000 open alerts'),
    );
    expect(server.requests).toHaveLength(50);
  });

  it('without a host have none, and without words say their type', async () => {
    server.addAlert({ type: 'external', status: 'UNKNOWN', openedAt: AT_SECONDS });
    const { id } = server.addAlert({
      type: 'connectivity',
      status: 'CRITICAL',
      hostId: 'h1',
      openedAt: AT_SECONDS,
    });
    const openedAt = new Date(AT_SECONDS * 1000);
    expect(await mackerel.openAlerts()).toEqual([
      { id, status: 'CRITICAL', monitorId: 'mon1', hostId: 'h1', message: 'connectivity', openedAt },
      { id: expect.any(String), status: 'UNKNOWN', monitorId: 'mon1', message: 'external', openedAt },
    ]);
  });

  it('that are closed or recovered are not listed, even if Mackerel lists them', async () => {
    const open = { id: 'a1', monitorId: 'm', type: 'host', hostId: 'h1', openedAt: 1 };
    const alerts = [
      { ...open, status: 'WARNING', closedAt: 2 },
      { ...open, status: 'OK', closedAt: null },
      { ...open, id: 'a3', status: 'WARNING', closedAt: null },
    ];
    server.fault({ reply: { status: 200, body: JSON.stringify({ alerts, nextId: null }) } });
    expect((await mackerel.openAlerts()).map(({ id }) => id)).toEqual(['a3']);
  });
});

describe('annotations', () => {
  it('made twice are one mark', async () => {
    server.addService('Shop', ['web', 'batch']);
    await mackerel.annotate(MARK);
    await mackerel.annotate({ ...MARK, to: new Date(AT.getTime() + 5000) });
    expect(server.organization.marks).toHaveLength(1);
    await mackerel.annotate({ ...MARK, role: 'batch' });
    await mackerel.annotate({ ...MARK, title: 'Rolled back' });
    await mackerel.annotate({ ...MARK, from: new Date(AT.getTime() - 5000) });
    expect(server.organization.marks).toHaveLength(4);
  });

  it('whose answer was lost are one mark', async () => {
    server.addService('Shop', ['web']);
    server.fault({ on: ({ method }) => method === 'POST', times: 3, afterActing: true, reply: 'reset' });
    const once = clientOf(server.url, { attempts: 1 });
    expect(await failureOf(once.annotate(MARK))).toEqual(named('ServiceUnavailable'));
    await mackerel.annotate(MARK);
    expect(server.organization.marks).toHaveLength(1);
  });
});

describe('the API key', () => {
  const everywhere = (error: unknown) => inspect(error, { depth: 10, showHidden: true });
  const KEY_SHAPES = ['', '  ', 'two words', 'line\nbreak', 'ключ'];

  it.each(KEY_SHAPES)('"%s" is told to be unusable, without being told', async (key) => {
    const error = await failureOf(clientOf(server.url, { apiKey: async () => key }).roles('Shop'));
    expect(error).toEqual(named('MackerelKeyUnreadable'));
    if (key.trim()) expect(everywhere(error)).not.toContain(key);
    expect(server.requests).toEqual([]);
  });

  it('may have line ends around it', async () => {
    server.addService('Shop', ['web']);
    const client = clientOf(server.url, { apiKey: async () => `\n${FULL_KEY}\r\n` });
    expect(await client.roles('Shop')).toEqual(['web']);
  });

  it('that cannot be read ends the call under its own name', async () => {
    const unreadable = new DeploymentError('MackerelKeyUnreadable', 'no such parameter');
    const client = clientOf(server.url, { apiKey: () => Promise.reject(unreadable) });
    expect(await failureOf(client.roles('Shop'))).toBe(unreadable);
  });

  const REPLIES = [
    { what: 'a lost connection', reply: 'reset' },
    { what: 'a time-out', reply: 'hang' },
    { what: 'an answer cut off', reply: 'stall' },
    ...[302, 400, 401, 403, 404, 429, 500].map((status) => ({
      what: `status ${status} that echoes the request`,
      reply: { status, body: `{"error":{"message":"X-Api-Key: ${FULL_KEY}"}}` },
    })),
    { what: 'a 200 that echoes the request', reply: { status: 200, body: `{"hosts":"${FULL_KEY}"}` } },
    { what: 'a page that echoes the request', reply: { status: 400, body: `<p>X-Api-Key: ${FULL_KEY}</p>` } },
  ] as const;
  const cases = REPLIES.flatMap(({ what, reply }) =>
    METHOD_CASES.map(({ name, act }) => ({ name, act, what, reply })),
  );

  it.each(some(cases))('shows nowhere in the error of $name after $what', async ({ act, reply }) => {
    server.fault({ times: 99, reply });
    const error = await failureOf(act(clientOf(server.url, { timeoutMs: 30, attempts: 2 })));
    expect(error).toBeInstanceOf(DeploymentError);
    expect(everywhere(error)).not.toContain(FULL_KEY);
  });

  it.each([
    ['TypeError', undefined],
    ['ECONNABORTED', 'ECONNABORTED'],
  ])('shows nowhere when fetch itself quotes it: %s', async (told, code) => {
    const cause = Object.assign(new Error(FULL_KEY), code && { code });
    const quoting = () => Promise.reject(new TypeError(`invalid header ${FULL_KEY}`, { cause }));
    const error = await failureOf(clientOf(server.url, { fetch: quoting }).roles('Shop'));
    expect(error).toEqual(named('ServiceUnavailable', `last: ${told}`));
    expect(everywhere(error)).not.toContain(FULL_KEY);
  });
});

describe('the reader of steps that change nothing', () => {
  it('reads, and sends nothing that would change something', async () => {
    const reader = mackerelReader({ apiKey: async () => FULL_KEY, baseUrl: server.url, ...QUICK });
    server.addService('Shop', ['web']);
    expect(await reader.roles('Shop')).toEqual(['web']);
    const asked = server.requests.length;
    const writes = [
      () => reader.setStatus(['h1'], 'standby'),
      () => reader.retire(['h1']),
      () => reader.annotate(MARK),
      () => reader.postServiceMetrics('Shop', []),
      () => reader.setMetadata(['h1'], 'irekae', {}),
      () => reader.proveWriting('Shop'),
    ];
    for (const write of writes) expect(await failureOf(write())).toEqual(named('StepCrashed', 'only reads'));
    expect(server.requests).toHaveLength(asked);
  });
});
