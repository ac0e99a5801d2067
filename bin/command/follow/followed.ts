/** From a deployment that was started or joined to the command's outcome. */

import { releaseName } from '../../../lambdas/domain/core/artifact.ts';
import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { actOf } from '../../../lambdas/domain/core/steps.ts';
import { count, secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import { leftovers } from '../../../lambdas/domain/record/to-do.ts';
import type { Phase } from '../../../lambdas/ports/ledger.ts';
import { cleanUpTimeoutSeconds, machineTimeoutSeconds } from '../../../lib/budgets.ts';
import { limitsOf } from '../../../lib/runtime-fleet.ts';
import { executionArn, type Task } from '../command.ts';
import { commandsFor } from '../gate-rows.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { type DeploymentRecord, pageOf, parseRecord } from '../release-records.ts';
import { isTrouble, troubleOutcome } from '../trouble.ts';
import { type Followed, type FollowOptions, follow } from './follower.ts';
import { type End, EXIT_CODES } from './standing.ts';

/** Follows a deployment to its end: the outcome of `--wait` and of `watch`. */
export const followed = (task: Task, execution: string, versionId?: string): Promise<Outcome> =>
  followedTo(task, execution, { kind: 'deployment', versionId }, async (outcome, _, deployment) => {
    const page = await pageOf(task, deployment).catch((error) => {
      // How it ended is known: whose credentials end here is told that, and not that the page was not found.
      if (isTrouble(error)) return undefined;
      throw error;
    });
    if (page === undefined) return outcome;
    const { name } = task.fleet;
    // A modelled bucket is gone when the command ends.
    const line = task.isLocal
      ? `It has a timeline page. To see one:  ${COMMAND} page ${name}`
      : `Its timeline page:  ${COMMAND} page ${name} ${deployment}`;
    return { ...outcome, lines: [...outcome.lines, line], facts: { ...outcome.facts, timeline: page } };
  });

/** Follows whatever was started; if it ends, `then` makes the outcome. */
export async function followedTo(
  task: Task,
  execution: string,
  what: Omit<FollowOptions, 'seconds'>,
  then: (outcome: Outcome, end: End, deployment: string) => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  const seconds = waitSeconds(task);
  const until = task.options['wait-until'];
  const found = await unlessBlind(task, execution, () =>
    follow(task, execution, { ...what, seconds, until }),
  );
  if ('lines' in found) return found;
  if (found.how === 'shifted') return shifted(task, found.execution);
  if (found.how !== 'ended') return notEnded(task, found, seconds);
  const deployment = executionName(found.execution);
  const outcome = ended(task, found.end, { deployment, execution: found.execution }, what.kind);
  return then(outcome, found.end, deployment);
}

/** Without `--timeout`: the deployment before this one, this one, and a clean-up of it, each at its own limit. */
export function waitSeconds({ fleet, options }: Task): number {
  if (options.timeout !== undefined) return Number(options.timeout) * 60;
  const limits = { ...fleet, limits: limitsOf(fleet) };
  return 2 * machineTimeoutSeconds(limits) + cleanUpTimeoutSeconds(limits);
}

/** The outcome of a deployment whose end is known already. */
export const toldEnd = (task: Task, end: End, deployment: string): Outcome =>
  ended(task, end, { deployment, execution: executionArn(task, deployment) });

/** It goes on by itself, and a failure from here on is still undone. */
function shifted({ fleet: { name }, isLocal }: Task, execution: string): Outcome {
  const deployment = executionName(execution);
  const lines = [
    `All traffic of ${name} is on the new hosts of ${deployment}. It goes on: it watches them, and then ends the old ones.`,
    ...(isLocal
      ? ['It ends with this modelled world.']
      : [
          `To follow it to its end:  ${COMMAND} watch ${name}`,
          `To have it undone:  ${COMMAND} cancel ${name}`,
        ]),
  ];
  return done('shifted', lines, { deployment, execution });
}

function notEnded(
  { fleet: { name }, isLocal }: Task,
  { how, execution, reason, phase }: Exclude<Followed, { how: 'ended' | 'shifted' }>,
  seconds: number,
): Outcome {
  const deployment = executionName(execution);
  const facts = { deployment, execution };
  if (how === 'lost')
    return failed('lost', [`${deployment}: ${reason}`, `See:  ${COMMAND} status ${name}`], facts);
  const isLate = how === 'timed-out';
  const line = isLate
    ? `${deployment} has not ended within ${span(seconds)}.`
    : `No longer following ${deployment}.`;
  const lines = [line, ...(isLocal ? ['It ends with this modelled world.'] : goesOn(name, phase))];
  return { exitCode: isLate ? 6 : 130, outcome: how, lines, facts };
}

/** @param phase where it was seen last: past the point of no return nothing is undone anymore */
const goesOn = (fleet: string, phase?: Phase): readonly string[] => [
  `It continues. To follow it again:  ${COMMAND} watch ${fleet}`,
  ...(phase === undefined || actOf(phase)?.cancel === 'undoes'
    ? [`To have it undone:  ${COMMAND} cancel ${fleet}`]
    : []),
];

/**
 * Credentials end (an hour, when a role was taken through another), permissions are withdrawn: nothing that was started
 * ends with them, so that is no failure of the deployment, and not "not possible".
 */
export async function unlessBlind<T>(
  { caller, fleet }: Task,
  execution: string,
  look: () => Promise<T>,
): Promise<T | Outcome> {
  try {
    return await look();
  } catch (error) {
    if (!isTrouble(error)) throw error;
    const deployment = executionName(execution);
    const { lines, facts } = troubleOutcome(error, caller);
    return {
      exitCode: 6,
      outcome: 'not-followed',
      lines: [...lines, `No longer following ${deployment}.`, ...goesOn(fleet.name)],
      facts: { deployment, execution, ...facts },
    };
  }
}

const ended = (task: Task, end: End, facts: object, kind: FollowOptions['kind'] = 'deployment'): Outcome => ({
  exitCode: EXIT_CODES[end.verdict],
  outcome: end.verdict,
  lines: linesOf(task, end, kind),
  facts: { ...facts, error: end.error, reason: end.reason || undefined, output: end.output },
});

function linesOf(task: Task, { verdict, reason, error, output }: End, kind: FollowOptions['kind']): string[] {
  const because = reason === '' ? '' : `: ${reason}`;
  const named = error === undefined ? [] : [withName(error, reason)];
  const advice =
    error === undefined ? [] : [`What to do: docs/runbook.md#${firstNameIn(reason, error).toLowerCase()}`];
  switch (verdict) {
    case 'deployed':
      return deployedLines(task, parseRecord(output), reason);
    case 'already-deployed':
      return [`Already deployed${because}`];
    case 'superseded':
      return [`Superseded${because}`];
    case 'refused':
      return [
        `Refused: ${named.join()}`,
        ...(kind === 'deployment' ? commandsFor(task, named) : []),
        ...advice,
      ];
    case 'rolled-back':
      return [`Rolled back: ${reason}`, ...advice];
    case 'cancelled':
      return [`Cancelled: ${reason}`];
    case 'needs-human':
      return [
        `${error ?? 'Stopped'}: ${reason}`,
        `To see what is left, and who holds the lock:  ${COMMAND} unlock ${task.fleet.name}`,
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

function deployedLines(task: Task, record: DeploymentRecord | undefined, reason: string): string[] {
  if (!record) return [`Deployed: ${reason}`];
  const { artifact, imageId, newInstances, oldInstances, startedAt, finishedAt, rolledBackTo } = record;
  const isImage = artifact === null && imageId !== undefined;
  const what = artifact || isImage ? releaseName(artifact ?? null, imageId ?? '') : 'it';
  const image = imageId === undefined || isImage ? '' : ` on ${imageId}`;
  const hosts = `${count(newInstances.length, 'new host')} in, ${count(oldInstances.length, 'old host')} out.`;
  const line = `Deployed ${what}${image} in ${span(secondsBetween(startedAt, finishedAt))}: ${hosts}`;
  const back = rolledBackTo === undefined ? [] : [`The fleet now runs the release of ${rolledBackTo}.`];
  const left = leftovers(task.fleet.name, record.atTheEnd ?? {});
  return [line, ...back, ...left.map(({ what, toDo }) => `But ${what}. To do: ${toDo}.`)];
}
