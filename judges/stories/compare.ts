/** Whether a story went the same way on both stages: each machine's executions, state by state. */
import type { Execution, FleetTold, Story, Told } from './theatre.ts';

const AGAIN = ' (look again soon)';

/** How often a wait looks depends on moments that nobody promised: a wait is its last look, and what came of it. */
export function withoutLoops(states: readonly string[]): string[] {
  const told: string[] = [];
  for (const state of states) {
    if (state.endsWith(AGAIN)) continue;
    if (told.at(-1) === `${state}?`) told.pop();
    else told.push(state);
  }
  return told;
}

/** @returns what differs, in sentences */
export function differences(story: Story, moto: Told, model: Told): string[] {
  const ends = Object.entries(story.ends).flatMap(([of, state]) => {
    const last = runsOf(moto, `irekae-${of}`).at(-1)?.states.at(-1) ?? 'nothing';
    return last === state || last === `${state}${AGAIN}` ? [] : [`${of} ends in ${last}, not in ${state}`];
  });
  return [
    ...ends,
    ...machinesOf(moto, model).flatMap((machine) =>
      differencesOf(machine, runsOf(moto, machine), runsOf(model, machine)),
    ),
    ...Object.keys(moto.fleets).flatMap((fleet) => {
      const [here, there] = [moto, model].map(({ fleets }) => pictureOf(fleets[fleet]));
      return here === there ? [] : [`${fleet} is left with ${here}; on the model with ${there}`];
    }),
  ];
}

/** What is left of a fleet, in words that are the same on both stages. */
function pictureOf(fleet: FleetTold | undefined): string {
  if (fleet === undefined) return 'nothing';
  const hosts = fleet.hosts.map(({ state, serves, isNew, status = 'not in Mackerel' }) =>
    [isNew ? 'new' : 'old', state, ...(serves ? ['in service'] : []), status].join(' '),
  );
  return [...hosts.sort(), `lock ${fleet.lock}`, `records ${[...fleet.records].sort()}`].join(', ');
}

const machinesOf = (...told: Told[]) => [
  ...new Set(told.flatMap(({ executions }) => executions.map(({ machine }) => machine))),
];
const runsOf = ({ executions }: Told, of: string) => executions.filter(({ machine }) => machine === of);

function differencesOf(machine: string, moto: readonly Execution[], model: readonly Execution[]): string[] {
  if (moto.length !== model.length)
    return [`${machine}: ${moto.length} executions on moto, ${model.length} on the model`];
  return moto.flatMap((run, index) => {
    const other = model[index] as Execution;
    const difference = differenceOf(run, other);
    return difference === undefined ? [] : [`${machine} ${index + 1}: ${difference}`];
  });
}

function differenceOf(moto: Execution, model: Execution): string | undefined {
  const [here, there] = [withoutLoops(moto.states), withoutLoops(model.states)];
  const at = here.findIndex((state, index) => state !== there[index]);
  if (at >= 0 || here.length < there.length) {
    const index = at >= 0 ? at : here.length;
    return `after ${here[index - 1]} it enters ${here[index] ?? 'nothing'}, on the model ${there[index] ?? 'nothing'}`;
  }
  const ends = [moto, model].map(({ status, error, cause }) =>
    [status, error, firstOf(cause)].join(' ').trim(),
  );
  return ends[0] === ends[1] ? undefined : `it ends as ${ends[0]}, on the model as ${ends[1]}`;
}

/** The name of the error with which it began; the sentence behind it may tell of moments and ids. */
const firstOf = (cause: string | undefined) => cause?.split(':')[0];
