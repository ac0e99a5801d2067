/**
 * State *Retire old hosts in Mackerel*: their instances have ended; a host that is retired twice is retired once. Asked
 * about again, because an agent that saw an error may have registered anew since the snapshot.
 */

import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { oldInstanceIds, type Retirement } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { defineStep } from './domain/core/step.ts';
import { count } from './domain/core/words.ts';
import { retireHostsOf } from './domain/hosts/end-instances.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

export const retireOldHostsInMackerel = defineStep(
  'retire-old-hosts-in-mackerel',
  ['oldHosts', 'termination'],
  async (deployment, ports: Pick<Ports, 'mackerel' | 'ledger' | 'clock'>): Promise<Retirement> => {
    await assertHoldsLock(deployment, ports);
    const at = ports.clock.now().toISOString();
    const ids = oldInstanceIds(deployment);
    if (ids.length === 0) return { reason: 'no host to retire', at };
    const known = deployment.oldHosts.hosts.flatMap((host) => host.hostIds);
    const { retired, refusals } = await retireHostsOf(deployment, ports, ids, known);
    if (refusals) {
      throw new DeploymentError(
        'RetirementFailed',
        `Mackerel did not retire ${refusals}. Their instances are terminated: retire them in Mackerel by hand.`,
      );
    }
    return { reason: `${count(retired, 'host')} retired in Mackerel`, at };
  },
);

export const handler = lambdaHandler(retireOldHostsInMackerel, (apiKeyParameter) => ({
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  clock: systemClock,
}));
