/**
 * `irekae promote`: makes what was tested in another environment this fleet's newest upload, which starts its
 * deployment; follows both if asked to.
 */

import * as v from 'valibot';
import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import type { Command, Task } from '../command.ts';
import { followed, followedTo, toldEnd, unlessBlind, waitSeconds } from '../follow/followed.ts';
import { runningDeploymentOf } from '../follow/running-deployment.ts';
import { type End, endFromRecord } from '../follow/standing.ts';
import { checkStart, flag, overrideOption, REASON, STARTING, VERSION, waits } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { bucketOf, newestRecords, readCurrent } from '../release-records.ts';
import { start } from '../starting.ts';

export const promote: Command = {
  name: 'promote',
  summary: 'copy what was tested in another environment to this fleet, which deploys it',
  description: [
    'Starts the fleet’s promotion: copies the version that its source fleet (`promotion.from` in the fleets file) runs,',
    'or another one that was deployed there, to this fleet’s key, if it is proven. The copy is an upload like any other:',
    'it starts the deployment. With --wait the promotion and then that deployment are followed to their ends.',
    'Exit codes: 0 started; with --wait: promoted and deployed; 1 not possible, or the promotion failed; 2 bad usage;',
    'with --wait also 3, 4, 5, 6 and 130, as for deploy.',
  ],
  options: [
    { ...VERSION, meaning: 'the source fleet’s artifact version; default: the one that it runs' },
    REASON,
    overrideOption(['provenance', 'soak']),
    flag('dry-run', 'say what would be promoted; change nothing'),
    ...STARTING,
  ],
  check: checkStart,
  run: promoteArtifact,
};

async function promoteArtifact(task: Task): Promise<Outcome> {
  const { version, 'dry-run': dryRun } = task.options;
  const wait = waits(task.options);
  if (!task.fleet.promotion) return nothingToPromote(task);
  const begun = task.ports.clock.now();
  return start(task, 'promote', { versionId: version, dryRun }, (execution) => {
    // A dry run takes seconds, and only its answer matters.
    if (!wait && !dryRun) return leftAlone(task, execution);
    const kind = dryRun ? 'dry-run' : 'promotion';
    return followedTo(task, execution, { kind }, async (outcome, end) => {
      if (outcome.exitCode !== 0) return { ...outcome, exitCode: 1 };
      if (dryRun) return planned(task, outcome, end);
      const versionId = promotedVersion(end.output);
      // Scripts read this line: the other fleets of the key are deployed at this version.
      const as =
        versionId && `Promoted as version ${versionId} of s3://${bucketOf(task)}/${task.fleet.artifact}`;
      task.show(as ? [...outcome.lines, as] : outcome.lines);
      return unlessBlind(task, execution, () => deploymentOf(task, versionId, begun));
    });
  });
}

const nothingToPromote = ({ fleet }: Task): Outcome =>
  failed('no-promotion', [
    `${fleet.name} has no \`promotion\` in the fleets file: it is deployed by uploads. Nothing was started.`,
    `To deploy the newest upload:  ${COMMAND} deploy ${fleet.name} --wait`,
  ]);

const Planned = v.object({ verdict: v.literal('promote') });

/** The steps report a decision as if it were carried out. An earlier promotion is reported as it is. */
function planned({ fleet }: Task, outcome: Outcome, { reason, output }: End): Outcome {
  if (!v.is(Planned, output)) return outcome;
  const lines = [
    `A promotion would do this: ${reason}.`,
    `Nothing was changed. To do it:  ${COMMAND} promote ${fleet.name} --wait`,
  ];
  return { ...outcome, outcome: 'planned', lines };
}

function leftAlone({ fleet }: Task, execution: string): Outcome {
  const promotion = executionName(execution);
  const lines = [
    `Started the promotion ${promotion} to ${fleet.name}. Its copy is an upload, which starts the deployment.`,
    `To follow that:  ${COMMAND} watch ${fleet.name}`,
  ];
  return done('started', lines, { promotion, execution });
}

// ── The deployment that the copy starts ────────────────────────────────────────────────────────────────────────────

const Promoted = v.object({ promotedAs: v.string() });

/** The version of the copy, which is not asked for anew: somebody may have uploaded another one since. */
const promotedVersion = (output: unknown): string | undefined =>
  v.is(Promoted, output) ? output.promotedAs : undefined;

/** The upload's event takes a moment to start it, and events may get lost. */
const APPEARS_WITHIN_SECONDS = 300;

const PAUSE_SECONDS = 4;

async function deploymentOf(task: Task, versionId: string | undefined, begun: Date): Promise<Outcome> {
  const { ports, fleet } = task;
  if (versionId === undefined)
    return lost(
      task,
      `The promotion succeeded, and does not say as which version of s3://${bucketOf(task)}/${fleet.artifact}.`,
    );
  const since = ports.clock.now();
  // A fleet that follows another one is started when that one is deployed.
  const within = fleet.after === undefined ? APPEARS_WITHIN_SECONDS : waitSeconds(task);
  if (fleet.after !== undefined)
    task.tell(
      `${fleet.name} follows ${fleet.after}: waiting until that is deployed. To follow that:  ${COMMAND} watch ${fleet.after}`,
    );
  const interrupted = task.interruptions();
  while (secondsBetween(since, ports.clock.now()) < within && !interrupted.aborted) {
    const running = await runningDeploymentOf(task, await ports.ledger.read(fleet.name), versionId);
    if (running !== undefined) return followed(task, running, versionId);
    const ended = await endedMeanwhile(task, versionId, begun);
    if (ended) return ended;
    await ports.pause(PAUSE_SECONDS, interrupted);
  }
  return lost(task, `No deployment of version ${versionId} began within ${span(within)}.`);
}

/** It is already running, or its deployment was refused before we saw it. */
async function endedMeanwhile(task: Task, versionId: string, begun: Date): Promise<Outcome | undefined> {
  const current = await readCurrent(task);
  if (current?.outcome === 'Deployed' && current.artifact?.versionId === versionId) {
    const { deployment, startedAt } = current;
    const reason = `${task.fleet.name} has been running version ${versionId} since ${deployment}.`;
    const ranBefore = new Date(startedAt) < begun;
    return toldEnd(
      task,
      ranBefore ? { verdict: 'already-deployed', reason } : endFromRecord(current),
      deployment,
    );
  }
  const records = await newestRecords(task, 3);
  const record = records.find((each) => each.record?.artifact?.versionId === versionId)?.record;
  if (!record || new Date(record.startedAt) < begun) return undefined;
  return toldEnd(task, endFromRecord(record), record.deployment);
}

const lost = ({ fleet: { name } }: Task, reason: string): Outcome =>
  failed('lost', [
    reason,
    `To see what runs and what waits:  ${COMMAND} status ${name}`,
    `To start it:  ${COMMAND} deploy ${name} --wait`,
  ]);
