/** What the records say of a fleet's past, as far as a release is chosen by it. */
import type { Ports } from '../../ports/ports.ts';
import type { After } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { imageIsRelease } from '../core/fleet.ts';
import { currentReleaseKey, deploymentRecordKey } from '../core/names.ts';
import type { Starts } from '../core/starts.ts';
import { isOlder } from './gates.ts';
import { type CurrentRelease, parseCurrentRelease, startsIn } from './release-choice.ts';
import { decideRollback, parseAnyRecord } from './rollback.ts';

type Resolving = After<'image'>;

export interface Past {
  /** What the fleet runs, if that is known. */
  readonly current: CurrentRelease | undefined;
  /** How long its last hosts took to start, made as they are made today. */
  readonly starts: Starts | undefined;
  /** What is gone back to. */
  readonly target: CurrentRelease | undefined;
  /** The last deployment that is known to have run: also when one has ended badly since. */
  readonly ranBefore: string | undefined;
  /** The newest version of the artifact when it was gone back, now or before what a new image is for. */
  readonly leftBehind: string | undefined;
}

export async function readPast(
  { fleet, input, image }: Resolving,
  { artifacts, records }: Pick<Ports, 'artifacts' | 'records'>,
): Promise<Past> {
  const { bucket, key } = fleet.artifact;
  const id = image.rollbackTo;
  const [last, record, newestFirst] = await Promise.all([
    records.readRecord(bucket, currentReleaseKey(fleet.name)),
    id === undefined ? undefined : records.readRecord(bucket, deploymentRecordKey(fleet.name, id)),
    // Not `find`: a newest upload that cannot be used must not be in the way of going back.
    id === undefined || key === undefined ? [] : artifacts.versions(bucket, key),
  ]);
  const current = parseCurrentRelease(last);
  return {
    current,
    starts: startsIn(last, fleet),
    target: id === undefined ? undefined : decideRollback(fleet, id, record, last),
    ranBefore: current ? current.deployment : parseAnyRecord(last)?.previous,
    leftBehind: leftBehind(newestFirst[0], { fleet, input, image }, current),
  };
}

/**
 * Without an artifact it is the image that is gone back from, by a rollback or by the name of an older one: neither its
 * own event, which may come late, nor that of another image brings it back.
 */
function leftBehind(
  newest: string | undefined,
  { fleet, input, image }: Pick<Resolving, 'fleet' | 'input' | 'image'>,
  current: CurrentRelease | undefined,
): string | undefined {
  if (!imageIsRelease(fleet)) return newest ?? (input.newImage && current?.leftBehind);
  if (current?.imageId === image.imageId) return current.leftBehind;
  if (current === undefined) return undefined;
  const isLeft = input.rollbackTo !== undefined || isOlder(image, current);
  return isLeft ? (current.leftBehind ?? current.imageId) : undefined;
}

/**
 * What a rollback goes back to, or what a new image is for.
 * @throws StepCrashed when the step before has not found it
 */
export function earlierRelease({ input, execution }: Resolving, { current, target }: Past): CurrentRelease {
  const release = input.rollbackTo === undefined ? current : target;
  if (release) return release;
  throw new DeploymentError(
    'StepCrashed',
    `*Resolve the image* of ${execution.name} has not found the deployment to go back to. Steps are started by the ` +
      'state machine, not by hand.',
  );
}
