/**
 * State *Launch new instances*: one call per zone, tagged from birth; where a zone has no capacity, the next try of
 * `domain/launching.ts`. Running it twice launches nothing twice: the client tokens are derived from the execution, and
 * the ledger knows which tries are behind (rule 5). All shares are launched, or the deployment is undone.
 */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import type { After, Launch } from './domain/core/document.ts';
import { defineStep } from './domain/core/step.ts';
import {
  type LaunchedShare,
  launchSentence,
  movedOn,
  type Progress,
  progressIn,
} from './domain/launch/capacity.ts';
import { launchRound } from './domain/launch/launch-round.ts';
import { assertHoldsLock, enterPhase } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Agreed = After<'image' | 'release' | 'oldHosts'>;
type LaunchPorts = Pick<Ports, 'ec2' | 'ledger' | 'clock'>;

export const launchNewInstances = defineStep(
  'launch-new-instances',
  ['image', 'release', 'oldHosts'],
  async (deployment: Agreed, ports: LaunchPorts): Promise<Launch> => {
    const { document } = await assertHoldsLock(deployment, ports);
    const at = ports.clock.now().toISOString();
    const shares = await launchShares(deployment, progressIn(document), ports);
    const launched = shares.flatMap(({ instances }) => instances);
    return {
      reason: launchSentence(deployment.fleet, deployment.image.imageId, shares),
      at,
      instances: launched.map(({ instanceId, zone, instanceType }) => ({ instanceId, zone, instanceType })),
    };
  },
);

/** Each zone's share, in rounds: who found no room tries again, elsewhere or as another type, when all have answered. */
async function launchShares(
  deployment: Agreed,
  earlier: Progress,
  ports: LaunchPorts,
): Promise<readonly LaunchedShare[]> {
  const { fleet } = deployment;
  const launched = new Map<string, LaunchedShare>();
  let progress = earlier;
  while (launched.size < fleet.subnets.length) {
    const launching = { ...deployment, launching: progress };
    await enterPhase('bring-up', launching, ports);
    const open = fleet.subnets.filter((home) => !launched.has(home));
    const { shares, turnedDown } = await launchRound(deployment, open, progress, ports);
    for (const share of shares) launched.set(share.home, share);
    // Only the other subnets' addresses are counted: the fleet's own were, before it began.
    const subnets = turnedDown.length > 0 && fleet.spillOver ? await ports.ec2.subnets(fleet.subnets) : [];
    progress = movedOn(fleet, progress, turnedDown, subnets);
  }
  return fleet.subnets.flatMap((home) => launched.get(home) ?? []);
}

export const handler = lambdaHandler(launchNewInstances, () => ({
  ec2: liveEc2(),
  ledger: liveLedger(),
  clock: systemClock,
}));
