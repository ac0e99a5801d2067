/** One fleet's state machines, its deployment, its clean-up and the door for overrides, and the rules that start them. */

import { Duration, Stack } from 'aws-cdk-lib';
import { EventField, type EventPattern, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Fleet, imageIsRelease } from '../lambdas/domain/core/fleet.ts';
import { machineName } from '../lambdas/domain/core/names.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import { cleanUpTimeoutSeconds, machineTimeoutSeconds } from './budgets.ts';
import { cleanUpStory } from './clean-up-story.ts';
import { deployStory } from './deploy-story.ts';
import { acknowledge } from './nag.ts';
import { type Doors, overrideDoor } from './override-door.ts';
import { stateMachine } from './state-machine.ts';

/** What a fleet's machines are made with. */
export interface Shared {
  readonly functions: Readonly<Record<StepName, IFunction>>;
  readonly machineRole: iam.IRole;
  readonly starterRole: iam.IRole;
  readonly doors: Doors;
  /** Wakes the functions. */
  readonly wakeMachine: sfn.IStateMachine;
}

export class FleetMachine extends Construct {
  readonly machine: sfn.StateMachine;
  readonly cleanUp: sfn.StateMachine;
  /** Uploads that started no deployment, and endings that started no clean-up. */
  readonly undelivered: sqs.Queue;

  constructor(
    scope: Construct,
    fleet: Fleet,
    private readonly shared: Shared,
    startsOn: { readonly newImage: boolean },
  ) {
    super(scope, `fleet ${fleet.name}`);
    const { functions, machineRole: role } = shared;
    this.machine = stateMachine(this, {
      name: machineName(fleet.name, 'deploy'),
      start: deployStory(this, functions, fleet, shared.wakeMachine),
      seconds: machineTimeoutSeconds(fleet),
      role,
    });
    // A scope of its own: both stories have states of the same names.
    const scopeOfCleanUp = new Construct(this, 'CleanUp');
    this.cleanUp = stateMachine(scopeOfCleanUp, {
      name: machineName(fleet.name, 'clean-up'),
      start: cleanUpStory(scopeOfCleanUp, functions, fleet),
      seconds: cleanUpTimeoutSeconds(fleet),
      role,
    });
    overrideDoor(this, fleet.name, { kind: 'deploy', machine: this.machine }, shared.doors);
    this.undelivered = this.deadLetterQueue();
    // One that follows another fleet is started when that one was deployed.
    const { bucket, key } = fleet.artifact;
    if (fleet.after === undefined && key !== undefined) this.startOnUpload({ bucket, key });
    if (startsOn.newImage) this.startOnNewImage(fleet);
    this.cleanUpOnEnding(fleet.name);
  }

  private deadLetterQueue(): sqs.Queue {
    const queue = new sqs.Queue(this, 'Undelivered', {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(queue, 'AwsSolutions-SQS3', 'This is a dead-letter queue itself: that of the fleet’s rules.');
    return queue;
  }

  /**
   * Exactly the fleet's key, and every way of creating an object: large uploads are multipart, promotions are copies.
   * Whether the upload is still the newest when its turn comes is for *Resolve the release* to say.
   */
  private startOnUpload(artifact: { readonly bucket: string; readonly key: string }): void {
    this.rule('Upload', {
      description: `an upload of ${artifact.key} starts a deployment`,
      pattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [artifact.bucket] }, object: { key: [artifact.key] } },
      },
      starts: this.machine,
      input: {
        bucket: EventField.fromPath('$.detail.bucket.name'),
        key: EventField.fromPath('$.detail.object.key'),
        versionId: EventField.fromPath('$.detail.object.version-id'),
        upload: {
          eventId: EventField.eventId,
          requester: EventField.fromPath('$.detail.requester'),
          reason: EventField.fromPath('$.detail.reason'),
        },
      },
    });
  }

  /**
   * What tells of a new image: the fleet's parameter, or EC2. EC2 cannot say of which kind the image is, and it is
   * often tagged only after it has become available, so that its tags have an event of their own; *Resolve the release*
   * finds out whether there is anything to do. Both events are best effort: one that is lost is made up for by the next.
   */
  private startOnNewImage(fleet: Pick<Fleet, 'image' | 'artifact'>): void {
    const { image } = fleet;
    this.rule('NewImage', {
      description: `a new machine image of the fleet's kind starts a deployment of ${imageIsRelease(fleet) ? 'it' : 'what runs'}`,
      pattern: image.from === 'parameter' ? parameterChanged(image.parameter) : imageChanged(image.tags),
      starts: this.machine,
      input: { newImage: { eventId: EventField.eventId } },
    });
  }

  /**
   * Every end but a success: what a deployment undid itself, the clean-up finds done. A clean-up that was stopped or ran
   * out of time is followed by another one; one that failed is not, because the next could fail within a second, and so
   * on: that is left to the orphan watch, which tries again every few minutes. It also finds what a lost event misses.
   */
  private cleanUpOnEnding(fleet: string): void {
    this.rule('Ending', {
      description: `an execution of ${fleet} that ended without success starts the clean-up`,
      pattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          $or: [
            { stateMachineArn: [this.machine.stateMachineArn], status: ['ABORTED', 'TIMED_OUT', 'FAILED'] },
            { stateMachineArn: [this.cleanUp.stateMachineArn], status: ['ABORTED', 'TIMED_OUT'] },
          ],
        },
      },
      starts: this.cleanUp,
      input: {},
    });
  }

  private rule(
    id: string,
    rule: { description: string; pattern: EventPattern; starts: sfn.StateMachine; input: object },
  ): void {
    new Rule(this, id, {
      description: `${Stack.of(this).stackName}: ${rule.description}`,
      eventPattern: rule.pattern,
      targets: [
        new SfnStateMachine(rule.starts, {
          role: this.shared.starterRole,
          deadLetterQueue: this.undelivered,
          // An hour later the event is no news anymore; the alarm on the queue is better.
          maxEventAge: Duration.hours(1),
          retryAttempts: 10,
          input: RuleTargetInput.fromObject(rule.input),
        }),
      ],
    });
  }
}

const parameterChanged = (name: string): EventPattern => ({
  source: ['aws.ssm'],
  detailType: ['Parameter Store Change'],
  detail: { name: [name], operation: ['Create', 'Update'] },
});

function imageChanged(tags: Readonly<Record<string, string>>): EventPattern {
  const available = { State: ['available'] };
  const keys = Object.keys(tags);
  if (keys.length === 0)
    return { source: ['aws.ec2'], detailType: ['EC2 AMI State Change'], detail: available };
  const tagged = {
    service: ['ec2'],
    'resource-type': ['image'],
    'changed-tag-keys': keys,
    tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, [value]])),
  };
  return {
    source: ['aws.ec2', 'aws.tag'],
    detailType: ['EC2 AMI State Change', 'Tag Change on Resource'],
    detail: { $or: [available, tagged] },
  };
}
