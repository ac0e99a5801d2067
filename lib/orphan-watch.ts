/**
 * The orphan watch of an environment: one function that a schedule starts for all fleets, an alarm for each fleet of
 * which something is orphaned, and one for the watch itself. Events get lost; this is what finds what they miss.
 */

import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { machineArn } from '../lambdas/domain/core/aws.ts';
import { alarmName, machineName } from '../lambdas/domain/core/names.ts';
import { ORPHANED_AFTER_SECONDS, WATCH_EVERY_SECONDS } from '../lambdas/domain/lock/orphans.ts';
import { fleetMetric } from './fleet-metric.ts';
import { orphanWatchFunction } from './functions.ts';
import type { Reach } from './permissions.ts';

const EVERY = Duration.seconds(WATCH_EVERY_SECONDS);
/** Lambda repeats a failed run twice and the schedule goes on: three periods without one good run are no accident. */
const SILENT_AFTER = Duration.seconds(3 * WATCH_EVERY_SECONDS);

export class OrphanWatch extends Construct {
  readonly watch: IFunction;

  constructor(scope: Construct, reach: Reach, topic: ITopic) {
    super(scope, 'OrphanWatch');
    const { stack, environment, bucket, launchTemplates } = reach;
    const watch = orphanWatchFunction(this, reach);
    this.watch = watch;
    new Rule(this, 'Schedule', {
      description: `${stack.stackName}: looks for orphans`,
      schedule: Schedule.rate(EVERY),
      targets: [
        new LambdaFunction(watch, {
          event: RuleTargetInput.fromObject({
            bucket: bucket.bucketName,
            apiKeyParameter: environment.apiKeyParameter,
            fleets: environment.fleets.map(({ name, mackerel: { service, role } }) => ({
              name,
              machine: machineArn(stack, machineName(name, 'deploy')),
              launchTemplate: launchTemplates.get(name),
              mackerel: { service, role },
            })),
          }),
        }),
      ],
    });

    const action = new SnsAction(topic);
    for (const { name } of environment.fleets) this.orphanAlarm(name).addAlarmAction(action);
    this.silenceAlarm(environment.name, watch).addAlarmAction(action);
  }

  private orphanAlarm(fleet: string): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, `orphans ${fleet}`, {
      alarmName: alarmName(fleet, 'orphans'),
      alarmDescription:
        `Something of ${fleet} has had nobody to look after it for ${ORPHANED_AFTER_SECONDS / 60} minutes: a lock ` +
        "whose holder is dead, or instances. The orphan watch's log names them; docs/runbook.md says what to do.",
      metric: fleetMetric('OrphanSeconds', { fleet }, { period: EVERY, statistic: 'Maximum' }),
      threshold: ORPHANED_AFTER_SECONDS,
      // One look in three: an orphan is not gone because the watch could not look once or twice.
      evaluationPeriods: 3,
      datapointsToAlarm: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // Where nothing is orphaned, nothing is told. A watch that is blind for longer has an alarm of its own.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  /** Lambda tells 0 or 1 for each run, so that the least of them is 1 when every run failed. */
  private silenceAlarm(environment: string, watch: IFunction): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, 'Silence', {
      alarmName: alarmName(environment, 'orphan-watch'),
      alarmDescription:
        `The orphan watch of ${environment} has not looked at all fleets once in ${SILENT_AFTER.toMinutes()} minutes. ` +
        'Its log says what it could not look at; without a log, its schedule does not start it.',
      metric: watch.metricErrors({ period: SILENT_AFTER, statistic: 'Minimum' }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
  }
}
