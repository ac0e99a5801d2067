/**
 * What every `Mackerel` does, however it is made: the adapter over HTTP and the simulator's model pass the same suite,
 * or the simulator would tell stories about a Mackerel that does not exist.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Mackerel, MackerelMonitor, MackerelStatus } from '../../lambdas/ports/mackerel.ts';

/** A Mackerel organization of its own, and the hand that arranges what happens in it. */
export interface MackerelSubject {
  readonly mackerel: Mackerel;
  /** Registers a host, `working` unless said otherwise, and answers its id. Roles are `Service:role`. */
  add(host: {
    name: string;
    instanceId?: string;
    roles: string[];
    status?: MackerelStatus;
    createdAt?: Date;
  }): Promise<string>;
  /** A critical alert. */
  openAlert(hostId: string, message: string): Promise<void>;
  /** A monitor, and a critical alert of it. */
  openMonitor(monitor: Omit<MackerelMonitor, 'id'>, value: number): Promise<void>;
  /** A metric that an agent posts; by default, one that each does. */
  postMetric(hostId: string, at: Date, name?: string, value?: number): Promise<void>;
  addService(name: string, roles: string[]): Promise<void>;
  hostState(hostId: string): Promise<{ status: MackerelStatus; retired: boolean }>;
  /** The values of a service metric, oldest first. */
  servicePoints(service: string, name: string): Promise<readonly { at: Date; value: number }[]>;
  /** What stands there; `undefined`: nothing. */
  metadata(hostId: string, namespace: string): Promise<unknown>;
  stop(): Promise<void>;
}

const AT = new Date('2026-03-01T09:00:00Z');
const later = (seconds: number) => new Date(AT.getTime() + seconds * 1000);
const ROLE = 'Shop:web';

let subject: MackerelSubject;

const addMany = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => subject.add({ name: `web-${n}`, roles: [ROLE] })));
const statesOf = (ids: readonly string[]) => Promise.all(ids.map((id) => subject.hostState(id)));
const idsOf = async (service: string, role: string) =>
  (await subject.mackerel.hosts(service, role)).map(({ id }) => id).sort();

export function mackerelContract(title: string, arrange: () => Promise<MackerelSubject>): void {
  describe(title, () => {
    const within = (story: () => Promise<void>) => async () => {
      subject = await arrange();
      await story();
    };
    afterEach(() => subject.stop());

    describe('hosts', () => hostsBehaviour(within));
    describe('roles', () => rolesBehaviour(within));
    describe('setStatus', () => setStatusBehaviour(within));
    describe('retire', () => retireBehaviour(within));
    describe('openAlerts', () => openAlertsBehaviour(within));
    describe('monitors', () => monitorsBehaviour(within));
    describe('latestMetric', () => latestMetricBehaviour(within));
    describe('metrics', () => metricsBehaviour(within));
    describe('annotate', () => annotateBehaviour(within));
    describe('postServiceMetrics', () => postServiceMetricsBehaviour(within));
    describe('setMetadata', () => setMetadataBehaviour(within));
    describe('proveWriting', () => proveWritingBehaviour(within));
  });
}

/** Runs a story in a fresh organization. */
type Within = (story: () => Promise<void>) => () => Promise<void>;

