/** One round of a launch: each share's next try. */
import type { Ports } from '../../ports/ports.ts';
import type { After } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { type LaunchedShare, noRoomFor, type Progress, tryOf } from './capacity.ts';
import { launchRequest, wholeLaunch } from './launch-request.ts';

/**
 * One try of each share, side by side (EC2's bucket holds five RunInstances). All are waited for, also when one has
 * failed: the undo must not begin while a launch is still in flight.
 */
export async function launchRound(
  deployment: After<'image' | 'release'>,
  open: readonly string[],
  progress: Progress,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<{ shares: readonly LaunchedShare[]; turnedDown: readonly string[] }> {
  const tries = open.map((home) => {
    const as = tryOf(deployment.fleet, progress, home);
    if (!as) throw noRoomFor(deployment.fleet, home);
    return { home, as };
  });
  const answers = await Promise.allSettled(
    tries.map(async ({ home, as }) => {
      const wanted = { count: deployment.fleet.instancesPerZone, whose: [home], ...as };
      const instances = await ec2.launch(launchRequest(deployment, wanted));
      return { home, as, instances: wholeLaunch(wanted, instances) };
    }),
  );
  assertNoFailure(answers);
  return {
    shares: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
    turnedDown: open.filter((_home, index) => answers[index]?.status === 'rejected'),
  };
}

/** All but a lack of capacity; an unknown answer first, so that it is asked for again before the undo begins. */
function assertNoFailure(answers: readonly PromiseSettledResult<unknown>[]): void {
  const failures = answers.flatMap((answer) =>
    answer.status === 'rejected' && !isFailure(answer.reason, 'NoCapacity') ? [answer.reason as unknown] : [],
  );
  if (failures.length === 0) return;
  throw failures.find((failure) => isFailure(failure, 'ServiceUnavailable')) ?? failures[0];
}
