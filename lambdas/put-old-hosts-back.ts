/**
 * State *Put old hosts back*: the first half of the undo. Registers the old hosts where they were registered, gives
 * them their Mackerel status back, and waits until they serve. The new hosts stay as they are until then. That they
 * serve decides alone: what Mackerel cannot be told is owed.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { groupBy } from './domain/core/collections.ts';
import { type Deployment, type OldHost, oldInstanceIds, type Untold } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { whyUntold } from './domain/core/untold.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { atEachBalancer, membersByName } from './domain/hosts/look-at-hosts.ts';
import { decidePuttingBack, oldPorts, quietFrom } from './domain/hosts/putting-back.ts';
import { assertHoldsLock, enterPhase } from './domain/lock/fence.ts';
import { oweStatuses } from './domain/lock/owing.ts';
import { servingMilestones } from './domain/record/timeline/milestones.ts';
import type { Mackerel } from './ports/mackerel.ts';
import type { Ports } from './ports/ports.ts';

type UndoPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const putOldHostsBack = defineWait('put-old-hosts-back', {
  needs: [],
  remembers: ['restoredAt'],
  keeps: ['owed', 'untoldSince'],
  look: lookAndPutBack,
  late: (_deployment, { reason, seconds }) =>
    new DeploymentError(
      'OldHostsNotServing',
      `After ${span(seconds)}: ${reason}. The new hosts were left as they are, so that something serves.`,
    ),
});

async function lookAndPutBack(
  deployment: Deployment,
  ports: UndoPorts,
  turn: Turn<'restoredAt', Untold>,
): Promise<Found<'restoredAt'>> {
  const { now, seen: earlier } = turn;
  const { restoredAt } = turn.memory;
  if (!deployment.putBack) await enterPhase('undo', deployment, ports);
  // Afterwards: no run of the shift begins anymore.
  const { shiftRuns } = await assertHoldsLock(deployment, ports);
  // Only a deployment whose new hosts were ready has ever touched an old one. Their last look alone does not tell: a
  // step that was cut off while it took old hosts out, and ran again, may have sent the deployment back to waiting.
  // Where first hosts are watched, the others were not to join yet.
  const { readiness, shift } = deployment;
  if (!shift && (!readiness?.ready || readiness.first))
    return { ready: true, reason: 'the old hosts were never taken out of service' };
  const old = deployment.oldHosts?.hosts ?? [];
  if (old.length === 0) return { ready: true, reason: 'there was no old host' };
  const ids = oldInstanceIds(deployment);
  // By two answers: the new hosts leave when the old ones serve, and one that is old says so too early (rule 4).
  const [instances, one, other] = await Promise.all([
    ports.ec2.describe(ids),
    membersByName(deployment, ports, ids),
    membersByName(deployment, ports, ids),
  ]);
  const judged = (members: typeof one) => ({ members, ...decidePuttingBack({ old, instances, members }) });
  const first = judged(one);
  const { members, register, done, reason } = first.done ? judged(other) : first;
  await atEachBalancer('register', deployment, ports, register, (name) => oldPorts(old, name));
  // After the load balancers: serving comes before being watched, and decides alone.
  const quietAt = quietFrom(deployment, shiftRuns, now);
  const isQuiet = now >= quietAt;
  const restores = restoredAt === undefined || (isQuiet && restoredAt < quietAt.getTime());
  const why = restores ? await whyUntold(() => restoreStatuses(old, ports.mackerel)) : undefined;
  const memory = { restoredAt: restores && !why ? now.getTime() : restoredAt, hosts: {} };
  const seen = servingMilestones(deployment, old, members, now, earlier);
  if (isQuiet && done && why && !(await oweStatuses(deployment, ports, turn, why)))
    return { ready: false, reason: `${reason}; Mackerel is not told yet: ${why}`, memory, seen };
  if (isQuiet || !done) return { ready: done, reason, memory, seen };
  const waits = `${reason}; making sure that no earlier call deregisters them again`;
  return { ready: false, reason: waits, memory, seen, earliest: quietAt };
}

async function restoreStatuses(old: readonly OldHost[], mackerel: Mackerel): Promise<undefined> {
  for (const [status, hosts] of groupBy(old, (host) => host.status)) {
    await mackerel.setStatus(
      hosts.flatMap((host) => host.hostIds),
      status,
    );
  }
}

export const handler = lambdaHandler(putOldHostsBack, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
