/** What waits for a fleet's lock: which of two requests is deployed next, and starting it. */
import type { PendingRequest } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import { isFollowUp, waitedName } from '../core/names.ts';
import { startOnce } from './start-once.ts';

/**
 * May a request take the pending slot from the one that waits there? It ends as if each had had its turn:
 *
 * - Among uploads the newest artifact wins, by S3's own order and never by arrival; of one version the later request.
 * - What a person asked for gives way only to an upload that is newer than all that was there when they asked: the
 *   event of an older one is late, or comes again.
 * - Who goes back means to leave what was uploaded before, so that a rollback takes the place of anything, and gives way
 *   to the next person and the next upload.
 * - A fleet that follows another goes where that one went last, be it back: what follows a later deployment takes the
 *   place of what follows an earlier one.
 * - A new image waits for nobody's sake: any other deployment takes the newest image too, or names one on purpose.
 *
 * - Where the image is the release, a new one takes the place of what a person asked for before it was there: it is the
 *   newest. Not that of a rollback, which leaves images behind; an event that comes late must not undo that.
 *
 * @param newestFirst the key's version ids; none where the image is the release
 * @param follows is the request that of a deployment that it follows? (A name says nothing: anybody may have chosen it.)
 */
export function takesTheSlot(
  waiting: PendingRequest | undefined,
  request: PendingRequest,
  newestFirst: readonly string[],
  follows: boolean,
  imageIsRelease = false,
): boolean {
  if (!waiting) return true;
  const [asks, waits] = [sortOf(request), sortOf(waiting)];
  if (imageIsRelease && asks === 'new image') return waits !== 'rollback';
  if (asks === 'new image' || waits === 'new image') return waits === 'new image';
  if (asks === 'rollback' || (follows && isFollowUp(waiting.id))) return true;
  if (waits === 'rollback' && asks === 'by hand') return true;
  const age = (versionId: string) => {
    const index = newestFirst.indexOf(versionId);
    return index === -1 ? Number.POSITIVE_INFINITY : index;
  };
  const mark = asks === 'upload' ? (waiting.newestVersionId ?? waiting.versionId) : waiting.versionId;
  const [asked, held] = [age(request.versionId), age(mark)];
  return asked === held ? waits === 'upload' || asks !== 'upload' : asked < held;
}

/** Which one that is, is found out when its turn comes. */
export const NEWEST_IMAGE = 'the newest image';

/** Who or what asks, by the input. */
type Sort = 'upload' | 'new image' | 'rollback' | 'by hand';

function sortOf({ input }: PendingRequest): Sort {
  const { upload, newImage, rollbackTo } = JSON.parse(input) as Record<string, unknown>;
  if (upload !== undefined) return 'upload';
  if (newImage !== undefined) return 'new image';
  return rollbackTo === undefined ? 'by hand' : 'rollback';
}

/**
 * What was the newest when a person asked for another version, so that an upload of before is told from a newer one.
 * @param newestFirst the key's version ids
 */
export function markedWith(request: PendingRequest, newestFirst: readonly string[]): PendingRequest {
  const isPersons = sortOf(request) === 'rollback' || sortOf(request) === 'by hand';
  const [newest] = newestFirst;
  if (!isPersons || newest === undefined || newest === request.versionId) return request;
  return { ...request, newestVersionId: newest };
}

/** What a request would deploy, for sentences: `version v3`, `the rollback to deploy-1 (version v1)`. */
export function wantedBy(request: PendingRequest): string {
  const sort = sortOf(request);
  const what = namesImage(request.versionId) ? request.versionId : `version ${request.versionId}`;
  if (sort === 'new image')
    return request.versionId === NEWEST_IMAGE ? NEWEST_IMAGE : 'what runs, on the newest image,';
  if (sort !== 'rollback') return what;
  const { rollbackTo } = JSON.parse(request.input) as { rollbackTo: string };
  return `the rollback to ${rollbackTo} (${what})`;
}

const namesImage = (versionId: string) => versionId === NEWEST_IMAGE || versionId.startsWith('ami-');

/**
 * Starts what waits in the pending slot, and empties it. The execution is named after the request, so that it starts
 * once, whoever finds it there and however often.
 * @param executionArn of one of the fleet's executions: it tells account, Region and machine
 */
export async function startPending(
  fleet: string,
  executionArn: string,
  { ledger, executions }: Pick<Ports, 'ledger' | 'executions'>,
): Promise<PendingRequest | undefined> {
  const row = await ledger.read(fleet);
  if (!row?.pending || row.held) return undefined;
  const { id, input, since } = row.pending;
  await startOnce(executionArn, { fleet, name: waitedName(id), input, since }, executions);
  await ledger.clearPending(fleet, id);
  return row.pending;
}
