/**
 * State *Release the lock* (after every ending that leaves nothing to do): starts the fleets that are deployed after this
 * one, frees the fleet, and starts what waits in the pending slot. Running it twice frees and starts once.
 */

import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemLog } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { type Deployment, holdOf, parseDeployment } from './domain/core/document.ts';
import { isFailure } from './domain/core/errors.ts';
import { machineName } from './domain/core/names.ts';
import { despiteBadInput } from './domain/core/parse-document.ts';
import type { Step } from './domain/core/step.ts';
import { list } from './domain/core/words.ts';
import { enterPhase, heldBy } from './domain/lock/fence.ts';
import { followUps, isCleanUp, owedSince } from './domain/lock/following.ts';
import { startPending } from './domain/lock/pending.ts';
import { startOnce } from './domain/lock/start-once.ts';
import type { Ports } from './ports/ports.ts';

type LockPorts = Pick<Ports, 'ledger' | 'executions' | 'log'>;

export const releaseTheFleetLock: Step<LockPorts, { reason: string }> = {
  name: 'release-the-fleet-lock',
  run: async (document, ports) => {
    const deployment = despiteBadInput(document, (given) => parseDeployment(given, []));
    const { fleet, lock } = deployment;
    if (!lock) return { reason: 'the lock was never taken' };
    const held = await heldStill(deployment, ports);
    // First: when a start fails, the lock stays, and the clean-up that is sent for starts them. Who has let go has started them.
    const { following, refused } = held ? await startFollowers(deployment, lock.holder, ports) : NOBODY;
    await ports.ledger.release(fleet.name, holdOf(deployment));
    const next = await startPending(fleet.name, lock.holder, ports);
    return {
      reason: [
        'the lock is free',
        ...(next ? [`version ${next.versionId} is deployed next`] : []),
        ...(following.length > 0
          ? [`${list(following)} ${following.length === 1 ? 'follows' : 'follow'}`]
          : []),
        ...refused,
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

/**
 * One that cannot be started keeps no other from it.
 * @returns the names of those that follow, and a sentence about each that never will.
 */
async function startFollowers(
  deployment: Deployment,
  executionArn: string,
  { executions, log }: Pick<Ports, 'executions' | 'log'>,
): Promise<{ readonly following: readonly string[]; readonly refused: readonly string[] }> {
  const [following, refused, failures]: [string[], string[], unknown[]] = [[], [], []];
  for (const { fleet, name, input } of followUps(deployment)) {
    const owed = { fleet, name, input: JSON.stringify(input), since: owedSince(deployment) };
    const start = () => startOnce(executionArn, owed, executions);
    try {
      // A deployment that was stopped has not asked yet: its clean-up asks twice before it takes a no for an answer.
      await (isCleanUp(deployment) ? start().catch(start) : start());
      following.push(fleet);
    } catch (error) {
      if (isRefusedAgain(deployment, error)) refused.push(unfollowed(fleet, input, error.message));
      else failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  for (const sentence of refused) log.warn(sentence);
  return { following, refused };
}

/**
 * A clean-up asks minutes after the deployment did. Refused again, the cause will stay (a machine that is gone, say):
 * asking for ever would keep this fleet locked for ever, and record and announce its deployment every few minutes.
 */
const isRefusedAgain = (deployment: Deployment, error: unknown): error is Error =>
  isCleanUp(deployment) && isFailure(error, 'ServiceRefused');

const unfollowed = (fleet: string, { versionId }: Readonly<Record<string, unknown>>, why: string): string =>
  `${fleet} does not follow, because starting it was refused twice: ${why} If that fleet is still there, start ` +
  `${machineName(fleet, 'deploy')} with ${JSON.stringify({ versionId })}`;

export const handler = lambdaHandler(releaseTheFleetLock, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
  log: systemLog,
}));
