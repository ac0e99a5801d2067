/**
 * How soon all traffic is on the new release behind a load balancer with a classic ELB's defaults, by a fleet that knows
 * how long its hosts take to start and by one that does not know it yet.
 */
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { MOST_STARTS } from '../../lambdas/domain/core/starts.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { fleetName, type Kind, type Size } from './fleets.ts';
import { BALANCERS, measure } from './measure.ts';

/** Who stands behind a load balancer. */
export interface Joining {
  readonly kind: Exclude<Kind, 'worker'>;
  readonly size: Size;
}

export interface Joins extends Joining {
  readonly runs: number;
  /** Until the last request on an old host, ÷ the bound for that: median and 95th percentile. */
  readonly learned: Percentiles;
  readonly unlearned: Percentiles;
}

export interface Percentiles {
  readonly ratio: number;
  readonly p50: number;
  readonly p95: number;
}

const TUNING = 'default';
/** Learning takes up to ten deployments: as many are measured by one record, because a median of few says little. */
const RUNS_PER_RECORD = 4;
/** The world that is learned in is none of those that are measured: its hosts take other times. */
const ELSEWHERE = 100_000;

/** @param records how many fleets have learned; several deployments of each are measured */
export async function measureJoins(
  template: TemplateJson,
  joining: Joining,
  records: number,
): Promise<Joins> {
  const measured = { learned: [] as Traffic[], unlearned: [] as Traffic[] };
  let seed = 0;
  for (let known = 1; known <= records; known += 1) {
    const record = await learn(template, joining, ELSEWHERE + known);
    for (let run = 1; run <= RUNS_PER_RECORD; run += 1) {
      seed += 1;
      const scene = { template, ...joining, tuning: TUNING, seed } as const;
      measured.unlearned.push((await measure(scene)).traffic);
      measured.learned.push((await measure({ ...scene, record })).traffic);
    }
  }
  return {
    ...joining,
    runs: seed,
    learned: percentiles(measured.learned),
    unlearned: percentiles(measured.unlearned),
  };
}

type Traffic = Awaited<ReturnType<typeof measure>>['traffic'];

/** The fleet's record after as many deployments as it takes to know ten starts. */
async function learn(template: TemplateJson, { kind, size }: Joining, seed: number): Promise<string> {
  const fleet = fleetName(kind, size);
  const stage = new Stage({ template, fleet, seed, balancers: BALANCERS[TUNING] });
  try {
    for (let known = 0; known < MOST_STARTS; known += size / 2) {
      stage.upload();
      await stage.deploy();
    }
    return stage.world.s3.text(stage.fleet.artifact.bucket, currentReleaseKey(fleet)) ?? '';
  } finally {
    stage.close();
  }
}

function percentiles(all: readonly Traffic[]): Percentiles {
  const at = (share: number, numbers: number[]) =>
    numbers.sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))] ??
    Number.NaN;
  return {
    ratio: at(
      0.5,
      all.map(({ seconds, bound }) => seconds / bound),
    ),
    p50: at(
      0.5,
      all.map(({ seconds }) => seconds),
    ),
    p95: at(
      0.95,
      all.map(({ seconds }) => seconds),
    ),
  };
}
