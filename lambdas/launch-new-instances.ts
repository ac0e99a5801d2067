/**
 * State *Launch new instances*: one call per zone, tagged from birth; where a zone has no capacity, the next try of
 * `domain/launch/capacity.ts`. Running it twice launches nothing twice: the client tokens are derived from the execution, the
 * ledger knows which tries are behind, and one run at a time goes from try to try (rule 5). All shares are launched, or
 * the deployment is undone.
 */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { chunksOf } from './domain/core/collections.ts';
import type { After, Launch } from './domain/core/document.ts';
import { defineStep } from './domain/core/step.ts';
import { launchKnown } from './domain/hosts/removal.ts';
import {
  type LaunchedShare,
  launchSentence,
  movedOn,
  sharesIn,
  type Written,
  withShares,
  writtenIn,
} from './domain/launch/capacity.ts';
import { assertTimeFor, LAUNCHES_AT_ONCE, launchRound } from './domain/launch/launch-round.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import { launchingAlone, type Notes } from './domain/lock/launching-alone.ts';
import type { Ports } from './ports/ports.ts';

type Agreed = After<'image' | 'release' | 'oldHosts'>;
type LaunchPorts = Pick<Ports, 'ec2' | 'ledger' | 'clock'>;

export const launchNewInstances = defineStep(
  'launch-new-instances',
  ['image', 'release', 'oldHosts'],
  async (deployment: Agreed, ports: LaunchPorts): Promise<Launch> => {
    const held = await assertHoldsLock(deployment, ports);
    // An earlier run was done, and its answer was lost.
    const done = launchKnown(deployment, held.document);
    if (done) return done;
    const at = ports.clock.now().toISOString();
    return launchingAlone(deployment, held, ports, async (notes) => {
      const shares = await launchShares(deployment, writtenIn(held.document), notes, ports);
      return {
        reason: launchSentence(deployment.fleet, deployment.image.imageId, shares),
        at,
        instances: shares.flatMap(({ instances }) => instances),
      };
    });
  },
);

/**
 * Each zone's share, in rounds: who found no room tries again, elsewhere or as another type, when all have answered. A
 * few side by side; what they launched is written down before the next ones, and is not asked for again.
 */
async function launchShares(
  deployment: Agreed,
  earlier: Written,
  notes: Notes,
  ports: LaunchPorts,
): Promise<readonly LaunchedShare[]> {
  const { fleet } = deployment;
  const began = ports.clock.now();
  let written = earlier;
  for (;;) {
    const open = fleet.subnets.filter((home) => !written.launched[home]);
    if (open.length === 0) return sharesIn(fleet, written);
    const turnedDown: string[] = [];
    for (const few of chunksOf(open, LAUNCHES_AT_ONCE)) {
      await notes.writeDown(written);
      assertTimeFor(few, began, ports.clock.now());
      const round = await launchRound(deployment, few, written.launching, ports);
      written = withShares(written, round.shares);
      notes.keep(written);
      if (round.failure !== undefined) throw round.failure;
      turnedDown.push(...round.turnedDown);
    }
    // Only the other subnets' addresses are counted: the fleet's own were, before it began.
    const subnets = turnedDown.length > 0 && fleet.spillOver ? await ports.ec2.subnets(fleet.subnets) : [];
    written = { ...written, launching: movedOn(fleet, written.launching, turnedDown, subnets) };
  }
}

export const handler = lambdaHandler(launchNewInstances, () => ({
  ec2: liveEc2(),
  ledger: liveLedger(),
  clock: systemClock,
}));
