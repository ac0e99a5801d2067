/**
 * One deployment, told top to bottom: the state machine of a fleet. A state's name is what the operator reads in the
 * console at 3 a.m.; the functions behind the states are the files of `lambdas/` with the same names.
 *
 * Three acts and an undo. Until the point of no return (*Terminate old instances*) every failure is undone, because
 * the old hosts still run; from there on nothing is undone, only finished, and a failure calls a human.
 */

import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Fleet } from '../lambdas/domain/fleet.ts';
import type { StepName } from '../lambdas/domain/steps.ts';
import { States } from './states.ts';

export function deployStory(
  scope: Construct,
  functions: Readonly<Record<StepName, IFunction>>,
  fleet: Fleet,
): sfn.IChainable {
  const states = new States(scope, functions);
  const { refused, undo, halfway } = unhappyEndings(scope, states);

  // ── Agree: nothing changes ──────────────────────────────────────────────────────────────────────────────────────
  const open = sfn.Pass.jsonPath(scope, 'Open the deployment', {
    comment: 'The document: the fleet as it was deployed, the input as it was given, who we are.',
    parameters: {
      fleet,
      'input.$': '$',
      execution: {
        'id.$': '$$.Execution.Id',
        'name.$': '$$.Execution.Name',
        'startedAt.$': '$$.Execution.StartTime',
      },
    },
  });
  // *Take the fleet lock* stands here, between opening the deployment and its first decision (issue 3). Until then
  // two deployments of one fleet must not be started at once.
  const image = states.step('Resolve the image', 'resolve-the-image', 'image', { to: refused });
  const release = states.step('Resolve the release', 'resolve-the-release', 'release', { to: refused });
  const isWanted = sfn.Choice.jsonPath(scope, 'Is this release wanted?');
  const snapshot = states.step('Snapshot old hosts', 'snapshot-old-hosts', 'oldHosts', { to: refused });
  const isDryRun = sfn.Choice.jsonPath(scope, 'Is this a dry run?');
  const plan = states.step('Write the plan', 'write-the-plan', 'plan', { to: refused });

  // ── Bring up: a failure is undone ───────────────────────────────────────────────────────────────────────────────
  const launch = states.step('Launch new instances', 'launch-new-instances', 'launch', { to: undo });
  const newHosts = states.waitUntil('New hosts are ready', 'new-hosts-are-ready', 'readiness', { to: undo });

  // ── Shift traffic: a failure is undone, in seconds, because the old hosts still run ─────────────────────────────
  const takeOut = states.step('Take old hosts out of service', 'take-old-hosts-out-of-service', 'shift', {
    to: undo,
  });
  const wereReady = sfn.Choice.jsonPath(scope, 'Were the new hosts still ready?');
  const drained = states.waitUntil('Old hosts are drained', 'old-hosts-are-drained', 'drain', { to: undo });
  const bake = states.waitUntil('Watch the new hosts', 'watch-the-new-hosts', 'bake', { to: undo });

  // ── Remove: the point of no return ──────────────────────────────────────────────────────────────────────────────
  // The step looks at the new hosts right before its first call; these two names say that no old instance has ended.
  const terminate = states.waitUntil(
    'Terminate old instances',
    'terminate-old-instances',
    'termination',
    { errors: ['ReadinessLost', 'TerminationRefused'], to: undo },
    { to: halfway },
  );
  const retire = states.step('Retire old hosts in Mackerel', 'retire-old-hosts-in-mackerel', 'retirement', {
    to: halfway,
  });
  // The lock is released here and the pending artifact started (issue 3).
  const record = states.step('Record the release', 'record-the-release', 'record', { to: halfway });

  open.next(image).next(release).next(isWanted);
  isWanted
    .when(
      sfn.Condition.stringEquals('$.release.verdict', 'already-deployed'),
      ending(scope, 'Already deployed'),
    )
    .when(sfn.Condition.stringEquals('$.release.verdict', 'superseded'), ending(scope, 'Superseded'))
    .otherwise(snapshot);
  snapshot.next(isDryRun);
  isDryRun
    .when(
      sfn.Condition.booleanEquals('$.release.dryRun', true),
      plan.next(ending(scope, 'Planned', '$.plan')),
    )
    .otherwise(launch);
  launch.next(newHosts.look);
  newHosts.verdict.when(States.ready('readiness'), takeOut);
  takeOut.next(wereReady);
  wereReady.when(sfn.Condition.booleanEquals('$.shift.done', true), drained.look).otherwise(newHosts.pause);
  drained.verdict.when(States.ready('drain'), bake.look);
  bake.verdict.when(States.ready('bake'), terminate.look);
  terminate.verdict.when(States.ready('termination'), retire);
  retire.next(record).next(ending(scope, 'Deployed', '$.record'));
  return open;
}

/** A good end. */
function ending(scope: Construct, title: string, outputPath = '$.release'): sfn.Succeed {
  return sfn.Succeed.jsonPath(scope, title, { outputPath });
}

/**
 * The undo and the bad ends. Each failed run ends in *Fail* under its own name, never in a success (rule 9). Recording
 * is best effort: a record that cannot be written never hides how the deployment ended.
 */
function unhappyEndings(scope: Construct, states: States) {
  const refused = recorded(scope, states, 'Record the refusal', 'Nothing was changed');
  const rolledBack = recorded(scope, states, 'Record the failure', 'RolledBack');
  const rollbackFailed = recorded(scope, states, 'Record the failed undo', 'RollbackFailed');
  const halfway = recorded(scope, states, 'Record the halfway stop', 'StoppedHalfway');

  // The old hosts first: the new ones may be all that serves right now.
  const onFailure = { to: rollbackFailed, keptAs: 'undoFailure' } as const;
  const putBack = states.waitUntil('Put old hosts back', 'put-old-hosts-back', 'putBack', onFailure);
  const remove = states.waitUntil('Terminate new instances', 'terminate-new-instances', 'removal', onFailure);
  putBack.verdict.when(States.ready('putBack'), remove.look);
  remove.verdict.when(States.ready('removal'), rolledBack);
  return { refused, undo: putBack.look, halfway };
}

function recorded(scope: Construct, states: States, title: string, end: string): sfn.IChainable {
  const fail = sfn.Fail.jsonPath(scope, end, { errorPath: '$.ending.error', causePath: '$.ending.cause' });
  const unrecorded = sfn.Fail.jsonPath(scope, `${end} without a record`, {
    error: end === 'Nothing was changed' ? 'StepCrashed' : end,
    cause: `${end}; the record of it could not be written either. The first error is in the execution's history.`,
  });
  return states
    .step(title, 'record-the-failure', 'ending', { to: unrecorded, keptAs: 'recordFailure' })
    .next(fail);
}