function hostsBehaviour(within: Within): void {
  it(
    'tells name, status, instance and age of a host',
    within(async () => {
      const id = await subject.add({
        name: 'ip-10-0-1-23',
        instanceId: 'i-0a1b2c3d',
        roles: [ROLE],
        createdAt: AT,
      });
      expect(await subject.mackerel.hosts('Shop', 'web')).toEqual([
        { id, name: 'ip-10-0-1-23', status: 'working', instanceId: 'i-0a1b2c3d', createdAt: AT },
      ]);
    }),
  );

  it(
    'lists hosts in each of the four statuses',
    within(async () => {
      const statuses = ['working', 'standby', 'maintenance', 'poweroff'] as const;
      for (const status of statuses) await subject.add({ name: status, roles: [ROLE], status });
      const listed = await subject.mackerel.hosts('Shop', 'web');
      expect(listed.map(({ status }) => status).sort()).toEqual([...statuses].sort());
    }),
  );

  it(
    'keeps other roles, and the same role of other services, out',
    within(async () => {
      const web = await subject.add({ name: 'web', roles: [ROLE] });
      const both = await subject.add({ name: 'both', roles: ['Shop:batch', ROLE, 'Blog:web'] });
      await subject.add({ name: 'batch', roles: ['Shop:batch'] });
      await subject.add({ name: 'blog', roles: ['Blog:web'] });
      await subject.add({ name: 'crossed', roles: ['Blog:web', 'Shop:batch'] });
      await subject.add({ name: 'without any role', roles: [] });
      expect(await idsOf('Shop', 'web')).toEqual([web, both].sort());
    }),
  );

  it(
    'lists no retired host',
    within(async () => {
      const kept = await subject.add({ name: 'kept', roles: [ROLE] });
      const retired = await subject.add({ name: 'retired', roles: [ROLE] });
      await subject.mackerel.retire([retired]);
      expect(await idsOf('Shop', 'web')).toEqual([kept]);
    }),
  );

  it(
    'gives no instance id to a host that EC2 does not run, whatever its name',
    within(async () => {
      await subject.add({ name: 'i-0a1b2c3d', roles: [ROLE] });
      const [host] = await subject.mackerel.hosts('Shop', 'web');
      expect(host).not.toHaveProperty('instanceId');
      expect(host?.addresses).toEqual([]);
    }),
  );

  it(
    'lists both of two hosts that claim the same instance',
    within(async () => {
      await subject.add({ name: 'first', instanceId: 'i-0a1b2c3d', roles: [ROLE] });
      await subject.add({ name: 'second', instanceId: 'i-0a1b2c3d', roles: [ROLE] });
      const listed = await subject.mackerel.hosts('Shop', 'web');
      expect(listed.map(({ instanceId }) => instanceId)).toEqual(['i-0a1b2c3d', 'i-0a1b2c3d']);
    }),
  );

  it(
    'is empty for a role without hosts',
    within(async () => {
      await subject.addService('Shop', ['web']);
      expect(await subject.mackerel.hosts('Shop', 'web')).toEqual([]);
    }),
  );
}

function rolesBehaviour(within: Within): void {
  it(
    'lists the roles of the service alone',
    within(async () => {
      await subject.addService('Shop', ['web', 'batch']);
      await subject.addService('Blog', ['proxy']);
      expect([...((await subject.mackerel.roles('Shop')) ?? [])].sort()).toEqual(['batch', 'web']);
    }),
  );

  it(
    'tells a service without roles from no such service',
    within(async () => {
      await subject.addService('Shop', []);
      expect(await subject.mackerel.roles('Shop')).toEqual([]);
      expect(await subject.mackerel.roles('Shops')).toBeUndefined();
    }),
  );
}

function setStatusBehaviour(within: Within): void {
  it(
    'sets every host, more than one bulk of them, and no other',
    within(async () => {
      const [bystander, ...ids] = await addMany(62);
      await subject.mackerel.setStatus(ids, 'poweroff');
      expect(new Set((await statesOf(ids)).map(({ status }) => status))).toEqual(new Set(['poweroff']));
      expect(await subject.hostState(bystander ?? '')).toEqual({ status: 'working', retired: false });
    }),
  );

  it(
    'may be repeated and taken back',
    within(async () => {
      const [id = ''] = await addMany(1);
      await subject.mackerel.setStatus([id], 'maintenance');
      await subject.mackerel.setStatus([id, id], 'maintenance');
      expect(await subject.hostState(id)).toEqual({ status: 'maintenance', retired: false });
      await subject.mackerel.setStatus([id], 'working');
      expect(await subject.hostState(id)).toEqual({ status: 'working', retired: false });
    }),
  );

  it(
    'counts an unknown and a retired host as done and sets the rest',
    within(async () => {
      const [first = '', retired = '', last = ''] = await addMany(3);
      await subject.mackerel.retire([retired]);
      await subject.mackerel.setStatus([first, 'nobody', retired, last], 'standby');
      expect((await statesOf([first, last])).map(({ status }) => status)).toEqual(['standby', 'standby']);
      expect((await subject.hostState(retired)).retired).toBe(true);
    }),
  );

  it(
    'does nothing for an empty list',
    within(async () => {
      const ids = await addMany(2);
      await subject.mackerel.setStatus([], 'poweroff');
      expect((await statesOf(ids)).map(({ status }) => status)).toEqual(['working', 'working']);
    }),
  );
}

