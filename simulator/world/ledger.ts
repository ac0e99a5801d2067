/** The modelled ledger: one row per fleet, with the conditions that the real writes have. */
import { isDeepStrictEqual } from 'node:util';
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
} from '../../lambdas/domain/core/ledger-refusals.ts';
import { PHASES } from '../../lambdas/domain/core/steps.ts';
import type {
  Claim,
  Debt,
  Entering,
  Hold,
  LedgerRow,
  OnHold,
  PendingRequest,
  Phase,
} from '../../lambdas/ports/ledger.ts';
import type { Surroundings } from './surroundings.ts';

type Held = NonNullable<LedgerRow['held']>;

export class LedgerModel {
  readonly #world: Surroundings;
  readonly #rows = new Map<string, LedgerRow>();

  constructor(world: Surroundings) {
    this.#world = world;
  }

  // ── The port ──

  read(fleet: string): LedgerRow | undefined {
    return this.#rows.get(fleet);
  }

  take(fleet: string, { holder, startedBy, why }: Claim): Hold | undefined {
    const row = this.#rows.get(fleet) ?? { fleet, generation: 0 };
    if (row.held !== undefined) return row.held.holder === holder ? holdOf(row.held) : undefined;
    const hold = { holder, generation: row.generation + 1 };
    const claimed = { startedBy, ...(why !== undefined && { why }) };
    this.#hold(row, { ...hold, phase: 'agree', since: this.#now(), shiftRuns: 0, ...claimed });
    return hold;
  }

  takeOver(fleet: string, from: Hold, holder: string, diedAt: Date): Hold | undefined {
    const next = { holder, generation: from.generation + 1 };
    const row = this.#rows.get(fleet);
    if (row === undefined || isHeldBy(row, next)) return row && next;
    if (!isHeldBy(row, from)) return undefined;
    const { cancel: _, waits: _waits, go: _go, ...kept } = row.held;
    this.#hold(row, { orphanedSince: diedAt, ...kept, ...next, since: this.#now() });
    return next;
  }

  enter(fleet: string, hold: Hold, phase: Phase, document: string, under: Entering = {}): void {
    const { unless, run, after } = under;
    assertDocumentFits(fleet, document);
    const row = this.#heldBy(fleet, hold);
    const { held } = row;
    if (isCancellable(phase) && held.cancel !== undefined) throw cancelled(fleet, phase, held.cancel);
    if (held.phase === unless || PHASES.indexOf(phase) < PHASES.indexOf(held.phase))
      throw tooLate(fleet, hold, phase, held.phase);
    const { run: other } = held;
    const mayFollow =
      other === undefined || (other.id === after && (other.isOver || other.until <= this.#now()));
    if (run && other?.id !== run.id && !mayFollow) throw otherRun(fleet, other);
    const runs = (held.shiftRuns ?? 0) + (phase === 'shift' ? 1 : 0);
    this.#hold(row, { ...held, phase, document, shiftRuns: runs, ...(run && { run }) });
  }

  keepForHuman(fleet: string, hold: Hold, why: string): void {
    const row = this.#heldBy(fleet, hold);
    this.#hold(row, { ...row.held, needsHuman: why });
  }

  release(fleet: string, hold: Hold): void {
    const row = this.#rows.get(fleet);
    if (row === undefined || !isHeldBy(row, hold)) return;
    const { held: _, ...kept } = row;
    this.#rows.set(fleet, kept);
  }

  pend(fleet: string, request: PendingRequest, replaces: PendingRequest | undefined): boolean {
    assertRequestFits(fleet, request);
    const row = this.#rows.get(fleet);
    if (row?.pending?.id === request.id) return true;
    if (row?.held === undefined || row.pending?.id !== replaces?.id) return false;
    this.#rows.set(fleet, { ...row, pending: request });
    return true;
  }

  clearPending(fleet: string, id: string): void {
    const row = this.#rows.get(fleet);
    if (row?.pending?.id !== id) return;
    const { pending: _, ...kept } = row;
    this.#rows.set(fleet, kept);
  }

  owe(fleet: string, debts: readonly Debt[], since: number): boolean {
    assertDebtsFit(fleet, debts);
    const row = this.#rows.get(fleet);
    if (row === undefined || (row.owed?.version ?? 0) !== since) return false;
    this.#rows.set(fleet, { ...row, owed: { version: since + 1, debts } });
    return true;
  }

  requestCancel(fleet: string, holder: string, by: string): boolean {
    const row = this.#rows.get(fleet);
    if (row?.held?.holder !== holder || TOO_LATE_TO_CANCEL.includes(row.held.phase)) return false;
    this.#hold(row, { ...row.held, cancel: row.held.cancel ?? { by, at: this.#now() } });
    return true;
  }

  putOnHold(fleet: string, onHold: OnHold, replaces: OnHold | undefined): boolean {
    const row = this.#rows.get(fleet) ?? { fleet, generation: 0 };
    if (isDeepStrictEqual(row.onHold, onHold)) return true;
    if (!isSameHold(row.onHold, replaces)) return false;
    this.#rows.set(fleet, { ...row, onHold });
    return true;
  }

  liftHold(fleet: string, onHold: OnHold): boolean {
    const row = this.#rows.get(fleet);
    if (row?.onHold === undefined) return true;
    if (!isSameHold(row.onHold, onHold)) return false;
    const { onHold: _, ...kept } = row;
    this.#rows.set(fleet, kept);
    return true;
  }

  awaitPerson(fleet: string, hold: Hold, where: string, until: Date): void {
    const row = this.#heldBy(fleet, hold);
    this.#hold(row, { ...row.held, waits: { where, until } });
  }

  letGoOn(fleet: string, holder: string, where: string, by: string): boolean {
    const row = this.#rows.get(fleet);
    if (row?.held?.holder !== holder) return false;
    const { waits, go, cancel, phase } = row.held;
    if (go?.where === where) return true;
    if (waits?.where !== where || waits.until < this.#now()) return false;
    if (cancel !== undefined || DEAF_TO_GO.includes(phase)) return false;
    this.#hold(row, { ...row.held, go: { where, by, at: this.#now() } });
    return true;
  }

  // ── Inside ──

  #now(): Date {
    return new Date(this.#world.now());
  }

  #hold(row: LedgerRow, held: Held): void {
    this.#rows.set(row.fleet, { ...row, generation: held.generation, held });
  }

  #heldBy(fleet: string, hold: Hold): LedgerRow & { readonly held: Held } {
    const row = this.#rows.get(fleet);
    if (row === undefined || !isHeldBy(row, hold)) throw lockLost(fleet, hold, row?.held);
    return row;
  }
}

const holdOf = ({ holder, generation }: Held): Hold => ({ holder, generation });

function isHeldBy(row: LedgerRow, { holder, generation }: Hold): row is LedgerRow & { readonly held: Held } {
  return row.held?.holder === holder && row.held.generation === generation;
}

const isSameHold = (one: OnHold | undefined, other: OnHold | undefined): boolean =>
  one?.since.getTime() === other?.since.getTime() && one?.by === other?.by;
