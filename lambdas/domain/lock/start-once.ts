/**
 * Starting what is owed exactly once, under a name that anybody can work out: whoever may start executions may have
 * taken it before us, and what they started is not what we owe.
 */
import type { Executions } from '../../ports/executions.ts';
import { executionOf, machinesOf } from '../core/aws.ts';
import { insteadOf } from '../core/names.ts';

export interface Owed {
  readonly fleet: string;
  /** The same, however often it is started. */
  readonly name: string;
  readonly input: string;
  /** Since when it is owed: no execution of before can be ours. */
  readonly since: Date;
}

const MOST_TAKEN = 3;

/**
 * One with an override goes through the door again: to this execution, the door's answer to the first one says nothing.
 * @param arn of one of the environment's machines or executions
 */
export async function startOnce(
  arn: string,
  { fleet, name, input, since }: Owed,
  executions: Pick<Executions, 'start' | 'describe'>,
): Promise<void> {
  const { deploy, override } = machinesOf(arn, fleet);
  const { override: gates = [] } = JSON.parse(input) as { override?: readonly string[] };
  const machine = gates.length > 0 ? override : deploy;
  let called = name;
  for (let taken = 0; taken < MOST_TAKEN; taken += 1) {
    if ((await executions.start(machine, called, input)) !== undefined) return;
    const there = await executions.describe(executionOf(machine, called));
    if (there?.input === input && there.startedAt >= since) return;
    // The same again, if this is repeated.
    called = insteadOf(called, there?.startedAt);
  }
  // Whoever took all of those is not to win: twice is better than never.
  await executions.start(machine, undefined, input);
}
