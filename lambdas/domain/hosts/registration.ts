/**
 * When a new host that has not registered in Mackerel never will: long after this fleet's slowest start. Only where the
 * fleets file does not say how long to wait: what a user wrote is obeyed.
 */
import type { After } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { startsFor } from '../core/starts.ts';
import type { Memory } from '../core/wait.ts';
import { count, span } from '../core/words.ts';
import { type HostFacts, type HostStanding, readinessSentence, usualReason } from './readiness.ts';

/** Three times what was ever seen, and time enough for an image whose first boot takes longer. */
const SLOWER_THAN = 3;
const LEAST_SECONDS = 240;

export interface RegistrationLimit {
  readonly at: Date;
  readonly seconds: number;
  readonly slowest: number;
}

type Launched = After<'release' | 'launch'>;

/**
 * None where a type that was launched has no record, or where the fleet's own limit is earlier. Stragglers have a limit
 * of their own.
 */
export function registrationLimit(deployment: Launched): RegistrationLimit | undefined {
  const { fleet, release, launch, firstWatch } = deployment;
  const { learnsReadySeconds, replaceStragglers, limits } = fleet;
  // Once the first hosts were watched, all had registered.
  if (!learnsReadySeconds || replaceStragglers || firstWatch?.ready) return undefined;
  const types = new Set(launch.instances.map(({ instanceType }) => instanceType));
  const slowest = [...types].map((type) => {
    const known = startsFor(release.starts, type);
    return known.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...known);
  });
  const seconds = Math.max(LEAST_SECONDS, SLOWER_THAN * Math.max(...slowest));
  if (types.size === 0 || seconds >= limits.readySeconds) return undefined;
  return {
    at: new Date(Date.parse(launch.at) + seconds * 1000),
    seconds,
    slowest: Math.max(...slowest),
  };
}

/** What the wait remembers: has a look not been answered, and did the last one miss a host? */
export type RegistrationMemory = Memory<'mackerelAskedAt' | 'unanswered' | 'missing'>;

/** The look at the limit asks Mackerel, and so does the one after it that has to agree. */
export const mustAsk = (
  limit: RegistrationLimit | undefined,
  { mackerelAskedAt = 0, missing }: RegistrationMemory,
  now: Date,
): boolean =>
  limit !== undefined && now >= limit.at && (mackerelAskedAt < limit.at.getTime() || missing !== undefined);

/**
 * What is to be remembered. While Mackerel is silent no host can register, and one answer may lack a host: all looks
 * must have been answered, and two of them agree.
 * @throws NewHostsNotReady
 */
export function judgeRegistration(
  limit: RegistrationLimit | undefined,
  hosts: readonly HostStanding[],
  facts: HostFacts,
  now: Date,
  memory: RegistrationMemory,
): { readonly missing?: number | undefined } {
  if (!limit || now < limit.at || memory.unanswered !== undefined) return {};
  if (facts.hosts === 'not asked') return { missing: memory.missing };
  const missing = hosts.filter(({ rung }) => rung !== 'registered' && rung !== 'ready');
  if (missing.length === 0) return { missing: undefined };
  if (memory.missing === undefined) return { missing: 1 };
  throw new DeploymentError(
    'NewHostsNotReady',
    `${missing.length} of ${count(hosts.length, 'new host')} not registered in Mackerel ${span(limit.seconds)} after the launch: ${readinessSentence(hosts)}. ` +
      `Nobody has set limits.readySeconds, so the limit is ${SLOWER_THAN} times the slowest of the last starts, which took ${span(limit.slowest)}, and ${span(LEAST_SECONDS)} at the least. ` +
      `Look at the hosts' console output and at ${usualReason({ loadBalancers: [] })}; if they only need longer, set limits.readySeconds in the fleets file.`,
  );
}
