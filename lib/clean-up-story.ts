/**
 * The clean-up of a fleet: what is done for an execution that ended without an ending of its own, because somebody
 * stopped it or its time ran out. Started by the status event, by the schedule, and by a start that finds a dead
 * holder; any number may run at once, one takes the lock over. The same acts as in the deployment itself: undone
 * before the point of no return, finished after it.
 */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import { fail, opened, recorded, released, removeAct, succeed, undoAct } from './acts.ts';
import { States } from './states.ts';

export function cleanUpStory(
  scope: Construct,
  functions: Readonly<Record<StepName, IFunction>>,
  fleet: Fleet,
): sfn.IChainable {
  const states = new States(scope, functions);
  const open = opened(scope, 'Open the clean-up', fleet);
  const refused = fail(scope, 'Nothing was changed');
  const takeOver = states.waitUntil('take-over-the-lock', {
    to: recorded(scope, states, 'Record the refusal', 'Nothing was changed', refused),
  });
  const whatIsToDo = sfn.Choice.jsonPath(scope, 'What is to be done?');
  // From here on the document is the dead deployment's own, with this execution as the one that acts.
  const goOn = (title: string) => sfn.Pass.jsonPath(scope, title, { outputPath: '$.takeOver.document' });

  const undone = succeed(scope, 'Undone', '$.ending');
  const undo = undoAct(scope, states, released(states, 'Release the lock after the undo', undone));
  const finished = succeed(scope, 'Finished', '$.record');
  const remove = removeAct(
    scope,
    states,
    fleet,
    undo,
    released(states, 'Release the lock after finishing', finished),
  );
  const nothingLeft = released(
    states,
    'Release the lock after a holder that left nothing to do',
    // The lock's own sentence, which is there also when the release failed and is left to the next clean-up.
    succeed(scope, 'Nothing was left', '$.lock'),
  );

  const verdict = (is: string) => sfn.Condition.stringEquals('$.takeOver.verdict', is);
  open.next(takeOver.look);
  takeOver.whenReady(whatIsToDo);
  whatIsToDo
    .when(verdict('undo'), goOn('Undo what it left').next(undo.head))
    .when(verdict('finish'), goOn('Finish what it left').next(remove.look))
    .when(verdict('release'), goOn('Let go of the lock').next(nothingLeft))
    .otherwise(succeed(scope, 'Nothing to clean up', '$.takeOver'));
  return open;
}
