/**
 * Follows a deployment to its end, whatever happens on the way: it may wait for its turn and continue under another
 * execution's name, or be stopped and then undone or finished by the clean-up. Only reads; to stop following changes
 * nothing.
 */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import type { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import { waitedName } from '../../../lambdas/domain/core/names.ts';
import { TAKE_OVER_AFTER_SECONDS } from '../../../lambdas/domain/core/steps.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import type { Phase } from '../../../lambdas/ports/ledger.ts';
import { orElse } from '../attempt.ts';
import { executionArn, type Task } from '../command.ts';
import { deploymentHeldFor } from '../holder.ts';
import { readDeployment } from '../release-records.ts';
import { Eyes, hasShifted, type Look } from './look.ts';
import { type Progress, progressFor, quiet } from './progress.ts';
import { type End, endFromRecord, standingOf } from './standing.ts';

/** Between two looks: three requests. Step Functions allows an account ten calls a second. */
const PAUSE_SECONDS = 4;
/** A started execution is known within moments; a waiting one is started within moments, or by the orphan watch. */
const UNKNOWN_SECONDS = 60;
const WAITED_SECONDS = 600;
/** AWS has bad minutes, and CI must not fail because of them: this many looks may fail before it is reported. */
const QUIET_TROUBLES = 3;

export interface FollowOptions {
  /** How long at most. */
  readonly seconds: number;
  /** A dry run is over in seconds: its steps are not shown. Only a deployment leaves something when it is stopped. */
  readonly kind: 'deployment' | 'promotion' | 'dry-run';
  /** The requested artifact version, if known: distinguishes "already waiting" from "superseded". */
  readonly versionId?: string | undefined;
  /** Default: to its end. */
  readonly until?: string | undefined;
}

export type Followed =
  | { readonly how: 'ended'; readonly execution: string; readonly end: End }
  /** All traffic is on the new hosts, and nobody wanted to know more. */
  | { readonly how: 'shifted'; readonly execution: string; readonly reason?: undefined }
  | {
      readonly how: 'timed-out' | 'interrupted';
      readonly execution: string;
      readonly reason?: undefined;
      /** Where it was seen last. */
      readonly phase: Phase | undefined;
    }
  /** There is no such execution, or what was waiting is gone. */
  | { readonly how: 'lost'; readonly execution: string; readonly reason: string; readonly phase?: undefined };

export async function follow(task: Task, execution: string, options: FollowOptions): Promise<Followed> {
  const progress = options.kind === 'dry-run' ? quiet(task) : await progressFor(task, options.kind);
  try {
    return await new Follower(task, progress, options).follow(execution);
  } finally {
    progress.close();
  }
}

class Follower {
  readonly #task: Task;
  readonly #progress: Progress;
  readonly #options: FollowOptions;
  readonly #eyes: Eyes;
  /** Failed looks since the last success. */
  #troubles = 0;
  #told = new Set<string>();
  /** Since when nothing is visible of what we follow. */
  #missingSince: Date | undefined;

  constructor(task: Task, progress: Progress, options: FollowOptions) {
    this.#task = task;
    this.#progress = progress;
    this.#options = options;
    this.#eyes = new Eyes(task);
  }

  async follow(first: string): Promise<Followed> {
    const { clock, pause } = this.#task.ports;
    const interrupted = this.#task.interruptions();
    const begun = clock.now();
    let execution = first;
    let phase: Phase | undefined;
    for (let looks = 1; ; looks += 1) {
      const look = await this.#look(execution);
      phase = look?.row?.held?.phase ?? phase;
      const next = look && (await this.#judge(look));
      if (typeof next === 'string') {
        execution = next;
        continue;
      }
      // If it had ended before, only how it ended matters.
      if (look && !(looks === 1 && next)) await this.#progress.see(look);
      if (next) return next;
      if (look && this.#options.until === 'shifted' && hasShifted(look)) return { how: 'shifted', execution };
      if (interrupted.aborted) return { how: 'interrupted', execution, phase };
      if (secondsBetween(begun, clock.now()) >= this.#options.seconds)
        return { how: 'timed-out', execution, phase };
      await pause(PAUSE_SECONDS, interrupted);
    }
  }

  async #look(execution: string): Promise<Look | undefined> {
    const look = await orElse(
      this.#eyes.look(execution),
      (trouble) => this.#bear(trouble),
      'ServiceUnavailable',
    );
    if (!look) return undefined;
    for (const what of this.#eyes.refused)
      this.#once(`You lack permission to read ${what}: following without it.`);
    this.#troubles = 0;
    return look;
  }

  #bear({ message }: DeploymentError): undefined {
    this.#troubles += 1;
    if (this.#troubles === QUIET_TROUBLES) this.#progress.tell(`${message} Trying again.`);
  }

  /** @returns the end; or the execution to continue with */
  async #judge(look: Look): Promise<Followed | string | undefined> {
    const { execution, described } = look;
    if (!described)
      return this.#missing(look, UNKNOWN_SECONDS, 'Step Functions does not know this execution.');
    const standing = standingOf(described);
    if (standing.is === 'over') return over(execution, standing.end);
    if (standing.is === 'waiting') return this.#waits(look, standing.reason);
    if (standing.is === 'dead')
      return this.#options.kind === 'deployment'
        ? this.#afterDeath(look, standing.reason)
        : // It held no lock and launched nothing.
          over(execution, { verdict: 'refused', reason: standing.reason, error: 'Stopped' });
    this.#missingSince = undefined;
    return undefined;
  }

  #missing({ at, execution }: Look, seconds: number, reason: string): Followed | undefined {
    this.#missingSince ??= at;
    if (secondsBetween(this.#missingSince, at) < seconds) return undefined;
    return { how: 'lost', execution, reason };
  }

  // ── Waiting for its turn ──

  async #waits(look: Look, reason: string): Promise<Followed | string | undefined> {
    const { execution, row } = look;
    this.#once(`${executionName(execution)} is waiting for its turn: ${reason}.`);
    const own = await this.#startedFor(executionName(execution));
    if (own !== undefined) return own;
    const { pending } = row ?? {};
    if (pending && pending.id !== executionName(execution)) {
      const { versionId = pending.versionId } = this.#options;
      if (pending.versionId !== versionId) return over(execution, { verdict: 'superseded', reason });
      // The same version, requested by someone else: what happens to theirs happens to ours.
      const theirs = await this.#startedFor(pending.id);
      if (theirs !== undefined) return theirs;
    }
    if (row?.held || pending) {
      this.#missingSince = undefined;
      return undefined;
    }
    const gone = 'The waiting request is no longer in the fleet’s waiting slot, and was not started.';
    return this.#missing(look, WAITED_SECONDS, gone);
  }

  /** The execution that runs what this one left in the waiting slot. */
  async #startedFor(id: string): Promise<string | undefined> {
    const arn = executionArn(this.#task, waitedName(id));
    const described = await this.#task.ports.executions.describe(arn);
    if (!described) return undefined;
    this.#missingSince = undefined;
    this.#progress.tell(`Its turn has come: ${waitedName(id)} is deploying it.`);
    return arn;
  }

  // ── Stopped from outside ──

  /** The clean-up holds the lock in its name until everything is undone or finished, and writes its record. */
  async #afterDeath(look: Look, reason: string): Promise<Followed | undefined> {
    const { execution, row } = look;
    const name = executionName(execution);
    this.#once(
      `${name}: ${reason}. The clean-up undoes it, or finishes it after the point of no return; it begins as soon as no function of it can still be acting: mostly within seconds, after ${Math.ceil(TAKE_OVER_AFTER_SECONDS / 60)} minutes at most.`,
    );
    const held = row?.held;
    if (held && deploymentHeldFor(held) === name) {
      if (held.needsHuman === undefined) return undefined;
      return over(execution, { verdict: 'needs-human', reason: held.needsHuman, error: 'StoppedHalfway' });
    }
    const record = await readDeployment(this.#task, name);
    // Without a ledger, only its record shows whether the clean-up ran.
    if (!record && this.#eyes.refused.length > 0) return this.#missing(look, WAITED_SECONDS, reason);
    return over(execution, endFromRecord(record));
  }

  #once(line: string): void {
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#progress.tell(line);
  }
}

const over = (execution: string, end: End): Followed => ({ how: 'ended', execution, end });
