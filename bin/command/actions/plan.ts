/** `irekae plan`: a dry run, for people to read. */

import * as v from 'valibot';
import { sum } from '../../../lambdas/domain/core/collections.ts';
import { count, list, span } from '../../../lambdas/domain/core/words.ts';
import type { Instance } from '../../../lambdas/ports/ec2.ts';
import { orUnknown } from '../attempt.ts';
import type { Command, Task } from '../command.ts';
import { followedTo } from '../follow/followed.ts';
import type { End } from '../follow/standing.ts';
import { commandsFor, gateLines, starting } from '../gate-rows.ts';
import { AMI, TO, VERSION } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { hostChanges, hostLines, Plan, partLines, partsOf } from '../plan-difference.ts';
import { bucketOf } from '../release-records.ts';
import { start } from '../starting.ts';
import { indented, section } from '../wording.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'what a deployment would do now: a dry run',
  description: [
    'Runs the first act of a deployment for real, without the fleet’s lock, and shows what would change, part by',
    'part and host by host, what would be left alone, and how soon it could finish. Changes nothing. --to plans a rollback.',
    'Exit codes: 0 it can be done; 1 it would be refused, and why; 2 bad usage.',
  ],
  options: [VERSION, AMI, TO],
  check: ({ to, version }) =>
    to !== undefined && version !== undefined ? ['--to and --version: give only one of them'] : [],
  run: planDeployment,
};

async function planDeployment(task: Task): Promise<Outcome> {
  const { version, ami, to } = task.options;
  const asked = { versionId: version, amiId: ami, rollbackTo: to, dryRun: true };
  return start(task, 'deploy', asked, (execution) =>
    followedTo(task, execution, { kind: 'dry-run' }, (outcome, end) => planned(task, outcome, end)),
  );
}

async function planned(task: Task, outcome: Outcome, { verdict, output }: End): Promise<Outcome> {
  if (verdict !== 'planned') return { ...outcome, exitCode: outcome.exitCode === 0 ? 0 : 1 };
  const plan = planIn(output);
  const unknown: string[] = [];
  const asked = plan && plan.replace.length > 0 && orUnknown(task.ports.ec2.describe(plan.replace), unknown);
  const old = (await asked) || [];
  const lines = planLines(task, output, old, unknown);
  const facts = { plan: output, hosts: plan && hostChanges(plan, old) };
  // A gate that would refuse it lets a dry run pass, and is listed in the plan.
  return plan && plan.refusals.length > 0
    ? failed('would-be-refused', lines, facts)
    : done('planned', lines, facts);
}

function planIn(output: unknown): Plan | undefined {
  const parsed = v.safeParse(Plan, output);
  return parsed.success ? parsed.output : undefined;
}

/** @param old the hosts that it would replace, as far as EC2 could be asked; `unknown` says why not */
export function planLines(
  task: Task,
  output: unknown,
  old: readonly Instance[] = [],
  unknown: readonly string[] = [],
): string[] {
  const plan = planIn(output);
  if (!plan) return [JSON.stringify(output, null, 2)];
  const { release, earliestFinish, advice, leaveAlone, refusals, compare = [] } = plan;
  return [
    release.artifact === undefined
      ? `${task.fleet.name} would deploy an image`
      : `${task.fleet.name} would deploy s3://${bucketOf(task)}/${release.artifact}`,
    ...partLines(partsOf(plan, old)),
    '',
    ...launchLines(plan, old),
    ...section('Unknown:', indented(unknown)),
    ...section('It would leave alone:', indented(leaveAlone.map(({ name, why }) => `${name}: ${why}`))),
    ...section('It would compare, per host:', indented(compare)),
    '',
    `Done in ${span(earliestFinish.seconds)} at the earliest:`,
    ...indented(earliestFinish.parts),
    ...section('What would make it faster or safer:', indented(advice)),
    ...gateLines(task),
    '',
    ...(refusals.length === 0
      ? [`Nothing was changed. To do it:  ${starting(task)}`]
      : [
          'Nothing was changed. A deployment would be refused:',
          ...indented(refusals),
          ...commandsFor(task, refusals),
        ]),
  ];
}

function launchLines(plan: Plan, old: readonly Instance[]): string[] {
  const { launch, replace, before } = plan;
  const launched = sum(launch.map(({ instances }) => instances));
  return [
    `It would launch ${count(launched, 'instance')}:`,
    ...hostLines(hostChanges(plan, old), before?.imageId),
    ...(plan.first === undefined ? [] : [`first: ${plan.first}`]),
    ...(plan.sideBySide === undefined ? [] : [`side by side with the old hosts: ${plan.sideBySide}`]),
    replace.length === 0
      ? 'and replace none: no host is in service now.'
      : `and replace, and terminate, ${count(replace.length, 'host')}: ${list(replace, 12)}.`,
  ];
}