function retireBehaviour(within: Within): void {
  it(
    'retires every host, more than one bulk of them, and no other',
    within(async () => {
      const [bystander = '', ...ids] = await addMany(62);
      expect(await subject.mackerel.retire(ids)).toEqual({ refused: [] });
      expect((await statesOf(ids)).every(({ retired }) => retired)).toBe(true);
      expect(await idsOf('Shop', 'web')).toEqual([bystander]);
    }),
  );

  it(
    'counts a host that is already retired as done',
    within(async () => {
      const [id = ''] = await addMany(1);
      await subject.mackerel.retire([id]);
      expect(await subject.mackerel.retire([id, id])).toEqual({ refused: [] });
    }),
  );

  it(
    'counts an unknown host as done and retires the rest',
    within(async () => {
      const [first = '', last = ''] = await addMany(2);
      expect(await subject.mackerel.retire([first, 'nobody', last])).toEqual({ refused: [] });
      expect(await idsOf('Shop', 'web')).toEqual([]);
    }),
  );

  it(
    'does nothing for an empty list',
    within(async () => {
      const ids = await addMany(2);
      expect(await subject.mackerel.retire([])).toEqual({ refused: [] });
      expect(await idsOf('Shop', 'web')).toEqual([...ids].sort());
    }),
  );

  it(
    'closes the alerts of the host',
    within(async () => {
      const [gone = '', kept = ''] = await addMany(2);
      await subject.openAlert(gone, 'about the one that goes');
      await subject.openAlert(kept, 'about the one that stays');
      await subject.mackerel.retire([gone]);
      expect((await subject.mackerel.openAlerts()).map(({ hostId }) => hostId)).toEqual([kept]);
    }),
  );
}

function openAlertsBehaviour(within: Within): void {
  it(
    'is empty when nothing is wrong',
    within(async () => {
      await addMany(1);
      expect(await subject.mackerel.openAlerts()).toEqual([]);
    }),
  );

  it(
    'tells host, severity, time and words of an alert',
    within(async () => {
      const [id = ''] = await addMany(1);
      await subject.openAlert(id, 'no free memory');
      expect(await subject.mackerel.openAlerts()).toMatchObject([
        {
          id: expect.any(String),
          status: 'CRITICAL',
          hostId: id,
          message: 'no free memory',
          openedAt: expect.any(Date),
        },
      ]);
    }),
  );

  it(
    'lists all of more than two pages, newest first',
    within(async () => {
      const [id = ''] = await addMany(1);
      const messages = Array.from({ length: 205 }, (_, n) => `alert ${n}`);
      for (const message of messages) await subject.openAlert(id, message);
      const alerts = await subject.mackerel.openAlerts();
      expect(alerts.map(({ message }) => message).sort()).toEqual([...messages].sort());
      expect(new Set(alerts.map((alert) => alert.id)).size).toBe(205);
      const times = alerts.map(({ openedAt }) => openedAt.getTime());
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }),
  );
}

function latestMetricBehaviour(within: Within): void {
  it(
    'tells when each host last posted and leaves out those that never did',
    within(async () => {
      const [often = '', once = '', never = ''] = await addMany(3);
      for (const seconds of [0, 120, 60]) await subject.postMetric(often, later(seconds));
      await subject.postMetric(once, later(30));
      expect(await subject.mackerel.latestMetric([often, once, never, 'nobody'])).toEqual(
        new Map([
          [often, later(120)],
          [once, later(30)],
        ]),
      );
    }),
  );

  it(
    'answers for the hosts asked about alone, and for none with nothing',
    within(async () => {
      const [asked = '', other = ''] = await addMany(2);
      await subject.postMetric(asked, AT);
      await subject.postMetric(other, AT);
      expect(await subject.mackerel.latestMetric([asked])).toEqual(new Map([[asked, AT]]));
      expect(await subject.mackerel.latestMetric([])).toEqual(new Map());
    }),
  );

  it(
    'answers for more hosts than one request holds',
    within(async () => {
      const ids = await addMany(101);
      for (const id of ids) await subject.postMetric(id, AT);
      expect(await subject.mackerel.latestMetric(ids)).toEqual(new Map(ids.map((id) => [id, AT])));
    }),
  );
}

