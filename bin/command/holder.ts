/** Who holds a fleet's lock, and what it recorded there about its deployment. */
import { executionName } from '../../lambdas/domain/core/aws.ts';
import { type Deployment, parseDeployment } from '../../lambdas/domain/core/document.ts';
import { isFailure } from '../../lambdas/domain/core/errors.ts';
import { POINT, type Point } from '../../lambdas/domain/core/points.ts';
import { utcMoment } from '../../lambdas/domain/core/words.ts';
import { deadSince } from '../../lambdas/domain/lock/dead-holders.ts';
import { judgeWord } from '../../lambdas/domain/lock/told.ts';
import { holdAt } from '../../lambdas/domain/release/hold.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import type { ArtifactVersion } from '../../lambdas/ports/s3.ts';
import type { DeploymentRecord } from './release-records.ts';
import { type Detail, momentAgo } from './wording.ts';

export type Held = NonNullable<LedgerRow['held']>;

/** The holder's document, if it wrote one that can be read. */
export function documentOf(held: Pick<Held, 'document'> | undefined): Deployment | undefined {
  if (held?.document === undefined) return undefined;
  try {
    return parseDeployment(JSON.parse(held.document), []);
  } catch (error) {
    if (!isFailure(error) && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Which deployment the holder works for: a clean-up holds the lock on behalf of the one before it. */
export const deploymentHeldFor = (held: Pick<Held, 'document' | 'holder'>): string =>
  documentOf(held)?.execution.name ?? executionName(held.holder);

/** Does this upload run nowhere, is it not being deployed, and does it not wait either? */
export function isNewer(
  { versionId }: ArtifactVersion,
  current: DeploymentRecord | undefined,
  row: LedgerRow | undefined,
): boolean {
  const onItsWay = [documentOf(row?.held)?.release?.artifact?.versionId, row?.pending?.versionId];
  return versionId !== current?.artifact?.versionId && !onItsWay.includes(versionId);
}

/** Has nobody ever held its lock? It may be on hold all the same. */
export const isNew = (row: LedgerRow | undefined): boolean => (row?.generation ?? 0) === 0;

/** Will what waits be refused when its turn comes, unless the hold has ended by then? Not where it overrides that. */
export function isHeldUp(row: LedgerRow | undefined, now: Date): boolean {
  if (!row?.pending || !holdAt(row, now)) return false;
  const { override } = JSON.parse(row.pending.input) as { readonly override?: readonly string[] };
  return !override?.includes('hold');
}

/** Does it deploy, has it ended and left its lock behind, or does it wait for a human? */
export function standingOf(
  held: Held,
  state: ExecutionState,
  now: Date,
): 'deploying' | 'ended' | 'needs-human' {
  if (held.needsHuman !== undefined) return 'needs-human';
  return deadSince(held, state, now) ? 'ended' : 'deploying';
}

/** Since when, by whom and why it deploys. */
export const startOf = ({ since, startedBy, why }: Held, now: Date): [Detail, ...Detail[]] => [
  ['since', momentAgo(since, now)],
  ['started by', `${startedBy} (as the start says)`],
  ['why', why],
];

/** Who asked for its cancellation, if anyone did. */
export const cancelledBy = ({ cancel }: Held, now: Date): Detail => [
  'cancelled',
  cancel && `by ${cancel.by}, ${momentAgo(cancel.at, now)}`,
];

/** Does it wait for a person's word now? Whoever may not read its history has it from the lock. */
export const waitsForAPerson = (held: Held, now: Date): boolean =>
  judgeWord({ what: 'go', deployment: executionName(held.holder) }, held, false, now).is === 'heard';

/** What it waits for, and until when; or who has let it go on, which it notices at its next look. */
export function pauseOf(held: Held, now: Date): Detail {
  const { waits, go } = held;
  if (waits && waitsForAPerson(held, now))
    return ['waits for', `a person ${wordsOf(waits.where)}, until ${utcMoment(waits.until)}`];
  return ['let go on', go && `${wordsOf(go.where)}, by ${go.by}, ${momentAgo(go.at, now)}`];
}

const wordsOf = (where: string): string => POINT[where as Point]?.words ?? where;

/** For `--json`: everything but the document, which is long and the steps' own business. */
export function heldFacts(held: Held): object {
  const { document: _, ...rest } = held;
  return rest;
}
