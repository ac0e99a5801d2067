/**
 * What a newcomer needs to know about a state machine's definition: the line that a good deployment takes, in acts;
 * what loops; where it may end early; where each failure leads. All of it is read from the definition, so that a new state
 * appears in the picture automatically. Of the definition this file only knows what a wait and a best-effort step look
 * like (`lib/states.ts`, `lib/acts.ts`), and that an execution that loses the lock ends at once, whatever the step.
 */
import type { StateJson, StateMachineDefinition } from '../lib/resolve-definition.ts';

/** One box of the picture. */
export interface Row {
  readonly name: string;
  readonly kind: 'start' | 'step' | 'question' | 'end';
  /** For a step that looks repeatedly: the states that the picture folds into its loop. */
  readonly loop: readonly string[];
  /** Best-effort steps right before it, which the picture folds into it: releasing the lock before an end. */
  readonly before: readonly string[];
  /** For a step that looks repeatedly: what it may pass before it looks again, besides the pause. */
  readonly detour: readonly Row[];
  /** A question's other answers: each has a line of its own, to an end. */
  readonly exits: readonly (readonly Row[])[];
  /** A question's answer "no" that leads back to an earlier step. */
  readonly backTo?: string;
  readonly failures: readonly FailureWay[];
}

export interface FailureWay {
  /** Names of errors; `States.ALL` is the rest. */
  readonly errors: readonly string[];
  readonly to: string;
}

/** An act begins with a state; it ends where the next one begins. */
export interface ActPlan {
  readonly title: string;
  readonly promise: string;
  readonly begins: string;
}

export interface Act {
  readonly title: string;
  readonly promise: string;
  readonly rows: readonly Row[];
  /** Where a failure of this act leads: the name of a track's first state. */
  readonly failsTo: string;
}

/** What happens after a failure: steps, a recording step, and a bad end. */
export interface Track {
  readonly steps: readonly Row[];
  readonly recording: Row;
  readonly end: string;
  /** Best-effort steps right before the end. A track without them keeps the lock. */
  readonly beforeEnd: readonly string[];
  /** Ends if the recording fails too; the picture folds them into `end`. */
  readonly unrecorded: readonly string[];
}

export interface Story {
  readonly acts: readonly Act[];
  /** By first state; those that acts lead to first, in the order of the acts. */
  readonly tracks: ReadonlyMap<string, Track>;
  /** Where every step that has lost the lock leads. */
  readonly lockLost: string | undefined;
  /** Index of the act that begins with the point of no return: the first whose failures are no longer undone. */
  readonly pointOfNoReturn: number;
}

type States = StateMachineDefinition['States'];

/** @throws Error when the definition is not a story in these acts: the picture would be wrong. */
export function readStory(
  { StartAt, States: states }: StateMachineDefinition,
  plan: readonly ActPlan[],
): Story {
  const line = rowsOf(states, longestLine(states, StartAt));
  const acts = plan.map((act, index) => actOf(act, cut(line, act.begins, plan[index + 1]?.begins)));
  const tracks = tracksFrom(
    states,
    acts.flatMap((act) => act.rows),
  );
  const isUndone = (act: Act) => (tracks.get(act.failsTo)?.steps.length ?? 0) > 0;
  const pointOfNoReturn = acts.findLastIndex(isUndone) + 1;
  return { acts, tracks, lockLost: lockLostOf(states), pointOfNoReturn };
}

/** Every state of the story, including the folded ones. A test compares it with the definition. */
export function statesTold({ acts, tracks, lockLost }: Story): string[] {
  const told = (row: Row): string[] => [
    ...row.before,
    row.name,
    ...row.loop,
    ...[...row.detour, ...row.exits.flat()].flatMap(told),
  ];
  const trackStates = ({ steps, recording, beforeEnd, end, unrecorded }: Track) => [
    ...[...steps, recording].flatMap(told),
    ...beforeEnd,
    end,
    ...unrecorded,
  ];
  return [
    ...acts.flatMap((act) => act.rows).flatMap(told),
    ...[...tracks.values()].flatMap(trackStates),
    ...(lockLost === undefined ? [] : [lockLost]),
  ];
}

