/** The document that travels: what a step takes at its door, and how large it can become. */
import { describe, expect, it } from 'vitest';
import { type Deployment, parseDeployment } from '../../lambdas/domain/core/document.ts';
import { list } from '../../lambdas/domain/core/words.ts';
import { mostStragglers } from '../../lambdas/domain/hosts/stragglers.ts';
import { recordOf, withoutTimeline } from '../../lambdas/domain/record/record.ts';
import { pack } from '../../lambdas/domain/record/timeline/packed.ts';
import { MOST_FIRST_OF_MANY, MOST_HOSTS } from '../../lib/fleet-rules.ts';
import {
  aLaunch,
  aLook,
  anOldHost,
  aSnapshot,
  at,
  baked,
  failedBy,
  IMAGE,
  iso,
  launched,
  RELEASE,
} from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { API, aFleet, WEB } from '../support/fleets.ts';

describe('parseDeployment', () => {
  it('takes what the story has written', () => expect(parseDeployment(baked(), ['bake'])).toEqual(baked()));
  it('drops what no step reads', () =>
    expect(parseDeployment({ ...launched(), recordFailure: failedBy('StepCrashed') }, [])).toEqual(
      launched(),
    ));

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'at (document)'],
    ['a fleet without a name', { ...launched(), fleet: { ...aFleet(), name: 7 } }, 'at fleet.name'],
    [
      'a look without a reason',
      { ...launched(), readiness: { ...aLook(), reason: undefined } },
      'at readiness.reason',
    ],
    ['a launch at no moment', { ...launched(), launch: aLaunch({ at: 'noon' }) }, 'at launch.at'],
  ])('refuses %s and says where', (_title, document, says) =>
    expect(() => parseDeployment(document, [])).toThrow(failure('StepCrashed', says)),
  );

  it('refuses a step that runs before the ones that it needs', () =>
    expect(() => parseDeployment(launched(), ['launch', 'readiness', 'shift'])).toThrow(
      failure('StepCrashed', 'This step runs after others that wrote readiness, shift.'),
    ));
  it('refuses a bad input at every door', () =>
    expect(() => parseDeployment({ ...launched(), input: { dryRun: 'yes' } }, [])).toThrow(
      failure('InvalidInput'),
    ));
});

// ── Size ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const id = (n: number) => `i-${n.toString(16).padStart(17, '0')}`;
const ids = (from: number, count: number) => Array.from({ length: count }, (_, n) => id(from + n));

/** What the looks write down for the timeline, at its largest. */
const column = (hosts: number) => pack(Array.from({ length: hosts }, (_, n) => 86_400 + n));
const SAID = Array.from({ length: 5 }, (): [number, string] => [1_772_355_600, 'x'.repeat(200)]);

/** The largest fleet, after a deployment in which everything was said that can be said. */
function largest(hosts: number, replaced = 0): Deployment {
  const balancers = ['a', 'b'].map((letter) => letter.repeat(32));
  const old = ids(0, hosts);
  const fresh = ids(1_000, hosts);
  const stragglers = ids(3_000, replaced).map((instanceId) => ({
    instanceId,
    // As long as they get.
    why: `${'x'.repeat(120)}, 12 min 10 s after the launch`,
  }));
  const document = baked({
    fleet: aFleet({
      loadBalancers: [
        { ...WEB, name: balancers[0] ?? '' },
        { ...API, arn: API.arn.replace('api', balancers[1] ?? '') },
      ],
      startCommand: 'x'.repeat(4_096),
      instancesPerZone: 125,
    }),
    image: IMAGE,
    release: RELEASE,
    oldHosts: aSnapshot({
      hosts: old.map((instanceId, n) =>
        anOldHost(instanceId, {
          hostIds: [`${n}`.padStart(11, '3')],
          status: 'maintenance',
          memberOf: balancers,
        }),
      ),
      strangers: ids(2_000, 50).map((name) => ({
        name: `ip-10-0-100-100.ap-northeast-1.compute.internal (Mackerel host 3Zq1234${name})`,
        why: `${name} does not carry the tag irekae:fleet: launched by other tooling`,
      })),
      strangerCount: 50,
    }),
    launch: aLaunch({
      instances: fresh.map((instanceId) => ({
        instanceId,
        zone: 'ap-northeast-1a',
        instanceType: 'm7gd.16xlarge',
      })),
      replaced: stragglers,
    }),
    readiness: aLook({
      ready: true,
      reason: list(fresh.map((each) => `${each} not in service at ${balancers[0]} (${'x'.repeat(200)})`)),
      said: SAID,
      seen: { running: column(hosts), registered: column(hosts), inService: column(hosts) },
      memory: Object.fromEntries(stragglers.map(({ instanceId }) => [instanceId, at(300).getTime()])),
    }),
    drain: aLook({ ready: true, said: SAID, seen: { drained: column(hosts) } }),
    bake: aLook({ ready: true, said: SAID }),
    termination: aLook({
      said: SAID,
      seen: { terminated: column(hosts) },
      memory: { begun: 1, ...Object.fromEntries(old.map((each) => [each, at(400).getTime()])) },
    }),
    failure: { Error: 'OldHostsNotTerminated', Cause: 'x'.repeat(4_096) },
    retirement: { reason: '250 hosts retired in Mackerel', at: iso(500) },
  });
  return { ...document, record: withoutTimeline(recordOf(document, at(600))) };
}

