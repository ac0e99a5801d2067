/** The acts of the story, as the demo shows them: how long each has lasted, and how far it has come. */

import { PHASES } from '../../lambdas/domain/core/steps.ts';
import { actOfState } from '../../lambdas/domain/core/story.ts';
import type { Phase } from '../../lambdas/ports/ledger.ts';

export interface PhaseStanding {
  readonly phase: Phase;
  readonly standing: 'ahead' | 'now' | 'done' | 'failed';
  readonly seconds: number;
}

/** Follows a deployment from state to state. */
export class PhaseClock {
  readonly #startedAt: number;
  readonly #stays: { phase: Phase; state: string; from: number; to?: number }[] = [];
  readonly #failed = new Set<Phase>();
  #over = false;

  constructor(startedAt: Date) {
    this.#startedAt = startedAt.getTime();
  }

  /** The state that is running, or ran last. */
  get state(): string | undefined {
    return this.#stays.at(-1)?.state;
  }

  get phase(): Phase | undefined {
    return this.#stays.at(-1)?.phase;
  }

  /** Returns the phase that begins with this state, if one does. */
  entered(state: string, at: Date): Phase | undefined {
    const phase = actOfState(state);
    const last = this.#stays.at(-1);
    if (phase === undefined || last?.state === state) return undefined;
    if (last) last.to = at.getTime();
    this.#stays.push({ phase, state, from: last ? at.getTime() : this.#startedAt });
    return last?.phase === phase ? undefined : phase;
  }

  /** A failure of this state was caught: here the story turned. */
  failed(state: string): void {
    const phase = actOfState(state);
    if (phase) this.#failed.add(phase);
  }

  ended(at: Date): void {
    this.#over = true;
    const last = this.#stays.at(-1);
    if (last) last.to = at.getTime();
  }

  /** Seconds spent in a state or in a phase so far. */
  seconds(where: string, at: Date): number {
    const those = this.#stays.filter(({ phase, state }) => phase === where || state === where);
    return those.reduce((sum, { from, to }) => sum + ((to ?? at.getTime()) - from) / 1000, 0);
  }

  /** How many states of a phase have been entered and left. */
  visited(phase: Phase): number {
    return this.#stays.filter((stay) => stay.phase === phase && stay.to !== undefined).length;
  }

  /** Without the undo, as long as there is none. */
  standings(at: Date): readonly PhaseStanding[] {
    const been = new Set(this.#stays.map(({ phase }) => phase));
    return PHASES.filter((phase) => phase !== 'undo' || been.has('undo')).map((phase) => ({
      phase,
      standing: this.#standing(phase, been),
      seconds: this.seconds(phase, at),
    }));
  }

  #standing(phase: Phase, been: ReadonlySet<Phase>): PhaseStanding['standing'] {
    if (this.#failed.has(phase)) return 'failed';
    if (phase === this.phase && !this.#over) return 'now';
    return been.has(phase) ? 'done' : 'ahead';
  }
}
