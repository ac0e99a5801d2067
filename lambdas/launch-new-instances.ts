/**
 * State *Launch new instances*: one call per zone, tagged from birth. Running it twice launches nothing twice: the
 * client tokens are derived from the execution (rule 5).
 */
import { createHash } from 'node:crypto';
import { liveEc2 } from './clients/ec2.ts';
import { entering } from './clients/fence.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/live-ledger.ts';
import type { Instance, Ports } from './clients/ports.ts';
import { renderBootScript } from './domain/boot-script.ts';
import { type After, deploymentId, type Launch } from './domain/deployment.ts';
import { DeploymentError, isFailure } from './domain/errors.ts';
import { TAG } from './domain/fleet.ts';
import { ofThisFleet } from './domain/removal.ts';
import { defineStep } from './domain/step.ts';
import { count, list } from './domain/words.ts';

type Agreed = After<'image' | 'release' | 'oldHosts'>;

export const launchNewInstances = defineStep(
  'launch-new-instances',
  ['image', 'release', 'oldHosts'],
  async (deployment: Agreed, ports: Pick<Ports, 'ec2' | 'ledger' | 'clock'>): Promise<Launch> => {
    await entering('bring-up', deployment, ports);
    const at = ports.clock.now().toISOString();
    // Zones side by side (EC2's bucket holds five RunInstances). All are waited for, also when one has failed: the
    // undo must not begin while a launch is still in flight.
    const inZones = await Promise.allSettled(
      deployment.fleet.subnets.map((subnetId) => launchInZone(deployment, subnetId, ports)),
    );
    refuseFailed(inZones);
    const launched = inZones.flatMap((zone) => (zone.status === 'fulfilled' ? zone.value : []));
    const zones = [...new Set(launched.map((instance) => instance.zone))];
    return {
      reason: `${count(launched.length, 'instance')} of ${deployment.image.imageId} in ${list(zones)}`,
      at,
      instances: launched.map(({ instanceId, zone, instanceType }) => ({ instanceId, zone, instanceType })),
    };
  },
);

/** An unknown answer first: it is asked for again, so that no launch is in flight when the undo begins. */
function refuseFailed(inZones: readonly PromiseSettledResult<unknown>[]): void {
  const failures = inZones.flatMap((zone) => (zone.status === 'rejected' ? [zone.reason as unknown] : []));
  if (failures.length === 0) return;
  throw failures.find((failure) => isFailure(failure, 'ServiceUnavailable')) ?? failures[0];
}

/** The first of the fleet's instance types that the zone has capacity for. */
async function launchInZone(
  deployment: Agreed,
  subnetId: string,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<readonly Instance[]> {
  const { fleet } = deployment;
  for (const instanceType of await typesToTry(deployment, subnetId, ec2)) {
    try {
      return whole(deployment, subnetId, await ec2.launch(launchRequest(deployment, subnetId, instanceType)));
    } catch (error) {
      if (!isFailure(error, 'NoCapacity')) throw error;
    }
  }
  throw new DeploymentError(
    'NoCapacity',
    `EC2 has no capacity in the zone of ${subnetId} for ${count(fleet.instancesPerZone, 'instance')} of ${list(fleet.instanceTypes)}. ` +
      `Try again later, or add instance types to ${fleet.name} in bin/fleets.ts.`,
  );
}

/**
 * The fleet's instance types; or the one type that an earlier run of this step launched here. The tokens alone do not
 * cover a type that had no capacity in the first run and has some in the second. The list may be stale, so it only
 * tells the type: asked for again under its token, EC2 answers with all that was launched.
 */
async function typesToTry(
  deployment: Agreed,
  subnetId: string,
  ec2: Ports['ec2'],
): Promise<readonly string[]> {
  const { instanceTypes } = deployment.fleet;
  if (instanceTypes.length === 1) return instanceTypes;
  const tagged = await ec2.listByTag(TAG.deployment, deploymentId(deployment));
  const earlier = ofThisFleet(deployment, tagged).find((instance) => instance.subnetId === subnetId);
  return earlier ? [earlier.instanceType] : instanceTypes;
}

/** @throws ServiceUnavailable for half an answer: fewer hosts than asked for would make the fleet shrink (rule 2). */
function whole({ fleet }: Agreed, subnetId: string, launched: readonly Instance[]): readonly Instance[] {
  if (launched.length === fleet.instancesPerZone) return launched;
  throw new DeploymentError(
    'ServiceUnavailable',
    `EC2 was asked for ${count(fleet.instancesPerZone, 'instance')} in ${subnetId} and answered with ${launched.length}. ` +
      'The launch is asked for again under the same token.',
  );
}

function launchRequest(deployment: Agreed, subnetId: string, instanceType: string) {
  const { fleet, release, image, execution } = deployment;
  // The type is part of the token: a second type is another request, not a repetition of the first.
  const clientToken = createHash('sha256')
    .update([execution.id, subnetId, instanceType].join('|'))
    .digest('hex');
  return {
    clientToken,
    count: fleet.instancesPerZone,
    subnetId,
    imageId: image.imageId,
    instanceType,
    launchTemplate: { id: fleet.launchTemplate.id, version: fleet.launchTemplate.version },
    userData: renderBootScript({
      bucket: fleet.artifact.bucket,
      fleet: fleet.name,
      deploymentId: deploymentId(deployment),
      artifact: release.artifact,
      runtimes: release.runtimes,
      startCommand: fleet.startCommand,
      mackerelRole: `${fleet.mackerel.service}:${fleet.mackerel.role}`,
    }),
    tags: {
      Name: fleet.name,
      ...fleet.tags,
      [TAG.fleet]: fleet.name,
      [TAG.deployment]: deploymentId(deployment),
      [TAG.artifactVersion]: release.artifact.versionId.slice(0, 256),
    },
  };
}

export const handler = lambdaHandler(launchNewInstances, () => ({
  ec2: liveEc2(),
  ledger: liveLedger(),
  clock: systemClock,
}));
