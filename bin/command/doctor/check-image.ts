/** Is there a machine image for the fleet, does it fit, and is it newer than the one in use? */

import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import { decideImage, imageOrigin } from '../../../lambdas/domain/release/image.ts';
import type { Image } from '../../../lambdas/ports/ec2.ts';
import { type Check, check, decided, type Subject } from './check.ts';
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { happened, inFleetsFile } from './mending.ts';

/** By then, most security updates of a quarter are missing. */
const OLD_DAYS = 90;

const image = check('image');
const imageAge = check('image-age');

export const checkImage: Check = (facts, { fleet, account }) =>
  image.given('the machine image', [facts.image], ({ asked: imageId, found, withdrawn }) =>
    decided<readonly Finding[]>(
      () => {
        const origin = imageOrigin(fleet, undefined);
        const { reason } = decideImage(fleet, found, {
          origin,
          imageId,
          now: facts.now,
          withdrawn,
          account,
        });
        return [image.ok(reason), ...(found ? age(found, withdrawn, facts) : [])];
      },
      ({ name, message }) => [image.problem(happened(message), mendOf(fleet, found), name)],
    ),
  );

function mendOf(fleet: Subject['fleet'], found: Image | undefined): string[] {
  if (!found) return ['Build or share an image, or: '.concat(inFleetsFile(fleet.name, 'correct image'))];
  const lines: string[] = [];
  const { rootDevice } = fleet.launchTemplate;
  if (rootDevice !== undefined && found.rootDevice !== rootDevice)
    lines.push(inFleetsFile(fleet.name, `rootVolume: { device: '${found.rootDevice}' }`));
  if (found.architecture !== fleet.architecture)
    lines.push(
      inFleetsFile(fleet.name, `architecture: '${found.architecture}', with instanceTypes to match`),
    );
  if (found.deprecatedAt && found.state === 'available')
    lines.push(
      `Have CI build a new image; or, if this one is meant: ${COMMAND} deploy ${fleet.name} --ami ${found.imageId}`,
    );
  return lines.length > 0 ? lines : ['Wait until EC2 has finished the image, or build another one.'];
}

function age(
  { imageId, createdAt }: Image,
  withdrawn: readonly string[] = [],
  { runningImage, now }: Facts,
): readonly Finding[] {
  const days = Math.floor(secondsBetween(createdAt, now) / 86_400);
  return imageAge.given('the image in use', [runningImage], (running) => {
    const behind = running ? secondsBetween(createdAt, running.createdAt) : 0;
    if (running && withdrawn.includes(running.imageId))
      return imageAge.warning(
        `the fleet runs ${running.imageId}, which its owner deprecated: the next deployment goes back to ${imageId}`,
        'Have CI build a newer image, or deploy now.',
      );
    if (running && behind > 0)
      return imageAge.problem(
        `${imageId} is older than ${running.imageId}, which the fleet runs: the next deployment would be a step back`,
        'Publish the newer image again (its tags, its name, or the parameter), or deregister this one.',
      );
    if (days > OLD_DAYS)
      return imageAge.warning(
        `${imageId} is ${days} days old: it lacks all later security updates`,
        'Have CI build a new image.',
      );
    return imageAge.ok(`it is ${days} days old${running && behind < 0 ? ', newer than the one in use' : ''}`);
  });
}
