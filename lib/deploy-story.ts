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
import type { Point } from '../lambdas/domain/core/points.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import type { TitleOf } from '../lambdas/domain/core/story.ts';
import { fail, onTheWay, opened, recorded, released, removeAct, succeed, through, undoAct } from './acts.ts';
import { States } from './states.ts';
import { wakes } from './wake-machine.ts';

export function deployStory(
  scope: Construct,
  functions: Readonly<Record<StepName, IFunction>>,
  fleet: Fleet,
  wakeMachine: sfn.IStateMachine,
): sfn.IChainable {
  const states = new States(scope, functions);
  const refusedEnd = released(
    states,
    'Release the lock after the refusal',
    fail(scope, 'Nothing was changed'),
  );
  const refused = { to: recorded(scope, states, 'Record the refusal', 'Nothing was changed', refusedEnd) };
  const undoneEnd = released(states, 'Release the lock after the undo', fail(scope, 'RolledBack'));
  const undo = undoAct(scope, states, undoneEnd);
  const undone = { to: undo.head };

  // ── Agree: nothing changes but the lock ─────────────────────────────────────────────────────────────────────────
  const open = opened(scope, 'Open the deployment', fleet);
  const lock = states.step('take-the-fleet-lock', refused);
  const mayGoOn = sfn.Choice.jsonPath(scope, 'Is it our turn?');
  const image = states.step('resolve-the-image', refused);
  const release = states.step('resolve-the-release', refused);
  const isWanted = sfn.Choice.jsonPath(scope, 'Is this release wanted?');
  const snapshot = states.step('snapshot-old-hosts', refused);
  const isDryRun = sfn.Choice.jsonPath(scope, 'Is this a dry run?');
  const plan = states.step('write-the-plan', refused);

  // ── What the fleet has on the way: hooks, then a person, at four points; a failure of theirs is undone ─────────────
  const at = (point: Point) => onTheWay(states, fleet, point, undone);
  const beforeLaunch = at('before-launch');
  const beforeTerminate = at('before-terminate');

  // ── Bring up: a failure is undone ───────────────────────────────────────────────────────────────────────────────
  const launch = states.step('launch-new-instances', undone);
  const newHosts = states.waitUntil('new-hosts-are-ready', undone);
  const firstHosts = states.waitUntil('watch-the-first-hosts', undone);
  const replace = states.step('replace-the-stragglers', undone);
  const stragglers = states.waitUntil('remove-the-stragglers', undone);

  // ── Shift traffic: a failure is undone, in seconds, because the old hosts still run ─────────────────────────────
  const takeOut = states.step('take-old-hosts-out-of-service', undone);
  const wereReady = sfn.Choice.jsonPath(scope, 'Were the new hosts still ready?');
  const drained = states.waitUntil('old-hosts-are-drained', undone);
  const bake = states.waitUntil('watch-the-new-hosts', undone);

  // ── Remove: the point of no return ──────────────────────────────────────────────────────────────────────────────
  const good = succeed(scope, 'Deployed', '$.record');
  const deployed = released(states, 'Release the lock after the deployment', good);
  const remove = removeAct(scope, states, fleet, undo, deployed);

  open.next(wakes(scope, wakeMachine, lock));
  lock.next(mayGoOn);
  mayGoOn
    .when(
      sfn.Condition.stringEquals('$.lock.verdict', 'waiting'),
      succeed(scope, 'Waiting for its turn', '$.lock'),
    )
    .when(
      sfn.Condition.stringEquals('$.lock.verdict', 'superseded'),
      succeed(scope, 'Superseded by what waits', '$.lock'),
    )
    .when(sfn.Condition.stringEquals('$.lock.verdict', 'told'), succeed(scope, 'Told', '$.lock'))
    .otherwise(image);
  image.next(release).next(isWanted);
  const notWanted = (verdict: string, title: string, release: TitleOf<'release-the-fleet-lock'>) =>
    isWanted.when(
      sfn.Condition.stringEquals('$.release.verdict', verdict),
      released(states, release, succeed(scope, title, '$.release')),
    );
  notWanted('already-deployed', 'Already deployed', 'Release the lock after already deployed');
  notWanted('superseded', 'Superseded', 'Release the lock after superseded');
  notWanted('nothing-to-redeploy', 'Nothing to redeploy', 'Release the lock after nothing to redeploy');
  isWanted.otherwise(snapshot);
  snapshot.next(isDryRun);
  isDryRun
    .when(
      sfn.Condition.booleanEquals('$.release.dryRun', true),
      plan.next(succeed(scope, 'Planned', '$.plan')),
    )
    .otherwise(beforeLaunch[0]?.look ?? launch);
  through(beforeLaunch)?.whenReady(launch);
  launch.next(newHosts.look);
  newHosts.whenReady(firstHosts.look, sfn.Condition.isPresent('$.readiness.first'));
  firstHosts.whenReady(newHosts.look);
  through([newHosts, ...at('before-shift')])?.whenReady(takeOut);
  newHosts.verdict.when(sfn.Condition.isPresent('$.readiness.stragglers'), replace);
  replace.next(stragglers.look);
  stragglers.whenReady(newHosts.look);
  takeOut.next(wereReady);
  wereReady.when(sfn.Condition.booleanEquals('$.shift.done', true), drained.look).otherwise(newHosts.pause);
  const noBake = sfn.Condition.numberEquals('$.fleet.limits.bakeSeconds', 0);
  // The removal looks at the new hosts itself: without a bake there is nothing in between.
  const shifted = through([drained, ...at('after-shift')]);
  const end = beforeTerminate[0]?.look ?? remove.look;
  shifted?.whenReady(end, noBake);
  shifted?.whenReady(bake.look);
  bake.whenReady(end);
  through(beforeTerminate)?.whenReady(remove.look);
  return open;
}
