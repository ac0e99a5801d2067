/** How every state machine is made: its name, its log, its traces. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { machineLogName } from '../lambdas/domain/core/names.ts';

export interface StateMachineProps {
  readonly name: string;
  readonly comment?: string;
  readonly start: sfn.IChainable;
  readonly seconds: number;
  readonly role: IRole;
  /** Default: one of its own. */
  readonly log?: ILogGroup;
}

export const machineLog = (scope: Construct, name: string): ILogGroup =>
  new LogGroup(scope, 'Log', {
    logGroupName: machineLogName(name),
    retention: RetentionDays.ONE_YEAR,
    removalPolicy: RemovalPolicy.DESTROY,
  });

export function stateMachine(scope: Construct, props: StateMachineProps): sfn.StateMachine {
  const destination = props.log ?? machineLog(scope, props.name);
  return new sfn.StateMachine(scope, 'Machine', {
    stateMachineName: props.name,
    stateMachineType: sfn.StateMachineType.STANDARD,
    ...(props.comment !== undefined && { comment: props.comment }),
    definitionBody: sfn.DefinitionBody.fromChainable(props.start),
    timeout: Duration.seconds(props.seconds),
    role: props.role,
    tracingEnabled: true,
    // Every transition, without the document: it would be written four times for each state, which at 500 hosts cost
    // three times as much as all the rest of a deployment. It stays in the execution's history, for 90 days.
    logs: { destination, level: sfn.LogLevel.ALL, includeExecutionData: false },
  });
}