/** Step Functions' limit; a document that reaches it ends an execution without a Catch, and so without an undo. */
const PAYLOAD_LIMIT = 256 * 1024;

describe('the document of a large fleet behind two load balancers', () => {
  it.each([
    [250, 0.55 * PAYLOAD_LIMIT, 0],
    [MOST_HOSTS, PAYLOAD_LIMIT, 0],
    [MOST_HOSTS, PAYLOAD_LIMIT, mostStragglers(MOST_HOSTS)],
  ])('of %i old and as many new hosts stays below %i bytes, with %i stragglers', (hosts, limit, replaced) => {
    const document = largest(hosts, replaced);
    expect(parseDeployment(document, ['termination'])).toMatchObject({
      termination: { memory: { begun: 1 } },
    });
    expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThan(limit);
  });

  it('stays below it when it is recorded, with first hosts, stragglers, and all that may be compared', () => {
    const { failure: _none, record: _older, ...document } = largest(MOST_HOSTS, mostStragglers(MOST_HOSTS));
    const { fleet, oldHosts, launch, readiness, bake, termination } = document;
    const compared = [
      ...Array.from({ length: 5 }, (_, n) => `${n}`.padStart(255, 'x')),
      ...['loadavg5', 'cpu.user.percentage', 'memory.used'],
    ].map((metric) => ({
      metric,
      old: 1.234e-5,
      new: 5.678e-5,
      atMost: 2 / 3,
      minute: 29_539_260,
      worse: 1,
    }));
    const instances = (launch?.instances ?? []).map((each) => ({ ...each, address: '10.100.100.100' }));
    const watched: Deployment = {
      ...document,
      fleet: {
        ...fleet,
        first: { hosts: MOST_FIRST_OF_MANY, watchSeconds: 60 },
        compare: compared.slice(0, 5).map(({ metric }) => ({ metric, atMostTimes: 2, from: 5 })),
      },
      ...(oldHosts && { oldHosts: { ...oldHosts, compared } }),
      ...(launch && { launch: { ...launch, instances } }),
      ...(readiness && { readiness: { ...readiness, memory: {}, compared } }),
      firstWatch: {
        ...aLook({ ready: true, said: SAID }),
        hosts: instances.slice(0, MOST_FIRST_OF_MANY).map(({ instanceId }) => instanceId),
        compared,
      },
      ...(bake && { bake: { ...bake, compared } }),
      // Done: from then on nothing is remembered.
      ...(termination && { termination: { ...termination, ready: true, memory: {} } }),
    };
    const recorded = { ...watched, record: withoutTimeline(recordOf(watched, at(600))) };
    expect(recorded.record.first?.instances).toHaveLength(MOST_FIRST_OF_MANY);
    expect(Buffer.byteLength(JSON.stringify(recorded))).toBeLessThan(PAYLOAD_LIMIT);
  });
});
