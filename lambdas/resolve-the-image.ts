/**
 * State *Resolve the image*: the newest machine image of the fleet's kind, the one asked for, or that of the release
 * that is gone back to; and the version of a launch template that is given. Only reads.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveParameters } from './clients/parameters.ts';
import { liveRecords } from './clients/records.ts';
import type { Deployment, ResolvedImage } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import type { Fleet } from './domain/core/fleet.ts';
import { defineStep } from './domain/core/step.ts';
import { withTemplate } from './domain/launch/launch-template.ts';
import { findTarget } from './domain/release/find-target.ts';
import {
  decideImage,
  heldBeside,
  imageOrigin,
  NAME_ANOTHER_IMAGE,
  newestImage,
  runsAhead,
  whose,
} from './domain/release/image.ts';
import type { Ports } from './ports/ports.ts';

type ImagePorts = Pick<Ports, 'ec2' | 'parameters' | 'records' | 'clock'>;

export const resolveTheImage = defineStep(
  'resolve-the-image',
  [],
  async (deployment, ports: ImagePorts): Promise<ResolvedImage> =>
    withTemplate(deployment.fleet, await imageFor(deployment, ports), ports),
);

async function imageFor(deployment: Deployment, ports: ImagePorts): Promise<ResolvedImage> {
  const { fleet, input } = deployment;
  const { amiId, rollbackTo } = input;
  if (rollbackTo !== undefined) return imageOfEarlier(deployment, rollbackTo, ports);
  const now = ports.clock.now();
  const choice = {
    ...whose(deployment),
    origin: imageOrigin(fleet, amiId),
    now,
    isNamed: amiId !== undefined,
    ranHere: await runsAhead(deployment, ports),
    held: await heldBeside(deployment, ports),
  };
  if (!amiId && fleet.image.from === 'search') {
    const images = await ports.ec2.matchingImages({ ...fleet.image, architecture: fleet.architecture });
    const { image, withdrawn } = newestImage(images, now);
    return decideImage(fleet, image, { ...choice, withdrawn });
  }
  const imageId = amiId ?? (await imageParameter(fleet, ports.parameters));
  return decideImage(fleet, await ports.ec2.findImage(imageId), { ...choice, imageId });
}

/** From here on the deployment is known by its id: `previous` could come to mean another one. */
async function imageOfEarlier(
  deployment: Deployment,
  asked: string,
  ports: ImagePorts,
): Promise<ResolvedImage> {
  const { fleet, input } = deployment;
  const { amiId } = input;
  const { deployment: rollbackTo, release } = await findTarget(fleet, asked, ports.records);
  const imageId = amiId ?? release.imageId;
  const origin = imageOrigin(fleet, amiId, rollbackTo);
  const found = await ports.ec2.findImage(imageId);
  const choice = {
    ...whose(deployment),
    origin,
    imageId,
    mend: NAME_ANOTHER_IMAGE,
    now: ports.clock.now(),
    isNamed: true,
    ranHere: imageId === release.imageId,
    held: await heldBeside(deployment, ports),
  };
  return { ...decideImage(fleet, found, choice), rollbackTo };
}

async function imageParameter(fleet: Fleet, parameters: Ports['parameters']): Promise<string> {
  const name = fleet.image.from === 'parameter' ? fleet.image.parameter : '';
  const imageId = (await parameters.read(name))?.trim();
  if (imageId && /^ami-[0-9a-f]+$/.test(imageId)) return imageId;
  throw new DeploymentError(
    'ImageNotFound',
    `The SSM parameter ${name} ${imageId ? 'does not hold an image id' : 'does not exist or is empty'}. Let the image build write the id of its newest image there.`,
  );
}

export const handler = lambdaHandler(resolveTheImage, () => ({
  ec2: liveEc2(),
  parameters: liveParameters(),
  records: liveRecords(),
  clock: systemClock,
}));
