/**
 * State *Launch new instances*: one call per zone, tagged from birth. Running it twice launches nothing twice: the
 * client tokens are derived from the execution (rule 5).
 */
import { createHash } from 'node:crypto';
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import type { Instance, Ports } from './clients/ports.ts';
import { renderBootScript } from './domain/boot-script.ts';
import { type After, deploymentId, type Launch } from './domain/deployment.ts';
import { DeploymentError, isFailure } from './domain/errors.ts';
import { TAG } from './domain/fleet.ts';
import { isGoing } from './domain/readiness.ts';
import { defineStep } from './domain/step.ts';
import { count, list } from './domain/words.ts';

type Agreed = After<'image' | 'release' | 'oldHosts'>;

export const launchNewInstances = defineStep(
  'launch-new-instances',
  ['image', 'release', 'oldHosts'],
  async (deployment: Agreed, ports: Pick<Ports, 'ec2' | 'clock'>): Promise<Launch> => {
    const at = ports.clock.now().toISOString();
    // Zones side by side (EC2's bucket holds five RunInstances). All are waited for, also when one has failed: the
    // undo must not begin while a launch is still in flight.
    const inZones = await Promise.allSettled(
      deployment.fleet.subnets.map((subnetId) => launchInZone(deployment, subnetId, ports)),
    );
    const launched = inZones.flatMap((zone) => {
      if (zone.status === 'rejected') throw zone.reason;
      return zone.value;
    });
    const zones = [...new Set(launched.map((instance) => instance.zone))];
    return {
      reason: `${count(launched.length, 'instance')} of ${deployment.image.imageId} in ${list(zones)}`,
      at,
      instances: launched.map(({ instanceId, zone, instanceType }) => ({ instanceId, zone, instanceType })),
    };
  },
);

/** The first of the fleet's instance types that the zone has capacity for. */
async function launchInZone(
  deployment: Agreed,
  subnetId: string,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<readonly Instance[]> {
  const { fleet } = deployment;
  const earlier = await launchedEarlier(deployment, subnetId, ec2);
  if (earlier.length > 0) return earlier;
  for (const instanceType of fleet.instanceTypes) {
    try {
      return await ec2.launch(launchRequest(deployment, subnetId, instanceType));
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
 * What an earlier run of this step launched here, under whichever instance type. The tokens alone do not cover a type
 * that had no capacity in the first run and has some in the second.
 */
async function launchedEarlier(
  deployment: Agreed,
  subnetId: string,
  ec2: Ports['ec2'],
): Promise<readonly Instance[]> {
  if (deployment.fleet.instanceTypes.length === 1) return [];
  const ours = await ec2.listByTag(TAG.deployment, deploymentId(deployment));
  return ours.filter((instance) => instance.subnetId === subnetId && !isGoing(instance));
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

export const handler = lambdaHandler(launchNewInstances, () => ({ ec2: liveEc2(), clock: systemClock }));
