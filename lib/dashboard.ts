/**
 * The dashboard of an environment: for each fleet how deployments ended, where their time went, what had to be cleaned
 * up, and for how long the lock was held. The same metrics for every fleet, and each named: a search finds only what was
 * told in the last two weeks, and some fleets are deployed less often than that.
 */

import { Duration, type Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { machinesPage } from '../lambdas/domain/core/aws.ts';
import { dashboardName, functionLogName, functionName } from '../lambdas/domain/core/names.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import { SPANS, spanField } from '../lambdas/domain/record/metrics.ts';
import { RESULTS, type Result } from '../lambdas/domain/record/news.ts';
import type { FleetMachine } from './fleet-machine.ts';
import { fleetMetric } from './fleet-metric.ts';
import type { Environment } from './read-fleets.ts';

const DAY = Duration.days(1);
const HOUR = Duration.hours(1);
/** Releases come every week or two. */
const SHOWN = Duration.days(28);
const HEIGHT = 6;

/** Good news are green; what calls a human is red. */
const COLOURS: Readonly<Record<Result, string>> = {
  deployed: cloudwatch.Color.GREEN,
  'rolled-back': cloudwatch.Color.ORANGE,
  cancelled: cloudwatch.Color.GREY,
  refused: cloudwatch.Color.BROWN,
  'stopped-halfway': cloudwatch.Color.RED,
  'rollback-failed': cloudwatch.Color.PURPLE,
};

export function dashboard(
  stack: Stack,
  { name }: Environment,
  machines: readonly { readonly fleet: string; readonly machine: FleetMachine }[],
): cloudwatch.Dashboard {
  return new cloudwatch.Dashboard(stack, 'Dashboard', {
    dashboardName: dashboardName(name),
    defaultInterval: SHOWN,
    // Else the console picks its own periods, and a day's sum would be an hour's.
    periodOverride: cloudwatch.PeriodOverride.INHERIT,
    widgets: [
      [heading(name, stack.region)],
      ...machines.map(({ fleet, machine }) => [
        results(fleet),
        durations(name, fleet),
        troubles(fleet, machine),
        lock(fleet),
      ]),
    ],
  });
}

const heading = (environment: string, region: string) =>
  new cloudwatch.TextWidget({
    width: 24,
    height: 2,
    markdown:
      `# irekae ${environment}\nOne row for each fleet. ` +
      `[State machines](${machinesPage(region)}) · ` +
      'what each metric means: docs/events.md · what to do about a failure: docs/runbook.md',
  });

const graph = (title: string, more: Partial<cloudwatch.GraphWidgetProps>) =>
  new cloudwatch.GraphWidget({
    title,
    width: 6,
    height: HEIGHT,
    leftYAxis: { min: 0, showUnits: false },
    legendPosition: cloudwatch.LegendPosition.BOTTOM,
    ...more,
  });

const results = (fleet: string) =>
  graph(`${fleet}: deployments a day`, {
    view: cloudwatch.GraphWidgetView.TIME_SERIES,
    stacked: true,
    left: RESULTS.map((result) =>
      fleetMetric(
        'Deployments',
        { fleet, result },
        { label: result, color: COLOURS[result], period: DAY, statistic: 'Sum' },
      ),
    ),
  });

/** Out of the lines of the steps that tell an ending: as metrics these would cost more than they are worth. */
const durations = (environment: string, fleet: string) =>
  new cloudwatch.LogQueryWidget({
    title: `${fleet}: where the time goes`,
    width: 6,
    height: HEIGHT,
    view: cloudwatch.LogQueryVisualizationType.STACKEDAREA,
    logGroupNames: (['record-the-release', 'record-the-failure'] satisfies StepName[]).map((step) =>
      functionLogName(functionName(environment, step)),
    ),
    queryLines: [
      `filter fleet = "${fleet}" and ispresent(DeploymentSeconds)`,
      // The longest of a day: an average of a good deployment and an undo would say nothing.
      `stats ${SPANS.map(({ name }) => `max(${spanField(name)}) as \`${name}\``).join(', ')} by bin(1d)`,
    ],
  });

const troubles = (fleet: string, { machine, cleanUp }: FleetMachine) => {
  const daily = (of: sfn.StateMachine, metric: string, label: string) =>
    of.metric(metric, { label, period: DAY, statistic: 'Sum' });
  return graph(`${fleet}: failures and clean-ups a day`, {
    left: [
      daily(machine, 'ExecutionsFailed', 'deployments that failed'),
      daily(machine, 'ExecutionsAborted', 'deployments stopped by hand'),
      daily(machine, 'ExecutionsTimedOut', 'deployments out of time'),
      daily(cleanUp, 'ExecutionsStarted', 'clean-ups'),
      daily(cleanUp, 'ExecutionsFailed', 'clean-ups that failed'),
    ],
  });
};

const lock = (fleet: string) =>
  graph(`${fleet}: lock and orphans`, {
    leftYAxis: { min: 0, label: 'seconds', showUnits: false },
    left: [
      fleetMetric(
        'LockAgeSeconds',
        { fleet },
        { label: 'the lock is held', period: HOUR, statistic: 'Maximum' },
      ),
      fleetMetric('OrphanSeconds', { fleet }, { label: 'orphaned', period: HOUR, statistic: 'Maximum' }),
    ],
  });
