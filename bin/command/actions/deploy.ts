/** `irekae deploy`: starts a deployment, or joins one that already deploys the same, and follows it if asked to. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { OVERRIDES } from '../../../lambdas/domain/core/input.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import { orElse, orUndefined } from '../attempt.ts';
import type { Command, Task } from '../command.ts';
import { followed } from '../follow/followed.ts';
import { runningDeploymentOf } from '../follow/running-deployment.ts';
import { AMI, checkStart, flag, overrideOption, REASON, STARTING, VERSION, waits } from '../options.ts';
import { failed, type Outcome } from '../outcome.ts';
import { bucketOf } from '../release-records.ts';
import { leftRunning, start } from '../starting.ts';
import { aws, irekae } from '../typed.ts';

export const deploy: Command = {
  name: 'deploy',
  summary: 'replace the fleet’s hosts with hosts that run the newest upload, or another version',
  description: [
    'Starts a deployment of the newest upload. While another deployment is running it waits for its turn, unless a',
    'newer upload is already waiting. With --wait it is followed to its end; if a deployment of the same version is',
    'already running, because its upload started it or because this command was run before, that one is followed.',
    'Ctrl-C leaves it running. Needs states:StartExecution; to follow it also states:DescribeExecution and, for all',
    'details, states:GetExecutionHistory, dynamodb:GetItem on the ledger, and s3:GetObject and s3:ListBucket on the',
    'bucket.',
    'With --wait-until shifted it is followed until all traffic is on the new hosts; from there on it is watched, and',
    'may still be undone.',
    'Exit codes: 0 started; with --wait: deployed (with --wait-until shifted: or shifted), or there was nothing to do',
    '(already deployed, superseded);',
    '1 not possible, 2 bad usage; with --wait also 3 rolled back or refused: nothing has changed, 4 stopped halfway: a',
    'human is needed, 5 cancelled, 6 not ended in time or not to be followed any longer (credentials ended, say),',
    '130 Ctrl-C; in the last two cases it continues.',
  ],
  options: [
    VERSION,
    AMI,
    REASON,
    overrideOption(OVERRIDES),
    flag('redeploy', 'replace the hosts although they already run this release'),
    ...STARTING,
  ],
  check: checkStart,
  run: deployFleet,
};

async function deployFleet(task: Task): Promise<Outcome> {
  const { version, ami, redeploy } = task.options;
  const wait = waits(task.options);
  const { artifact } = task.fleet;
  if (artifact === undefined && version !== undefined) return noVersions(task, version);
  const found = artifact === undefined ? 'unknown' : await findArtifact(task, artifact);
  if (found === 'absent') return noArtifact(task, String(artifact));
  // Where the image is the release, a deployment is known by that.
  const versionId = artifact === undefined ? ami : found === 'unknown' ? version : found.versionId;
  // Without permission to read the lock, the command does without.
  const row = await orUndefined(task.ports.ledger.read(task.fleet.name), 'ServiceRefused');
  const running = wait && !redeploy ? await runningDeploymentOf(task, row, versionId) : undefined;
  if (running !== undefined) {
    task.tell(`${executionName(running)} is already deploying this version: following it.`);
    return followed(task, running, versionId);
  }
  return start(task, 'deploy', { versionId: version, amiId: ami, redeploy }, (execution) =>
    wait ? followed(task, execution, versionId) : leftRunning(task, execution, row),
  );
}

/** Without permission to read the bucket, it is left to the deployment to find out. */
async function findArtifact(task: Task, artifact: string): Promise<ArtifactVersion | 'absent' | 'unknown'> {
  const found = task.ports.artifacts.find(bucketOf(task), artifact, task.options.version);
  return (await orElse(found, () => 'unknown' as const, 'ServiceRefused')) ?? 'absent';
}

/** As the fleets file has it: an upload does not start everything, and not everything may be uploaded. */
function howToUpload({ fleet, environment }: Task, artifact: string, place: string): string[] {
  const { promotion, after } = fleet;
  if (promotion?.required)
    return [`It is promoted from ${promotion.from}:  ${irekae('promote', fleet.name, '--wait')}`];
  return [
    after === undefined
      ? 'Upload the tarball: its upload starts the deployment.'
      : `Upload the tarball: ${fleet.name} follows ${after}, which its upload deploys first.`,
    `  ${aws(environment.region)`s3 cp ${artifact.split('/').at(-1) ?? artifact} ${place}`}`,
  ];
}

const noVersions = ({ fleet: { name } }: Task, version: string): Outcome =>
  failed('no-artifact', [
    `${name} has no artifact, so it has no version ${version}: its machine image is the release. Nothing was started.`,
    `Name an image with --ami, or deploy the newest:  ${irekae('deploy', name)}`,
  ]);

function noArtifact(task: Task, artifact: string): Outcome {
  const { version } = task.options;
  const place = `s3://${bucketOf(task)}/${artifact}`;
  const lines =
    version === undefined
      ? [`There is no ${place}. Nothing was started.`, ...howToUpload(task, artifact, place)]
      : [
          `${place} has no version ${version}. Nothing was started.`,
          `Its versions:  ${aws(task.environment.region)`s3api list-object-versions --bucket ${bucketOf(task)} --prefix ${artifact}`}`,
        ];
  return failed('no-artifact', lines, { artifact: place });
}
