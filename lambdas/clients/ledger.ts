/**
 * The ledger behind its port: one DynamoDB item per fleet. Every write is one conditional UpdateItem, so two writers
 * never undo each other's work.
 *
 * A request whose answer is lost is sent again, and may find its own work done: the condition then fails although the
 * write took effect. So a failed condition is never an answer by itself; the row as it was found is. For each write:
 *
 * - take, takeOver: the row names the caller as the holder: it took effect, the answer is the hold.
 * - enter, keepForHuman: the condition still holds after the write; the same is written twice. A request to cancel, or
 *   a take-over, that came in between is obeyed: nothing of the phase was done yet.
 * - release, clearPending: what is not there anymore counts as done.
 * - pend: its own request stands in the slot: it took effect. If it was even started and cleared meanwhile, it is either
 *   refused (the caller decides anew) or put in again (the same name starts once).
 * - owe: the version has moved on: it is refused, and the caller reads what is owed by then.
 * - awaitPerson: the same is written twice.
 * - letGoOn: the first word stays, and whoever repeats it is told that it was heard.
 * - requestCancel: the first request stays, who repeats it changes nothing. If the holder has undone itself and released
 *   the lock meanwhile, the answer is `false`: there is nobody left to ask.
 * - putOnHold: this very hold stands there: it took effect. liftHold: none does, or an older one never was there.
 */

import { isDeepStrictEqual } from 'node:util';

import { DeploymentError } from '../domain/core/errors.ts';
import {
  assertDebtsFit,
  assertDocumentFits,
  assertRequestFits,
  cancelled,
  DEAF_TO_GO,
  isCancellable,
  lockLost,
  otherRun,
  TOO_LATE_TO_CANCEL,
  tooLate,
} from '../domain/core/ledger-refusals.ts';
import { LEDGER_TABLE_VARIABLE } from '../domain/core/names.ts';
import { PHASES } from '../domain/core/steps.ts';
import type { Claim, Debt, Hold, Ledger, LedgerRow, OnHold, PendingRequest } from '../ports/ledger.ts';
import {
  ASKED_ATTRIBUTES,
  generationOf,
  HOLD_ATTRIBUTES,
  moment,
  number,
  ON_HOLD_ATTRIBUTES,
  PENDING_ATTRIBUTES,
  text,
  toRow,
  type Value,
  zipped,
} from './ledger-item.ts';
import { unavailable } from './wire/aws-errors.ts';
import { type CallJson, jsonCaller, liveJsonOptions } from './wire/aws-json.ts';

export interface LedgerOptions {
  readonly call: CallJson;
  /** Of a table with the partition key `fleet`, a string, and no sort key. */
  readonly tableName: string;
  readonly now?: () => Date;
}

/** The environment's: the stack tells each function that asks it the name of the table. */
export function liveLedger(): Ledger {
  const tableName = process.env[LEDGER_TABLE_VARIABLE];
  if (tableName) return ledgerAdapter({ call: jsonCaller('dynamodb', liveJsonOptions()), tableName });
  throw new DeploymentError(
    'ServiceRefused',
    `The ledger cannot be read: the variable ${LEDGER_TABLE_VARIABLE} is not set. Deploy the stack again.`,
  );
}

