/** The ledger, a DynamoDB table: who holds the lock of a fleet, how far it is, what waits, and what is owed. */
import type { MackerelStatus } from './mackerel.ts';

/** How far the holder of a fleet's lock is. Written before the first call of the phase is made. */
export type Phase = 'agree' | 'bring-up' | 'shift' | 'remove' | 'undo';

/** Who holds a lock: an execution, and its generation (a fencing token). A late call of a dead one differs. */
export interface Hold {
  /** The execution's ARN. */
  readonly holder: string;
  /** Grows with every holder. */
  readonly generation: number;
}

/** A run of a step, while no other may do the same: Lambda may begin a second one at any time. */
export interface Run {
  /** Unlike that of any other run. */
  readonly id: string;
  /** Nothing that it does can take effect later. */
  readonly until: Date;
  /** It does nothing more; what it asked for, and has no answer to, may still take effect. */
  readonly isOver?: true;
}

/** What a phase is entered under, besides its place in the order. */
export interface Entering {
  /** The phase from which it may not be entered, although it is a later one. */
  readonly unless?: Phase;
  /** Until then, or until it is over, no other run may enter a phase that names itself, too. */
  readonly run?: Run;
  /** The run before it, of which it knows what it wrote down. Absent: there was none. */
  readonly after?: string | undefined;
}

/** A start that came while the lock was held: one per fleet, it is started when the lock is free. */
export interface PendingRequest {
  /** Name of the execution that asked; the pending start is named after it, so that it starts once. */
  readonly id: string;
  /** The execution input, as JSON. */
  readonly input: string;
  /** The artifact version that it would deploy; where the image is the release, that image. */
  readonly versionId: string;
  /** The newest version of that moment, where it would deploy another one: only a newer upload takes its place. */
  readonly newestVersionId?: string;
  readonly since: Date;
}

/** Somebody wants no deployment to start for now. */
export interface OnHold {
  readonly reason: string;
  /** Who said so. */
  readonly by: string;
  readonly since: Date;
  /** It ends by itself then. Absent: when somebody lifts it. */
  readonly until?: Date;
}

interface Owed {
  readonly deployment: string;
  /** ISO 8601. */
  readonly since: string;
}

/** What a deployment could not tell when it ended, and somebody makes up for later. */
export type Debt = Owed &
  (
    | {
        /** Hosts whose status was put to `maintenance` and that shall have this one again. */
        readonly kind: 'status';
        readonly status: MackerelStatus;
        readonly service: string;
        readonly role: string;
        /** Mackerel ids. */
        readonly hosts: readonly string[];
      }
    | {
        /** Instances that have ended (or leave the fleet) and shall have no host in Mackerel anymore. */
        readonly kind: 'retire';
        readonly service: string;
        readonly role: string;
        readonly instances: readonly string[];
        /** Mackerel ids of theirs, as far as they were known. */
        readonly hosts: readonly string[];
      }
    | {
        /** The deployment's record, as JSON. */
        readonly kind: 'record';
        readonly record: string;
        /** It says what the fleet runs: the next deployment must not read an older one. */
        readonly isCurrent: boolean;
      }
  );

export interface LedgerRow {
  readonly fleet: string;
  /** Grows with every holder; stays when the lock is released. 0: nobody has held it yet. */
  readonly generation: number;
  /** Absent: the lock is free. */
  readonly held?: Hold & {
    readonly phase: Phase;
    readonly since: Date;
    readonly startedBy: string;
    readonly why?: string;
    /** The holder's document when it entered the phase, as JSON: what a clean-up works from. */
    readonly document?: string;
    /** Why no clean-up may touch what the holder left: an undo that failed, a stop halfway. */
    readonly needsHuman?: string;
    /** How many runs of the shift have begun: each before its first call. Absent: an earlier release of irekae holds it. */
    readonly shiftRuns?: number;
    /** The run of a step that acts alone, or did last. */
    readonly run?: Run;
    /** Once the lock was taken over: when the first of its dead holders died. */
    readonly orphanedSince?: Date;
    /** Somebody asked the holder to undo itself. */
    readonly cancel?: { readonly by: string; readonly at: Date };
    /** Where of the story it waits, or waited last, for a person, and until when. */
    readonly waits?: { readonly where: string; readonly until: Date };
    /** Somebody let it go on from there. */
    readonly go?: { readonly where: string; readonly by: string; readonly at: Date };
  };
  readonly pending?: PendingRequest;
  /** What outlives the lock. Absent: nothing was ever owed. The version grows with every change. */
  readonly owed?: { readonly version: number; readonly debts: readonly Debt[] };
  /** As it was written: one whose time is over is none anymore, and stays until the next one takes its place. */
  readonly onHold?: OnHold;
}

