/**
 * State *Remove the stragglers*: those that were replaced leave their load balancers, drained, are terminated and
 * retired in Mackerel, while the ones instead of them boot. What their consoles say is read first, for the record.
 * The new hosts are never among them.
 */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Evidence, StragglerRemoval } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/core/looks.ts';
import { defineStep } from './domain/core/step.ts';
import { LAUNCH_IN_FLIGHT_SECONDS, STRAGGLER_END_SECONDS } from './domain/core/steps.ts';
import { count, list, secondsBetween, span } from './domain/core/words.ts';
import { leaveBalancers, retireHostsOf, terminateInstances } from './domain/hosts/end-instances.ts';
import { MOST_CONSOLES } from './domain/hosts/evidence.ts';
import { launchedByTag } from './domain/hosts/look-at-hosts.ts';
import { stragglerCandidates } from './domain/hosts/removal.ts';
import { readConsole } from './domain/hosts/set-aside.ts';
import { allEnded, decideTermination, refuseAny, rememberUnseen } from './domain/hosts/termination.ts';
import { holdingUnlessCancelled } from './domain/lock/fence.ts';
import type { Instance } from './ports/ec2.ts';
import type { Ports } from './ports/ports.ts';

type Replaced = After<'launch' | 'readiness'>;
type Eyes = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const removeTheStragglers = defineStep(
  'remove-the-stragglers',
  ['launch', 'readiness'],
  async (deployment: Replaced, ports: Eyes): Promise<StragglerRemoval> => {
    const now = ports.clock.now();
    const seconds = deployment.fleet.limits.drainSeconds + STRAGGLER_END_SECONDS;
    const deadline = deadlineOf(deployment.stragglers, now, seconds);
    // Held here: a console that was read stays so when the rest of the look fails.
    let evidence = deployment.stragglers?.evidence;
    const found = await unlessUnavailable(deployment.stragglers?.memory, async () => {
      await holdingUnlessCancelled(deployment, ports);
      const { ids, instances } = await survey(deployment, ports);
      evidence ??= await readConsoles(ids, ports);
      return remove(deployment, ports, ids, instances, now);
    });
    if (!found.ready && now >= deadline) {
      throw new DeploymentError(
        'NewHostsNotRemoved',
        `Stragglers were replaced, but ${span(seconds)} later: ${found.reason}. The deployment is undone, with all that it launched.`,
      );
    }
    return { ...nextLook(deployment.stragglers, now, deadline, found), ...(evidence && { evidence }) };
  },
);

async function survey(
  deployment: Replaced,
  ports: Eyes,
): Promise<{ readonly ids: readonly string[]; readonly instances: readonly Instance[] }> {
  const tagged = await launchedByTag(deployment, ports);
  const ids = stragglerCandidates(deployment, tagged, Object.keys(deployment.stragglers?.memory ?? {}));
  return { ids, instances: ids.length === 0 ? [] : await ports.ec2.describe(ids) };
}

const readConsoles = (ids: readonly string[], { ec2 }: Eyes): Promise<Evidence[]> =>
  Promise.all(ids.slice(0, MOST_CONSOLES).map((id) => readConsole(id, ec2)));

async function remove(
  deployment: Replaced,
  ports: Eyes,
  ids: readonly string[],
  instances: readonly Instance[],
  now: Date,
): Promise<Finding> {
  const { stragglers } = deployment;
  const secondsPassed = secondsBetween(stragglers?.since ?? now, now);
  const unsettled = mayBeInFlight(deployment, secondsPassed, now);
  if (ids.length === 0) return unsettled ?? { ready: true, reason: 'no straggler was replaced' };

  const decision = decideTermination('new', deployment, ids, instances);
  refuseAny(decision);
  // 0: seen. What has ended is not listed by its tag anymore.
  const seen = Object.fromEntries(ids.map((id) => [id, 0]));
  const memory = { ...seen, ...rememberUnseen(decision, stragglers?.memory, now) };
  const waiting = (reason: string): Finding => ({ ready: false, reason, memory });
  const unleft = await leaveBalancers(deployment, ports, ids, secondsPassed);
  if (unleft) return waiting(unleft);
  if (decision.terminate.length > 0) return waiting(await terminateInstances(decision.terminate, ports));
  if (!allEnded(decision, memory, now))
    return waiting(`${list([...decision.going, ...decision.unseen])} still shutting down`);
  if (unsettled) return { ...unsettled, memory };
  const { refusals } = await retireHostsOf(deployment, ports, ids);
  if (refusals) return waiting(`Mackerel did not retire ${refusals}`);
  return { ready: true, reason: `${count(ids.length, 'straggler')} removed` };
}

/** EC2 may have said that there is no room to one call, and have launched by another that was given up for lost. */
function mayBeInFlight(
  { launch, readiness }: Replaced,
  secondsPassed: number,
  now: Date,
): Finding | undefined {
  if (launch.replaced?.length === readiness.stragglers?.length) return undefined;
  const left = LAUNCH_IN_FLIGHT_SECONDS - secondsPassed;
  if (left <= 0) return undefined;
  return {
    ready: false,
    reason: 'EC2 did not replace every straggler; making sure that no launch is still in flight',
    earliest: new Date(now.getTime() + left * 1000),
  };
}

export const handler = lambdaHandler(removeTheStragglers, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