function metricsBehaviour(within: Within): void {
  const ERRORS = 'custom.nginx.5xx';

  it(
    'lists what the host posted under the name, both ends included',
    within(async () => {
      const [asked = '', other = ''] = await addMany(2);
      for (const minute of [0, 1, 2, 3]) await subject.postMetric(asked, later(60 * minute), ERRORS, minute);
      await subject.postMetric(asked, later(60), 'loadavg5', 0.5);
      await subject.postMetric(other, later(60), ERRORS, 99);
      expect(await subject.mackerel.metrics(asked, ERRORS, later(60), later(120))).toEqual([
        { at: later(60), value: 1 },
        { at: later(120), value: 2 },
      ]);
    }),
  );

  it(
    'has nothing of a host or a metric that nobody knows, and of other times',
    within(async () => {
      const [id = ''] = await addMany(1);
      await subject.postMetric(id, AT, ERRORS, 7);
      const asked = [
        subject.mackerel.metrics('nobody', ERRORS, AT, later(60)),
        subject.mackerel.metrics(id, 'custom.nginx.4xx', AT, later(60)),
        subject.mackerel.metrics(id, ERRORS, later(60), later(120)),
      ];
      expect(await Promise.all(asked)).toEqual([[], [], []]);
    }),
  );
}

function annotateBehaviour(within: Within): void {
  const mark = { service: 'Shop', role: 'web', title: 'Deployed', description: '', from: AT, to: later(60) };

  it(
    'takes texts longer than Mackerel does',
    within(async () => {
      await subject.addService('Shop', ['web']);
      const long = { ...mark, title: 't'.repeat(300), description: 'd'.repeat(2000) };
      await expect(subject.mackerel.annotate(long)).resolves.toBeUndefined();
    }),
  );

  it(
    'fails with MackerelRoleUnknown where the service or the role does not exist',
    within(async () => {
      await subject.addService('Shop', ['web']);
      const unknown = expect.objectContaining({ name: 'MackerelRoleUnknown' });
      await expect(subject.mackerel.annotate({ ...mark, service: 'Shops' })).rejects.toEqual(unknown);
      await expect(subject.mackerel.annotate({ ...mark, role: 'webs' })).rejects.toEqual(unknown);
    }),
  );
}

function postServiceMetricsBehaviour(within: Within): void {
  const points = [
    { name: 'irekae.web.seconds.bring-up', value: 72.5, at: AT },
    { name: 'irekae.web.failures', value: 0, at: AT },
  ];

  it(
    'keeps each value under its name and second',
    within(async () => {
      await subject.addService('Shop', ['web']);
      await subject.mackerel.postServiceMetrics('Shop', points);
      expect(await subject.servicePoints('Shop', 'irekae.web.seconds.bring-up')).toEqual([
        { at: AT, value: 72.5 },
      ]);
      expect(await subject.servicePoints('Shop', 'irekae.web.failures')).toEqual([{ at: AT, value: 0 }]);
    }),
  );

  it(
    'may be repeated: a point takes the place of an earlier one of its name and second',
    within(async () => {
      await subject.addService('Shop', ['web']);
      await subject.mackerel.postServiceMetrics('Shop', points);
      await subject.mackerel.postServiceMetrics('Shop', [{ name: 'irekae.web.failures', value: 1, at: AT }]);
      await subject.mackerel.postServiceMetrics('Shop', [
        { name: 'irekae.web.failures', value: 0, at: later(60) },
      ]);
      expect(await subject.servicePoints('Shop', 'irekae.web.failures')).toEqual([
        { at: AT, value: 1 },
        { at: later(60), value: 0 },
      ]);
    }),
  );

  it(
    'fails with MackerelRoleUnknown where the service does not exist, and does nothing for an empty list',
    within(async () => {
      await subject.addService('Shop', ['web']);
      await expect(subject.mackerel.postServiceMetrics('Shops', points)).rejects.toEqual(
        expect.objectContaining({ name: 'MackerelRoleUnknown' }),
      );
      await expect(subject.mackerel.postServiceMetrics('Shop', [])).resolves.toBeUndefined();
    }),
  );

  it(
    'fails with MackerelRefused for a name that Mackerel does not take',
    within(async () => {
      await subject.addService('Shop', ['web']);
      await expect(
        subject.mackerel.postServiceMetrics('Shop', [{ name: 'bring up', value: 1, at: AT }]),
      ).rejects.toEqual(expect.objectContaining({ name: 'MackerelRefused' }));
    }),
  );
}

