/**
 * State *Start the followers*: EC2 has heard of the first termination, and nothing is undone from here on; so the fleets
 * that are deployed after this one need not wait until the old hosts have shut down. Whatever is not started here is
 * started when the lock is released.
 */
import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemLog } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { defineStep } from './domain/core/step.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import { followSentences, startFollowers } from './domain/lock/start-followers.ts';
import type { Ports } from './ports/ports.ts';

export const startTheFollowers = defineStep(
  'start-the-followers',
  ['release', 'termination'],
  async (deployment, ports: Pick<Ports, 'ledger' | 'executions' | 'log'>): Promise<{ reason: string }> => {
    const { holder } = await assertHoldsLock(deployment, ports);
    const sentences = followSentences(await startFollowers(deployment, holder, ports));
    return { reason: sentences.join('; ') || 'nobody follows' };
  },
);

export const handler = lambdaHandler(startTheFollowers, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
  log: systemLog,
}));
