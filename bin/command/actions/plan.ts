/** `irekae plan`: a dry run, for people to read. */

import * as v from 'valibot';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { count, list, span } from '../../../lambdas/domain/core/words.ts';
import type { Command, Task } from '../command.ts';
import { followedTo } from '../follow/followed.ts';
import type { End } from '../follow/standing.ts';
import { commandsFor, gateLines } from '../gate-rows.ts';
import { AMI, TO, VERSION } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { bucketOf } from '../release-records.ts';
import { start } from '../starting.ts';
import { indented, section } from '../wording.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'what a deployment would do now: a dry run',
  description: [
    'Runs the first act of a deployment for real, without the fleet’s lock, and shows what would be deployed, launched,',
    'replaced and left alone, and how soon it could finish. Changes nothing. --to plans a rollback.',
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

function planned(task: Task, outcome: Outcome, { verdict, output }: End): Outcome {
  if (verdict !== 'planned') return { ...outcome, exitCode: outcome.exitCode === 0 ? 0 : 1 };
  const lines = planLines(task, output);
  const facts = { plan: output };
  // A gate that would refuse it lets a dry run pass, and is listed in the plan.
  return refusalsIn(output).length > 0
    ? failed('would-be-refused', lines, facts)
    : done('planned', lines, facts);
}

/** What is shown of a plan. Fields that other versions write are accepted, and are in `--json`. */
const Plan = v.object({
  reason: v.string(),
  release: v.object({
    artifact: v.optional(v.string()),
    versionId: v.optional(v.string()),
    sha256: v.optional(v.string()),
    runtimes: v.array(v.string()),
    imageId: v.string(),
    testedImage: v.optional(v.string()),
  }),
  launch: v.array(v.object({ subnet: v.string(), instances: v.number(), tries: v.array(v.string()) })),
  replace: v.array(v.string()),
  leaveAlone: v.array(v.object({ name: v.string(), why: v.string() })),
  earliestFinish: v.object({ seconds: v.number(), parts: v.array(v.string()) }),
  advice: v.array(v.string()),
  /** `Frozen: …`: which gate would refuse it, and why. */
  refusals: v.optional(v.array(v.string()), []),
});

function refusalsIn(output: unknown): readonly string[] {
  const parsed = v.safeParse(Plan, output);
  return parsed.success ? parsed.output.refusals : [];
}

export function planLines(task: Task, output: unknown): string[] {
  const parsed = v.safeParse(Plan, output);
  if (!parsed.success) return [JSON.stringify(output, null, 2)];
  const { release, earliestFinish, advice, leaveAlone, refusals } = parsed.output;
  return [
    ...(release.artifact === undefined
      ? [`${task.fleet.name} would deploy an image`]
      : [
          `${task.fleet.name} would deploy s3://${bucketOf(task)}/${release.artifact}`,
          `  version   ${release.versionId}`,
          `  SHA-256   ${release.sha256}`,
        ]),
    `  image     ${release.imageId}${release.testedImage ? ` (it was tested on ${release.testedImage})` : ''}`,
    ...release.runtimes.map((runtime) => `  runtime   ${runtime}`),
    ...hostLines(parsed.output),
    ...section('It would leave alone:', indented(leaveAlone.map(({ name, why }) => `${name}: ${why}`))),
    '',
    `Done in ${span(earliestFinish.seconds)} at the earliest:`,
    ...indented(earliestFinish.parts),
    ...section('What would make it faster or safer:', indented(advice)),
    ...gateLines(task),
    '',
    ...(refusals.length === 0
      ? [`Nothing was changed. To do it:  ${doIt(task)}`]
      : [
          'Nothing was changed. A deployment would be refused:',
          ...indented(refusals),
          ...commandsFor(task, refusals),
        ]),
  ];
}

function hostLines({ launch, replace }: v.InferOutput<typeof Plan>): string[] {
  const launched = launch.reduce((sum, { instances }) => sum + instances, 0);
  return [
    '',
    `It would launch ${count(launched, 'instance')}:`,
    ...launch.map(({ instances, tries }) => `  ${instances} × ${triesWords(tries)}`),
    replace.length === 0
      ? 'and replace none: no host is in service now.'
      : `and replace, and terminate, ${count(replace.length, 'host')}: ${list(replace, 12)}.`,
  ];
}

const triesWords = ([first = '', ...others]: readonly string[]): string =>
  others.length === 0 ? first : `${first}, or ${list(others)} if there is no capacity`;

function doIt({ fleet, options: { to, version, ami } }: Task): string {
  const image = ami === undefined ? '' : ` --ami ${ami}`;
  if (to !== undefined) return `${COMMAND} rollback ${fleet.name} --to ${to}${image} --reason TEXT --wait`;
  return `${COMMAND} deploy ${fleet.name}${version === undefined ? '' : ` --version ${version}`}${image} --wait`;
}
