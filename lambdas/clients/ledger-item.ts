/**
 * A row of the ledger as DynamoDB keeps it: flat attributes, so that each write can name what it changes and what it
 * rests on. The document is kept compressed (it is JSON that repeats itself), everything else as an operator can read it
 * in the console.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { DeploymentError } from '../domain/core/errors.ts';
import { MAX_DOCUMENT_BYTES } from '../domain/core/ledger-refusals.ts';
import type { Debt, LedgerRow, OnHold, PendingRequest, Phase } from '../ports/ledger.ts';

/** An attribute's value on the wire: text, a number, or bytes in base64. */
export type Value = { readonly S: string } | { readonly N: string } | { readonly B: string };

export const text = (value: string): Value => ({ S: value });
export const number = (value: number): Value => ({ N: String(value) });
export const moment = (value: Date): Value => ({ S: value.toISOString() });
export const zipped = (value: string): { readonly B: string } => ({ B: gzipSync(value).toString('base64') });

const asText = v.pipe(
  v.object({ S: v.string() }),
  v.transform(({ S }) => S),
);
const asCount = v.pipe(
  v.object({ N: v.string() }),
  v.transform(({ N }) => Number(N)),
  v.safeInteger(),
);
const asMoment = v.pipe(
  asText,
  v.isoTimestamp(),
  v.transform((said) => new Date(said)),
);
const asDocument = v.pipe(
  v.object({ B: v.string() }),
  v.transform(({ B }) => unzipped(B)),
);

function unzipped(base64: string): string {
  const bytes = gunzipSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_DOCUMENT_BYTES });
  return bytes.toString('utf8');
}

const Held = v.object({
  holder: asText,
  // Of whichever release of irekae: what is to be done about an unknown one is decided, not refused.
  phase: v.pipe(
    asText,
    v.transform((said) => said as Phase),
  ),
  since: asMoment,
  startedBy: asText,
  why: v.optional(asText),
  document: v.optional(asDocument),
  needsHuman: v.optional(asText),
  orphanedSince: v.optional(asMoment),
  shiftRuns: v.optional(asCount),
  runId: v.optional(asText),
  runUntil: v.optional(asMoment),
  runOver: v.optional(asCount),
});
const Cancel = v.object({ cancelBy: asText, cancelAt: asMoment });
const Waits = v.object({ waitsWhere: asText, waitsUntil: asMoment });
const Go = v.object({ goWhere: asText, goBy: asText, goAt: asMoment });
const Pending = v.object({
  pendingId: asText,
  pendingInput: asText,
  pendingVersionId: asText,
  pendingNewestVersionId: v.optional(asText),
  pendingSince: asMoment,
});

const OnHoldItem = v.object({
  onHoldReason: asText,
  onHoldBy: asText,
  onHoldSince: asMoment,
  onHoldUntil: v.optional(asMoment),
});

const Owed = v.object({ owed: asDocument, owedVersion: asCount });

/** The attributes that go when what people asked for lapses, when the lock is released, when the slot is emptied, and with a hold. */
export const ASKED_ATTRIBUTES = [Cancel, Waits, Go].flatMap(({ entries }) => Object.keys(entries));
export const HOLD_ATTRIBUTES = [...Object.keys(Held.entries), ...ASKED_ATTRIBUTES];
export const PENDING_ATTRIBUTES = Object.keys(Pending.entries);
export const ON_HOLD_ATTRIBUTES = Object.keys(OnHoldItem.entries);

/** @throws InvalidInput when somebody else has written to the row. */
export function toRow(item: unknown, fleet: string): LedgerRow {
  return reading(fleet, () => {
    const generation = generationOf(item, fleet);
    const held = has(item, 'holder') ? toHeld(item, generation) : undefined;
    const pending = has(item, 'pendingId') ? toPending(item) : undefined;
    const owed = has(item, 'owedVersion') ? toOwed(item) : undefined;
    const onHold = has(item, 'onHoldSince') ? toOnHold(item) : undefined;
    return {
      fleet,
      generation,
      ...(held && { held }),
      ...(pending && { pending }),
      ...(owed && { owed }),
      ...(onHold && { onHold }),
    };
  });
}

/** @throws InvalidInput when somebody else has written to the row. */
export function generationOf(item: unknown, fleet: string): number {
  return reading(fleet, () => v.parse(v.object({ generation: asCount }), item).generation);
}

function toHeld(item: unknown, generation: number): NonNullable<LedgerRow['held']> {
  const { runId, runUntil, runOver, ...parsed } = v.parse(Held, item);
  const { holder, phase, since, startedBy, why, document, needsHuman, orphanedSince, shiftRuns } = parsed;
  return {
    holder,
    generation,
    phase,
    since,
    startedBy,
    ...(why !== undefined && { why }),
    ...(document !== undefined && { document }),
    ...(needsHuman !== undefined && { needsHuman }),
    ...(orphanedSince !== undefined && { orphanedSince }),
    ...(shiftRuns !== undefined && { shiftRuns }),
    ...(runId !== undefined &&
      runUntil !== undefined && {
        run: { id: runId, until: runUntil, ...(runOver === 1 && { isOver: true }) },
      }),
    ...(has(item, 'cancelBy') && { cancel: toCancel(item) }),
    ...(has(item, 'waitsWhere') && { waits: toWaits(item) }),
    ...(has(item, 'goWhere') && { go: toGo(item) }),
  };
}

function toCancel(item: unknown): { by: string; at: Date } {
  const { cancelBy, cancelAt } = v.parse(Cancel, item);
  return { by: cancelBy, at: cancelAt };
}

function toWaits(item: unknown): { where: string; until: Date } {
  const { waitsWhere, waitsUntil } = v.parse(Waits, item);
  return { where: waitsWhere, until: waitsUntil };
}

function toGo(item: unknown): { where: string; by: string; at: Date } {
  const { goWhere, goBy, goAt } = v.parse(Go, item);
  return { where: goWhere, by: goBy, at: goAt };
}

function toPending(item: unknown): PendingRequest {
  const { pendingId, pendingInput, pendingVersionId, pendingNewestVersionId, pendingSince } = v.parse(
    Pending,
    item,
  );
  return {
    id: pendingId,
    input: pendingInput,
    versionId: pendingVersionId,
    ...(pendingNewestVersionId !== undefined && { newestVersionId: pendingNewestVersionId }),
    since: pendingSince,
  };
}

function toOnHold(item: unknown): OnHold {
  const { onHoldReason, onHoldBy, onHoldSince, onHoldUntil } = v.parse(OnHoldItem, item);
  return {
    reason: onHoldReason,
    by: onHoldBy,
    since: onHoldSince,
    ...(onHoldUntil !== undefined && { until: onHoldUntil }),
  };
}

/** Written by us alone, as JSON: whoever pays looks at each debt anyhow. */
function toOwed(item: unknown): NonNullable<LedgerRow['owed']> {
  const { owed, owedVersion } = v.parse(Owed, item);
  return { version: owedVersion, debts: JSON.parse(owed) as Debt[] };
}

const has = (item: unknown, attribute: string) => Object.hasOwn(Object(item), attribute);

function reading<T>(fleet: string, read: () => T): T {
  try {
    return read();
  } catch {
    // Not what was wrong with it: the row holds inputs and documents.
    throw new DeploymentError(
      'InvalidInput',
      `The row of the fleet ${fleet} in the ledger's table cannot be read. Somebody else has written to it: see that ` +
        'no deployment of the fleet runs, correct the row or delete it, and deploy again.',
    );
  }
}