/** Needs `dynamodb:GetItem` and `dynamodb:UpdateItem` on the table. */
export function ledgerAdapter({ call, tableName, now = () => new Date() }: LedgerOptions): Ledger {
  const table: Table = { call, tableName, now };
  return {
    read: (fleet) => read(table, fleet),
    take: (fleet, claim) => take(table, fleet, claim),
    takeOver: (fleet, ...args) => takeOver(table, fleet, ...args),
    enter: (...entered) => enter(table, ...entered),
    keepForHuman: (fleet, hold, why) => keepForHuman(table, fleet, hold, why),
    release: (fleet, hold) => release(table, fleet, hold),
    pend: (fleet, request, replaces) => pend(table, fleet, request, replaces),
    clearPending: (fleet, id) => clearPending(table, fleet, id),
    owe: (fleet, debts, since) => owe(table, fleet, debts, since),
    requestCancel: (fleet, holder, by) => requestCancel(table, fleet, holder, by),
    putOnHold: (fleet, onHold, replaces) => putOnHold(table, fleet, onHold, replaces),
    liftHold: (fleet, onHold) => liftHold(table, fleet, onHold),
    awaitPerson: (fleet, ...args) => awaitPerson(table, fleet, ...args),
    letGoOn: (fleet, ...args) => letGoOn(table, fleet, ...args),
  };
}

type Table = Required<LedgerOptions>;

async function read({ call, tableName }: Table, fleet: string): Promise<LedgerRow | undefined> {
  const { body } = await call({
    operation: 'GetItem',
    input: { TableName: tableName, Key: { fleet: text(fleet) }, ConsistentRead: true },
    doing: `read the ledger's row of the fleet ${fleet}`,
  });
  return body.Item === undefined ? undefined : toRow(body.Item, fleet);
}

// ── The lock ───────────────────────────────────────────────────────────────────────────────────────────────────────

const HELD_BY_HOLD = '#holder = :holder AND #generation = :generation';
const valuesOf = ({ holder, generation }: Hold) => ({
  ':holder': text(holder),
  ':generation': number(generation),
});

async function take(table: Table, fleet: string, claim: Claim): Promise<Hold | undefined> {
  const { holder, startedBy, why } = claim;
  const written = await write(table, fleet, {
    doing: `take the lock of the fleet ${fleet}`,
    condition: 'attribute_not_exists(#holder)',
    update:
      'SET #holder = :holder, #phase = :agree, #since = :now, #startedBy = :startedBy, #shiftRuns = :none' +
      `${why === undefined ? '' : ', #why = :why'} ADD #generation :one`,
    values: {
      ':holder': text(holder),
      ':agree': text('agree'),
      ':now': moment(table.now()),
      ':startedBy': text(startedBy),
      ...(why !== undefined && { ':why': text(why) }),
      ':none': number(0),
      ':one': number(1),
    },
    answers: 'UPDATED_NEW',
  });
  if (written.done) return { holder, generation: generationOf(written.item, fleet) };
  return holdOf(rowIn(written, fleet), holder);
}

async function takeOver(
  table: Table,
  fleet: string,
  from: Hold,
  holder: string,
  diedAt: Date,
): Promise<Hold | undefined> {
  const written = await write(table, fleet, {
    doing: `take over the lock of the fleet ${fleet}`,
    condition: HELD_BY_HOLD,
    update:
      'SET #holder = :next, #since = :now, #orphanedSince = if_not_exists(#orphanedSince, :diedAt) ' +
      `ADD #generation :one ${removing(ASKED_ATTRIBUTES)}`,
    values: {
      ...valuesOf(from),
      ':next': text(holder),
      ':diedAt': moment(diedAt),
      ':now': moment(table.now()),
      ':one': number(1),
    },
  });
  const generation = from.generation + 1;
  if (written.done) return { holder, generation };
  const found = holdOf(rowIn(written, fleet), holder);
  // With another generation it came to hold the lock in another way, and did not get it from `from`.
  return found?.generation === generation ? found : undefined;
}

/** The hold that this holder has according to a row. */
function holdOf(row: LedgerRow | undefined, holder: string): Hold | undefined {
  if (row?.held?.holder !== holder) return undefined;
  return { holder, generation: row.generation };
}

/** That of which it knows what it wrote down, and only once it is over. */
const NO_OTHER_RUN =
  ' AND (attribute_not_exists(#runId) OR #runId IN (:run, :after)) AND ' +
  '(attribute_not_exists(#runId) OR #runId = :run OR #runOver = :one OR #runUntil <= :now)';

