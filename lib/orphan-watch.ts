/**
 * The orphan watch: one function of an environment, that a schedule of each fleet starts for this fleet; an alarm for
 * each fleet of which something is orphaned, and one for the watch itself. Events get lost; this is what finds what they
 * miss.
 */

import { Duration, type Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { CfnRule, Schedule } from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { functionArn, machineArn } from '../lambdas/domain/core/aws.ts';
import {
  alarmName,
  artifactBucketName,
  fleetStackName,
  functionName,
  machineName,
} from '../lambdas/domain/core/names.ts';
import { ORPHANED_AFTER_SECONDS, WATCH_EVERY_SECONDS } from '../lambdas/domain/lock/orphans.ts';
import type { FleetConfig } from './fleet-config.ts';
import { fleetMetric } from './fleet-metric.ts';
import { ORPHAN_WATCH } from './function-names.ts';
import { orphanWatchFunction } from './functions.ts';
import type { Reach } from './permissions.ts';
import type { Environment } from './read-fleets.ts';

const EVERY = Duration.seconds(WATCH_EVERY_SECONDS);
/** Lambda repeats a failed run twice and the schedules go on: three periods without one good run are no accident. */
const PERIODS = 3;
const SILENT_AFTER = Duration.seconds(PERIODS * WATCH_EVERY_SECONDS);

/** The function, which the schedules of this environment's fleets may start, and the alarm for its silence. */
export function orphanWatch(stack: Stack, reach: Reach, topic: ITopic): IFunction {
  const scope = new Construct(stack, 'OrphanWatch');
  const { environment } = reach;
  const watch = orphanWatchFunction(scope, reach);
  watch.addPermission('Schedules', {
    principal: new iam.ServicePrincipal('events.amazonaws.com'),
    // Rules are named after their stack: one permission for all, as a function's policy has no room for fifty.
    sourceArn: stack.formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: fleetStackName(environment.name, '*'),
    }),
  });
  silenceAlarm(scope, environment, watch).addAlarmAction(new SnsAction(topic));
  return watch;
}

/** A fleet's part: its schedule, and its alarm. */
export function watchFleet(
  stack: Stack,
  fleet: FleetConfig,
  environment: Environment,
  launchTemplate: string,
  topic: ITopic,
): void {
  const scope = new Construct(stack, `watch ${fleet.name}`);
  const { name, mackerel } = fleet;
  const watched = {
    bucket: artifactBucketName(environment),
    apiKeyParameter: environment.apiKeyParameter,
    fleets: [
      {
        name,
        machine: machineArn(stack, machineName(name, 'deploy')),
        launchTemplate,
        mackerel: { service: mackerel.service, role: mackerel.role },
      },
    ],
  };
  // The L1 resource: the permission for it stands beside the function, and is one for all fleets.
  new CfnRule(scope, 'Schedule', {
    description: `${stack.stackName}: looks for orphans`,
    scheduleExpression: Schedule.rate(EVERY).expressionString,
    targets: [
      {
        id: 'Target0',
        arn: functionArn(stack, functionName(environment.name, ORPHAN_WATCH)),
        input: stack.toJsonString(watched),
      },
    ],
  });
  orphanAlarm(scope, name).addAlarmAction(new SnsAction(topic));
}

const orphanAlarm = (scope: Construct, fleet: string): cloudwatch.Alarm =>
  new cloudwatch.Alarm(scope, 'Orphans', {
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

/**
 * Of all runs, the share that failed. Every other fleet may have had all of its runs, one in each period; one that had
 * none failed with every run and its two repetitions.
 */
function silenceAlarm(scope: Construct, { name, fleets }: Environment, watch: IFunction): cloudwatch.Alarm {
  const failed = 3 * PERIODS;
  return new cloudwatch.Alarm(scope, 'Silence', {
    alarmName: alarmName(name, 'orphan-watch'),
    alarmDescription:
      `The orphan watch of ${name} has not looked at all fleets once in ${SILENT_AFTER.toMinutes()} minutes. ` +
      'Its log says what it could not look at; without a log, no schedule starts it.',
    metric: watch.metricErrors({ period: SILENT_AFTER, statistic: 'Average' }),
    // A little less than it comes to, as a fraction is never exact.
    threshold: Math.floor((1_000 * failed) / (failed + PERIODS * (fleets.length - 1))) / 1_000,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.BREACHING,
  });
}
