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
import { liveRecords } from './clients/records.ts';
import type { After, Evidence } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { endInstances } from './domain/hosts/end-instances.ts';
import { MOST_CONSOLES } from './domain/hosts/evidence.ts';
import { launchedByToken } from './domain/hosts/look-at-hosts.ts';
import { stragglerCandidates } from './domain/hosts/removal.ts';
import { readConsole } from './domain/hosts/set-aside.ts';
import { assertNoneRefused, decideTermination } from './domain/hosts/termination.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Replaced = After<'launch' | 'readiness'>;
type RemovalPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'records' | 'clock'>;
interface Extra {
  readonly evidence: Evidence[];
}

export const removeTheStragglers = defineWait('remove-the-stragglers', {
  needs: ['launch', 'readiness'],
  keeps: ['evidence'],
  look: lookAndRemove,
  late: (_deployment, { reason, seconds }) =>
    new DeploymentError(
      'NewHostsNotRemoved',
      `Stragglers were replaced, but ${span(seconds)} later: ${reason}. The deployment is undone, and everything it launched is terminated.`,
    ),
});

async function lookAndRemove(
  deployment: Replaced,
  ports: RemovalPorts,
  turn: Turn<never, Extra>,
): Promise<Found> {
  await assertMayGoOn(deployment, ports);
  const tagged = await launchedByToken(deployment, ports);
  const ids = stragglerCandidates(deployment, tagged, Object.keys(turn.memory.hosts));
  const instances = ids.length === 0 ? [] : await ports.ec2.describe(ids);
  if (!deployment.stragglers?.evidence) turn.keep({ evidence: await readConsoles(deployment, ids, ports) });
  if (ids.length === 0) return { ready: true, reason: 'no straggler was replaced' };
  // A refused one is none of this deployment's, and it goes on: at once, and not when the others are gone.
  assertNoneRefused(decideTermination('new', deployment, ids, instances));
  return endInstances(deployment, ports, turn, { noun: 'straggler', ids, instances });
}

const readConsoles = (
  deployment: Replaced,
  ids: readonly string[],
  ports: RemovalPorts,
): Promise<Evidence[]> =>
  Promise.all(ids.slice(0, MOST_CONSOLES).map((id) => readConsole(deployment, id, ports)));

export const handler = lambdaHandler(removeTheStragglers, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  records: liveRecords(),
  clock: systemClock,
}));
