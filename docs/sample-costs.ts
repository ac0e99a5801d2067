/** What deployments cost, and what stands in between: counted in real runs on the modelled world, told in two languages. */
import { machineName } from '../lambdas/domain/core/names.ts';
import { count, span } from '../lambdas/domain/core/words.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { type Cost, costOf, logsDataOf } from '../simulator/bench/costs.ts';
import { benchTemplate, fleetName } from '../simulator/bench/fleets.ts';
import { functionsIn } from '../simulator/bench/functions.ts';
import { measureStanding, type Standing } from '../simulator/bench/standing.ts';
import { followUsage } from '../simulator/bench/usage.ts';
import { type BalancerTuning, Stage, TUNED, UNTUNED } from '../simulator/stage.ts';
import { code, table } from './markdown.ts';

const SAMPLES = [
  ['tuned', 'reactio-production-app', TUNED],
  ['default', 'reactio-production-app', UNTUNED],
  ['none', 'reactio-production-worker', TUNED],
  ['large', fleetName('classic ELB', 500), TUNED],
] as const satisfies readonly (readonly [string, string, BalancerTuning])[];
type Sample = (typeof SAMPLES)[number][0];

interface Language {
  readonly about: Readonly<Record<Sample, string>>;
  readonly deployment: readonly string[];
  readonly took: (seconds: number) => string;
  readonly standing: readonly string[];
  readonly fleets: (fleets: number) => string;
}

const ENGLISH: Language = {
  about: {
    tuned: `${code('reactio-production-app')}, health check 5 s × 2`,
    default: `${code('reactio-production-app')}, a classic ELB’s defaults, 30 s × 10`,
    none: `${code('reactio-production-worker')}, no load balancer`,
    large: '250 hosts replaced by 250, a bake of a minute',
  },
  deployment: [
    'deployment',
    'transitions',
    'logged',
    'state machine',
    'functions',
    'logs',
    'metrics',
    'requests',
    'US cents',
    'took',
  ],
  took: span,
  fleets: (fleets) => count(fleets, 'fleet'),
  standing: [
    'environment',
    'alarms shared',
    'alarms of each fleet',
    'USD a month: shared',
    'each fleet',
    'all',
  ],
};

const JAPANESE: Language = {
  about: {
    tuned: `${code('reactio-production-app')}、ヘルスチェック 5 秒 × 2`,
    default: `${code('reactio-production-app')}、Classic ELB の既定値 30 秒 × 10`,
    none: `${code('reactio-production-worker')}、ロードバランサーなし`,
    large: '250 台を 250 台に入れ替え、経過観察 1 分',
  },
  deployment: [
    'デプロイ',
    '遷移',
    'ログ量',
    'ステートマシン',
    '関数',
    'ログ',
    'メトリクス',
    'リクエスト',
    '合計（米セント）',
    '所要時間',
  ],
  took: (seconds) => span(seconds).replace('min', '分').replace(/s$/, '秒'),
  fleets: (fleets) => `フリート ${fleets} 個`,
  standing: ['環境', '共有アラーム', '各フリートのアラーム', '月額 USD：共有', '各フリート', '合計'],
};

interface Played {
  readonly sample: Sample;
  readonly transitions: number;
  readonly seconds: number;
  readonly cost: Cost;
}

/** The two tables, in English and in Japanese. */
export async function costTables(production: TemplateJson) {
  const large = benchTemplate();
  const played: Played[] = [];
  // One after the other: each needs the process's clock for itself.
  for (const sample of SAMPLES) played.push(await play(sample[0] === 'large' ? large : production, sample));
  const standing = await measureStanding();
  const tables = (language: Language) => ({
    costs: deployments(language, played),
    'standing-costs': months(language, standing),
  });
  return { english: tables(ENGLISH), japanese: tables(JAPANESE) };
}

async function play(
  template: TemplateJson,
  [sample, fleet, balancers]: (typeof SAMPLES)[number],
): Promise<Played> {
  const stage = new Stage({ template, fleet, seed: 1, balancers });
  try {
    stage.upload();
    const usage = followUsage(stage);
    const result = await stage.deploy();
    if (result.endedIn !== 'Deployed') throw new Error(`${fleet}: ${result.endedIn}: ${result.cause}`);
    const logsData = logsDataOf(template, machineName(fleet, 'deploy'));
    return { ...result, sample, cost: costOf(result, usage(), functionsIn(template), logsData) };
  } finally {
    stage.close();
  }
}

const deployments = ({ about, deployment, took }: Language, played: readonly Played[]): string =>
  table(
    deployment,
    played.map(({ sample, transitions, seconds, cost }) => [
      about[sample],
      String(transitions),
      `${(cost.logged / 1_000).toFixed(0)} kB`,
      ...[cost.stepFunctionsCents, cost.lambdaCents, cost.logCents, cost.metricCents, cost.requestCents].map(
        (cents) => cents.toFixed(2),
      ),
      cost.cents.toFixed(2),
      took(seconds),
    ]),
  );

const months = ({ standing, fleets: ofFleets }: Language, rows: readonly Standing[]): string =>
  table(
    standing,
    rows.map(({ fleets, alarms, environmentUsd, fleetUsd, usd }) => [
      ofFleets(fleets),
      ...[alarms.environment, alarms.fleet].map(String),
      ...[environmentUsd, fleetUsd, usd].map((each) => each.toFixed(2)),
    ]),
  );
