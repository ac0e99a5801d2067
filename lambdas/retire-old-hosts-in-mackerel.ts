/** State *Retire old hosts in Mackerel*: their instances have ended; a host that is retired twice is retired once. */
import { holding } from './clients/fence.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/live-ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import type { Ports } from './clients/ports.ts';
import type { Retirement } from './domain/deployment.ts';
import { DeploymentError } from './domain/errors.ts';
import { defineStep } from './domain/step.ts';
import { count, list } from './domain/words.ts';

export const retireOldHostsInMackerel = defineStep(
  'retire-old-hosts-in-mackerel',
  ['oldHosts', 'termination'],
  async (deployment, ports: Pick<Ports, 'mackerel' | 'ledger' | 'clock'>): Promise<Retirement> => {
    await holding(deployment, ports);
    const hostIds = deployment.oldHosts.hosts.flatMap((host) => host.hostIds);
    const { refused } = hostIds.length > 0 ? await ports.mackerel.retire(hostIds) : { refused: [] };
    if (refused.length > 0) {
      throw new DeploymentError(
        'RetirementFailed',
        `Mackerel did not retire ${list(refused.map(({ id, reason }) => `${id} (${reason})`))}. Their instances have ended: retire them in Mackerel by hand.`,
      );
    }
    const reason =
      hostIds.length > 0 ? `${count(hostIds.length, 'host')} retired in Mackerel` : 'no host to retire';
    return { reason, at: ports.clock.now().toISOString() };
  },
);

export const handler = lambdaHandler(retireOldHostsInMackerel, (apiKeyParameter) => ({
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  clock: systemClock,
}));