// ── Lines ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The longest way to an end without passing anything twice: this drops loops, shortcuts and failures. */
function longestLine(states: States, from: string, seen: readonly string[] = []): string[] {
  const onward = nextOf(stateOf(states, from));
  if (onward.length === 0) return [from];
  const been = [...seen, from];
  const ways = onward.filter((name) => !been.includes(name)).map((name) => longestLine(states, name, been));
  const longest = ways.reduce((best, way) => (way.length > best.length ? way : best), []);
  return longest.length === 0 ? [] : [from, ...longest];
}

/** Where a state leads when nothing fails. */
function nextOf({ Next, Default, Choices }: StateJson): string[] {
  const choices = Array.isArray(Choices) ? Choices.map((choice: { Next: string }) => choice.Next) : [];
  return [...new Set([...choices, Default, Next])].filter((name) => typeof name === 'string');
}

function stateOf(states: States, name: string): StateJson {
  const state = states[name];
  if (state === undefined) throw new Error(`The definition has no state "${name}".`);
  return state;
}

/**
 * The boxes along a line. The verdict of a wait becomes part of the box that looks.
 * @param told the states that are shown elsewhere: of a detour, the line that it leaves
 */
function rowsOf(states: States, line: readonly string[], told: readonly string[] = []): Row[] {
  const rows: Row[] = [];
  let before: string[] = [];
  for (const name of line) {
    if (isBestEffort(stateOf(states, name))) {
      before = [...before, name];
      continue;
    }
    const looking = rows.at(-1);
    const pause = pauseAfter(states, name);
    if (looking !== undefined && pause?.back === looking.name) {
      const detour = detourFrom(states, name, looking.name, [...told, ...line, pause.name]);
      rows[rows.length - 1] = { ...looking, loop: [pause.name, name], detour };
    } else {
      rows.push({ ...rowOf(states, name, line), before });
      before = [];
    }
  }
  return rows;
}

/** The steps by which a verdict leads back to its look other than the pause. */
function detourFrom(states: States, verdict: string, look: string, known: readonly string[]): Row[] {
  const ways = nextOf(stateOf(states, verdict)).filter((next) => !known.includes(next));
  return ways.flatMap((next) => {
    const way = wayBack(states, next, look, known) ?? [];
    const rows = rowsOf(states, way, known);
    // Best effort alone would be folded into a row that is not there; its failure leads on like its success.
    return rows.length > 0 ? rows : way.map((name) => ({ ...rowOf(states, name, way), failures: [] }));
  });
}

/** @returns the states from one to right before another; `undefined` when it does not lead there. */
function wayBack(
  states: States,
  from: string,
  to: string,
  seen: readonly string[],
): readonly string[] | undefined {
  if (from === to) return [];
  if (seen.includes(from)) return undefined;
  for (const next of nextOf(stateOf(states, from))) {
    const rest = wayBack(states, next, to, [...seen, from]);
    if (rest) return [from, ...rest];
  }
  return undefined;
}

function rowOf(states: States, name: string, line: readonly string[]): Row {
  const state = stateOf(states, name);
  const row = {
    name,
    kind: kindOf(state),
    loop: [],
    detour: [],
    before: [],
    exits: [],
    failures: failuresOf(state),
  };
  if (state.Type !== 'Choice') return row;
  const pause = pauseAfter(states, name);
  const exits = nextOf(state)
    .filter((next) => !line.includes(next) && next !== pause?.name)
    .map((next) => rowsOf(states, longestLine(states, next)));
  return { ...row, exits, ...(pause && { backTo: pause.back }) };
}

function kindOf({ Type }: StateJson): Row['kind'] {
  if (Type === 'Pass') return 'start';
  if (Type === 'Task') return 'step';
  if (Type === 'Choice') return 'question';
  if (Type === 'Succeed' || Type === 'Fail') return 'end';
  throw new Error(`The picture does not know how to draw a state of type ${Type}.`);
}

