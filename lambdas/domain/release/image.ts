/** Which machine image, and can it run this fleet? */
import type { Image, ImageSource } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import { placeOf } from '../core/aws.ts';
import type { Deployment, ResolvedImage } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { type Fleet, imageIsRelease, TAG } from '../core/fleet.ts';
import type { Override } from '../core/input.ts';
import { overriding } from '../core/names.ts';
import { glob } from '../core/pattern.ts';
import { firstOf, list, plain } from '../core/words.ts';

/** What an image is judged by, of the deployment that wants it. */
export const whose = ({ execution, input: { override } }: Deployment) => ({
  account: placeOf(execution.id).account,
  override,
});

/** What the fleet's parameter holds, for whoever names an image beside it: another one is not of the fleet's kind. */
export async function heldBeside(
  { fleet: { image }, input: { amiId } }: Deployment,
  { parameters }: Pick<Ports, 'parameters'>,
): Promise<string | undefined> {
  if (amiId === undefined || image.from === 'search') return undefined;
  return (await parameters.read(image.parameter))?.trim() ?? 'nothing';
}

/**
 * Does the fleet that this one is deployed after run the image that is named? It was of the kind there, which is this
 * fleet's too, and is handed on whatever has become the newest meanwhile. By hosts that EC2 launched from a template.
 */
export async function runsAhead(
  { fleet, input: { amiId } }: Deployment,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<boolean> {
  if (amiId === undefined || fleet.after === undefined || !imageIsRelease(fleet)) return false;
  const hosts = await ec2.listByTag(TAG.fleet, fleet.after);
  return hosts.some(
    ({ imageId, state, tags }) =>
      imageId === amiId && state === 'running' && tags[TAG.template] !== undefined,
  );
}

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

/** Whose images a fleet may run: its account's own, and those of whom its file names. IAM lets it launch no others. */
export function imageOwners(source: ImageSource, account: string): string[] {
  const isPublic = source.from === 'parameter' && source.parameter.startsWith('/aws/service/');
  const named = source.owner ?? (isPublic ? 'amazon' : 'self');
  return named === 'self' || named === account ? [account] : [account, named];
}

const isOf = ({ owner, ownerAlias }: Image, owners: readonly string[]) =>
  owners.includes(owner) || (ownerAlias !== undefined && owners.includes(ownerAlias));

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
  /** The fleet's. */
  readonly account: string;
  /** What the fleet's parameter holds, where somebody named another image. */
  readonly held?: string | undefined;
  /** It ran here before, by the record that names it, or runs in the fleet before this one: it was of the kind, or meant. */
  readonly ranHere?: boolean;
  /** Somebody opened this gate. */
  readonly override?: readonly Override[] | undefined;
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
      `EC2 knows no image${imageId ? ` ${imageId}` : ''} from ${origin}. ${mend ?? `Build or share the image, or correct \`image\` of ${fleet.name} in the fleets file.`}`,
    );
  }
  const owners = imageOwners(fleet.image, choice.account);
  const unfit = unfitness(fleet, image, owners);
  const name = plain(image.name);
  if (unfit.length > 0) {
    throw new DeploymentError(
      'ImageUnusable',
      `${image.imageId} (${name}, from ${origin}) cannot run ${fleet.name}: ${firstOf(unfit).join('; ')}.`,
    );
  }
  const other = choice.ranHere ? undefined : otherKind(fleet, image, choice);
  if (other && !choice.override?.includes('image')) {
    throw new DeploymentError(
      'ImageUnusable',
      `${image.imageId} (${name}, from ${origin}) is not of the kind of ${fleet.name}: ${other}. If it is meant, ` +
        `start ${overriding(fleet.name, 'image', `"amiId": "${image.imageId}", `)}.`,
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
    other && `although ${other}`,
    deprecatedAt && `deprecated by its owner since ${deprecatedAt}`,
    withdrawn.length > 0 && `because newer ones are deprecated by their owner: ${list(withdrawn, 3)}`,
  ];
  return {
    imageId: image.imageId,
    name,
    createdAt: image.createdAt.toISOString(),
    ...(image.copyOf && { copyOf: image.copyOf }),
    ...(deprecatedAt && { deprecatedAt }),
    ...(withdrawn.length > 0 && { withdrawn: withdrawn.slice(0, MOST_WITHDRAWN) }),
    reason: told.filter(Boolean).join(', '),
  };
}

/** Travel in the document; who is asked for is what runs now, which is seldom older than the newest of them. */
const MOST_WITHDRAWN = 20;

/** Why an image that its owner may launch is not one that the fleet would have found by itself. */
function otherKind(fleet: Fleet, image: Image, { held, imageId, account }: ImageChoice): string | undefined {
  const source = fleet.image;
  if (source.from === 'parameter')
    return held === undefined || held === imageId
      ? undefined
      : `the SSM parameter ${source.parameter} holds ${plain(held, 40)}`;
  const { owner, namePattern, tags } = source;
  const named = owner === 'self' ? account : owner;
  if (!isOf(image, [named])) return `its owner is ${image.owner}, not ${named}`;
  if (namePattern !== undefined && !glob(namePattern).test(image.name))
    return `its name does not match ${namePattern}`;
  const lacking = Object.entries(tags).find(([key, value]) => image.tags[key] !== value);
  return lacking && `it does not carry the tag ${lacking.join('=')}`;
}

function unfitness(fleet: Fleet, image: Image, owners: readonly string[]): string[] {
  const found: string[] = [];
  if (!isOf(image, owners))
    found.push(
      `it belongs to the account ${image.owner}, and ${fleet.name} runs images of ${list(owners)} alone (image.owner in the fleets file)`,
    );
  if (image.state !== 'available') found.push(`it is ${image.state}, not available`);
  if (image.architecture !== fleet.architecture) {
    found.push(`it is for ${image.architecture}, the fleet's instance types are ${fleet.architecture}`);
  }
  // A launch template volume under another device name would become a second disk beside the image's own.
  const { rootDevice } = fleet.launchTemplate;
  if (rootDevice !== undefined && image.rootDevice !== rootDevice) {
    found.push(`its root volume is ${image.rootDevice}, the fleet's rootVolume.device is ${rootDevice}`);
  }
  return found;
}
