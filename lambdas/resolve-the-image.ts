/** State *Resolve the image*: the newest machine image of the fleet's kind, or the one asked for. Only reads. */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler } from './clients/handler.ts';
import { liveParameters } from './clients/parameters.ts';
import type { Ports } from './clients/ports.ts';
import { DeploymentError } from './domain/errors.ts';
import type { Fleet } from './domain/fleet.ts';
import { decideImage, imageOrigin } from './domain/image.ts';
import { defineStep } from './domain/step.ts';

export const resolveTheImage = defineStep(
  'resolve-the-image',
  [],
  async ({ fleet, input }, ports: Pick<Ports, 'ec2' | 'parameters'>) => {
    const origin = imageOrigin(fleet, input.amiId);
    if (!input.amiId && fleet.image.from === 'search') {
      const image = await ports.ec2.newestImage({ ...fleet.image, architecture: fleet.architecture });
      return decideImage(fleet, image, origin);
    }
    const imageId = input.amiId ?? (await imageParameter(fleet, ports.parameters));
    return decideImage(fleet, await ports.ec2.findImage(imageId), origin, imageId);
  },
);

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
}));