async function enter(
  table: Table,
  ...[fleet, hold, phase, document, under = {}]: Parameters<Ledger['enter']>
) {
  assertDocumentFits(fleet, document);
  const { unless, run, after = '' } = under;
  const upToIt = PHASES.slice(0, PHASES.indexOf(phase) + 1).filter((each) => each !== unless);
  const names = upToIt.map((_, index) => `:phase${index}`);
  const isShift = phase === 'shift';
  const unlessCancelled = isCancellable(phase) ? ' AND attribute_not_exists(#cancelBy)' : '';
  const written = await write(table, fleet, {
    doing: `enter the phase ${phase} of the fleet ${fleet}`,
    condition: `${HELD_BY_HOLD} AND #phase IN (${names.join(', ')})${unlessCancelled}${run ? NO_OTHER_RUN : ''}`,
    update:
      `SET #phase = ${names.at(-1)}, #document = :document` +
      (run ? ', #runId = :run, #runUntil = :until, #runOver = :over' : '') +
      (isShift ? ' ADD #shiftRuns :one' : ''),
    values: {
      ...valuesOf(hold),
      ...Object.fromEntries(upToIt.map((each, index) => [`:phase${index}`, text(each)])),
      ':document': zipped(document),
      ...((isShift || run) && { ':one': number(1) }),
      ...(run && {
        ':run': text(run.id),
        ':after': text(after),
        ':until': moment(run.until),
        ':over': number(run.isOver ? 1 : 0),
        ':now': moment(table.now()),
      }),
    },
  });
  if (written.done) return;
  const row = rowIn(written, fleet);
  if (!isHeldBy(row, hold)) throw lockLost(fleet, hold, row?.held);
  if (isCancellable(phase) && row.held.cancel) throw cancelled(fleet, phase, row.held.cancel);
  if (!upToIt.includes(row.held.phase)) throw tooLate(fleet, hold, phase, row.held.phase);
  throw otherRun(fleet, row.held.run);
}

type HeldRow = LedgerRow & Required<Pick<LedgerRow, 'held'>>;

function isHeldBy(row: LedgerRow | undefined, { holder, generation }: Hold): row is HeldRow {
  return row?.held?.holder === holder && row.generation === generation;
}

async function keepForHuman(table: Table, fleet: string, hold: Hold, why: string): Promise<void> {
  const written = await write(table, fleet, {
    doing: `keep the lock of the fleet ${fleet} for a human`,
    condition: HELD_BY_HOLD,
    update: 'SET #needsHuman = :why',
    values: { ...valuesOf(hold), ':why': text(why) },
  });
  if (!written.done) throw lockLost(fleet, hold, rowIn(written, fleet)?.held);
}

async function release(table: Table, fleet: string, hold: Hold): Promise<void> {
  await write(table, fleet, {
    doing: `release the lock of the fleet ${fleet}`,
    condition: HELD_BY_HOLD,
    // Generation and pending request stay.
    update: removing(HOLD_ATTRIBUTES),
    values: valuesOf(hold),
  });
}

// ── Requests to the holder ─────────────────────────────────────────────────────────────────────────────────────────

async function pend(
  table: Table,
  fleet: string,
  request: PendingRequest,
  replaces: PendingRequest | undefined,
): Promise<boolean> {
  assertRequestFits(fleet, request);
  const { newestVersionId: newest } = request;
  const slot = replaces === undefined ? 'attribute_not_exists(#pendingId)' : '#pendingId = :replaced';
  const written = await write(table, fleet, {
    doing: `let ${request.id} wait for the fleet ${fleet}`,
    condition: `attribute_exists(#holder) AND ${slot}`,
    update:
      'SET #pendingId = :id, #pendingInput = :input, #pendingVersionId = :versionId, #pendingSince = :since' +
      // That of the request before must not stay behind.
      (newest === undefined ? ' REMOVE #pendingNewestVersionId' : ', #pendingNewestVersionId = :newest'),
    values: {
      ...(replaces !== undefined && { ':replaced': text(replaces.id) }),
      ':id': text(request.id),
      ':input': text(request.input),
      ':versionId': text(request.versionId),
      ...(newest !== undefined && { ':newest': text(newest) }),
      ':since': moment(request.since),
    },
  });
  return written.done || rowIn(written, fleet)?.pending?.id === request.id;
}

