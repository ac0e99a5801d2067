/**
 * How a deployment is shown while it is followed: as log lines, one for each piece of news; in a terminal the same
 * lines, and below them a block that is redrawn: the acts, the time left, and every host.
 */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { isPastNoReturn, PHASES, titleOf } from '../../../lambdas/domain/core/steps.ts';
import { actBegunBy } from '../../../lambdas/domain/core/story.ts';
import { secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import type { Phase } from '../../../lambdas/ports/ledger.ts';
import { orElse } from '../attempt.ts';
import type { Task } from '../command.ts';
import { documentOf } from '../holder.ts';
import { newestRecords } from '../release-records.ts';
import { clockTime } from '../wording.ts';
import { hostRows } from './host-rows.ts';
import { LiveBlock } from './live-block.ts';
import type { Look } from './look.ts';
import { News, type Told } from './news.ts';
import { type TimeLeft, timeLeft } from './time-left.ts';

export interface Progress {
  see(look: Look): Promise<void>;
  tell(line: string): void;
  close(): void;
}

/** The time left is based on at most this many of the newest successful deployments, among this many records. */
const EXPERIENCE = 5;
const RECORDS = 15;

/** A promotion has no acts, and takes as long as its copy. */
export async function progressFor(task: Task, kind: 'deployment' | 'promotion'): Promise<Progress> {
  return new FollowedProgress(task, kind, kind === 'deployment' ? await experience(task) : []);
}

/** Shows only what others report: troubles. */
export const quiet = (task: Task): Progress => ({
  see: async () => {},
  tell: (line) => task.tell(line),
  close: () => {},
});

/** The phases of earlier deployments, in seconds. Without permission to list the records, no time left is shown. */
type Experience = readonly Readonly<Record<string, number>>[];

async function experience(task: Task): Promise<Experience> {
  const records = await orElse(newestRecords(task, RECORDS), () => []);
  const deployed = records.flatMap(({ record }) => (record?.outcome === 'Deployed' ? [record.phases] : []));
  return deployed.slice(0, EXPERIENCE);
}

/** Events up to this number are an execution's first. */
const EARLY = 5;

class FollowedProgress implements Progress {
  readonly #task: Task;
  readonly #kind: 'deployment' | 'promotion';
  readonly #earlier: Experience;
  readonly #news = new News();
  readonly #block: LiveBlock | undefined;
  /** Whose turns are shown, and whose beginning has been shown. */
  #acting: string | undefined;
  #begun: string | undefined;
  /** The furthest act, as an index; -1: none yet. */
  #reached = -1;
  /** Prefix for lines of other executions than the one that is followed. */
  #who = '';
  #looks = 0;
  #hosts: readonly string[] = [];

  constructor(task: Task, kind: 'deployment' | 'promotion', earlier: Experience) {
    this.#task = task;
    this.#kind = kind;
    this.#earlier = earlier;
    this.#block = task.screen && new LiveBlock(task.screen, task.screen.rendering);
  }

  async see(look: Look): Promise<void> {
    const { row, acting, turns, at } = look;
    this.#begin(look);
    const left = timeLeft(this.#earlier, row?.held, documentOf(row?.held), at);
    if (acting !== this.#acting) this.#turnTo(look, left);
    for (const told of this.#news.of(acting, turns)) this.#say(told, left);
    // Without permission to read the history, the act is known from the lock.
    this.#enter(row?.held?.phase, at, left);
    if (!this.#block) return;
    // Every other look: the hosts need calls to three services.
    if (this.#looks % 2 === 0) this.#hosts = await hostRows(this.#task, look.row?.held);
    this.#looks += 1;
    const [title, sentence] = [this.#title(look), this.#sentence()];
    const isDeployment = this.#kind === 'deployment';
    this.#block.draw(isDeployment ? [title, this.#acts(left), sentence, ...this.#hosts] : [title, sentence]);
  }

  tell(line: string): void {
    this.#line(`${this.#clock(this.#task.ports.clock.now())}  ${line}`);
  }

  close(): void {
    this.#block?.close();
  }

  // ── Lines ──

  #begin({ execution, described }: Look): void {
    if (this.#begun === execution || described?.state.state !== 'running') return;
    this.#begun = execution;
    const what = this.#kind === 'promotion' ? ', the promotion to' : ' of';
    const { startedAt } = described;
    const who = `${executionName(execution)}${what} ${this.#task.fleet.name}`;
    const day = startedAt.toISOString().slice(0, 10);
    const { timeZone } = this.#task;
    const zones = timeZone === undefined || timeZone === 'UTC' ? 'UTC' : `UTC and in ${timeZone}`;
    this.#line(`${this.#clock(startedAt)}  ${who} began (${day}; times in ${zones})`);
  }

  /** Others act before it, while it waits for its turn, and after it, when the clean-up takes over. */
  #turnTo({ acting, execution, row, turns, at }: Look, left: TimeLeft | undefined): void {
    this.#acting = acting;
    this.#who = acting === execution ? '' : `[${executionName(acting)}] `;
    this.#reached = -1;
    // Joined midway: what it reports belongs to its current act.
    const isOnItsWay = !turns.some(({ id, state }) => id <= EARLY || actBegunBy(state) !== undefined);
    // Else its own beginning, which we may see a moment later: no line must be dated after the next one.
    const began = isOnItsWay ? at : (turns[0]?.at ?? at);
    this.#enter(isOnItsWay ? row?.held?.phase : 'agree', began, left);
  }

  /** Acts only move forward: a wait that is returned to is still in its own act. */
  #enter(phase: Phase | undefined, at: Date, left: TimeLeft | undefined): void {
    if (this.#kind === 'promotion' || phase === undefined || PHASES.indexOf(phase) <= this.#reached) return;
    this.#reached = PHASES.indexOf(phase);
    const usually = left && left.seconds > 0 ? `  ${leftWords(left)}` : '';
    this.#line(`${this.#clock(at)}  ${this.#who}── ${titleOf(phase)} ──${usually}`);
  }

  #say({ at, state, text, begins, isFailure: failed, isLook }: Told, left: TimeLeft | undefined): void {
    // The block has a row for it.
    if (this.#block && isLook) return;
    if (begins) this.#enter(begins, at, left);
    else this.#line(`${this.#clock(at)}  ${this.#who}${failed ? '✖ ' : ''}${state}: ${text ?? ''}`);
  }

  #clock(at: Date): string {
    return clockTime(at, this.#task.timeZone);
  }

  #line(text: string): void {
    if (this.#block) this.#block.print(text);
    else this.#task.tell(text);
  }

  // ── The block ──

  #title({ execution, described, at }: Look): string {
    const lasted = described ? span(secondsBetween(described.startedAt, at)) : '';
    return `${this.#task.fleet.name}  ${executionName(execution)}  ${lasted}`;
  }

  #acts(left: TimeLeft | undefined): string {
    const now = Math.max(0, this.#reached);
    const isUndone = PHASES[now] === 'undo';
    // What is undone is not finished, and vice versa.
    const order = PHASES.filter((phase) => (isUndone ? !isPastNoReturn(phase) : phase !== 'undo'));
    const acts = order.map((phase) => `${markOf(PHASES.indexOf(phase), now)} ${titleOf(phase)}`);
    return [...acts, left ? shortly(left) : ''].join('   ').trimEnd();
  }

  #sentence(): string {
    return this.#news.latest ?? 'nothing reported yet';
  }
}

function markOf(act: number, now: number): string {
  if (act === now) return '▶';
  return act < now ? '✔' : '·';
}

function leftWords({ seconds, from }: TimeLeft): string {
  const usual = from === 1 ? 'as long as the last one took' : `as long as the last ${from} took`;
  return seconds === 0 ? shortly({ seconds }) : `${shortly({ seconds })}, if it takes ${usual}`;
}

/** In a row that has no room for more. */
const shortly = ({ seconds }: Pick<TimeLeft, 'seconds'>): string =>
  seconds === 0 ? 'longer than usual' : `about ${span(rounded(seconds))} left`;

/** Nobody knows it to the second. */
const rounded = (seconds: number): number => Math.max(5, Math.round(seconds / 5) * 5);
