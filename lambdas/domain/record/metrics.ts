/**
 * The metrics of a fleet in CloudWatch. They are log lines out of which CloudWatch takes them (embedded metric format):
 * no permission, no call, nothing that could fail. A metric costs by the hour in which something was told, so nothing is
 * told that did not happen; and where the time went is in the same line, but no metric: that would cost more than all
 * functions of a deployment, and Logs Insights finds it there.
 */
import { groupBy } from '../core/collections.ts';
import { rowOf, STEP_NAMES, type STEPS, type StepName } from '../core/steps.ts';

export const METRIC_NAMESPACE = 'irekae';

interface Metric {
  readonly unit: 'Count' | 'Seconds';
  readonly dimensions: readonly ('fleet' | 'result')[];
  /** For the reference table. */
  readonly says: string;
}

/** `bring up` → `BringUpSeconds`. */
type SecondsOf<Name extends string> = Name extends `${infer First} ${infer Rest}`
  ? `${Capitalize<First>}${SecondsOf<Rest>}`
  : `${Capitalize<Name>}Seconds`;

export type SpanName = Extract<(typeof STEPS)[StepName], { readonly span: unknown }>['span']['name'];

/** The field of a step's span. */
export const spanField = (name: string): SpanField =>
  `${name.replace(/(?:^| )(\w)/g, (_, letter: string) => letter.toUpperCase())}Seconds` as SpanField;
type SpanField = SecondsOf<SpanName>;

/** The steps' spans, in the order in which they pass. */
export const SPANS = STEP_NAMES.flatMap((name) => rowOf(name).span ?? []);

/** What each says. Apart from the table of the story, which every bundle carries. */
export const SPAN_SAYS: Readonly<Record<SpanName, string>> = {
  agree: 'Until the launch: lock, image, release, snapshot.',
  'bring up': 'From the launch until the last look that found every new host ready.',
  'first hosts': 'The first hosts were watched beside the old ones; then until all were ready.',
  shift: 'Old hosts taken out of service.',
  drain: 'Until the old hosts were drained everywhere.',
  bake: 'Bake: the new hosts were watched.',
  hooks: 'Hooks of the fleet: at all points together.',
  pauses: 'Pauses: a person was waited for, at all points together. In no other span.',
  terminate: 'Until EC2 had terminated the old instances.',
  retire: 'Old hosts retired in Mackerel.',
  'put back': 'Undo: until the old hosts were serving again.',
  'remove new': 'Undo: until the new instances were terminated.',
};

export const WHOLE_SAYS =
  'From the start of the execution to its record, of deployments that launched something.';

/** Field → what it says: the durations in the line of a deployment that ended. */
export const DURATIONS: readonly (readonly [field: DurationField, says: string])[] = [
  ['DeploymentSeconds', WHOLE_SAYS],
  ...SPANS.map(({ name }) => [spanField(name), SPAN_SAYS[name as SpanName]] as const),
];
type DurationField = SpanField | 'DeploymentSeconds';

export const METRICS = {
  Deployments: {
    unit: 'Count',
    dimensions: ['fleet', 'result'],
    says: '1 for each deployment that ended, by its result. Not the ones that found nothing to do.',
  },
  OrphanSeconds: {
    unit: 'Seconds',
    dimensions: ['fleet'],
    says: 'For how long the longest orphaned thing has had nobody to look after it. Every 5 minutes while something is orphaned; an alarm rings at 900.',
  },
  LockAgeSeconds: {
    unit: 'Seconds',
    dimensions: ['fleet'],
    says: 'For how long the lock has been held. Every 5 minutes while it is; nothing when it is free.',
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

export type MetricValues = { readonly [Name in MetricName | DurationField]?: number };

const isMetric = (name: string): name is MetricName => name in METRICS;

/** The fields of a log line that tells these values; without a metric among them, to whoever reads the log alone. */
export function metricFields(
  at: Date,
  dimensions: Readonly<Record<string, string>>,
  values: MetricValues,
): Readonly<Record<string, unknown>> {
  const names = Object.keys(values).filter(isMetric);
  if (names.length === 0) return { ...dimensions, ...values };
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

/** How long each span took. */
export function phaseFields(phases: Readonly<Record<string, number>>): MetricValues {
  const known = SPANS.flatMap(({ name }) => {
    const seconds = phases[name];
    return seconds === undefined ? [] : [[spanField(name), seconds] as const];
  });
  return Object.fromEntries(known);
}
