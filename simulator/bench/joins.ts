/**
 * How soon all traffic is on the new release behind a classic ELB's defaults, by a fleet that knows how long its hosts
 * take to start and by one that does not know it yet.
 */
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { MOST_STARTS } from '../../lambdas/domain/core/starts.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { fleetName, type Size } from './fleets.ts';
import { BALANCERS, measure } from './measure.ts';

export interface Joins {
  readonly size: Size;
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

const DEFAULTS = { kind: 'classic ELB', tuning: 'default' } as const;
/** The world that is learned in is none of those that are measured: its hosts take other times. */
const ELSEWHERE = 100_000;

export async function measureJoins(template: TemplateJson, size: Size, runs: number): Promise<Joins> {
  const measured = { learned: [] as Traffic[], unlearned: [] as Traffic[] };
  for (let seed = 1; seed <= runs; seed += 1) {
    const scene = { template, ...DEFAULTS, size, seed };
    const record = await learn(template, size, ELSEWHERE + seed);
    measured.unlearned.push((await measure(scene)).traffic);
    measured.learned.push((await measure({ ...scene, record })).traffic);
  }
  return { size, runs, learned: percentiles(measured.learned), unlearned: percentiles(measured.unlearned) };
}

type Traffic = Awaited<ReturnType<typeof measure>>['traffic'];

/** The fleet's record after as many deployments as it takes to know ten starts. */
async function learn(template: TemplateJson, size: Size, seed: number): Promise<string> {
  const fleet = fleetName(DEFAULTS.kind, size);
  const stage = new Stage({ template, fleet, seed, balancers: BALANCERS[DEFAULTS.tuning] });
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
