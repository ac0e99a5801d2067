/**
 * Starting what is owed exactly once, under a name that anybody can work out: whoever may start executions may have
 * taken it before us, and what they started is not what we owe.
 */
import type { Executions } from '../../ports/executions.ts';
import { executionOf, machinesOf } from '../core/aws.ts';

export interface Owed {
  readonly fleet: string;
  /** The same, however often it is started. */
  readonly name: string;
  readonly input: string;
  /** Since when it is owed: no execution of before can be ours. */
  readonly since: Date;
}

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
  if ((await executions.start(machine, name, input)) !== undefined) return;
  const there = await executions.describe(executionOf(machine, name));
  if (there?.input === input && there.startedAt >= since) return;
  await executions.start(machine, undefined, input);
}
