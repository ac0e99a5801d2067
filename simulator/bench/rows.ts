/** A row of the benchmark: several deployments of one fleet, each with its own seed, in one line. */
import { mean } from '../../lambdas/domain/core/collections.ts';
import type { StepName } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { type Cost, costOf } from './costs.ts';
import type { Kind, Size } from './fleets.ts';
import type { FunctionFacts } from './functions.ts';
import {
  type Bounds,
  type Delays,
  type Measured,
  measure,
  type Overhead,
  type Scene,
  type Tuning,
} from './measure.ts';

export interface Subject {
  readonly kind: Kind;
  readonly size: Size;
  readonly tuning: Tuning;
  /** Default: the fleet's, a minute. */
  readonly bakeSeconds?: number;
  readonly arrange?: Scene['arrange'];
}

/** Means over the seeds, except for what has a limit: its maximum. */
export interface Row extends Subject {
  readonly seconds: number;
  readonly bounds: Bounds;
  /** Total time ÷ bound. */
  readonly ratios: Bounds;
  readonly overhead: Overhead;
  readonly delays: Delays;
  readonly requests: Measured['requests'];
  readonly callsPerLook: Measured['callsPerLook'];
  readonly transitions: number;
  readonly cost: Cost;
  readonly mostHistoryEvents: number;
  readonly largestPayload: number;
}

export async function measureRow(
  template: TemplateJson,
  functions: ReadonlyMap<StepName, FunctionFacts>,
  subject: Subject,
  seeds: readonly number[],
): Promise<Row> {
  const runs: Measured[] = [];
  for (const seed of seeds) runs.push(await measure({ template, ...subject, seed }));
  const most = (numberOf: (run: Measured) => number) => Math.max(...runs.map(numberOf));
  return {
    ...subject,
    seconds: mean(runs.map(({ seconds }) => seconds)),
    bounds: means(runs.map(({ bounds }) => bounds)),
    ratios: means(
      runs.map(({ seconds, bounds }) => ({ exact: seconds / bounds.exact, sum: seconds / bounds.sum })),
    ),
    overhead: means(runs.map(({ overhead }) => overhead)),
    delays: means(runs.map(({ delays }) => delays)),
    requests: means(runs.map(({ requests }) => requests)),
    callsPerLook: {
      mean: mean(runs.map(({ callsPerLook }) => callsPerLook.mean)),
      most: most(({ callsPerLook }) => callsPerLook.most),
    },
    transitions: mean(runs.map(({ transitions }) => transitions)),
    cost: means(runs.map((run) => costOf(run, run.usage, functions, run.logsData))),
    mostHistoryEvents: most(({ historyEvents }) => historyEvents),
    largestPayload: most(({ largestPayload }) => largestPayload),
  };
}

/** Field by field. */
function means<T extends { readonly [K in keyof T]: number }>(all: readonly T[]): T {
  const keys = Object.keys(all[0] ?? {}) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, mean(all.map((one) => one[key]))])) as T;
}
