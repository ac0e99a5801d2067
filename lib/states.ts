/** The few kinds of state that the story is told in, and the one way in which each of them retries and fails. */

import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { FailureName } from '../lambdas/domain/core/errors.ts';
import { type Hook, LONGEST_CALL_SECONDS } from '../lambdas/domain/core/points.ts';
import {
  LONGEST_PAUSE_SECONDS,
  retriesOf,
  STEPS,
  type StepName,
  type StepRow,
  TASK_GRACE_SECONDS,
  type WaitName,
} from '../lambdas/domain/core/steps.ts';
import { hookCall, STATES, type TitleOf } from '../lambdas/domain/core/story.ts';
import { TOO_LARGE } from '../lambdas/domain/lock/hooks.ts';
import {
  PROMOTION_STATES,
  PROMOTION_STEPS,
  type PromotionStepName,
} from '../lambdas/domain/promotion/steps.ts';

/**
 * Errors of the Lambda service and of its sandboxes: CDK's default list has the first four. All steps may run twice
 * (rule 5), so a function that died or timed out, or is being made ready, is simply asked again. A sandbox that died
 * answers in place of the function, and Retry matches the `errorType` of that answer: there is no name for all.
 */
const LAMBDA_TROUBLE = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ResourceConflictException',
  'Lambda.ResourceNotReadyException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Runtime.NodeJsExit',
  'Runtime.Unknown',
  'Sandbox.Failure',
  'Sandbox.Timedout',
];

/** And Mackerel and AWS when they are slow or throttle, after the client's own short retries. */
const PASSING = [...LAMBDA_TROUBLE, 'ServiceUnavailable', 'States.Timeout'];

/** Where a step goes that has failed for good, and where its error is kept. */
export interface OnFailure {
  /** Default: every error. */
  readonly errors?: readonly FailureName[];
  readonly to: sfn.IChainable;
  /** An undo must not overwrite the first error. */
  readonly keptAs?: 'failure' | 'undoFailure' | 'recordFailure' | 'following';
}

/** A wait: the state that looks, and the state that lets go once the look is content. */
export interface Wait {
  readonly look: sfn.TaskStateBase;
  readonly pause: sfn.Wait;
  readonly verdict: sfn.Choice;
  /** Where the story goes on when the wait is over. Of several, the first whose condition holds. */
  whenReady(next: sfn.IChainable, only?: sfn.Condition): void;
}

/** What a story is told in: a row for each step, and the states of steps that have several. */
interface Table<Name extends string, Title extends string> {
  readonly rows: Readonly<
    Record<Name, Pick<StepRow, 'title' | 'seconds' | 'isPatient'> & { readonly key: string }>
  >;
  readonly states: Readonly<
    Record<Title, { readonly step: Name; readonly key?: string; readonly ends?: string }>
  >;
}

/** The states of one kind of story. */
class StoryStates<Name extends string, Title extends string, Waits extends Name> {
  constructor(
    protected readonly scope: Construct,
    private readonly functions: Readonly<Record<Name, IFunction>>,
    private readonly table: Table<Name, Title>,
    /** Where a task that can lose the fleet's lock goes then. */
    private readonly lockLost?: sfn.Fail,
  ) {}

  /** The state of a step: hands the whole document to its function and keeps the answer under the step's own key. */
  step(name: Exclude<Name, Waits>, ...failures: OnFailure[]): tasks.LambdaInvoke {
    const { title, key } = this.table.rows[name];
    return this.task(title, name, key, failures);
  }

  /** One of the states of a step that has several. */
  titled(title: Title, ...failures: OnFailure[]): tasks.LambdaInvoke {
    const { step, key = this.table.rows[step].key, ends } = this.table.states[title];
    return this.task(title, step, key, failures, ends === undefined ? undefined : { ends });
  }

  /** @param more what the story says beside the document: how the deployment has ended, or which state this is */
  protected task(
    title: string,
    name: Name,
    key: string,
    failures: readonly OnFailure[],
    more?: Readonly<Record<string, string>>,
  ): tasks.LambdaInvoke {
    const task = tasks.LambdaInvoke.jsonPath(this.scope, title, {
      lambdaFunction: this.functions[name],
      payloadResponseOnly: true,
      ...(more && { payload: sfn.TaskInput.fromObject({ document: sfn.JsonPath.entirePayload, ...more }) }),
      // The full list above, with our own numbers, instead of CDK's four.
      retryOnServiceExceptions: false,
      resultPath: `$.${key}`,
      taskTimeout: sfn.Timeout.duration(Duration.seconds(this.table.rows[name].seconds + TASK_GRACE_SECONDS)),
    });
    // One list for all: it stands in every task of every machine, and a template has room for 1 MB.
    task.addRetry({
      errors: PASSING,
      interval: Duration.seconds(3),
      maxAttempts: retriesOf(this.table.rows[name]),
      backoffRate: 2,
      maxDelay: Duration.seconds(LONGEST_PAUSE_SECONDS),
    });
    this.caught(task, failures);
    return task;
  }