function proveWritingBehaviour(within: Within): void {
  it(
    'needs no host, and may be done again',
    within(async () => {
      await subject.addService('Shop', ['web']);
      await subject.mackerel.proveWriting('Shop');
      await expect(subject.mackerel.proveWriting('Shop')).resolves.toBeUndefined();
    }),
  );

  it(
    'is refused of a service that is not there',
    within(async () => {
      await expect(subject.mackerel.proveWriting('nobody')).rejects.toEqual(
        expect.objectContaining({ name: 'MackerelRoleUnknown' }),
      );
    }),
  );
}

function setMetadataBehaviour(within: Within): void {
  const RELEASE = { fleet: 'shop', artifact: { versionId: 'v2' } };

  it(
    'writes the same to every host, more than are told side by side, and to no other',
    within(async () => {
      const [bystander = '', ...ids] = await addMany(60);
      expect(await subject.mackerel.setMetadata(ids, 'irekae', RELEASE)).toEqual({ refused: [] });
      const written = await Promise.all(ids.map((id) => subject.metadata(id, 'irekae')));
      expect(written).toEqual(ids.map(() => RELEASE));
      expect(await subject.metadata(bystander, 'irekae')).toBeUndefined();
    }),
  );

  it(
    'takes the place of what stood there, and leaves other namespaces alone',
    within(async () => {
      const [id = ''] = await addMany(1);
      await subject.mackerel.setMetadata([id], 'theirs', [1, 2]);
      await subject.mackerel.setMetadata([id], 'irekae', { fleet: 'shop', why: 'once' });
      await subject.mackerel.setMetadata([id, id], 'irekae', RELEASE);
      expect(await subject.metadata(id, 'irekae')).toEqual(RELEASE);
      expect(await subject.metadata(id, 'theirs')).toEqual([1, 2]);
    }),
  );

  it(
    'answers which hosts are unknown or retired, and writes to the rest',
    within(async () => {
      const [first = '', retired = '', last = ''] = await addMany(3);
      await subject.mackerel.retire([retired]);
      const { refused } = await subject.mackerel.setMetadata(
        [first, 'nobody', retired, last],
        'irekae',
        RELEASE,
      );
      expect(refused).toEqual([
        { id: 'nobody', reason: expect.stringMatching(/^404/) },
        { id: retired, reason: expect.stringMatching(/^400/) },
      ]);
      expect(await subject.metadata(first, 'irekae')).toEqual(RELEASE);
      expect(await subject.metadata(last, 'irekae')).toEqual(RELEASE);
    }),
  );

  it(
    'does nothing for an empty list',
    within(async () => {
      expect(await subject.mackerel.setMetadata([], 'irekae', RELEASE)).toEqual({ refused: [] });
    }),
  );
}

function monitorsBehaviour(within: (story: () => Promise<void>) => () => Promise<void>): void {
  it(
    'are listed with what an alert of theirs says, and how long that takes',
    within(async () => {
      const errors = {
        name: 'errors',
        type: 'service',
        isMute: false,
        durationMinutes: 3,
        maxCheckAttempts: 2,
      };
      await subject.openMonitor(errors, 12.5);
      const [alert] = await subject.mackerel.openAlerts();
      expect(alert).toMatchObject({ status: 'CRITICAL', value: 12.5 });
      expect(alert?.hostId).toBeUndefined();
      const monitors = await subject.mackerel.monitors();
      expect(monitors.filter(({ id }) => id === alert?.monitorId)).toEqual([
        { ...errors, id: expect.any(String) },
      ]);
    }),
  );
}
