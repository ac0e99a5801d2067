/**
 * Starts the fleets that are deployed after this one, each exactly once, whoever asks: the removal, as soon as nothing is
 * undone anymore, and the release of the lock, for whatever that left.
 */
import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { machineName } from '../core/names.ts';
import { list } from '../core/words.ts';
import { followUps, isCleanUp, owedSince } from './following.ts';
import { startOnce } from './start-once.ts';

export interface Followed {
  readonly following: readonly string[];
  /** A sentence about each that never will. */
  readonly refused: readonly string[];
}

/**
 * One that cannot be started keeps no other from it.
 */
export async function startFollowers(
  deployment: Deployment,
  executionArn: string,
  { executions, log }: Pick<Ports, 'executions' | 'log'>,
): Promise<Followed> {
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

const unfollowed = (
  fleet: string,
  { versionId, amiId }: Readonly<Record<string, unknown>>,
  why: string,
): string =>
  `${fleet} does not follow, because starting it was refused twice: ${why} If that fleet is still there, start ` +
  `${machineName(fleet, 'deploy')} with ${JSON.stringify({ versionId, amiId })}`;

export const followSentences = ({ following, refused }: Followed): readonly string[] => [
  ...(following.length > 0 ? [`${list(following)} ${following.length === 1 ? 'follows' : 'follow'}`] : []),
  ...refused,
];
