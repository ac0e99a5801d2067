/**
 * What the fleets file says about a fleet's deployments beyond the hosts: when they are frozen, what they accept, what
 * they follow, and what follows them. Shown before a start is refused because of it, or another fleet starts.
 */

import type { FreezeWindow } from '../../lambdas/domain/core/fleet.ts';
import { momentOf } from '../../lambdas/domain/core/local-time.ts';
import { list, span } from '../../lambdas/domain/core/words.ts';
import { freezeAt, freezeSentence } from '../../lambdas/domain/release/freeze.ts';
import type { Task } from './command.ts';
import { gatesOf, PREVIOUS } from './options.ts';
import { irekae } from './typed.ts';
import { section, table } from './wording.ts';

/** Table rows: a label and a sentence; none for a fleet with neither windows nor relations. */
export function gateRows(task: Task): string[][] {
  return [...freezeRows(task), ...promotionRows(task), ...orderRows(task)];
}

/** The gates' sentences speak of the execution's input; this is what to type instead. */
export function commandsFor(task: Task, refusals: readonly string[]): string[] {
  const { fleet, options } = task;
  const speaksOf = (gate: string) => refusals.some((each) => new RegExp(`\\b${gate}: `).test(each));
  const lines: string[] = [];
  if (speaksOf('NotProven') && fleet.promotion)
    lines.push(`To promote what was tested:  ${irekae('promote', fleet.name, '--wait')}`);
  if (speaksOf('OnHold')) lines.push(`To lift the hold:  ${irekae('release', fleet.name)}`);
  // One that was overridden already is not what refuses it.
  const gates = Object.entries(OVERRIDABLE).filter(
    ([name, { gate }]) => speaksOf(name) && !gatesOf(options).includes(gate),
  );
  // All at once: to override one of two opens nothing.
  if (gates.length > 0)
    lines.push(
      `${list(gates.map(([, { to }]) => to))}, on record:  ${starting(
        task,
        gates.map(([, each]) => each),
      )}`,
    );
  return lines;
}

/** Failure → the gate that it comes from. Whoever overrides it means this by it. */
const OVERRIDABLE = {
  UnlistedHostServes: {
    gate: 'unlisted',
    to: 'To deploy beside it',
    reason: 'the hosts beside it are known',
  },
  Frozen: { gate: 'freeze', to: 'To deploy anyway', reason: 'it cannot wait for the end of the freeze' },
  OnHold: { gate: 'hold', to: 'To deploy beside the hold', reason: 'it cannot wait for the end of the hold' },
} as const;
type Overridden = (typeof OVERRIDABLE)[keyof typeof OVERRIDABLE];

/** What starts the same once more. @param over gates that it overrides beside those that were overridden before */
export function starting({ fleet, options }: Task, over: readonly Overridden[] = []): string {
  const { to, version, ami, redeploy, reason } = options;
  const gates = [...gatesOf(options), ...over.map(({ gate }) => gate)];
  const why = reason ?? over.map((each) => each.reason).join(', ');
  const said =
    why === '' && to !== undefined ? `back to ${to === PREVIOUS ? 'the release before' : to}` : why;
  return irekae(
    ...(to === undefined ? ['deploy', fleet.name] : ['rollback', fleet.name, '--to', to]),
    ...(version === undefined ? [] : ['--version', version]),
    ...(ami === undefined ? [] : ['--ami', ami]),
    ...(redeploy ? ['--redeploy'] : []),
    ...(gates.length > 0 ? ['--override', gates.join(',')] : []),
    ...(said === '' ? [] : ['--reason', said]),
    '--wait',
  );
}

/** The windows that are open or still to come; a weekly one always is. */
function freezeRows({ fleet, ports }: Task): string[][] {
  const now = ports.clock.now();
  const freeze = freezeAt(fleet.freezes, now);
  const windows = fleet.freezes.filter((window) => !isPast(window, now)).map(windowWords);
  return [
    ...(freeze ? [['frozen now', freezeSentence(freeze)]] : []),
    ...windows.map((words, index) => [index === 0 ? 'freezes' : '', words]),
  ];
}

const isPast = (window: FreezeWindow, now: Date): boolean =>
  window.kind === 'dated' && momentOf(window.to, window.timeZone, 'last') <= now;

/** `year end, 2026-12-28 00:00 to 2027-01-04 09:00 in Asia/Tokyo`; `weekend, sat and sun 00:00 to 24:00 in UTC`. */
function windowWords(window: FreezeWindow): string {
  const { label, from, to, timeZone } = window;
  const local = (time: string) => time.replace('T', ' ');
  const days = window.kind === 'weekly' ? `${list(window.days, 7)} ` : '';
  return `${label}, ${days}${local(from)} to ${local(to)} in ${timeZone}`;
}

function promotionRows({ fleet: { promotion } }: Task): string[][] {
  if (!promotion) return [];
  const { from, required, soakMinutes } = promotion;
  const after = soakMinutes === 0 ? '' : `, after ${span(soakMinutes * 60)} there`;
  return [['accepts', `${required ? 'only artifacts promoted' : 'promotions'} from ${from}${after}`]];
}

function orderRows({ fleet, environment }: Task): string[][] {
  const rows: string[][] = [];
  if (fleet.after !== undefined)
    rows.push(['follows', `${fleet.after}: starts when that is not undone anymore, not on upload`]);
  const followers = environment.fleets.filter(({ after }) => after === fleet.name).map(({ name }) => name);
  const verb = followers.length === 1 ? 'follows' : 'follow';
  if (followers.length > 0) rows.push(['then', `${list(followers, 20)} ${verb} with the same version`]);
  return rows;
}

/** The same, as lines of a command's output. */
export const gateLines = (task: Task): string[] => section('By the fleets file:', table(gateRows(task)));
