/**
 * What a look of *New hosts are ready* means: who is to join, who stays behind, what is waited for, and whether the story
 * goes on, to the watch of the first hosts or to the shift. Pure: facts in, a sentence and what to do out.
 */
import type { After, Readiness } from '../core/document.ts';
import type { DeploymentError } from '../core/errors.ts';
import type { Memory } from '../core/wait.ts';
import { judgeNameless } from './nameless.ts';
import {
  allReady,
  assertBalancersInUse,
  type HostFacts,
  type HostStanding,
  notReady,
  readinessSentence,
  standings,
  toRegister,
} from './readiness.ts';
import { judgeRegistration, registrationLimit } from './registration.ts';
import { decideStage, readyDeadline, type Stage, waitsFrom } from './side-by-side.ts';
import { learnedJoins, startsOf } from './starts.ts';
import { decideStragglers, isBearable, mayReplace, mostStragglers } from './stragglers.ts';

/** From look to look. */
export const REMEMBERED = [
  'halfReadyAt',
  'mackerelAskedAt',
  'alertsAskedAt',
  'unanswered',
  'missing',
  'allReadyAt',
  'comparedUpTo',
] as const;
export type Remembered = (typeof REMEMBERED)[number];

export interface ReadinessJudgement extends Pick<Stage, 'ready' | 'patienceSeconds'> {
  readonly reason: string;
  readonly hosts: readonly HostStanding[];
  /** By load balancer: who joins now. */
  readonly joining: ReadonlyMap<string, readonly string[]>;
  readonly memory: Memory<Remembered>;
  /** Thrown once the hosts have joined that were to: their time is over. */
  readonly isLate?: DeploymentError;
  /** For the answer, beside the look. */
  readonly extra: Pick<Readiness, 'stragglers' | 'starts' | 'first'>;
}

/**
 * @throws NewHostDied, LoadBalancerUnusable, or NewHostsNotReady where a host will never register
 */
export function judgeNewHosts(
  deployment: After<'release' | 'oldHosts' | 'launch'>,
  facts: HostFacts,
  memory: Memory<Remembered>,
  now: Date,
): ReadinessJudgement {
  const { fleet, launch, oldHosts, release } = deployment;
  const launched = launch.instances;
  const deadline = readyDeadline(deployment);
  const replaces = mayReplace(deployment, memory, deadline, now);
  const hosts = standings(launched, facts, (dead) => replaces && isBearable(dead, launched));
  assertBalancersInUse(hosts, facts.members);
  const judged = judgeRegistration(registrationLimit(deployment), hosts, facts, now, memory);
  const nameless = judgeNameless(facts, now, replaces ? mostStragglers(launched.length) : 0);
  const learned = learnedJoins(oldHosts.balancers, facts, now, release.starts);
  const from = waitsFrom(deployment);
  const watched = deployment.firstWatch?.hosts;
  const late =
    replaces && facts.hosts !== 'not asked'
      ? decideStragglers({ ...facts, hosts, launch, memory, now, from, watched })
      : undefined;
  const { ready, first, allReadyAt, patienceSeconds, ...stage } = decideStage(
    deployment,
    hosts,
    memory.allReadyAt,
    now,
  );
  const said = [readinessSentence(hosts, facts), stage.reason, learned.reason, late?.reason, nameless];
  const reason = said.filter(Boolean).join('; ');
  // One bad look while both fleets serve may be a load balancer's "transient error".
  const isLate = now >= deadline && !allReady(hosts) && memory.allReadyAt === undefined;
  return {
    ready,
    reason,
    hosts,
    joining: toRegister(hosts, facts, learned.isDue),
    memory: { ...(late?.memory ?? memory), ...judged, allReadyAt },
    extra: {
      ...(late && late.replace.length > 0 && { stragglers: [...late.replace] }),
      ...(allReady(hosts) && { starts: startsOf(launched, facts) }),
      ...(first && { first }),
    },
    ...(patienceSeconds && { patienceSeconds }),
    ...(isLate && { isLate: notReady(fleet, reason, fleet.limits.readySeconds, from.what) }),
  };
}
