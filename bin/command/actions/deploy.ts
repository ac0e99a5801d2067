/** `irekae deploy`: starts a deployment, or joins the one that deploys the same already, and follows it if asked to. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import type { Command, Outcome, Task } from '../command.ts';
import { followed } from '../follow/following.ts';
import { runningDeploymentOf } from '../follow/joining.ts';
import { deploymentHeldFor } from '../follow/look.ts';
import { bucketOf } from '../release-records.ts';
import { isOutcome, nameOf, start, withReason } from '../starting.ts';
import {
  AMI,
  overrideOption,
  overrideWantsReason,
  REASON,
  TIMEOUT,
  TOKEN,
  VERSION,
  WAIT,
  waitOptionsNeedWait,
} from '../values.ts';

export const deploy: Command = {
  name: 'deploy',
  summary: 'replace the fleet’s hosts by hosts of the newest upload, or of another version',
  description: [
    'Starts a deployment of the newest upload. While another deployment runs it waits for its turn, unless a newer',
    'upload waits already. With --wait it is followed to its end; if a deployment of the same version runs already,',
    'because its upload started it or because this command was run before, that one is followed. Ctrl-C leaves it',
    'running. Needs states:StartExecution; to follow also states:DescribeExecution, and for all that it can tell',
    'states:GetExecutionHistory, dynamodb:GetItem on the ledger, and s3:GetObject and s3:ListBucket on the bucket.',
    'Exit codes: 0 started; with --wait: deployed, or there was nothing to do (already deployed, superseded);',
    '1 not possible, 2 bad usage; with --wait also 3 rolled back or refused: nothing has changed, 4 stopped halfway: a',
    'human is needed, 5 cancelled, 6 not ended in time, 130 Ctrl-C; in the last two cases it goes on.',
  ],
  options: [
    VERSION,
    AMI,
    REASON,
    overrideOption(['freeze', 'provenance']),
    { name: 'redeploy', meaning: 'replace the hosts although they are of this release already' },
    WAIT,
    TIMEOUT,
    TOKEN,
  ],
  check: (options) => [...overrideWantsReason(options), ...waitOptionsNeedWait(options)],
  run: deployFleet,
};

async function deployFleet(task: Task): Promise<Outcome> {
  const { version, ami, redeploy, wait } = task.options;
  const found = await findArtifact(task);
  if (found === 'absent') return noArtifact(task);
  const versionId = found === 'unknown' ? version : found.versionId;
  const row = await lockRow(task);
  const running = wait && !redeploy ? await runningDeploymentOf(task, row, versionId) : undefined;
  if (running !== undefined) {
    task.tell(`${executionName(running)} deploys this version already: following it.`);
    return followed(task, running, versionId);
  }
  const input = withReason(task, { versionId: version, amiId: ami, redeploy });
  const started = await start(task, 'deploy', nameOf(task, input), input);
  if (isOutcome(started)) return started;
  return wait ? followed(task, started.execution, versionId) : leftRunning(task, started.execution, row);
}

/** Whoever may not read the bucket leaves it to the deployment to find out. */
async function findArtifact(task: Task): Promise<ArtifactVersion | 'absent' | 'unknown'> {
  const { artifact: key } = task.fleet;
  try {
    const found = await task.ports.artifacts.find(bucketOf(task), key, task.options.version);
    return found ?? 'absent';
  } catch (error) {
    if (!isFailure(error, 'ServiceRefused')) throw error;
    return 'unknown';
  }
}

function noArtifact(task: Task): Outcome {
  const { fleet, options } = task;
  const place = `s3://${bucketOf(task)}/${fleet.artifact}`;
  return {
    exitCode: 1,
    outcome: 'no-artifact',
    lines:
      options.version === undefined
        ? [
            `There is no ${place}. Nothing was started.`,
            'Upload the tarball: its upload starts the deployment.',
          ]
        : [
            `${place} has no version ${options.version}. Nothing was started.`,
            `It has:  aws s3api list-object-versions --bucket ${bucketOf(task)} --prefix ${fleet.artifact}`,
          ],
    facts: { artifact: place },
  };
}

/** `undefined` also for those who may not read it. */
async function lockRow({ ports, fleet }: Task): Promise<LedgerRow | undefined> {
  try {
    return await ports.ledger.read(fleet.name);
  } catch (error) {
    if (!isFailure(error, 'ServiceRefused')) throw error;
    return undefined;
  }
}

/** Started, and not followed: what to do to see more of it. */
export function leftRunning(
  { fleet, isLocal }: Task,
  execution: string,
  row: LedgerRow | undefined,
): Outcome {
  const waits = row?.held
    ? [
        `${deploymentHeldFor(row.held)} holds the fleet’s lock (phase ${row.held.phase}): it waits for its turn.`,
      ]
    : [];
  return {
    exitCode: 0,
    outcome: 'started',
    lines: [
      `Started ${executionName(execution)} of ${fleet.name}.`,
      ...waits,
      ...(isLocal
        ? ['This modelled world ends here, and the deployment with it: --wait shows the rest.']
        : [`To follow it:  irekae watch ${fleet.name}`, `To have it undone:  irekae cancel ${fleet.name}`]),
    ],
    facts: { deployment: executionName(execution), execution },
  };
}