async function clearPending(table: Table, fleet: string, id: string): Promise<void> {
  await write(table, fleet, {
    doing: `clear the pending request ${id} of the fleet ${fleet}`,
    condition: '#pendingId = :id',
    update: removing(PENDING_ATTRIBUTES),
    values: { ':id': text(id) },
  });
}

async function owe(table: Table, fleet: string, debts: readonly Debt[], since: number): Promise<boolean> {
  assertDebtsFit(fleet, debts);
  const { done } = await write(table, fleet, {
    doing: `write down what is owed of the fleet ${fleet}`,
    condition:
      since === 0
        ? 'attribute_exists(#generation) AND attribute_not_exists(#owedVersion)'
        : '#owedVersion = :since',
    update: 'SET #owed = :owed, #owedVersion = :next',
    values: {
      ...(since > 0 && { ':since': number(since) }),
      ':owed': zipped(JSON.stringify(debts)),
      ':next': number(since + 1),
    },
  });
  return done;
}

async function requestCancel(table: Table, fleet: string, holder: string, by: string): Promise<boolean> {
  const late = TOO_LATE_TO_CANCEL;
  const { done } = await write(table, fleet, {
    doing: `ask ${holder} to undo itself`,
    condition: ['#holder = :holder', ...late.map((_, index) => `#phase <> :late${index}`)].join(' AND '),
    update: 'SET #cancelBy = if_not_exists(#cancelBy, :by), #cancelAt = if_not_exists(#cancelAt, :now)',
    values: {
      ':holder': text(holder),
      ...Object.fromEntries(late.map((phase, index) => [`:late${index}`, text(phase)])),
      ':by': text(by),
      ':now': moment(table.now()),
    },
  });
  return done;
}

// ── On hold ────────────────────────────────────────────────────────────────────────────────────────────────────────

const IS_THIS_HOLD = '#onHoldSince = :was AND #onHoldBy = :whose';
const valuesOfHold = ({ since, by }: OnHold) => ({ ':was': moment(since), ':whose': text(by) });

async function putOnHold(
  table: Table,
  fleet: string,
  onHold: OnHold,
  replaces: OnHold | undefined,
): Promise<boolean> {
  const { reason, by, since, until } = onHold;
  const written = await write(table, fleet, {
    doing: `put the fleet ${fleet} on hold`,
    condition: replaces === undefined ? 'attribute_not_exists(#onHoldSince)' : IS_THIS_HOLD,
    update:
      'SET #onHoldReason = :reason, #onHoldBy = :by, #onHoldSince = :since, ' +
      // Of a fleet that was never deployed there is no row yet.
      '#generation = if_not_exists(#generation, :none)' +
      (until === undefined ? ' REMOVE #onHoldUntil' : ', #onHoldUntil = :until'),
    values: {
      ...(replaces && valuesOfHold(replaces)),
      ':reason': text(reason),
      ':by': text(by),
      ':since': moment(since),
      ...(until !== undefined && { ':until': moment(until) }),
      ':none': number(0),
    },
  });
  return written.done || isDeepStrictEqual(rowIn(written, fleet)?.onHold, onHold);
}

async function liftHold(table: Table, fleet: string, onHold: OnHold): Promise<boolean> {
  const written = await write(table, fleet, {
    doing: `lift the hold of the fleet ${fleet}`,
    condition: IS_THIS_HOLD,
    update: removing(ON_HOLD_ATTRIBUTES),
    values: valuesOfHold(onHold),
  });
  return written.done || rowIn(written, fleet)?.onHold === undefined;
}

