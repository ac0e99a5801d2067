/** Who is told when a deployment did not end well, or an upload did not start one. */

import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { executionPages } from '../lambdas/domain/core/aws.ts';
import { alarmName, machineName, SENT_BY_THE_WATCH } from '../lambdas/domain/core/names.ts';
import type { FleetMachine } from './fleet-machine.ts';
import type { Environment } from './read-fleets.ts';

/** The one topic of an environment. */
export function alarmTopic(stack: Stack, { name, alarmEmails }: Environment): Topic {
  // Not encrypted with a key: CloudWatch cannot use the account's own `aws/sns`, and an alarm holds names only.
  const topic = new Topic(stack, 'Alarms', { displayName: `irekae ${name}`, enforceSSL: true });
  // A topic that has any policy loses the default one, which let the account's alarms in.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  for (const address of alarmEmails) topic.addSubscription(new EmailSubscription(address));
  return topic;
}

/**
 * Every bad ending of a fleet's deployments and clean-ups is told by one rule, which costs nothing; alarms would be six,
 * for each fleet and month. A stopped execution is one that did not undo itself, so it counts as much as a failed one.
 * A clean-up that fails is sent again every few minutes: that is told once, and then by the alarm for orphans. That one
 * also rings for whatever is left when an event is lost, and the alarm for what was not delivered when SNS refuses one.
 */
function tellBadEndings(fleetMachine: FleetMachine, fleet: string, topic: Topic, role: iam.IRole): void {
  const { machine, cleanUp, undelivered } = fleetMachine;
  const { stackName, region } = Stack.of(machine);
  const [deployment, itsCleanUp] = [machine.stateMachineArn, cleanUp.stateMachineArn];
  new Rule(fleetMachine, 'BadEnding', {
    description: `${stackName}: tells of each deployment or clean-up of ${fleet} that ended badly`,
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: {
        $or: [
          { stateMachineArn: [deployment, itsCleanUp], status: ['TIMED_OUT', 'ABORTED'] },
          { stateMachineArn: [deployment], status: ['FAILED'] },
          {
            stateMachineArn: [itsCleanUp],
            status: ['FAILED'],
            name: [{ 'anything-but': { wildcard: SENT_BY_THE_WATCH } }],
          },
        ],
      },
    },
    targets: [
      new SnsTopic(topic, {
        role,
        message: RuleTargetInput.fromMultilineText(badEndingText(fleet, region)),
        deadLetterQueue: undelivered,
        maxEventAge: Duration.hours(1),
        retryAttempts: 10,
      }),
    ],
  });
}

/** Each line is a text of its own to EventBridge. The event has neither error nor cause. */
const badEndingText = (fleet: string, region: string): string =>
  [
    `${fleet}: ${EventField.fromPath('$.detail.status')}: ${EventField.fromPath('$.detail.executionArn')}`,
    'FAILED: its error and cause say what to do; docs/runbook.md has a page for each error. ABORTED: it was stopped by hand. TIMED_OUT: it ran out of time. After these two the clean-up follows.',
    `If it was the clean-up itself (${machineName(fleet, 'clean-up')}): what a dead deployment left may still be there, until the next clean-up.`,
    `${executionPages(region)}${EventField.fromPath('$.detail.executionArn')}`,
  ].join('\n');

const MINUTE = { period: Duration.minutes(1), statistic: 'Sum' };

/** Who is told of a fleet. The alarm for orphans is the watch's. */
export function alarmsOf(fleetMachine: FleetMachine, fleet: string, topic: Topic, role: iam.IRole): void {
  const { machine, undelivered } = fleetMachine;
  tellBadEndings(fleetMachine, fleet, topic, role);
  const alarm = (name: string, metric: cloudwatch.IMetric, description: string) =>
    new cloudwatch.Alarm(machine, `alarm ${name}`, {
      alarmName: alarmName(fleet, name),
      alarmDescription: description,
      metric,
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new SnsAction(topic));

  alarm(
    'throttled',
    machine.metricThrottled(MINUTE),
    `Step Functions slows the deployment of ${fleet} down.`,
  );
  alarm(
    'not-started',
    undelivered.metricApproximateNumberOfMessagesVisible({ ...MINUTE, statistic: 'Maximum' }),
    `An upload or a new image for ${fleet} started no deployment, an ending no clean-up, or a bad ending was told to nobody. The message in ${fleet}'s dead-letter queue says why.`,
  );
}
