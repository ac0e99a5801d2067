/** The second half of an undo: removing what this deployment launched. What has to be known before anything is removed. */
import type { Instance } from '../../ports/ec2.ts';
import type { Run } from '../../ports/ledger.ts';
import {
  type Deployment,
  type Launch,
  launchedIds,
  newInstance,
  newInstanceIds,
  oldInstanceIds,
} from '../core/document.ts';
import { LAUNCH_SECONDS, VISIBILITY_SECONDS } from '../core/steps.ts';
import type { Found, Turn } from '../core/wait.ts';

/**
 * Until when "EC2 shows nothing that we launched" is no proof: EC2 has to show what was launched right before the run of
 * the launch was over, or its function's time.
 * @param run by the ledger; absent: no launch has begun, or by an earlier release of irekae
 */
export function settledAt(
  run: Run | undefined,
  { now, secondsPassed }: Pick<Turn, 'now' | 'secondsPassed'>,
): Date {
  const over = run?.until.getTime() ?? now.getTime() + (LAUNCH_SECONDS - secondsPassed) * 1_000;
  return new Date(over + VISIBILITY_SECONDS * 1_000);
}

/**
 * Launched by this deployment, by the launch's own answer and by its tokens; an old host is never among them.
 * @param seenEarlier ids of earlier looks: an instance that has ended is not listed anymore, but Mackerel may still have
 * its host.
 */
export function removalCandidates(
  deployment: Deployment,
  launched: readonly Instance[],
  seenEarlier: readonly string[],
): string[] {
  const old = new Set(oldInstanceIds(deployment));
  const byToken = launched.map((instance) => instance.instanceId);
  const ids = new Set([...launchedIds(deployment), ...byToken, ...seenEarlier]);
  return [...ids].filter((id) => !old.has(id));
}

/**
 * Of these, what a deployment removes that goes on: its new hosts stay. Not only the stragglers themselves: whatever a
 * launch of replacements that was given up for lost has launched all the same belongs to nobody else.
 */
export function stragglerCandidates(
  deployment: Deployment,
  launched: readonly Instance[],
  seenEarlier: readonly string[],
): string[] {
  const staying = new Set(newInstanceIds(deployment));
  return removalCandidates(deployment, launched, seenEarlier).filter((id) => !staying.has(id));
}

/** What a wait says while a launch may still be under way; nothing from that moment on. */
export const inFlightUntil = (settled: Date, now: Date, reason: string): Found | undefined =>
  now >= settled ? undefined : { ready: false, reason, earliest: settled };

/** @param document the ledger's: the launch wrote down there whom it launched, and a run of the undo that was cut off, whom it terminates. */
export function launchKnown({ launch }: Deployment, document = '{}'): Launch | undefined {
  const { launch: written } = JSON.parse(document) as Partial<Deployment>;
  return launch && written
    ? { ...launch, instances: [...launch.instances, ...written.instances] }
    : (launch ?? written);
}

/**
 * A launch that was cut off (the first, or that of replacements) wrote down no ids, and what has ended is not listed by
 * its token anymore.
 * @returns the launch with the instances that it does not know; nothing when it knows them all.
 */
export function launchWith(deployment: Deployment, instances: readonly Instance[]): Launch | undefined {
  const known = launchedIds(deployment);
  const found = instances.filter(({ instanceId }) => !known.includes(instanceId)).map(newInstance);
  if (found.length === 0) return undefined;
  const at = new Date(Math.min(...instances.map(({ launchedAt }) => launchedAt.getTime()))).toISOString();
  const { launch = { reason: 'found by the tokens of its launches', at, instances: [] } } = deployment;
  return { ...launch, instances: [...launch.instances, ...found] };
}
