/**
 * Wakes the functions of all steps while the first ones run and the new hosts boot: half a second each, that a
 * deployment would wait for one after the other. A machine of its own, one for an environment: a deployment starts it
 * and goes on, so that its history has one state of it, and nothing of a wake can fail it, hold it up, or be in flight
 * when it dies. Express, because those cost by the run and not by the state. In the order of the story, and few at a time:
 * all at once they could take what an account has of concurrency from somebody else's step.
 */
import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { functionName } from '../lambdas/domain/core/names.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import { WAKE_STATE } from '../lambdas/domain/core/story.ts';
import { WAKE, WOKEN_STEPS } from '../lambdas/domain/core/wake.ts';
import { machineRole } from './machine-roles.ts';
import { acknowledge } from './nag.ts';
import type { Environment } from './read-fleets.ts';

/** A function starts in a second, or is left to start later. */
const WAKE_SECONDS = 10;
/** So many at a time: one would be overtaken by the first steps. */
const LANES = 2;

const NOTHING_TO_TELL =
  'A wake changes nothing and nobody waits for it: where one fails, the step starts as it would have without it.';

export function wakeMachine(
  scope: Construct,
  functions: Readonly<Record<StepName, IFunction>>,
  environment: Environment,
): sfn.IStateMachine {
  const inside = new Construct(scope, 'Wake');
  const steps = WOKEN_STEPS.map((step) => functionName(environment.name, step));
  const wake = (step: StepName, next: sfn.IChainable): sfn.IChainable =>
    tasks.LambdaInvoke.jsonPath(inside, `Wake ${step}`, {
      lambdaFunction: functions[step],
      payload: sfn.TaskInput.fromObject(WAKE),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      resultPath: sfn.JsonPath.DISCARD,
      taskTimeout: sfn.Timeout.duration(Duration.seconds(WAKE_SECONDS)),
    })
      .addCatch(next, { resultPath: sfn.JsonPath.DISCARD })
      .next(next);
  // From the last to the first, since each goes on to the next, whatever becomes of it.
  const lane = (number: number) =>
    WOKEN_STEPS.filter((_step, index) => index % LANES === number).reduceRight<sfn.IChainable>(
      (next, step) => wake(step, next),
      sfn.Pass.jsonPath(inside, `Awake ${number + 1}`),
    );
  const lanes = Array.from({ length: LANES }, (_, number) => lane(number));
  const machine = new sfn.StateMachine(inside, 'Machine', {
    stateMachineType: sfn.StateMachineType.EXPRESS,
    comment: 'Wakes the functions of a deployment’s steps.',
    definitionBody: sfn.DefinitionBody.fromChainable(sfn.Parallel.jsonPath(inside, 'Wake').branch(...lanes)),
    timeout: Duration.seconds(WAKE_SECONDS * WOKEN_STEPS.length),
    role: machineRole(inside, steps),
  });
  acknowledge(machine, 'AwsSolutions-SF1', NOTHING_TO_TELL);
  acknowledge(machine, 'AwsSolutions-SF2', NOTHING_TO_TELL);
  return machine;
}

/** The state that starts the wakes, then goes on to `next`: also when they cannot be started. */
export function wakes(scope: Construct, machine: sfn.IStateMachine, next: sfn.IChainable): sfn.IChainable {
  const start = tasks.StepFunctionsStartExecution.jsonPath(scope, WAKE_STATE, {
    stateMachine: machine,
    input: sfn.TaskInput.fromObject({}),
    resultPath: sfn.JsonPath.DISCARD,
    taskTimeout: sfn.Timeout.duration(Duration.seconds(WAKE_SECONDS)),
  });
  start.addCatch(next, { resultPath: sfn.JsonPath.DISCARD });
  return start.next(next);
}
