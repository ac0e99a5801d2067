/**
 * `irekae promote`: has what was tested in another environment become this fleet's newest upload, which starts its
 * deployment; followed through both if asked to.
 */

import * as v from 'valibot';
import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import type { Command, Outcome, Task } from '../command.ts';
import { follow } from '../follow/follow.ts';
import { followed, told, toldEnd, waitSeconds } from '../follow/following.ts';
import { runningDeploymentOf } from '../follow/joining.ts';
import { type End, endFromRecord } from '../follow/standing.ts';
import { bucketOf, newestRecords, readCurrent } from '../release-records.ts';
import { isOutcome, nameOf, start, withReason } from '../starting.ts';
import {
  overrideOption,
  overrideWantsReason,
  REASON,
  TIMEOUT,
  TOKEN,
  VERSION,
  WAIT,
  waitOptionsNeedWait,
} from '../values.ts';

export const promote: Command = {
  name: 'promote',
  summary: 'make what was tested in another environment this fleet’s newest upload, which deploys it',
  description: [
    'Starts the fleet’s promotion: copies the version that its source fleet runs (`promotion.from` in bin/fleets.ts), or',
    'another one that was deployed there, to this fleet’s key, if it is proven. The copy is an upload like any other: it',
    'starts the deployment. With --wait the promotion and then that deployment are followed to their ends.',
    'Exit codes: 0 started; with --wait: promoted and deployed; 1 not possible, or the promotion failed; 2 bad usage;',
    'with --wait also 3, 4, 5, 6 and 130, as of deploy.',
  ],
  options: [
    { ...VERSION, meaning: 'the source fleet’s artifact version; default: the one that it runs' },
    REASON,
    overrideOption(['provenance', 'soak']),
    { name: 'dry-run', meaning: 'say what would be promoted; change nothing' },
    WAIT,
    TIMEOUT,
    TOKEN,
  ],
  check: (options) => [...overrideWantsReason(options), ...waitOptionsNeedWait(options)],
  run: promoteArtifact,
};

async function promoteArtifact(task: Task): Promise<Outcome> {
  const { version, wait } = task.options;
  if (!task.fleet.promotion) return nothingToPromote(task);
  const dryRun = task.options['dry-run'];
  const begun = task.ports.clock.now();
  const input = withReason(task, { versionId: version, dryRun });
  const started = await start(task, 'promote', nameOf(task, input), input);
  if (isOutcome(started)) return started;
  // A dry run takes seconds, and nobody wants it but for its answer.
  if (!wait && !dryRun) return leftAlone(task, started.execution);
  const seconds = waitSeconds(task);
  const found = await follow(task, started.execution, { seconds, kind: dryRun ? 'dry-run' : 'promotion' });
  const outcome = told(task, found, seconds);
  if (found.how !== 'ended') return outcome;
  if (outcome.exitCode !== 0) return { ...outcome, exitCode: 1 };
  if (dryRun) return planned(task, outcome, found.end);
  task.show(outcome.lines);
  return deploymentOf(task, await promotedVersion(task, found.end.output), begun);
}

const nothingToPromote = ({ fleet }: Task): Outcome => ({
  exitCode: 1,
  outcome: 'no-promotion',
  lines: [
    `${fleet.name} has no \`promotion\` in bin/fleets.ts: its releases come by upload. Nothing was started.`,
    `To deploy the newest upload:  irekae deploy ${fleet.name} --wait`,
  ],
});

const Planned = v.object({ verdict: v.literal('promote') });

/** The steps speak of what they decide, as if it were done. What was promoted before is told as it is. */
function planned({ fleet }: Task, outcome: Outcome, { reason, output }: End): Outcome {
  if (!v.is(Planned, output)) return outcome;
  return {
    ...outcome,
    outcome: 'planned',
    lines: [
      `A promotion would do this: ${reason}.`,
      `Nothing was changed. To do it:  irekae promote ${fleet.name} --wait`,
    ],
  };
}

