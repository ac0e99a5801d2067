/** The result of a deployment: how it ended, where the time went and how much of it was unavoidable, what it cost. */

import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { MOST_HOOKS, POINTS } from '../../lambdas/domain/core/points.ts';
import { ACTS, STEPS, type StepName } from '../../lambdas/domain/core/steps.ts';
import { actOfState, hookCall, STATES } from '../../lambdas/domain/core/story.ts';
import { becauseOf, watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import type { Phase } from '../../lambdas/ports/ledger.ts';
import type { Violation } from '../rules.ts';
import type { ExecutionResult } from '../run-definition.ts';
import type { Scenario } from '../scenarios.ts';
import type { EarliestMoments, LowerBound } from '../world/lower-bound.ts';
import type { World } from '../world/world.ts';
import type { Playable } from './performance.ts';
import type { PhaseClock } from './phases.ts';
import type { Scene } from './scene.ts';

/** Step Functions' price of a thousand state transitions, in US dollars. */
const DOLLARS_PER_THOUSAND_TRANSITIONS = 0.025;

/** A part of the deployment: how long it took, and how long it would have taken at best. */
export interface Part {
  readonly part: string;
  readonly seconds: number;
  readonly atBest?: number;
  /** What the time was spent on. */
  readonly because?: string;
}

export interface Summary {
  readonly scenario: Playable;
  readonly fleet: string;
  readonly seed: number;
  readonly endedIn: string;
  /** The sentence of a failed execution. */
  readonly cause?: string;
  /** Did it end as the scenario says it must, with no rule broken? */
  readonly asItMust: boolean;
  readonly seconds: number;
  /** The fastest possible time; only of one that succeeded. */
  readonly lowerBoundSeconds?: number;
  readonly parts: readonly Part[];
  /** The host that determined how long *Bring up* had to take; only of one that succeeded. */
  readonly slowest?: SlowestHost;
  readonly come: readonly string[];
  readonly gone: readonly string[];
  readonly serving: Serving;
  readonly looks: number;
  readonly requests: Readonly<Record<'ec2' | 'loadBalancers' | 'mackerel' | 's3' | 'ssm', number>>;
  readonly transitions: number;
  readonly cents: number;
  readonly changes: number;
  readonly violations: readonly Violation[];
  /** What the execution answered. */
  readonly output?: unknown;
}

/** The new host that could have been ready last; all in seconds. */
export interface SlowestHost {
  readonly instanceId: string;
  /** From the first launch until EC2 ran it. */
  readonly toRun: number;
  /** Until the application answered. */
  readonly toBoot: number;
  /** Until Mackerel knew it and the load balancers, at their best, had it in service. */
  readonly toJoin: number;
}

/** Hosts in service: before the deployment, and at its worst moment. */
export interface Serving {
  readonly before: number;
  readonly fewest: number;
  /** Of the old ones alone. */
  readonly fewestOld: number;
}

export interface Outcome {
  readonly scenario: Playable;
  /** How it must end. */
  readonly must: Scenario;
  readonly fleet: Fleet;
  readonly seed: number;
  readonly result: ExecutionResult;
  readonly phases: PhaseClock;
  readonly at: Date;
  /** At the end. */
  readonly scene: Scene;
  readonly oldInstances: readonly string[];
  readonly world: World;
  readonly looks: number;
  readonly changes: number;
  readonly violations: readonly Violation[];
  readonly serving: Serving;
}

export function summarize(outcome: Outcome): Summary {
  const { scenario, fleet, seed, result, world, looks, changes, violations, serving } = outcome;
  const { endedIn, cause, seconds, transitions, output } = result;
  const bound = endedIn === 'Deployed' ? boundOf(outcome) : undefined;
  const requests = (service: Parameters<typeof world.calls.requests>[0]) => world.calls.requests(service);
  return {
    scenario,
    fleet: fleet.name,
    seed,
    endedIn,
    ...(cause !== undefined && { cause }),
    asItMust: endedAsItMust(outcome),
    seconds,
    ...(bound?.terminated && { lowerBoundSeconds: secondsFrom(bound.launched, bound.terminated) }),
    parts: partsOf(outcome, bound),
    ...(bound && slowestHost(bound)),
    come: newHosts(outcome.scene),
    gone: outcome.oldInstances.filter((id) => !isAlive(outcome.scene, id)),
    serving,
    looks,
    requests: {
      ec2: requests('ec2'),
      loadBalancers: requests('loadBalancers'),
      mackerel: requests('mackerel'),
      s3: requests('artifacts') + requests('records'),
      ssm: requests('parameters'),
    },
    transitions,
    cents: (transitions / 1000) * DOLLARS_PER_THOUSAND_TRANSITIONS * 100,
    changes,
    violations,
    ...(output !== undefined && { output }),
  };
}

function endedAsItMust({ must, result, violations }: Outcome): boolean {
  const { endsIn, because } = must;
  const isRight =
    result.endedIn === endsIn && (because === undefined || result.cause?.startsWith(`${because}: `));
  return isRight === true && violations.length === 0;
}

/** Without those that were launched and are gone again: stragglers, or everything after an undo. */
const newHosts = (scene: Scene) =>
  scene.hosts
    .filter(({ side, instanceId }) => side === 'NEW' && isAlive(scene, instanceId))
    .map(({ instanceId }) => instanceId);

function isAlive({ hosts }: Scene, instanceId: string): boolean {
  const life = hosts.find((host) => host.instanceId === instanceId)?.life;
  return life !== undefined && life !== 'gone' && life !== 'shutting down';
}

function boundOf({ world, fleet, scene, oldInstances }: Outcome): LowerBound {
  return world.lowerBound({
    newInstances: newHosts(scene),
    oldInstances,
    loadBalancers: fleet.loadBalancers,
    bakeSeconds: fleet.limits.bakeSeconds,
    ...(oldInstances.length > 0
      ? {
          firstWatchSeconds: fleet.first?.watchSeconds ?? 0,
          sideBySideSeconds: fleet.sideBySideSeconds,
        }
      : { sideBySideSeconds: 0 }),
  });
}

/** For a success, each part with its bound; otherwise the phases that it reached. */
function partsOf({ phases, at, fleet, oldInstances }: Outcome, bound: LowerBound | undefined): Part[] {
  const taken = (where: string) => phases.seconds(where, at);
  if (bound === undefined) {
    return phases
      .standings(at)
      .filter(({ standing }) => standing !== 'ahead')
      .map(({ phase, seconds }) => ({ part: ACTS[phase].title, seconds }));
  }
  const hadOld = oldInstances.length > 0;
  const [hooks, people] = [WAITED.hooks, WAITED.people].map((states) =>
    states.map((state) => ({ state, seconds: taken(state) })).filter(({ seconds }) => seconds > 0),
  ) as [Stay[], Stay[]];
  const waitedIn = (act: Phase) =>
    secondsOf([...hooks, ...people].filter(({ state }) => actOfState(state) === act));
  return [
    { part: ACTS.agree.title, seconds: taken('agree'), atBest: 0 },
    {
      part: ACTS['bring-up'].title,
      seconds: taken('bring-up') - waitedIn('bring-up'),
      ...(bound.ready && { atBest: secondsFrom(bound.launched, bound.ready) }),
      because: ['the slowest new host', ...besides(fleet)].join(', '),
    },
    {
      part: `${ACTS.shift.title}: drain`,
      seconds:
        taken(STEPS['take-old-hosts-out-of-service'].title) + taken(STEPS['old-hosts-are-drained'].title),
      atBest: bound.drainSeconds,
      ...(hadOld && fleet.loadBalancers.length > 0 && { because: 'the last request on an old host' }),
    },
    {
      part: `${ACTS.shift.title}: watch`,
      seconds: taken(STEPS['watch-the-new-hosts'].title),
      atBest: watchSeconds(bound.watch),
      because: becauseOf(bound.watch),
    },
    ...(hooks.length > 0 ? [{ part: 'Hooks', seconds: secondsOf(hooks), atBest: 0 }] : []),
    ...(people.length > 0 ? [{ part: 'Paused', seconds: secondsOf(people), atBest: 0 }] : []),
    {
      part: ACTS.remove.title,
      seconds: taken('remove'),
      atBest: bound.shutdownSeconds,
      ...(hadOld && { because: 'EC2 shuts the old instances down' }),
    },
  ];
}

interface Stay {
  readonly state: string;
  readonly seconds: number;
}

const secondsOf = (stays: readonly Stay[]): number => stays.reduce((sum, { seconds }) => sum + seconds, 0);

/** The states in which hooks and people are waited for. */
const WAITED = {
  hooks: [
    ...titlesOf('ask-the-hook'),
    ...POINTS.flatMap((point) => Array.from({ length: MOST_HOOKS }, (_, index) => hookCall(point, index))),
  ],
  people: titlesOf('wait-for-a-person'),
};

function titlesOf(step: StepName): string[] {
  return Object.entries(STATES).flatMap(([title, row]) => (row.step === step ? [title] : []));
}

const besides = ({ first, sideBySideSeconds = 0 }: Outcome['fleet']): string[] => [
  ...(first ? ['the watch of the first hosts'] : []),
  ...(sideBySideSeconds > 0 ? ['both fleets side by side'] : []),
];

function slowestHost({ hosts, launched }: LowerBound): { slowest?: SlowestHost } {
  const readyAt = (host: EarliestMoments) => host.ready?.getTime() ?? Number.POSITIVE_INFINITY;
  const [host] = [...hosts].sort((a, b) => readyAt(b) - readyAt(a));
  if (host?.applicationUp === undefined || host.ready === undefined) return {};
  const { instanceId, running, applicationUp, ready } = host;
  return {
    slowest: {
      instanceId,
      toRun: secondsFrom(launched, running),
      toBoot: secondsFrom(running, applicationUp),
      toJoin: secondsFrom(applicationUp, ready),
    },
  };
}

const secondsFrom = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1000;
