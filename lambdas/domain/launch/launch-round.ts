/** One round of a launch: each share's next try. */
import type { Ports } from '../../ports/ports.ts';
import { type After, newInstance } from '../core/document.ts';
import { DeploymentError, isFailure } from '../core/errors.ts';
import { STEPS } from '../core/steps.ts';
import { list } from '../core/words.ts';
import { type LaunchedShare, noRoomFor, type Progress, tryOf } from './capacity.ts';
import { launchRequest, wholeLaunch } from './launch-request.ts';

/** EC2's bucket holds five RunInstances, for all fleets of the account and whoever else launches there. */
export const LAUNCHES_AT_ONCE = 4;

/** What became of some shares' tries. */
export interface Round {
  readonly shares: readonly LaunchedShare[];
  /** Homes of those without room. */
  readonly turnedDown: readonly string[];
  /** What else went wrong; an unknown answer first, so that it is asked for again before the undo begins. */
  readonly failure?: unknown;
}

/**
 * One try of each of these shares, side by side. All are waited for, also when one has failed: the undo must not begin
 * while a launch is still in flight.
 */
export async function launchRound(
  deployment: After<'image' | 'release'>,
  open: readonly string[],
  progress: Progress,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<Round> {
  const tries = open.map((home) => {
    const as = tryOf(deployment.fleet, progress, home);
    if (!as) throw noRoomFor(deployment.fleet, home);
    return { home, as };
  });
  const answers = await Promise.allSettled(
    tries.map(async ({ home, as }) => {
      const wanted = { count: deployment.fleet.instancesPerZone, whose: [home], ...as };
      const launched = wholeLaunch(wanted, await ec2.launch(launchRequest(deployment, wanted)));
      return { home, as, instances: launched.map(newInstance) };
    }),
  );
  return {
    shares: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    turnedDown: open.filter((_home, index) => answers[index]?.status === 'rejected'),
    failure: failureAmong(answers),
  };
}

/**
 * A launch waits for its turn at EC2, and none may be cut off in the middle: what does not begin in the first half of
 * the function's time is left to the next run.
 * @throws ServiceUnavailable
 */
export function assertTimeFor(homes: readonly string[], began: Date, now: Date): void {
  if (now.getTime() - began.getTime() <= STEPS['launch-new-instances'].seconds * 500) return;
  throw new DeploymentError(
    'ServiceUnavailable',
    `EC2 takes launches slowly now. What it has taken is kept; ${list(homes)} follow in another run of this step.`,
  );
}

/** Of all but a lack of capacity. */
function failureAmong(answers: readonly PromiseSettledResult<unknown>[]): unknown {
  const failures = answers.flatMap((answer) =>
    answer.status === 'rejected' && !isFailure(answer.reason, 'NoCapacity') ? [answer.reason as unknown] : [],
  );
  return failures.find((failure) => isFailure(failure, 'ServiceUnavailable')) ?? failures[0];
}
