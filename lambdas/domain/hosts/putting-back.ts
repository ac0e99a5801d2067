/** The first half of an undo: do the old hosts serve again, where they served when the deployment began? */
import type { Instance } from '../../ports/ec2.ts';
import type { Member, TargetPorts } from '../../ports/load-balancers.ts';
import { type Deployment, holdOf, type OldHost } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { MEMBERS_SETTLE_SECONDS, STEPS } from '../core/steps.ts';
import { count, list } from '../core/words.ts';
import { isGoing } from './readiness.ts';

export interface PuttingBackFacts {
  readonly old: readonly OldHost[];
  readonly instances: readonly Instance[];
  readonly members: ReadonlyMap<string, readonly Member[]>;
}

export interface PuttingBackDecision {
  /** Old hosts to register, by load balancer name: whoever is not in service, for that it is registered is but a word. */
  readonly register: ReadonlyMap<string, string[]>;
  readonly done: boolean;
  readonly reason: string;
}

/**
 * Old hosts that ended by themselves meanwhile cannot be put back and do not hold the undo up, as long as one of those
 * that served is left.
 * @throws OldHostsNotServing when none is left.
 */
export function decidePuttingBack({ old, instances, members }: PuttingBackFacts): PuttingBackDecision {
  // Only what EC2 shows as ended has ended: an instance that an answer lacks may be a stale answer (rule 4).
  const ended = new Set(instances.filter(isGoing).map((instance) => instance.instanceId));
  const left = old.filter((host) => !ended.has(host.instanceId));
  assertSomebodyLeft(old, left);
  const register = new Map<string, string[]>();
  const waiting: string[] = [];
  let isBack = true;
  for (const host of left) {
    for (const name of host.memberOf) {
      const states = statesAt(name, host, members.get(name) ?? []);
      const serves = states.every((state) => state === 'in-service');
      if (!serves) register.set(name, [...(register.get(name) ?? []), host.instanceId]);
      if (states.some((state) => state === 'gone' || state === 'draining')) isBack = false;
      if (host.served && !serves) waiting.push(`${host.instanceId} at ${name}`);
    }
  }
  const gone = old.length - left.length;
  const note =
    gone > 0 ? `; ${count(gone, 'old host')} terminated meanwhile, but not by this deployment` : '';
  if (waiting.length > 0)
    return { register, done: false, reason: `not in service again yet: ${list(waiting)}${note}` };
  return { register, done: isBack, reason: `the old hosts serve${note}` };
}

/**
 * From when on nothing can take the old hosts out of service anymore, and what the load balancers list is from after it:
 * the ledger counts the runs of the shift, and none begins once the undo has. A run that was given up for lost, while
 * another went on, acts until its own time limit at the latest; after a takeover nothing of the dead holder acts.
 * @param shiftRuns by the ledger; absent: nobody has counted
 */
export function quietFrom(deployment: Deployment, shiftRuns: number | undefined, now: Date): Date {
  const { shift, putBack, execution } = deployment;
  const after = (since: Date | string, seconds: number) =>
    new Date(new Date(since).getTime() + seconds * 1_000);
  const undoSince = putBack?.since ?? now;
  if (holdOf(deployment).holder !== execution.id) return after(undoSince, MEMBERS_SETTLE_SECONDS);
  if (shiftRuns === 0 && !shift) return after(undoSince, 0);
  const isOver = shiftRuns === 1 && shift;
  const seconds = isOver ? MEMBERS_SETTLE_SECONDS : STEPS['take-old-hosts-out-of-service'].seconds;
  return after(shift?.at ?? undoSince, seconds);
}

/** How it is at a load balancer now, under each port that it had there. */
function statesAt(
  name: string,
  { instanceId, ports }: OldHost,
  listed: readonly Member[],
): (Member['state'] | 'gone')[] {
  const own = listed.filter((member) => member.instanceId === instanceId);
  const [first] = own;
  const wanted = ports?.[name];
  if (!wanted) return [first?.state ?? 'gone'];
  return wanted.map((port) => own.find((member) => member.port === port)?.state ?? 'gone');
}

/** Where the old hosts were registered under ports of their own. */
export const oldPorts = (old: readonly OldHost[], name: string): TargetPorts =>
  Object.fromEntries(
    old.flatMap(({ instanceId, ports }) => (ports?.[name] ? [[instanceId, ports[name]] as const] : [])),
  );

function assertSomebodyLeft(old: readonly OldHost[], left: readonly OldHost[]): void {
  if (!old.some((host) => host.served) || left.some((host) => host.served)) return;
  throw new DeploymentError(
    'OldHostsNotServing',
    `All old hosts that served when the deployment began have terminated by themselves (${list(old.map((host) => host.instanceId))}). ` +
      'The new hosts were left as they are: decide by hand which hosts should serve.',
  );
}
