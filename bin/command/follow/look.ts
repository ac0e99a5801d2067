/**
 * One look at a deployment from outside: its execution, the fleet's lock, and its latest messages. Only the execution's
 * state is required; without permission to read the ledger or a history, the command follows without them.
 */

import { machineAndName, machineIn } from '../../../lambdas/domain/core/aws.ts';
import { machineName } from '../../../lambdas/domain/core/names.ts';
import { isPastNoReturn, rowOf, STEP_NAMES } from '../../../lambdas/domain/core/steps.ts';
import { actOfState, isHookCall, STATES } from '../../../lambdas/domain/core/story.ts';
import type { ExecutionDescription, HistoryTurn } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { orElse } from '../attempt.ts';
import type { Task } from '../command.ts';
import { standingOf } from './standing.ts';

export interface Look {
  readonly at: Date;
  /** The execution that we follow. */
  readonly execution: string;
  /** Absent: Step Functions does not know it. */
  readonly described?: ExecutionDescription;
  readonly row?: LedgerRow;
  /** Whose turns these are: the execution's, or those of one that acts for it or before it. */
  readonly acting: string;
  readonly turns: readonly HistoryTurn[];
}

export class Eyes {
  readonly #task: Task;
  readonly #refused = new Set<string>();

  constructor(task: Task) {
    this.#task = task;
  }

  /** What could not be seen for lack of permission. */
  get refused(): readonly string[] {
    return [...this.#refused];
  }

  /** @throws ServiceUnavailable, and ServiceRefused when not even the execution may be described */
  async look(execution: string): Promise<Look> {
    const { executions, ledger, clock } = this.#task.ports;
    const described = await executions.describe(execution);
    const row = await this.#ifAllowed('the ledger', () => ledger.read(this.#task.fleet.name));
    const acting = actingFor(execution, described, row);
    const turns = (await this.#ifAllowed('the execution’s history', () => executions.recent(acting))) ?? [];
    const at = clock.now();
    return { at, execution, ...(described && { described }), ...(row && { row }), acting, turns };
  }

  async #ifAllowed<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (this.#refused.has(what)) return undefined;
    const refused = () => {
      this.#refused.add(what);
      return undefined;
    };
    return orElse(ask(), refused, 'ServiceRefused');
  }
}

/** What comes once the old hosts are out of service and drained. */
const STEPS_ON = STEP_NAMES.slice(STEP_NAMES.indexOf('old-hosts-are-drained') + 1).map(rowOf);
const SHIFTED = new Set([
  ...STEPS_ON.filter(({ act }) => act === 'shift' || act === 'remove').map(({ title }) => title),
  ...Object.entries(STATES).flatMap(([title, row]) => ('at' in row && row.act === 'shift' ? [title] : [])),
]);

/** Is all traffic on the new hosts? Not while another one acts, and not anymore once it is undone. */
export function hasShifted({ execution, acting, row, turns }: Look): boolean {
  if (!isSame(acting, execution)) return false;
  const { held } = row ?? {};
  // Without permission to read the history, the lock tells of it only when the old hosts go.
  if (held && isSame(held.holder, execution) && isPastNoReturn(held.phase)) return true;
  const newest = turns.findLast(({ state }) => actOfState(state) !== undefined);
  return newest !== undefined && (SHIFTED.has(newest.state) || isCalledAfterShift(newest.state));
}

/** One of the fleet's hooks. */
const isCalledAfterShift = (state: string): boolean => isHookCall(state) && actOfState(state) === 'shift';

/** The execution itself; or the lock's holder, which acts before it while it waits, and for it when it is dead. */
function actingFor(execution: string, described?: ExecutionDescription, row?: LedgerRow): string {
  const standing = described ? standingOf(described).is : 'running';
  if (!row?.held || standing === 'running' || standing === 'over') return execution;
  return isSame(row.held.holder, execution) ? execution : row.held.holder;
}

const isSame = (one: string, other: string): boolean => machineAndName(one) === machineAndName(other);

export const isCleanUpOf = (fleet: string, holder: string): boolean =>
  machineIn(holder) === machineName(fleet, 'clean-up');