// ── Waiting for a person ───────────────────────────────────────────────────────────────────────────────────────────

async function awaitPerson(
  table: Table,
  fleet: string,
  hold: Hold,
  where: string,
  until: Date,
): Promise<void> {
  const written = await write(table, fleet, {
    doing: `let the deployment of the fleet ${fleet} wait for a person`,
    condition: HELD_BY_HOLD,
    update: 'SET #waitsWhere = :where, #waitsUntil = :until',
    values: { ...valuesOf(hold), ':where': text(where), ':until': moment(until) },
  });
  if (!written.done) throw lockLost(fleet, hold, rowIn(written, fleet)?.held);
}

async function letGoOn(
  table: Table,
  fleet: string,
  holder: string,
  where: string,
  by: string,
): Promise<boolean> {
  const deaf = DEAF_TO_GO;
  const written = await write(table, fleet, {
    doing: `let ${holder} go on`,
    // An attribute that is not there differs from every value. Moments are compared as they are written: all in one form.
    condition: [
      '#holder = :holder AND #waitsWhere = :where AND #goWhere <> :where',
      '#waitsUntil >= :now AND attribute_not_exists(#cancelBy)',
      ...deaf.map((_, index) => `#phase <> :deaf${index}`),
    ].join(' AND '),
    update: 'SET #goWhere = :where, #goBy = :by, #goAt = :now',
    values: {
      ':holder': text(holder),
      ':where': text(where),
      ':by': text(by),
      ':now': moment(table.now()),
      ...Object.fromEntries(deaf.map((phase, index) => [`:deaf${index}`, text(phase)])),
    },
  });
  if (written.done) return true;
  const held = rowIn(written, fleet)?.held;
  return held?.holder === holder && held.go?.where === where;
}

// ── One conditional write ──────────────────────────────────────────────────────────────────────────────────────────

interface Write {
  /** Completes "could not …". */
  readonly doing: string;
  /** Attributes as `#name`: many a plain word is reserved in expressions. */
  readonly condition: string;
  readonly update: string;
  readonly values: Readonly<Record<string, Value>>;
  readonly answers?: 'UPDATED_NEW';
}

interface Written {
  /** `false`: the condition failed. */
  readonly done: boolean;
  /** What was written, if asked for; after a failed condition the item as it was found, if there is one. */
  readonly item: unknown;
}

const rowIn = ({ item }: Written, fleet: string): LedgerRow | undefined =>
  item === undefined ? undefined : toRow(item, fleet);

const removing = (attributes: readonly string[]) =>
  `REMOVE ${attributes.map((name) => `#${name}`).join(', ')}`;

const CONDITION_FAILED = 'ConditionalCheckFailedException';

async function write(
  { call, tableName }: Table,
  fleet: string,
  { doing, condition, update, values, answers }: Write,
): Promise<Written> {
  const { refusal, body } = await call({
    operation: 'UpdateItem',
    input: {
      TableName: tableName,
      Key: { fleet: text(fleet) },
      ConditionExpression: condition,
      UpdateExpression: update,
      ExpressionAttributeNames: namesIn(`${condition} ${update}`),
      ExpressionAttributeValues: values,
      ...(answers && { ReturnValues: answers }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
    doing,
    expects: [CONDITION_FAILED],
  });
  if (refusal !== undefined) return { done: false, item: body.Item };
  if (answers && body.Attributes === undefined) throw unavailable(doing, 'the answer lacks what was written');
  return { done: true, item: body.Attributes };
}

/** `#holder` stands for the attribute `holder`. */
function namesIn(expressions: string): Record<string, string> {
  return Object.fromEntries((expressions.match(/#\w+/g) ?? []).map((name) => [name, name.slice(1)]));
}
