import { describe, expect, it } from 'vitest';
import type { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import {
  alreadyAlerting,
  assertNoMonitorAlerts,
  assertQuiet,
  resolveMonitors,
} from '../../lambdas/domain/hosts/monitors.ts';
import type { MackerelAlert, MackerelMonitor } from '../../lambdas/ports/mackerel.ts';
import { aLaunch, aLook, aSnapshot, at, launched } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

const TYPES = ['host', 'service', 'connectivity', 'external', 'expression', 'anomalyDetection', 'query'];

const monitor = (name: string, more: Partial<MackerelMonitor> = {}): MackerelMonitor => ({
  id: `id of ${name}`,
  name,
  type: 'service',
  isMute: false,
  ...more,
});
const ERRORS = { id: 'id of errors', name: 'errors', type: 'service', noticesAfterSeconds: 120 };
const alert = (more: Partial<MackerelAlert> = {}): MackerelAlert => ({
  id: 'alert-1',
  status: 'CRITICAL',
  monitorId: ERRORS.id,
  value: 12.5,
  message: '',
  openedAt: at(110),
  ...more,
});

const { monitorId: _monitor, ...NO_MONITOR } = alert();

describe('the monitors that decide', () => {
  it.each<[string, Partial<MackerelMonitor>, number]>([
    ['one evaluation of one minute', {}, 120],
    ['a stretch of five minutes', { durationMinutes: 5 }, 360],
    ['three evaluations in a row', { type: 'external', maxCheckAttempts: 3 }, 240],
    ['Mackerel’s own patience with a silent agent', { type: 'connectivity' }, 660],
  ])('are heard after %s', (_title, more, noticesAfterSeconds) =>
    expect(resolveMonitors(['errors'], [monitor('errors', more)])).toMatchObject([{ noticesAfterSeconds }]),
  );

  it('are known by name or id, each once', () =>
    expect(resolveMonitors(['errors', 'id of errors'], [monitor('errors'), monitor('load')])).toEqual([
      ERRORS,
    ]));

  it('are refused with all that is wrong with them', () =>
    expect(() =>
      resolveMonitors(
        ['eror', 'twice', 'quiet'],
        [
          monitor('errors'),
          monitor('twice', { id: 'a' }),
          monitor('twice', { id: 'b' }),
          monitor('quiet', { isMute: true }),
        ],
      ),
    ).toThrow(
      failure(
        'MonitorUnusable',
        'watch.monitors names “eror”, and Mackerel has no such monitor; did you mean errors? ' +
          'watch.monitors names “twice”, and 2 monitors are called so: name one by its id (a and b). ' +
          'watch.monitors names “quiet”, which is muted and could not speak: unmute it, or do not name it. Nothing was changed.',
      ),
    ));
});

describe('before anything is launched', () => {
  const refused = (...alerts: MackerelAlert[]) =>
    alreadyAlerting(aFleet(), alerts, [ERRORS], aSnapshot().hosts).refusals.map(({ sentence }) => sentence);

  it('a monitor that alerts already refuses, with value and time', () =>
    expect(refused(alert())).toEqual([
      expect.stringContaining('CRITICAL of “errors” (service), value 12.5, since 20'),
    ]));

  it.each<[string, MackerelAlert]>([
    ['another monitor', alert({ monitorId: 'of somebody else' })],
    ['no monitor', NO_MONITOR],
    ['a named one on a host of others', alert({ hostId: 'a host of others' })],
    ['a warning on an old host', alert({ hostId: 'host of i-old1', status: 'WARNING' })],
  ])('an alert of %s does not', (_title, other) => expect(refused(other)).toEqual([]));

  it('an old host in trouble does, whatever found that', () =>
    expect(refused(alert({ monitorId: 'any', hostId: 'host of i-old1', message: 'disk full' }))).toEqual([
      expect.stringContaining('CRITICAL on the old host i-old1: disk full'),
    ]));

  it('is told where somebody insists', () =>
    expect(alreadyAlerting(aFleet(), [alert()], [ERRORS], [], { override: ['alerting'] })).toEqual({
      refusals: [],
      although: expect.stringContaining('although Mackerel has open CRITICAL of “errors”'),
    }));
});

describe('right before the first new host gets traffic', () => {
  it('an alert that opened in the meantime undoes', () =>
    expect(() => assertQuiet(aFleet(), [alert()], [ERRORS])).toThrow(failure('AlreadyAlerting')));
  it('who goes back is told how to insist on that, and not on another release', () => {
    const input: DeploymentInput = { rollbackTo: 'previous', override: ['freeze'], reason: 'it is bad' };
    const how =
      /irekae-shop-override with {"rollbackTo": "previous", "override": \["freeze", "alerting"\], "reason": "…"}/;
    expect(() => assertQuiet(aFleet(), [alert()], [ERRORS], input)).toThrow(how);
    const { refusals } = alreadyAlerting(aFleet(), [alert()], [ERRORS], [], input);
    expect(refusals[0]?.sentence).toMatch(how);
  });
  it('nothing open is nothing to tolerate', () => expect(assertQuiet(aFleet(), [], [ERRORS])).toEqual([]));
  it('who insists does not hear that monitor again', () =>
    expect(
      assertQuiet(aFleet(), [alert(), alert({ id: '2' })], [ERRORS], { override: ['alerting'] }),
    ).toEqual([ERRORS.id]));
});

describe('once the new hosts have traffic', () => {
  const snapshot = { ...aSnapshot(), monitors: [ERRORS] };
  const deployment = { ...launched(), oldHosts: snapshot, launch: aLaunch() };
  const judge = (alerts: MackerelAlert[], tolerated: string[] = []) =>
    assertNoMonitorAlerts({ ...deployment, readiness: { ...aLook({ ready: true }), tolerated } }, alerts, [
      { hostIds: ['host of i-new1'] },
    ]);

  it.each(TYPES)('an alert of a named monitor undoes (%s)', (type) => {
    const named = { ...deployment, oldHosts: { ...snapshot, monitors: [{ ...ERRORS, type }] } };
    expect(() => assertNoMonitorAlerts(named, [alert()], [])).toThrow(
      failure('AlertDuringBake', `(${type})`),
    );
  });

  it('also on a new host', () =>
    expect(() => judge([alert({ hostId: 'host of i-new1' })])).toThrow(failure('AlertDuringBake')));

  it.each<[string, MackerelAlert]>([
    ['on an old host', alert({ hostId: 'host of i-old1', message: 'load' })],
    ['of another monitor', alert({ monitorId: 'other', message: 'load' })],
  ])('one %s is told, and not obeyed', (_title, other) =>
    expect(judge([other])).toBe('not obeyed: CRITICAL load'),
  );

  it('one that was open before, and overridden, is told, and not obeyed', () =>
    expect(judge([alert({ message: 'errors' })], [ERRORS.id])).toBe('not obeyed: CRITICAL errors'));

  it('a fleet that names none hears nothing', () =>
    expect(assertNoMonitorAlerts({ ...deployment, oldHosts: aSnapshot() }, [alert()], [])).toBe(''));
});