/** The pause that a Choice may lead to, and the step that looks again after it. */
function pauseAfter(states: States, name: string): { name: string; back: string } | undefined {
  if (stateOf(states, name).Type !== 'Choice') return undefined;
  const pause = nextOf(stateOf(states, name)).find((next) => stateOf(states, next).Type === 'Wait');
  const back = pause === undefined ? undefined : nextOf(stateOf(states, pause))[0];
  return pause === undefined || back === undefined ? undefined : { name: pause, back };
}

/** All paths but that of the lost lock, which is the same for every step: it would be a line from every box. */
function failuresOf(state: StateJson): FailureWay[] {
  return catchesOf(state).filter(({ errors }) => !isLockLost(errors));
}

function catchesOf({ Catch }: StateJson): FailureWay[] {
  if (!Array.isArray(Catch)) return [];
  return Catch.map(({ ErrorEquals, Next }: { ErrorEquals: string[]; Next: string }) => ({
    errors: ErrorEquals,
    to: Next,
  }));
}

const isLockLost = (errors: readonly string[]) => errors.join() === 'LockLost';

/** @throws Error when not every step that can lose the lock leads to the same end. */
function lockLostOf(states: States): string | undefined {
  const ways = Object.values(states).flatMap((state) => catchesOf(state));
  const [lockLost, ...others] = new Set(ways.filter(({ errors }) => isLockLost(errors)).map(({ to }) => to));
  if (others.length > 0) throw new Error(`A lost lock leads to ${[lockLost, ...others].join(' and ')}.`);
  return lockLost;
}

/** A step whose failure leads where its success does. */
function isBestEffort(state: StateJson): boolean {
  const ways = failuresOf(state);
  return ways.length > 0 && ways.every(({ to }) => to === state.Next);
}

// ── Acts and tracks ────────────────────────────────────────────────────────────────────────────────────────────────

function cut(line: readonly Row[], first: string, next: string | undefined): Row[] {
  const indexOf = (name: string) => {
    const index = line.findIndex((row) => row.name === name);
    if (index < 0) throw new Error(`No act can begin with "${name}": a deployment does not pass it.`);
    return index;
  };
  return line.slice(indexOf(first), next === undefined ? undefined : indexOf(next));
}

/** @throws Error when failures of one act lead to different places: then it is not a single act. */
function actOf({ title, promise }: ActPlan, rows: readonly Row[]): Act {
  const all = [...rows, ...rows.flatMap((row) => [...row.detour, ...row.exits.flat()])];
  const targets = new Set(all.flatMap((row) => row.failures.filter(isCatchAll).map(({ to }) => to)));
  const [failsTo] = targets;
  if (failsTo === undefined || targets.size > 1) {
    throw new Error(`Failures in the act "${title}" lead to ${[...targets].join(' and ') || 'nowhere'}.`);
  }
  return { title, promise, rows, failsTo };
}

export const isCatchAll = ({ errors }: FailureWay): boolean => errors.includes('States.ALL');

/** All tracks that these boxes' failures lead to, and those that failures on the tracks lead to. */
function tracksFrom(states: States, rows: readonly Row[]): Map<string, Track> {
  const tracks = new Map<string, Track>();
  const waiting = rows.flatMap((row) => row.failures.map(({ to }) => to));
  for (const first of waiting) {
    if (tracks.has(first)) continue;
    const track = trackOf(states, first);
    tracks.set(first, track);
    waiting.push(...track.steps.flatMap((row) => row.failures.map(({ to }) => to)));
  }
  return tracks;
}

function trackOf(states: States, first: string): Track {
  const rows = rowsOf(states, longestLine(states, first));
  const end = rows.at(-1);
  const recording = rows.at(-2);
  if (end === undefined || stateOf(states, end.name).Type !== 'Fail' || recording === undefined) {
    throw new Error(`The failure that goes to "${first}" is not recorded, or does not end in Fail (rule 9).`);
  }
  return {
    steps: rows.slice(0, -2),
    recording,
    beforeEnd: end.before,
    end: end.name,
    unrecorded: recording.failures.map(({ to }) => to),
  };
}
