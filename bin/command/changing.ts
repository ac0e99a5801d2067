/** What is said of a fleet that is closed by a change of its permissions: no deployment holds its lock, but a `cdk deploy`. */
import { COMMAND, fleetStackName } from '../../lambdas/domain/core/names.ts';
import { secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { CHANGE_SECONDS, isChange } from '../../lambdas/domain/lock/dead-holders.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { Task } from './command.ts';
import type { Held } from './holder.ts';
import { CLEAN_UP_MINUTES } from './unlocking.ts';
import { momentAgo } from './wording.ts';

interface Closed {
  readonly name: string;
  readonly environment: string;
}

export const closedByChange = ({ since }: Pick<Held, 'since'>, now: Date): string =>
  `no deployment starts: \`cdk deploy\` takes permissions from the fleet, since ${momentAgo(since, now)}`;

/** Does nobody deploy, but a change hold the lock? What is said instead, then. @param state of the holder */
export function closedLines(
  { ports, fleet, environment }: Task,
  held: Held,
  state: ExecutionState,
): string[] | undefined {
  if (!isChange(held, state)) return undefined;
  const now = ports.clock.now();
  return [
    `No deployment of ${fleet.name} is running, and ${closedByChange(held, now)}.`,
    ...opensAgain({ name: fleet.name, environment: environment.name }, held, now),
  ];
}

/** How it opens again, as lines. */
export function opensAgain(
  { name, environment }: Closed,
  { since }: Pick<Held, 'since'>,
  now: Date,
): string[] {
  const left = CHANGE_SECONDS - secondsBetween(since, now);
  const byItself = left > 0 ? `in ${span(Math.ceil(left))}` : `within ${CLEAN_UP_MINUTES} minutes`;
  return [
    `It opens when the fleet’s own stack is deployed, or by itself ${byItself}. If nobody is deploying that one:`,
    `  npx cdk deploy ${fleetStackName(environment, name)}`,
    `or, with the permissions as they are:`,
    `  ${COMMAND} unlock ${name}`,
  ];
}
