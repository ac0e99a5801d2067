/**
 * The metrics of a fleet in CloudWatch. They are log lines out of which CloudWatch takes them (embedded metric format):
 * no permission, no call, nothing that could fail. A metric costs by the hour in which something was told, so nothing is
 * told that did not happen.
 */
import { groupBy } from '../core/collections.ts';

export const METRIC_NAMESPACE = 'irekae';

interface Metric {
  readonly unit: 'Count' | 'Seconds';
  readonly dimensions: readonly ('fleet' | 'result')[];
  /** For the reference table. */
  readonly says: string;
}

const phase = (says: string): Metric => ({ unit: 'Seconds', dimensions: ['fleet'], says });

export const METRICS = {
  Deployments: {
    unit: 'Count',
    dimensions: ['fleet', 'result'],
    says: '1 for each deployment that ended, by its result. Not the ones that found nothing to do.',
  },
  DeploymentSeconds: {
    unit: 'Seconds',
    dimensions: ['fleet'],
    says: 'From the start of the execution to its record, of deployments that launched something.',
  },
  AgreeSeconds: phase('Until the launch: lock, image, release, snapshot.'),
  BringUpSeconds: phase('From the launch until the last look that found every new host ready.'),
  ShiftSeconds: phase('Old hosts taken out of service.'),
  DrainSeconds: phase('Until no load balancer held an old host anymore.'),
  BakeSeconds: phase('The new hosts were watched.'),
  TerminateSeconds: phase('Until EC2 had ended the old instances.'),
  RetireSeconds: phase('Old hosts retired in Mackerel.'),
  PutBackSeconds: phase('Undo: until the old hosts served again.'),
  RemoveNewSeconds: phase('Undo: until the new instances were gone.'),
  OrphanSeconds: {
    unit: 'Seconds',
    dimensions: ['fleet'],
    says: 'For how long the longest orphaned thing has had nobody to look after it; 0 when nothing is. Every 5 minutes; an alarm rings at 900.',
  },
  LockAgeSeconds: {
    unit: 'Seconds',
    dimensions: ['fleet'],
    says: 'For how long the lock has been held. Every 5 minutes while it is; nothing when it is free.',
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

/** Phase of a release record → its metric. */
export const PHASE_METRICS = {
  agree: 'AgreeSeconds',
  'bring up': 'BringUpSeconds',
  shift: 'ShiftSeconds',
  drain: 'DrainSeconds',
  bake: 'BakeSeconds',
  terminate: 'TerminateSeconds',
  retire: 'RetireSeconds',
  'put back': 'PutBackSeconds',
  'remove new': 'RemoveNewSeconds',
} as const satisfies Readonly<Record<string, MetricName>>;

export type MetricValues = { readonly [Name in MetricName]?: number };

/** The fields of a log line that tells these values. */
export function metricFields(
  at: Date,
  dimensions: Readonly<Record<string, string>>,
  values: MetricValues,
): Readonly<Record<string, unknown>> {
  const names = Object.keys(values) as MetricName[];
  const sets = groupBy(names, (name) => METRICS[name].dimensions.join());
  return {
    _aws: {
      Timestamp: at.getTime(),
      CloudWatchMetrics: [...sets].map(([set, those]) => ({
        Namespace: METRIC_NAMESPACE,
        Dimensions: [set.split(',')],
        Metrics: those.map((name) => ({ Name: name, Unit: METRICS[name].unit })),
      })),
    },
    ...dimensions,
    ...values,
  };
}

/** How long each phase took, as metrics. */
export function phaseMetrics(phases: Readonly<Record<string, number>>): MetricValues {
  const known = Object.entries(PHASE_METRICS).flatMap(([name, metric]) => {
    const seconds = phases[name];
    return seconds === undefined ? [] : [[metric, seconds] as const];
  });
  return Object.fromEntries(known);
}
