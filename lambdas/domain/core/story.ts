/** What follows from the table of steps for whoever tells the story or shows it: its states, acts, waits, endings. */
import type { Phase } from '../../ports/ledger.ts';
import type { StepKey } from './document.ts';
import { MOST_HOOKS, POINT, type Point } from './points.ts';
import { PHASES, rowOf, STEP_NAMES, type StepName, type WaitName } from './steps.ts';

// ── Waits ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The only wait that is the clean-up's alone. */
const TAKE_OVER: WaitName = 'take-over-the-lock';

/** The waits of a deployment, in the order of the story. */
export const WAIT_NAMES = STEP_NAMES.filter(
  (name): name is WaitName => rowOf(name).lasts !== undefined && name !== TAKE_OVER,
);

/** What a clean-up may come by: it finishes or undoes. */
export const CLEAN_UP_STEPS = STEP_NAMES.filter((name) => ['remove', 'undo'].includes(rowOf(name).act));

// ── States ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** How a deployment that failed has ended: the story knows, and says so to the state that records it. */
export const ENDS = ['refused', 'undone', 'undo-failed', 'halfway'] as const;
export type End = (typeof ENDS)[number];

type StateRow = { readonly act: Phase; readonly key?: StepKey; readonly at?: Point } & (
  | { readonly step: 'record-the-failure'; readonly ends: End }
  | { readonly step: Exclude<StepName, 'record-the-failure'> }
);

/** The states of the steps that stand in several places of the story: whose function they run, and in which act. */
export const STATES = {
  'Record the refusal': { step: 'record-the-failure', act: 'agree', ends: 'refused' },
  'Record the failure': { step: 'record-the-failure', act: 'undo', ends: 'undone' },
  'Record the failed undo': { step: 'record-the-failure', act: 'undo', ends: 'undo-failed' },
  'Record the halfway stop': { step: 'record-the-failure', act: 'remove', ends: 'halfway' },
  'Release the lock after the refusal': { step: 'release-the-fleet-lock', act: 'agree' },
  'Release the lock after already deployed': { step: 'release-the-fleet-lock', act: 'agree' },
  'Release the lock after superseded': { step: 'release-the-fleet-lock', act: 'agree' },
  'Release the lock after nothing to redeploy': { step: 'release-the-fleet-lock', act: 'agree' },
  'Release the lock after the deployment': { step: 'release-the-fleet-lock', act: 'remove' },
  'Release the lock after the undo': { step: 'release-the-fleet-lock', act: 'undo' },
  'Release the lock after finishing': { step: 'release-the-fleet-lock', act: 'remove' },
  'Release the lock after a holder that left nothing to do': { step: 'release-the-fleet-lock', act: 'agree' },
  'Ask the hooks before the launch': {
    step: 'ask-the-hook',
    act: 'bring-up',
    key: 'hooksBeforeLaunch',
    at: 'before-launch',
  },
  'Ask the hooks before the shift': {
    step: 'ask-the-hook',
    act: 'bring-up',
    key: 'hooksBeforeShift',
    at: 'before-shift',
  },
  'Ask the hooks after the shift': {
    step: 'ask-the-hook',
    act: 'shift',
    key: 'hooksAfterShift',
    at: 'after-shift',
  },
  'Ask the hooks before the termination': {
    step: 'ask-the-hook',
    act: 'shift',
    key: 'hooksBeforeTerminate',
    at: 'before-terminate',
  },
  'Wait for a person before the launch': {
    step: 'wait-for-a-person',
    act: 'bring-up',
    key: 'pauseBeforeLaunch',
    at: 'before-launch',
  },
  'Wait for a person before the shift': {
    step: 'wait-for-a-person',
    act: 'bring-up',
    key: 'pauseBeforeShift',
    at: 'before-shift',
  },
  'Wait for a person after the shift': {
    step: 'wait-for-a-person',
    act: 'shift',
    key: 'pauseAfterShift',
    at: 'after-shift',
  },
  'Wait for a person before the termination': {
    step: 'wait-for-a-person',
    act: 'shift',
    key: 'pauseBeforeTerminate',
    at: 'before-terminate',
  },
} as const satisfies Readonly<Record<string, StateRow>>;

/** A state of a step that has several: what the story says of it beside the document. */
export type StateTitle = keyof typeof STATES;
export const stateRow = (title: StateTitle): StateRow => STATES[title];

/** The states that invoke a hook: a function of the fleet's own team, and no step. */
export const hookCall = (point: Point, index: number): string =>
  `Call hook ${index + 1} ${POINT[point].words}`;
const HOOK_CALLS: ReadonlyMap<string, Phase> = new Map(
  Object.values<StateRow>(STATES).flatMap(({ step, at, act }) =>
    at !== undefined && step === 'ask-the-hook'
      ? Array.from({ length: MOST_HOOKS }, (_, index) => [hookCall(at, index), act] as const)
      : [],
  ),
);
export const isHookCall = (title: string): boolean => HOOK_CALLS.has(title);

/** The titles of the states of one step. */
export type TitleOf<Step extends StepName> = {
  [Title in keyof typeof STATES]: (typeof STATES)[Title]['step'] extends Step ? Title : never;
}[keyof typeof STATES];

/** Not a step: it starts the machine that wakes the functions (`lib/wake-machine.ts`), and what becomes of that is its own. */
export const WAKE_STATE = 'Wake the functions';

const ACT_OF_STATE: ReadonlyMap<string, Phase> = new Map([
  ...STEP_NAMES.map((name) => [rowOf(name).title, rowOf(name).act] as const),
  ...Object.entries(STATES).map(([title, { act }]) => [title, act] as const),
  [WAKE_STATE, 'agree'],
  ...HOOK_CALLS,
]);

/** The act that a state belongs to; nothing for what lies between two steps. */
export const actOfState = (title: string): Phase | undefined => ACT_OF_STATE.get(title);

/** The state with which an act begins; of the first one, the first that asks anybody. */
export function beginningOf(act: Phase): string {
  const first = STEP_NAMES.map(rowOf).find((row) => row.act === act);
  if (!first) throw new Error(`No step is in the act ${act}.`);
  return first.title;
}

/** The act that begins with this state; the first one is begun when a deployment is there. */
export const actBegunBy = (state: string): Phase | undefined =>
  PHASES.slice(1).find((act) => beginningOf(act) === state);
