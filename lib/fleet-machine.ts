/** One fleet's state machine, and the rule that starts it when the fleet's artifact is uploaded. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Fleet } from '../lambdas/domain/fleet.ts';
import type { StepName } from '../lambdas/domain/steps.ts';
import { machineTimeoutSeconds } from './budgets.ts';
import { deployStory } from './deploy-story.ts';
import { acknowledge, acknowledgeWildcards } from './nag.ts';

export class FleetMachine extends Construct {
  readonly machine: sfn.StateMachine;
  /** Uploads that started no deployment. */
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, fleet: Fleet, functions: Readonly<Record<StepName, IFunction>>) {
    super(scope, `fleet ${fleet.name}`);
    const name = `irekae-${fleet.name}`;
    this.machine = new sfn.StateMachine(this, 'Machine', {
      stateMachineName: name,
      stateMachineType: sfn.StateMachineType.STANDARD,
      comment: `Replaces the hosts of ${fleet.name} by hosts of one release.`,
      definitionBody: sfn.DefinitionBody.fromChainable(deployStory(this, functions, fleet)),
      timeout: Duration.seconds(machineTimeoutSeconds(fleet.limits)),
      tracingEnabled: true,
      logs: { destination: this.log(name), level: sfn.LogLevel.ALL, includeExecutionData: true },
    });
    this.acknowledgeMachineWildcards(functions);
    this.undelivered = this.deadLetterQueue();
    this.startOnUpload(fleet.artifact);
  }

  /** Under this prefix all machines share one statement of the log service's policy, which is short of space. */
  private log(name: string): LogGroup {
    return new LogGroup(this, 'Log', {
      logGroupName: `/aws/vendedlogs/states/${name}`,
      retention: RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private acknowledgeMachineWildcards(functions: Readonly<Record<StepName, IFunction>>): void {
    acknowledgeWildcards(
      this.machine,
      Object.values(functions).flatMap((each) => each.resourceArnsForGrantInvoke),
      'CDK grants the invocation of a function together with its versions; each function is named.',
    );
    acknowledgeWildcards(
      this.machine,
      ['*'],
      'Log delivery and X-Ray know no resource-level permissions; both write, and read nothing of ours.',
    );
  }

  private deadLetterQueue(): sqs.Queue {
    const queue = new sqs.Queue(this, 'Undelivered', {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(queue, 'AwsSolutions-SQS3', 'This is a dead-letter queue itself: that of the upload rule.');
    return queue;
  }

  /**
   * Exactly the fleet's key, and every way of creating an object: large uploads are multipart, promotions are copies.
   * Whether the upload is still the newest when its turn comes is for *Resolve the release* to say.
   */
  private startOnUpload(artifact: Fleet['artifact']): void {
    new Rule(this, 'Upload', {
      description: `${Stack.of(this).stackName}: an upload of ${artifact.key} starts a deployment`,
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [artifact.bucket] }, object: { key: [artifact.key] } },
      },
      targets: [
        new SfnStateMachine(this.machine, {
          deadLetterQueue: this.undelivered,
          // An hour later the upload is no news anymore; the alarm on the queue is better.
          maxEventAge: Duration.hours(1),
          retryAttempts: 10,
          input: RuleTargetInput.fromObject({
            bucket: EventField.fromPath('$.detail.bucket.name'),
            key: EventField.fromPath('$.detail.object.key'),
            versionId: EventField.fromPath('$.detail.object.version-id'),
            upload: {
              eventId: EventField.eventId,
              requester: EventField.fromPath('$.detail.requester'),
              reason: EventField.fromPath('$.detail.reason'),
            },
          }),
        }),
      ],
    });
  }
}
