/**
 * State *Release the lock* (after every ending that leaves nothing to do): starts the fleets that are deployed after this
 * one, frees the fleet, and starts what waits in the pending slot. Running it twice frees and starts once.
 */
import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler } from './clients/handler.ts';
import { liveLedger } from './clients/live-ledger.ts';
import type { Ports } from './clients/ports.ts';
import { startPending } from './clients/records.ts';
import { type Deployment, holdOf, parseDeployment } from './domain/deployment.ts';
import { isFailure } from './domain/errors.ts';
import { followUps } from './domain/following.ts';
import { machinesOf } from './domain/lock.ts';
import type { Step } from './domain/step.ts';
import { list } from './domain/words.ts';

type Registry = Pick<Ports, 'ledger' | 'executions'>;

export const releaseTheFleetLock: Step<Registry, { reason: string }> = {
  name: 'release-the-fleet-lock',
  run: async (document, ports) => {
    const deployment = parseEnded(document);
    const { fleet, lock } = deployment;
    if (!lock) return { reason: 'the lock was never taken' };
    // First: when a start fails, the lock stays, and the clean-up that is sent for starts them.
    const following = await startFollowers(deployment, lock.holder, ports);
    await ports.ledger.release(fleet.name, holdOf(deployment));
    const next = await startPending(fleet.name, lock.holder, ports);
    return {
      reason: [
        'the lock is free',
        ...(next ? [`version ${next.versionId} is deployed next`] : []),
        ...(following.length > 0
          ? [`${list(following)} ${following.length === 1 ? 'follows' : 'follow'}`]
          : []),
      ].join('; '),
    };
  },
};

/** @returns their names. */
async function startFollowers(
  deployment: Deployment,
  executionArn: string,
  { executions }: Pick<Ports, 'executions'>,
): Promise<string[]> {
  const starts = followUps(deployment);
  for (const { fleet, name, input } of starts) {
    await executions.start(machinesOf(executionArn, fleet).deploy, name, JSON.stringify(input));
  }
  return starts.map(({ fleet }) => fleet);
}

/** A refused input must not keep the lock: the document goes on without it. */
function parseEnded(document: unknown): Deployment {
  try {
    return parseDeployment(document, []);
  } catch (error) {
    if (!isFailure(error, 'InvalidInput')) throw error;
    return parseDeployment({ ...(document as object), input: {} }, []);
  }
}

export const handler = lambdaHandler(releaseTheFleetLock, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
}));
