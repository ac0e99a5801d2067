/** From a deployment that was started or joined to the command's outcome: followed to its end, or left alone. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { count, secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import { cleanUpTimeoutSeconds, machineTimeoutSeconds } from '../../../lib/budgets.ts';
import { executionArn, type Outcome, type Task } from '../command.ts';
import { commandsFor } from '../gate-rows.ts';
import { type DeploymentRecord, pageOf, parseRecord } from '../release-records.ts';
import { type Followed, follow } from './follow.ts';
import { type End, EXIT_CODES } from './standing.ts';

/** Follows to the end: the outcome of `--wait` and of `watch`. */
export async function followed(task: Task, execution: string, versionId?: string): Promise<Outcome> {
  const seconds = waitSeconds(task);
  const asked = versionId === undefined ? {} : { versionId };
  const found = await follow(task, execution, { seconds, kind: 'deployment', ...asked });
  const outcome = told(task, found, seconds);
  const page = found.how === 'ended' ? await pageOf(task, executionName(found.execution)) : undefined;
  if (page === undefined) return outcome;
  return {
    ...outcome,
    lines: [
      ...outcome.lines,
      // A modelled bucket is gone when the command has ended.
      task.isLocal
        ? 'A page that shows it is left beside its record. To see one:  npm start -- --timeline timeline.html'
        : `A page that shows it:  aws s3 cp ${page} timeline.html`,
    ],
    facts: { ...outcome.facts, timeline: page },
  };
}

/** Without `--timeout`: the deployment before this one, this one, and a clean-up of it, each at its own limit. */
export function waitSeconds({ fleet, options }: Task): number {
  if (options.timeout !== undefined) return Number(options.timeout) * 60;
  return 2 * machineTimeoutSeconds(fleet) + cleanUpTimeoutSeconds(fleet);
}

/** The outcome of a deployment whose end is known already. */
export const toldEnd = (task: Task, end: End, deployment: string): Outcome =>
  ended(task, end, { deployment, execution: executionArn(task, deployment) });

export function told(task: Task, found: Followed, seconds: number): Outcome {
  const deployment = executionName(found.execution);
  const facts = { deployment, execution: found.execution };
  if (found.how === 'ended') return ended(task, found.end, facts);
  const { fleet } = task;
  const goesOn = task.isLocal
    ? ['It ends with this modelled world.']
    : [
        `It goes on by itself. To follow it again:  irekae watch ${fleet.name}`,
        `To have it undone:  irekae cancel ${fleet.name}`,
      ];
  if (found.how === 'lost')
    return {
      exitCode: 1,
      outcome: 'lost',
      lines: [`${deployment}: ${found.reason}`, `See: irekae status ${fleet.name}`],
      facts,
    };
  if (found.how === 'timed-out')
    return {
      exitCode: 6,
      outcome: 'timed-out',
      lines: [`${deployment} has not ended within ${span(seconds)}.`, ...goesOn],
      facts,
    };
  return {
    exitCode: 130,
    outcome: 'interrupted',
    lines: [`No longer following ${deployment}.`, ...goesOn],
    facts,
  };
}

function ended(task: Task, end: End, facts: object): Outcome {
  const { verdict, error, reason, output } = end;
  return {
    exitCode: EXIT_CODES[verdict],
    outcome: verdict,
    lines: linesOf(task, end),
    facts: {
      ...facts,
      ...(error !== undefined && { error }),
      ...(reason !== '' && { reason }),
      ...(output !== undefined && { output }),
    },
  };
}

function linesOf(task: Task, { verdict, reason, error, output }: End): string[] {
  const because = reason === '' ? '' : `: ${reason}`;
  const refusal = error === undefined ? [] : [withName(error, reason)];
  const advice =
    error === undefined ? [] : [`What to do: docs/runbook.md#${firstNameIn(reason, error).toLowerCase()}`];
  switch (verdict) {
    case 'deployed':
      return deployedLines(parseRecord(output), reason);
    case 'already-deployed':
      return [`Already deployed${because}`];
    case 'superseded':
      return [`Superseded${because}`];
    case 'refused':
      return [
        `Refused: ${error === undefined ? '' : `${withName(error, reason)}`}`,
        ...commandsFor(task, refusal),
        ...advice,
      ];
    case 'rolled-back':
      return [`Rolled back: ${reason}`, ...advice];
    case 'cancelled':
      return [`Cancelled: ${reason}`];
    case 'needs-human':
      return [
        `${error ?? 'Stopped'}: ${reason}`,
        `See what is left, and who holds the lock:  irekae unlock ${task.fleet.name}`,
        ...advice,
      ];
    default:
      return [`Done${because}`];
  }
}

/** An ending's sentence begins with the first error's own name. */
const firstNameIn = (reason: string, error: string): string =>
  /^([A-Z][A-Za-z]+): /.exec(reason)?.[1] ?? error;
const withName = (error: string, reason: string): string =>
  reason.startsWith(`${error}:`) ? reason : `${error}: ${reason}`;

function deployedLines(record: DeploymentRecord | undefined, reason: string): string[] {
  if (!record) return [`Deployed: ${reason}`];
  const { artifact, imageId, newInstances, oldInstances, startedAt, finishedAt, rolledBackTo } = record;
  const what = artifact ? `${artifact.key} version ${artifact.versionId}` : 'it';
  const image = imageId === undefined ? '' : ` on ${imageId}`;
  const back = rolledBackTo === undefined ? [] : [`The fleet is back at the release of ${rolledBackTo}.`];
  return [
    `Deployed ${what}${image} in ${span(secondsBetween(startedAt, finishedAt))}: ` +
      `${count(newInstances.length, 'new host')} in, ${count(oldInstances.length, 'old host')} out.`,
    ...back,
  ];
}
