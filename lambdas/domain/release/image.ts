/** Which machine image, and can it run this fleet? */
import type { Image } from '../../ports/ec2.ts';
import type { ResolvedImage } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { plain } from '../core/words.ts';

/** Where the image came from, for the sentences: `the execution input`, `SSM parameter /x`, … */
export function imageOrigin(fleet: Fleet, asked: string | undefined, rollbackTo?: string): string {
  if (asked) return 'the execution input';
  if (rollbackTo) return `the record of ${rollbackTo}`;
  if (fleet.image.from === 'parameter') return `the SSM parameter ${fleet.image.parameter}`;
  const { owner, namePattern, tags } = fleet.image;
  const wanted = [
    namePattern && `name ${namePattern}`,
    ...Object.entries(tags).map(([key, value]) => `tag ${key}=${value}`),
  ];
  return `the search for the newest ${fleet.architecture} image of ${owner} with ${wanted.filter(Boolean).join(' and ')}`;
}

/** What to do when the image of an earlier deployment is gone. */
export const NAME_ANOTHER_IMAGE = 'Name another image beside rollbackTo: {"amiId": "ami-…"}.';

/**
 * @param mend what to do when there is no image; default: as for the newest one
 * @throws ImageNotFound when there is none; ImageUnusable when it cannot run the fleet.
 */
export function decideImage(
  fleet: Fleet,
  image: Image | undefined,
  origin: string,
  imageId?: string,
  mend?: string,
): ResolvedImage {
  if (!image) {
    throw new DeploymentError(
      'ImageNotFound',
      `EC2 knows no image${imageId ? ` ${imageId}` : ''} from ${origin}. ${mend ?? `Build or share the image, or correct \`image\` of ${fleet.name} in bin/fleets.ts.`}`,
    );
  }
  const unfit = unfitness(fleet, image);
  const name = plain(image.name);
  if (unfit.length > 0) {
    throw new DeploymentError(
      'ImageUnusable',
      `${image.imageId} (${name}, from ${origin}) cannot run ${fleet.name}: ${unfit.join('; ')}.`,
    );
  }
  return {
    imageId: image.imageId,
    name,
    createdAt: image.createdAt.toISOString(),
    reason: `${image.imageId} (${name}) from ${origin}`,
  };
}

function unfitness(fleet: Fleet, image: Image): string[] {
  const found: string[] = [];
  if (image.state !== 'available') found.push(`it is ${image.state}, not available`);
  if (image.architecture !== fleet.architecture) {
    found.push(`it is for ${image.architecture}, the fleet's instance types are ${fleet.architecture}`);
  }
  // A launch template volume under another device name would become a second disk beside the image's own.
  if (image.rootDevice !== fleet.launchTemplate.rootDevice) {
    found.push(
      `its root volume is ${image.rootDevice}, the fleet's rootVolume.device is ${fleet.launchTemplate.rootDevice}`,
    );
  }
  return found;
}