const leftAlone = ({ fleet }: Task, execution: string): Outcome => ({
  exitCode: 0,
  outcome: 'started',
  lines: [
    `Started the promotion ${executionName(execution)} to ${fleet.name}. What it copies is an upload, which starts the deployment.`,
    `To follow that:  irekae watch ${fleet.name}`,
  ],
  facts: { promotion: executionName(execution), execution },
});

// ── The deployment that the copy starts ────────────────────────────────────────────────────────────────────────────

const Promoted = v.object({ versionId: v.string() });

/** Of the copy: what the promotion says, else the newest one. */
async function promotedVersion(task: Task, output: unknown): Promise<string | undefined> {
  const parsed = v.safeParse(Promoted, output);
  const said = parsed.success ? parsed.output.versionId : undefined;
  // The promotion may speak of the source's version: it is the copy's if this fleet's key has it.
  const { artifacts } = task.ports;
  const [bucket, key] = [bucketOf(task), task.fleet.artifact];
  const copied = said === undefined ? undefined : await artifacts.find(bucket, key, said);
  return (copied ?? (await artifacts.find(bucket, key)))?.versionId;
}

/** The upload's event takes a moment to start it; events get lost. */
const APPEARS_WITHIN_SECONDS = 300;

/** A fleet that follows another one is started when that was deployed. */
function appearsWithin(task: Task): number {
  return task.fleet.after === undefined ? APPEARS_WITHIN_SECONDS : waitSeconds(task);
}

const PAUSE_SECONDS = 4;

async function deploymentOf(task: Task, versionId: string | undefined, begun: Date): Promise<Outcome> {
  const { ports, fleet } = task;
  if (versionId === undefined)
    return lost(
      task,
      `There is no s3://${bucketOf(task)}/${fleet.artifact}, although the promotion succeeded.`,
    );
  const since = ports.clock.now();
  const within = appearsWithin(task);
  if (fleet.after !== undefined)
    task.tell(
      `${fleet.name} follows ${fleet.after}: waiting until that is deployed. To see it:  irekae watch ${fleet.after}`,
    );
  const interrupted = task.interruptions();
  while (secondsBetween(since, ports.clock.now()) < within && !interrupted.aborted) {
    const row = await ports.ledger.read(fleet.name);
    const running = await runningDeploymentOf(task, row, versionId);
    if (running !== undefined) return followed(task, running, versionId);
    const ended = await endedMeanwhile(task, versionId, begun);
    if (ended) return ended;
    await ports.pause(PAUSE_SECONDS, interrupted);
  }
  return lost(task, `No deployment of version ${versionId} has begun within ${span(within)}.`);
}

/** It runs already, or its deployment was refused before we saw it. */
async function endedMeanwhile(task: Task, versionId: string, begun: Date): Promise<Outcome | undefined> {
  const current = await readCurrent(task);
  if (current?.outcome === 'Deployed' && current.artifact?.versionId === versionId) {
    const ranBefore = new Date(current.startedAt) < begun;
    const end: End = ranBefore
      ? {
          verdict: 'already-deployed',
          reason: `${task.fleet.name} runs version ${versionId} since ${current.deployment}.`,
        }
      : { verdict: 'deployed', reason: current.reason, output: current };
    return toldEnd(task, end, current.deployment);
  }
  const records = await newestRecords(task, 3);
  const record = records.find((each) => each.record?.artifact?.versionId === versionId)?.record;
  if (!record || new Date(record.startedAt) < begun) return undefined;
  return toldEnd(task, endFromRecord(record), record.deployment);
}

const lost = ({ fleet }: Task, reason: string): Outcome => ({
  exitCode: 1,
  outcome: 'lost',
  lines: [reason, `See:  irekae status ${fleet.name}     To start it:  irekae deploy ${fleet.name} --wait`],
});
