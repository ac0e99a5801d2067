/**
 * State *Release the lock* (after every ending that leaves nothing to do): starts the fleets that are deployed after this
 * one, frees the fleet, and starts what waits in the pending slot. Running it twice frees and starts once.
 */

import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemLog } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { type Deployment, holdOf, parseDeployment } from './domain/core/document.ts';
import { despiteBadInput } from './domain/core/parse-document.ts';
import type { Step } from './domain/core/step.ts';
import { enterPhase, heldBy } from './domain/lock/fence.ts';
import { startPending, wantedBy } from './domain/lock/pending.ts';
import { followSentences, startFollowers } from './domain/lock/start-followers.ts';
import type { Ports } from './ports/ports.ts';

type LockPorts = Pick<Ports, 'ledger' | 'executions' | 'log'>;

export const releaseTheFleetLock: Step<LockPorts, { reason: string }> = {
  name: 'release-the-fleet-lock',
  run: async (document, ports) => {
    const deployment = despiteBadInput(document, (given) => parseDeployment(given, []));
    const { fleet, lock } = deployment;
    if (!lock) return { reason: 'the lock was never taken' };
    const held = await heldStill(deployment, ports);
    // Those that were not started when the old hosts began to go. First: when a start fails, the lock stays, and the clean-up that is sent for starts them. Who has let go has started them.
    const followed = held ? await startFollowers(deployment, lock.holder, ports) : NOBODY;
    await ports.ledger.release(fleet.name, holdOf(deployment));
    const next = await startPending(fleet.name, lock.holder, ports);
    return {
      reason: [
        'the lock is free',
        ...(next ? [`${wantedBy(next)} is deployed next`] : []),
        ...followSentences(followed),
      ].join('; '),
    };
  },
};

const NOBODY = { following: [], refused: [] };

/**
 * Writes down that the deployment has ended: a clean-up that is sent for finds nothing to undo or to finish, and nobody is
 * called halfway for a deployment that was told as done and whose followers run.
 * @returns whether the lock is held still
 */
async function heldStill(deployment: Deployment, { ledger }: Pick<Ports, 'ledger'>): Promise<boolean> {
  const held = heldBy(deployment, await ledger.read(deployment.fleet.name));
  if (!held) return false;
  // A holder that never left *Agree* leaves nothing.
  if (held.phase !== 'agree') await enterPhase(held.phase, deployment, { ledger });
  return true;
}

export const handler = lambdaHandler(releaseTheFleetLock, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
  log: systemLog,
}));
