/** Which machine image, and can it run this fleet? */
import type { Image } from '../../ports/ec2.ts';
import type { ResolvedImage } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { list, plain } from '../core/words.ts';

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

const isDeprecated = ({ deprecatedAt }: Image, now: Date) =>
  deprecatedAt !== undefined && deprecatedAt <= now;

/**
 * What its owner has withdrawn is not the newest: of images that match, the newest active one; where all are deprecated,
 * the newest, for `decideImage` to name.
 */
export function newestImage(
  images: readonly Image[],
  now: Date,
): { image: Image | undefined; withdrawn: string[] } {
  const newestFirst = [...images].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const active = newestFirst.findIndex((image) => !isDeprecated(image, now));
  const withdrawn = newestFirst.slice(0, Math.max(active, 0)).map(({ imageId }) => imageId);
  return { image: newestFirst[Math.max(active, 0)], withdrawn };
}

/** How an image was come by. */
export interface ImageChoice {
  readonly origin: string;
  readonly imageId?: string | undefined;
  readonly now: Date;
  /** Somebody named this very image, or a release with it: deprecated or not, it is meant. */
  readonly isNamed?: boolean;
  /** Newer ones that match and are deprecated, newest first. */
  readonly withdrawn?: readonly string[] | undefined;
  /** What to do when there is no image; default: as for the newest one. */
  readonly mend?: string;
}

/** @throws ImageNotFound when there is none; ImageUnusable when it cannot run the fleet, or is deprecated and not named. */
export function decideImage(fleet: Fleet, image: Image | undefined, choice: ImageChoice): ResolvedImage {
  const { origin, imageId, mend, withdrawn = [] } = choice;
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
  const deprecatedAt = isDeprecated(image, choice.now) ? image.deprecatedAt?.toISOString() : undefined;
  if (deprecatedAt && !choice.isNamed) {
    throw new DeploymentError(
      'ImageUnusable',
      `${image.imageId} (${name}, from ${origin}) is deprecated by its owner since ${deprecatedAt}, and there is no active ` +
        `one. Build a new image; or, if this one is meant, start with {"amiId": "${image.imageId}"}.`,
    );
  }
  const told = [
    `${image.imageId} (${name}) from ${origin}`,
    deprecatedAt && `deprecated by its owner since ${deprecatedAt}`,
    withdrawn.length > 0 && `because newer ones are deprecated by their owner: ${list(withdrawn, 3)}`,
  ];
  return {
    imageId: image.imageId,
    name,
    createdAt: image.createdAt.toISOString(),
    ...(deprecatedAt && { deprecatedAt }),
    ...(withdrawn.length > 0 && { withdrawn: withdrawn.slice(0, MOST_WITHDRAWN) }),
    reason: told.filter(Boolean).join(', '),
  };
}

/** Travel in the document; who is asked for is what runs now, which is seldom older than the newest of them. */
const MOST_WITHDRAWN = 20;

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
