/**
 * The door for overrides: a machine of its own that does nothing but start the fleet's machine (or its promotion's) with
 * what it was given. Who may start that one is not who may start this one; and a deployment with an override asks Step
 * Functions whether this one has started it, since its input could say anything. A second machine of the whole story
 * would prove the same by its name alone, but a template has no room for the story twice.
 */
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { doorTo, machineName } from '../lambdas/domain/core/names.ts';
import { stateMachine } from './state-machine.ts';

const DOOR_SECONDS = 300;

/** What may pass: a start that is repeated under its name starts once. */
const PASSING = ['StepFunctions.SdkClientException', 'StepFunctions.StepFunctionsException'];
/** Somebody else has started one of that name: it is not what this door was asked for. */
const TAKEN = ['StepFunctions.ExecutionAlreadyExistsException'];

/** What all doors of an environment share. */
export interface Doors {
  readonly role: IRole;
  readonly log: ILogGroup;
}

export function overrideDoor(
  scope: Construct,
  fleet: string,
  to: { readonly kind: 'deploy' | 'promote'; readonly machine: sfn.IStateMachine },
  doors: Doors,
): sfn.StateMachine {
  const inside = new Construct(scope, 'Door');
  // Short: it stands in the template for each fleet and promotion.
  const failed = sfn.Fail.jsonPath(inside, 'Nothing was started', {
    error: 'ServiceUnavailable',
    cause: 'See the state that failed; then start again.',
  });
  const start = (title: string, name?: string) =>
    tasks.StepFunctionsStartExecution.jsonPath(inside, title, {
      stateMachine: to.machine,
      ...(name !== undefined && { name }),
      input: sfn.TaskInput.fromObject({
        door: sfn.JsonPath.stringAt('$$.Execution.Id'),
        asked: sfn.JsonPath.objectAt('$'),
      }),
    });
  const unnamed = start('Start it under another name').addCatch(failed);
  const named = start('Start it', sfn.JsonPath.stringAt('$$.Execution.Name'))
    .addRetry({ errors: PASSING })
    .addCatch(unnamed, { errors: TAKEN, resultPath: sfn.JsonPath.DISCARD })
    .addCatch(failed);
  return stateMachine(inside, {
    name: machineName(fleet, doorTo(to.kind)),
    start: named,
    seconds: DOOR_SECONDS,
    ...doors,
  });
}