export interface Claim {
  /** The execution's ARN. */
  readonly holder: string;
  readonly startedBy: string;
  readonly why?: string;
}

/** One row per fleet. All writes are conditional, all reads consistent. */
export interface Ledger {
  /** `undefined`: this fleet was never deployed, and nobody has put it on hold. */
  read(fleet: string): Promise<LedgerRow | undefined>;
  /** Takes a free lock (phase `agree`, no run of the shift), or finds one's own: taking it twice takes it once. */
  take(fleet: string, claim: Claim): Promise<Hold | undefined>;
  /**
   * Takes the lock over from `from`, if that still holds it: phase, document, `startedBy` and `why` stay, what people
   * have asked for goes. Taking it over twice takes it over once.
   * @param diedAt when `from` died: the row's `orphanedSince`, unless an earlier take-over has written one.
   */
  takeOver(fleet: string, from: Hold, holder: string, diedAt: Date): Promise<Hold | undefined>;
  /**
   * Writes down that the holder enters a phase, with its document; a run of the shift is counted.
   * @throws LockLost when `hold` does not hold the lock, or has entered a later phase already; Cancelled when somebody asked for it and the phase is not
   * `undo`; ServiceUnavailable while another run may be at work, or when one has begun since.
   */
  enter(fleet: string, hold: Hold, phase: Phase, document: string, under?: Entering): Promise<void>;
  /** Keeps the lock for a human. @throws LockLost */
  keepForHuman(fleet: string, hold: Hold, why: string): Promise<void>;
  /** Frees the lock; one that is not held by `hold` (anymore) counts as done. */
  release(fleet: string, hold: Hold): Promise<void>;
  /** Puts a request into the pending slot, if the lock is held and the slot is as `replaces` says. */
  pend(fleet: string, request: PendingRequest, replaces: PendingRequest | undefined): Promise<boolean>;
  /** Empties the slot of this request; an empty or other one counts as done. */
  clearPending(fleet: string, id: string): Promise<void>;
  /**
   * Writes down all that is owed now, if nobody has changed it since this version (0: nothing was ever owed).
   * @throws InvalidInput when it is larger than a row has room for
   */
  owe(fleet: string, debts: readonly Debt[], since: number): Promise<boolean>;
  /** Asks the holder to undo itself; `false` when it does not hold the lock or has passed the point of no return. */
  requestCancel(fleet: string, holder: string, by: string): Promise<boolean>;
  /**
   * Puts the fleet on hold, if what it replaces still stands there (absent: if none does); whoever holds the lock goes on.
   * Putting it on hold twice does so once.
   * @returns `false` when somebody else has put it on hold, or lifted that, since
   */
  putOnHold(fleet: string, onHold: OnHold, replaces: OnHold | undefined): Promise<boolean>;
  /** Lifts this hold. One that is not there anymore counts as done; `false`: another one stands there by now. */
  liftHold(fleet: string, onHold: OnHold): Promise<boolean>;
  /** Writes down that the holder waits for a person. @throws LockLost */
  awaitPerson(fleet: string, hold: Hold, where: string, until: Date): Promise<void>;
  /**
   * Lets the holder go on from there; the first word counts. `false` when it does not wait there (anymore): its time is
   * over, somebody has cancelled it, or it undoes itself.
   */
  letGoOn(fleet: string, holder: string, where: string, by: string): Promise<boolean>;
}
