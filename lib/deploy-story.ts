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
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import { fail, opened, recorded, released, removeAct, succeed, undoAct } from './acts.ts';
import { States } from './states.ts';

export function deployStory(
  scope: Construct,
  functions: Readonly<Record<StepName, IFunction>>,
  fleet: Fleet,
): sfn.IChainable {
  const states = new States(scope, functions);
  const refusedEnd = released(states, 'the refusal', fail(scope, 'Nothing was changed'));
  const refused = recorded(states, 'Record the refusal', refusedEnd, 'Nothing was changed', scope);
  const undo = undoAct(scope, states, released(states, 'the undo', fail(scope, 'RolledBack')));

  // ── Agree: nothing changes but the lock ─────────────────────────────────────────────────────────────────────────
  const open = opened(scope, 'Open the deployment', fleet);
  const lock = states.step('Take the fleet lock', 'take-the-fleet-lock', 'lock', { to: refused });
  const mayGoOn = sfn.Choice.jsonPath(scope, 'Is it our turn?');
  const image = states.step('Resolve the image', 'resolve-the-image', 'image', { to: refused });
  const release = states.step('Resolve the release', 'resolve-the-release', 'release', { to: refused });
  const isWanted = sfn.Choice.jsonPath(scope, 'Is this release wanted?');
  const snapshot = states.step('Snapshot old hosts', 'snapshot-old-hosts', 'oldHosts', { to: refused });
  const isDryRun = sfn.Choice.jsonPath(scope, 'Is this a dry run?');
  const plan = states.step('Write the plan', 'write-the-plan', 'plan', { to: refused });

  // ── Bring up: a failure is undone ───────────────────────────────────────────────────────────────────────────────
  const launch = states.step('Launch new instances', 'launch-new-instances', 'launch', { to: undo.head });
  const newHosts = states.waitUntil('New hosts are ready', 'new-hosts-are-ready', 'readiness', {
    to: undo.head,
  });
  // Its answer is the launch anew: from here on the new hosts are those instead of the stragglers.
  const replace = states.step('Replace the stragglers', 'replace-the-stragglers', 'launch', {
    to: undo.head,
  });
  const stragglers = states.waitUntil('Remove the stragglers', 'remove-the-stragglers', 'stragglers', {
    to: undo.head,
  });

  // ── Shift traffic: a failure is undone, in seconds, because the old hosts still run ─────────────────────────────
  const takeOut = states.step('Take old hosts out of service', 'take-old-hosts-out-of-service', 'shift', {
    to: undo.head,
  });
  const wereReady = sfn.Choice.jsonPath(scope, 'Were the new hosts still ready?');
  const drained = states.waitUntil('Old hosts are drained', 'old-hosts-are-drained', 'drain', {
    to: undo.head,
  });
  const bake = states.waitUntil('Watch the new hosts', 'watch-the-new-hosts', 'bake', { to: undo.head });

  // ── Remove: the point of no return ──────────────────────────────────────────────────────────────────────────────
  const deployed = released(states, 'the deployment', succeed(scope, 'Deployed', '$.record'));
  const remove = removeAct(scope, states, undo, deployed);

  open.next(lock).next(mayGoOn);
  mayGoOn
    .when(
      sfn.Condition.stringEquals('$.lock.verdict', 'waiting'),
      succeed(scope, 'Waiting for its turn', '$.lock'),
    )
    .when(
      sfn.Condition.stringEquals('$.lock.verdict', 'superseded'),
      succeed(scope, 'Superseded by what waits', '$.lock'),
    )
    .otherwise(image);
  image.next(release).next(isWanted);
  const notWanted = (verdict: string, title: string) =>
    isWanted.when(
      sfn.Condition.stringEquals('$.release.verdict', verdict),
      released(states, title.toLowerCase(), succeed(scope, title, '$.release')),
    );
  notWanted('already-deployed', 'Already deployed');
  notWanted('superseded', 'Superseded');
  notWanted('nothing-to-redeploy', 'Nothing to redeploy');
  isWanted.otherwise(snapshot);
  snapshot.next(isDryRun);
  isDryRun
    .when(
      sfn.Condition.booleanEquals('$.release.dryRun', true),
      plan.next(succeed(scope, 'Planned', '$.plan')),
    )
    .otherwise(launch);
  launch.next(newHosts.look);
  newHosts.verdict
    .when(States.ready('readiness'), takeOut)
    .when(sfn.Condition.isPresent('$.readiness.stragglers'), replace);
  replace.next(stragglers.look);
  stragglers.verdict.when(States.ready('stragglers'), newHosts.look);
  takeOut.next(wereReady);
  wereReady.when(sfn.Condition.booleanEquals('$.shift.done', true), drained.look).otherwise(newHosts.pause);
  drained.verdict.when(States.ready('drain'), bake.look);
  bake.verdict.when(States.ready('bake'), remove.look);
  return open;
}
