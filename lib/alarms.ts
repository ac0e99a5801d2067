/** Who is told when a deployment did not end well, or an upload did not start one. */

import { Duration, type Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { alarmName } from '../lambdas/domain/core/names.ts';
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

const MINUTE = { period: Duration.minutes(1), statistic: 'Sum' };

const WHAT_TO_DO = 'What to do: the execution’s cause, and docs/runbook.md.';

/** A stopped execution is one that did not undo itself, so it counts as much as a failed one. */
export function alarmsOf({ machine, cleanUp, undelivered }: FleetMachine, fleet: string, topic: Topic): void {
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

  alarm('failed', machine.metricFailed(MINUTE), `A deployment of ${fleet} failed. ${WHAT_TO_DO}`);
  alarm(
    'timed-out',
    machine.metricTimedOut(MINUTE),
    `A deployment of ${fleet} ran out of time; the clean-up follows. ${WHAT_TO_DO}`,
  );
  alarm(
    'aborted',
    machine.metricAborted(MINUTE),
    `A deployment of ${fleet} was stopped by hand; the clean-up follows. ${WHAT_TO_DO}`,
  );
  const left = 'what a dead deployment left may still be there';
  alarm(
    'clean-up-failed',
    cleanUp.metricFailed(MINUTE),
    `A clean-up of ${fleet} failed: ${left}. ${WHAT_TO_DO}`,
  );
  alarm(
    'clean-up-timed-out',
    cleanUp.metricTimedOut(MINUTE),
    `A clean-up of ${fleet} ran out of time: ${left}. ${WHAT_TO_DO}`,
  );
  alarm(
    'clean-up-aborted',
    cleanUp.metricAborted(MINUTE),
    `A clean-up of ${fleet} was stopped by hand: ${left}. ${WHAT_TO_DO}`,
  );
  alarm(
    'throttled',
    machine.metricThrottled(MINUTE),
    `Step Functions slows the deployment of ${fleet} down.`,
  );
  alarm(
    'not-started',
    undelivered.metricApproximateNumberOfMessagesVisible({ ...MINUTE, statistic: 'Maximum' }),
    `An upload or a new image for ${fleet} started no deployment, or an ending no clean-up. The message in ${fleet}'s dead-letter queue says why.`,
  );
}