  protected caught(task: tasks.LambdaInvoke, failures: readonly OnFailure[]): void {
    if (failures.length > 0 && this.lockLost) {
      task.addCatch(this.lockLost, { errors: ['LockLost'], resultPath: '$.failure' });
    }
    for (const { errors = ['States.ALL'], to, keptAs = 'failure' } of failures) {
      task.addCatch(to, { errors: [...errors], resultPath: `$.${keptAs}` });
    }
  }

  /** look → Choice → Wait → look. The look owns the deadline and says how long to wait until the next one. */
  waitUntil(name: Waits, ...failures: OnFailure[]): Wait {
    const { title, key } = this.table.rows[name];
    return this.wait(title, key, this.task(title, name, key, failures));
  }

  protected wait(title: string, key: string, look: tasks.LambdaInvoke): Wait {
    const pause = sfn.Wait.jsonPath(this.scope, `${title} (look again soon)`, {
      time: sfn.WaitTime.secondsPath(`$.${key}.nextLookInSeconds`),
    });
    const verdict = sfn.Choice.jsonPath(this.scope, `${title}?`).otherwise(pause);
    pause.next(look);
    look.next(verdict);
    const isReady = sfn.Condition.booleanEquals(`$.${key}.ready`, true);
    const whenReady: Wait['whenReady'] = (next, only) =>
      void verdict.when(only ? sfn.Condition.and(isReady, only) : isReady, next);
    return { look, pause, verdict, whenReady };
  }
}

/** Of a deployment and of its clean-up. */
export class States extends StoryStates<StepName, keyof typeof STATES, WaitName> {
  constructor(scope: Construct, functions: Readonly<Record<StepName, IFunction>>) {
    // Whatever the step: an execution that lost its lock changes nothing anymore, and undoes nothing either, because
    // somebody else looks after the fleet. (The same end for a late step of a dead execution, and for a redrive.)
    const lockLost = sfn.Fail.jsonPath(scope, 'The lock was lost', {
      error: 'LockLost',
      cause:
        'Another execution holds the fleet’s lock, and handles what this one left. See LockLost in docs/runbook.md.',
    });
    super(scope, functions, { rows: STEPS, states: STATES }, lockLost);
  }

  /** One of the states of a wait that has several: its look is told which. */
  waitAt(title: TitleOf<'ask-the-hook' | 'wait-for-a-person'>, ...failures: OnFailure[]): Wait {
    const { step, key } = STATES[title];
    const look = this.task(title, step, key, [], { state: title });
    // A hook's answer may leave no room for what is said of it: the look then finds this in its place.
    if (step === 'ask-the-hook') look.addCatch(look, { errors: [TOO_LARGE], resultPath: HOOK_ANSWER });
    this.caught(look, failures);
    return this.wait(title, key, look);
  }

  /**
   * The state of a hook: a function of the fleet's own team, by exactly its ARN, with what the look has prepared. Whatever
   * becomes of it (a crash, no answer, one that is too large) is put beside the document, and the next look judges it.
   */
  hookCall(hook: Hook, index: number, asks: Wait, key: string): sfn.CustomState {
    const task = new sfn.CustomState(this.scope, hookCall(hook.at, index), {
      stateJson: {
        Type: 'Task',
        Resource: hook.function,
        InputPath: `$.${key}.event`,
        ResultPath: HOOK_ANSWER,
        TimeoutSeconds: Math.min(LONGEST_CALL_SECONDS, hook.timeoutMinutes * 60) + TASK_GRACE_SECONDS,
        Retry: [
          { ErrorEquals: NOT_RUN, IntervalSeconds: 3, MaxAttempts: 3, BackoffRate: 2, MaxDelaySeconds: 30 },
        ],
      },
    });
    // The wildcard does not match the first.
    for (const errors of [[TOO_LARGE], ['States.ALL']])
      task.addCatch(asks.look, { errors, resultPath: HOOK_ANSWER });
    task.next(asks.look);
    asks.verdict.when(
      sfn.Condition.and(
        sfn.Condition.isPresent(`$.${key}.call`),
        sfn.Condition.numberEquals(`$.${key}.call`, index),
      ),
      task,
    );
    return task;
  }
}

/** Where an answer of a hook, or why there is none, is until the next look. */
const HOOK_ANSWER = '$.hookAnswer';

/**
 * What Lambda answers when it has not run a function. A hook is not ours and may not bear to be called twice: whatever
 * may have run is not tried again, but FAILED.
 */
const NOT_RUN = LAMBDA_TROUBLE.filter((error) =>
  /\.(TooManyRequests|ResourceConflict|ResourceNotReady)Exception$/.test(error),
);

/** Of a promotion, which holds no lock. */
export class PromotionStates extends StoryStates<
  PromotionStepName,
  keyof typeof PROMOTION_STATES,
  'copy-the-artifact'
> {
  constructor(scope: Construct, functions: Readonly<Record<PromotionStepName, IFunction>>) {
    super(scope, functions, { rows: PROMOTION_STEPS, states: PROMOTION_STATES });
  }
}
