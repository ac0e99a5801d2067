/**
 * State *Replace the stragglers*: launches as many instances as the look before named stragglers, each in the zone and
 * of the type of the one it replaces. Its answer is the launch anew, with them instead of the stragglers, which the next
 * state removes.
 *
 * The new ones come first: where EC2 has no room for them, the stragglers are still there to be waited for. Whom to
 * replace is the look's decision, and nothing is looked up again: a run that decided otherwise than the one before
 * would launch twice. So two runs ask for the same under the same token (rule 5).
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { chunksOf } from './domain/core/collections.ts';
import { type After, type Launch, newInstance } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { defineStep } from './domain/core/step.ts';
import {
  launchAfter,
  type ReplacedShare,
  replacedShare,
  type StragglerShare,
  sharesToReplace,
} from './domain/hosts/stragglers.ts';
import { launchRequest, wholeLaunch } from './domain/launch/launch-request.ts';
import { LAUNCHES_AT_ONCE } from './domain/launch/launch-round.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import { launchingAlone } from './domain/lock/launching-alone.ts';
import type { Subnet } from './ports/ec2.ts';
import type { Ports } from './ports/ports.ts';

type Waiting = After<'image' | 'release' | 'launch' | 'readiness'>;
type LaunchPorts = Pick<Ports, 'ec2' | 'ledger' | 'clock'>;

export const replaceTheStragglers = defineStep(
  'replace-the-stragglers',
  ['image', 'release', 'launch', 'readiness'],
  async (deployment: Waiting, ports: LaunchPorts): Promise<Launch> => {
    const { launch, readiness } = deployment;
    const shares = sharesToReplace(deployment);
    const held = await assertHoldsLock(deployment, ports);
    return launchingAlone(deployment, held, ports, async ({ writeDown }) => {
      await writeDown({});
      return launchAfter(launch, readiness.stragglers ?? [], await launchAll(deployment, shares, ports));
    });
  },
);

async function launchAll(
  deployment: Waiting,
  shares: readonly StragglerShare[],
  ports: Pick<Ports, 'ec2'>,
): Promise<ReplacedShare[]> {
  const subnets = await ports.ec2.subnets(deployment.fleet.subnets);
  const replaced: ReplacedShare[] = [];
  for (const few of chunksOf(shares, LAUNCHES_AT_ONCE)) {
    const answers = await Promise.allSettled(
      few.map((share) => launchShare(deployment, share, subnets, ports)),
    );
    replaced.push(...answers.map((answer, index) => replacedShare(answer, few[index])));
  }
  return replaced;
}

async function launchShare(
  deployment: Waiting,
  share: StragglerShare,
  subnets: readonly Subnet[],
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<ReplacedShare> {
  const { zone, instanceType, leaving } = share;
  const ids = leaving.map(({ instanceId }) => instanceId).sort();
  const wanted = {
    count: leaving.length,
    subnetId: subnetIn(zone, subnets),
    instanceType,
    whose: ['instead of', ...ids],
  };
  const launched = wholeLaunch(wanted, await ec2.launch(launchRequest(deployment, wanted)));
  const instances = launched.map((each) => newInstance({ ...each, zone, instanceType }));
  return { ...share, instances };
}

/** A fleet has one subnet in each zone. @throws ServiceUnavailable when EC2's answer lacks it, though it was there. */
function subnetIn(zone: string, subnets: readonly Subnet[]): string {
  const subnet = subnets.find((each) => each.zone === zone);
  if (subnet) return subnet.subnetId;
  throw new DeploymentError('ServiceUnavailable', `EC2 does not show the fleet's subnet in ${zone} now.`);
}

export const handler = lambdaHandler(replaceTheStragglers, () => ({
  ec2: liveEc2(),
  ledger: liveLedger(),
  clock: systemClock,
}));
