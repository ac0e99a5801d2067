/** Is there a machine image for the fleet, can it run it, and is it newer than what runs? */

import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import { decideImage, imageOrigin } from '../../../lambdas/domain/release/image.ts';
import type { Image } from '../../../lambdas/ports/ec2.ts';
import { given } from './answer.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { happened, inFleetsFile } from './mending.ts';
import type { Check, Subject } from './subject.ts';

/** Most security updates of a quarter are missing then. */
const OLD_DAYS = 90;

export const checkImage: Check = (facts, { fleet }) =>
  given('image', 'the machine image', [facts.image], ({ asked, found }) => {
    try {
      const { reason } = decideImage(fleet, found, imageOrigin(fleet, undefined), asked);
      return [ok('image', reason), ...(found ? age(found, facts) : [])];
    } catch (error) {
      if (!isFailure(error)) throw error;
      return [problem('image', happened(error.message), { failure: error.name, mend: mendOf(fleet, found) })];
    }
  });

function mendOf(fleet: Subject['fleet'], found: Image | undefined): string[] {
  if (!found) return ['Build or share an image, or: '.concat(inFleetsFile(fleet.name, 'correct image'))];
  const lines: string[] = [];
  if (found.rootDevice !== fleet.launchTemplate.rootDevice)
    lines.push(inFleetsFile(fleet.name, `rootVolume: { device: '${found.rootDevice}' }`));
  if (found.architecture !== fleet.architecture)
    lines.push(inFleetsFile(fleet.name, `architecture: '${found.architecture}', with instanceTypes of it`));
  return lines.length > 0 ? lines : ['Wait until EC2 has finished the image, or build another one.'];
}

function age(found: Image, { runningImage, now }: Facts): readonly Finding[] {
  const days = Math.floor(secondsBetween(found.createdAt, now) / 86_400);
  return given('image-age', 'the image that runs now', [runningImage], (running) => {
    const behind = running ? secondsBetween(found.createdAt, running.createdAt) : 0;
    if (running && behind > 0)
      return [
        problem(
          'image-age',
          `${found.imageId} is older than ${running.imageId}, which the fleet runs: the next deployment would go back`,
          {
            mend: [
              'Publish the newer image again (its tags, its name, or the parameter), or deregister this one.',
            ],
          },
        ),
      ];
    if (days > OLD_DAYS)
      return [
        warning('image-age', `${found.imageId} is ${days} days old: it lacks the security updates since`, {
          mend: ['Have CI build the image anew.'],
        }),
      ];
    const newer = running && behind < 0 ? ', newer than what runs' : '';
    return [ok('image-age', `it is ${days} days old${newer}`)];
  });
}
