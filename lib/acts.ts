/**
 * The acts that a deployment and a clean-up have in common: removing the old hosts, undoing, and every ending. Each
 * failed run ends in *Fail* under its own name, never in a success (rule 9). Recording and releasing are best effort:
 * neither may hide how a deployment ended, and a lock that is not released is found by the clean-up.
 */

import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import { hooksAt, POINT, type Point } from '../lambdas/domain/core/points.ts';
import { STATES, type TitleOf } from '../lambdas/domain/core/story.ts';
import type { OnFailure, States, Wait } from './states.ts';

/** How a story goes on when everything was undone, or when it was refused: where it ends. */
export interface Undo {
  readonly head: sfn.IChainable;
}

/** *Put old hosts back*, *Terminate new instances*, the record; then `end`. */
export function undoAct(scope: Construct, states: States, end: sfn.IChainable): Undo {
  const failed = fail(scope, 'RollbackFailed');
  const rollbackFailed = recorded(scope, states, 'Record the failed undo', 'RollbackFailed', failed);
  // The old hosts first: the new ones may be all that serves right now.
  const onFailure = { to: rollbackFailed, keptAs: 'undoFailure' } as const;
  const putBack = states.waitUntil('put-old-hosts-back', onFailure);
  const remove = states.waitUntil('terminate-new-instances', onFailure);
  putBack.whenReady(remove.look);
  remove.whenReady(recorded(scope, states, 'Record the failure', 'RolledBack', end));
  return { head: putBack.look };
}

/** *Terminate old instances*, *Retire old hosts in Mackerel*, *Record the release*; then `end`. */
export function removeAct(
  scope: Construct,
  states: States,
  { followers }: Pick<Fleet, 'followers'>,
  undo: Undo,
  end: sfn.IChainable,
): Wait {
  const failed = fail(scope, 'StoppedHalfway');
  const halfway = recorded(scope, states, 'Record the halfway stop', 'StoppedHalfway', failed);
  // The step looks at the new hosts right before its first call; these names say that no old instance has ended.
  const terminate = states.waitUntil(
    'terminate-old-instances',
    { errors: ['ReadinessLost', 'TerminationRefused', 'Cancelled'], to: undo.head },
    { to: halfway },
  );
  const retire = states.step('retire-old-hosts-in-mackerel', { to: halfway });
  const record = states.step('record-the-release', { to: halfway });
  terminate.whenReady(retire);
  // Once: whether or not they could be started, nobody waits for them here.
  if (followers.length > 0) {
    const follow = states.step('start-the-followers', { to: terminate.look, keptAs: 'following' });
    const isDue = sfn.Condition.and(
      sfn.Condition.isPresent('$.termination.memory.begun'),
      sfn.Condition.not(sfn.Condition.isPresent('$.following')),
    );
    terminate.verdict.when(isDue, follow);
    follow.next(terminate.look);
  }
  retire.next(record).next(end);
  return terminate;
}

/** What a fleet has at one point of the way: its hooks, one after the other, then a person. Nothing, where it names none. */
export function onTheWay(
  states: States,
  { hooks, pauses }: Pick<Fleet, 'hooks' | 'pauses'>,
  point: Point,
  failure: OnFailure,
): Wait[] {
  const { words } = POINT[point];
  const called = hooksAt(hooks, point);
  const waits: Wait[] = [];
  if (called.length > 0) {
    const title = `Ask the hooks ${words}` as const;
    const asks = states.waitAt(title, failure);
    called.forEach((hook, index) => void states.hookCall(hook, index, asks, STATES[title].key));
    waits.push(asks);
  }
  if (pauses.some(({ at }) => at === point)) waits.push(states.waitAt(`Wait for a person ${words}`, failure));
  return waits;
}

/** One wait after the other. @returns the last, from which the story goes on */
export function through(waits: readonly Wait[]): Wait | undefined {
  for (const [index, wait] of waits.slice(1).entries()) waits[index]?.whenReady(wait.look);
  return waits.at(-1);
}

/** *Release the lock*, then `end`, which comes also when the lock could not be released: it is found later. */
export function released(
  states: States,
  title: TitleOf<'release-the-fleet-lock'>,
  end: sfn.IChainable,
): sfn.IChainable {
  const release = states.titled(title, { to: end, keptAs: 'recordFailure' });
  release.next(end);
  return release;
}

/** Writes the record of a failure, then goes on to `end`. */
export function recorded(
  scope: Construct,
  states: States,
  title: TitleOf<'record-the-failure'>,
  ending: string,
  end: sfn.IChainable,
): sfn.IChainable {
  const unrecorded = sfn.Fail.jsonPath(scope, `${ending} without a record`, {
    error: ending === 'Nothing was changed' ? 'StepCrashed' : ending,
    cause: `${ending}; no record of it could be written. The first error is in the history.`,
  });
  const record = states.titled(title, { to: unrecorded, keptAs: 'recordFailure' });
  record.next(end);
  return record;
}

/** The end under the name, and with the sentence, that the record of the failure found. */
export function fail(scope: Construct, title: string): sfn.Fail {
  return sfn.Fail.jsonPath(scope, title, { errorPath: '$.ending.error', causePath: '$.ending.cause' });
}

/** A good end. */
export function succeed(scope: Construct, title: string, outputPath: string): sfn.Succeed {
  return sfn.Succeed.jsonPath(scope, title, { outputPath });
}

/** The document's first state: the fleet as it was deployed, the input as it was given, who we are. */
export function opened(scope: Construct, title: string, fleet: object): sfn.Pass {
  return sfn.Pass.jsonPath(scope, title, {
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
}
