/** The acts of the story, as the demo shows them: which state belongs to which, and how long each has lasted. */

export const PHASES = ['Agree', 'Bring up', 'Shift', 'Remove', 'Undo'] as const;
export type Phase = (typeof PHASES)[number];

/** Tasks only: what lies between them belongs to the task before. */
const PHASE_OF: Readonly<Record<string, Phase>> = {
  'Take the fleet lock': 'Agree',
  'Resolve the image': 'Agree',
  'Resolve the release': 'Agree',
  'Snapshot old hosts': 'Agree',
  'Write the plan': 'Agree',
  'Record the refusal': 'Agree',
  'Release the lock after the refusal': 'Agree',
  'Release the lock after already deployed': 'Agree',
  'Release the lock after superseded': 'Agree',
  'Release the lock after nothing to redeploy': 'Agree',
  'Launch new instances': 'Bring up',
  'New hosts are ready': 'Bring up',
  'Replace the stragglers': 'Bring up',
  'Remove the stragglers': 'Bring up',
  'Take old hosts out of service': 'Shift',
  'Old hosts are drained': 'Shift',
  'Watch the new hosts': 'Shift',
  'Terminate old instances': 'Remove',
  'Retire old hosts in Mackerel': 'Remove',
  'Record the release': 'Remove',
  'Release the lock after the deployment': 'Remove',
  'Record the halfway stop': 'Remove',
  'Put old hosts back': 'Undo',
  'Terminate new instances': 'Undo',
  'Record the failure': 'Undo',
  'Record the failed undo': 'Undo',
  'Release the lock after the undo': 'Undo',
};

export function phaseOf(state: string): Phase | undefined {
  return PHASE_OF[state];
}

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

  /** Answers the phase that begins with this state, if one does. */
  entered(state: string, at: Date): Phase | undefined {
    const phase = phaseOf(state);
    const last = this.#stays.at(-1);
    if (phase === undefined || last?.state === state) return undefined;
    if (last) last.to = at.getTime();
    this.#stays.push({ phase, state, from: last ? at.getTime() : this.#startedAt });
    return last?.phase === phase ? undefined : phase;
  }

  /** A failure of this state was caught: here the story turned. */
  failed(state: string): void {
    const phase = phaseOf(state);
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
    return PHASES.filter((phase) => phase !== 'Undo' || been.has('Undo')).map((phase) => ({
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
