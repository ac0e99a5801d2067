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
    const fleets = environment.fleets.map(({ name }) => name);
    const roles = environment.fleets.map(({ mackerel: { service, role } }) => ({ service, role }));
    new Rule(this, 'Schedule', {
      description: `${stack.stackName}: looks for orphans`,
      schedule: Schedule.rate(EVERY),
      targets: [
        new LambdaFunction(watch, {
          event: RuleTargetInput.fromObject({
            bucket: bucket.bucketName,
            apiKeyParameter: environment.apiKeyParameter,
            fleets: fleets.map((name, index) => ({
              name,
              machine: machineArn(stack, machineName(name, 'deploy')),
              launchTemplate: launchTemplates[index],
              mackerel: roles[index],
            })),
          }),
        }),
      ],
    });

    const action = new SnsAction(topic);
    for (const fleet of fleets) this.orphanAlarm(fleet).addAlarmAction(action);
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
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // A watch that could not look says nothing; that is no reason to call an orphan gone.
      treatMissingData: cloudwatch.TreatMissingData.IGNORE,
    });
  }

  /** Lambda tells both metrics for each run, so that their difference counts the good ones. */
  private silenceAlarm(environment: string, watch: IFunction): cloudwatch.Alarm {
    const period = SILENT_AFTER;
    return new cloudwatch.Alarm(this, 'Silence', {
      alarmName: alarmName(environment, 'orphan-watch'),
      alarmDescription:
        `The orphan watch of ${environment} has not looked at all fleets once in ${SILENT_AFTER.toMinutes()} minutes. ` +
        'Its log says what it could not look at; without a log, its schedule does not start it.',
      metric: new cloudwatch.MathExpression({
        expression: 'runs - failed',
        label: 'Good runs',
        period,
        usingMetrics: {
          runs: watch.metricInvocations({ period, statistic: 'Sum' }),
          failed: watch.metricErrors({ period, statistic: 'Sum' }),
        },
      }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
  }
}
