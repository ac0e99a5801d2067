/**
 * What an environment costs in a month in which nothing is deployed: its alarms, counted in its template, and the orphan
 * watch, run once on the modelled world. What is stored (tarballs, records, logs) is not counted.
 */
import { machineArn } from '../../lambdas/domain/core/aws.ts';
import { alarmName, machineName } from '../../lambdas/domain/core/names.ts';
import { lookForOrphans } from '../../lambdas/domain/lock/orphan-watch.ts';
import { lineOf } from '../../lambdas/watch/look-for-orphans.ts';
import { ORPHAN_WATCH } from '../../lib/function-names.ts';
import type { ResourceJson, TemplateJson } from '../../lib/synthesize.ts';
import { functionLineBytes } from '../log-bytes.ts';
import { ACCOUNT, REGION } from '../run-definition.ts';
import { Stage } from '../stage.ts';
import { ENVIRONMENTS, standingTemplate } from './fleets.ts';
import { usd } from './prices.ts';
import { followUsage, metricsIn } from './usage.ts';

const MONTH_SECONDS = 730 * 3_600;

export interface Standing {
  readonly fleets: number;
  /** Metrics that an alarm looks at: of the environment, and of each fleet. */
  readonly alarms: { readonly environment: number; readonly fleet: number };
  /** Custom metrics of each fleet that are told although nothing happens. */
  readonly metrics: number;
  /** US dollars a month: what all fleets share, each fleet, and all together. */
  readonly environmentUsd: number;
  readonly fleetUsd: number;
  readonly usd: number;
}

export async function measureStanding(): Promise<Standing[]> {
  const all: Standing[] = [];
  for (const fleets of ENVIRONMENTS) all.push(await standingOf(standingTemplate(fleets)));
  return all;
}

/** @param template of an environment of which all fleets are alike */
export async function standingOf(template: TemplateJson): Promise<Standing> {
  const names = fleetsIn(template);
  const [name = ''] = names;
  const watch = await watchOnce(template, names);
  const alarms = ofType(template, 'AWS::CloudWatch::Alarm');
  const isOf = (fleet: string) => (alarm: ResourceJson) =>
    String(alarm.Properties?.AlarmName).startsWith(alarmName(fleet, ''));
  const own = alarmMetrics(alarms.filter(isOf(name)));
  const shared = alarmMetrics(alarms.filter((alarm) => !names.some((fleet) => isOf(fleet)(alarm))));
  const environmentUsd = usd('alarmMonth', shared) + watch.environmentUsd;
  const fleetUsd = usd('alarmMonth', own) + watch.fleetUsd;
  return {
    fleets: names.length,
    alarms: { environment: shared, fleet: own },
    metrics: watch.metrics,
    environmentUsd,
    fleetUsd,
    usd: environmentUsd + names.length * fleetUsd,
  };
}

const ofType = ({ Resources }: TemplateJson, type: string): ResourceJson[] =>
  Object.values(Resources).filter(({ Type }) => Type === type);

/** An alarm costs by the metric: one that computes something of three costs as much as three. */
const alarmMetrics = (alarms: readonly ResourceJson[]): number =>
  alarms.reduce((sum, { Properties }) => {
    const { Metrics } = Object(Properties) as { Metrics?: readonly { MetricStat?: object }[] };
    return sum + (Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1);
  }, 0);

/** By their clean-up, which every fleet has and nothing else. */
const fleetsIn = (template: TemplateJson): string[] =>
  ofType(template, 'AWS::StepFunctions::StateMachine').flatMap(
    ({ Properties }) => /^irekae-(.*)-clean-up$/.exec(String(Properties?.StateMachineName))?.[1] ?? [],
  );

/** One run where nothing is orphaned and nothing is held, in what it costs in a month. */
async function watchOnce(template: TemplateJson, names: readonly string[]) {
  const runs = MONTH_SECONDS / everySeconds(template);
  const stage = new Stage({ template, fleet: names[0] ?? '', seed: 1 });
  try {
    const used = followUsage(stage);
    const from = stage.clock.now().getTime();
    const reports = await stage.clock.until(lookForOrphans(watched(stage, names), stage.ports));
    const seconds = (stage.clock.now().getTime() - from) / 1000;
    const { readUnits, gets } = used();
    const lines = reports.map((report) => lineOf(report, stage.clock.now()));
    const bytes = lines.reduce((sum, [said, fields]) => sum + functionLineBytes({}, said, fields), 0);
    const metrics = metricsIn(lines.map(([, fields]) => ({ fields }))) / names.length;
    const requests = usd('readUnit', readUnits) + usd('get', gets) + usd('logByte', bytes);
    return {
      metrics,
      environmentUsd: runs * (usd('invocation', 1) + usd('gbSecond', (seconds * memoryMb(template)) / 1024)),
      fleetUsd: (runs * requests) / names.length + usd('metricHour', metrics * (MONTH_SECONDS / 3_600)),
    };
  } finally {
    stage.close();
  }
}

function watched({ fleet }: Stage, names: readonly string[]) {
  const place = { partition: 'aws', region: REGION, account: ACCOUNT };
  const { artifact, launchTemplate, mackerel } = fleet;
  return {
    bucket: artifact.bucket,
    fleets: names.map((name) => ({
      name,
      machine: machineArn(place, machineName(name, 'deploy')),
      launchTemplate: launchTemplate.id,
      mackerel,
    })),
  };
}

/** @throws Error when the template has no such schedule. */
function everySeconds(template: TemplateJson): number {
  const found = ofType(template, 'AWS::Events::Rule').flatMap(
    ({ Properties }) => /^rate\((\d+) minutes\)$/.exec(String(Properties?.ScheduleExpression))?.[1] ?? [],
  );
  if (found.length !== 1) throw new Error(`The template has ${found.length} schedules.`);
  return Number(found[0]) * 60;
}

function memoryMb(template: TemplateJson): number {
  const found = ofType(template, 'AWS::Lambda::Function').find(({ Properties }) =>
    String(Properties?.FunctionName).endsWith(`-${ORPHAN_WATCH}`),
  );
  return Number(found?.Properties?.MemorySize);
}
