/**
 * `npm run bench`: how long deployments take compared with what would be possible, and what they cost, for fleets
 * of all sizes. Exits with 1 when a target is missed.
 *
 *   --quick   the small fleets, one seed each: for CI
 *   --json    all numbers, for a program
 */
import { parseArgs } from 'node:util';
import type { TemplateJson } from '../lib/synthesize.ts';
import { measureAsked } from './bench/asked.ts';
import { measureBreaks } from './bench/breaks.ts';
import { measureBundles } from './bench/bundles.ts';
import { measureCompared } from './bench/compared.ts';
import { CROWD, measureCrowd, WIDE } from './bench/crowd.ts';
import { measureExposure } from './bench/exposure.ts';
import { benchTemplate, SIZES, type Size } from './bench/fleets.ts';
import { functionsIn } from './bench/functions.ts';
import { type Joins, measureJoins } from './bench/joins.ts';
import { measureMissing } from './bench/missing.ts';
import { printed } from './bench/print.ts';
import { measureRow, type Row, type Subject } from './bench/rows.ts';
import { measureSignals } from './bench/signals.ts';
import { measurePolicies, measureStacks } from './bench/stacks.ts';
import { measureStanding } from './bench/standing.ts';
import { type Results, verdicts } from './bench/targets.ts';
import { measureThroughput } from './bench/throughput.ts';
import { measureUndo, UNDO_CASES, type UndoRow } from './bench/undo.ts';

/** How much is measured. */
const FULL = {
  sizes: SIZES,
  seeds: [1, 2, 3, 4, 5],
  deployments: 1_000,
  breaks: 300,
  signals: 20,
  compared: 1_000,
  joins: 40,
  imports: 5,
  undone: 100,
  slack: 1,
} as const;
const QUICK = {
  sizes: [2, 10],
  // One seed of two hosts says too little of a mean.
  seeds: [1, 2, 3, 4, 5],
  deployments: 300,
  breaks: 20,
  signals: 1,
  compared: 300,
  // The median of fewer lies on either side of the target, by chance.
  joins: 20,
  imports: 1,
  undone: 30,
  // Whatever machine CI has, and whatever else it does.
  slack: 2,
} as const;

async function bench({
  sizes,
  seeds,
  deployments,
  breaks,
  signals,
  compared,
  joins,
  imports,
  undone,
  slack,
}: typeof FULL | typeof QUICK): Promise<Results> {
  const template = benchTemplate();
  // First: what else is measured leaves a heap that takes longer to clean.
  const throughput = [
    await measureThroughput(template, 2, deployments),
    await measureThroughput(template, 100, deployments / 10),
  ].map((each) => ({ ...each, slack }));
  const functions = functionsIn(template);
  const subjects: Subject[] = [
    ...sizes.map((size) => ({ kind: 'classic ELB', size, tuning: 'tuned' }) as const),
    ...sizes.map((size) => ({ kind: 'classic ELB', size, tuning: 'tuned', bakeSeconds: 0 }) as const),
    ...sizes.map((size) => ({ kind: 'classic ELB', size, tuning: 'default' }) as const),
    { kind: 'target group', size: 10, tuning: 'tuned' },
    { kind: 'worker', size: 10, tuning: 'tuned' },
  ];
  const rows: Row[] = [];
  for (const subject of subjects) rows.push(await measureRow(template, functions, subject, seeds));
  const undos: UndoRow[] = [];
  for (const each of UNDO_CASES) undos.push(await measureUndo(template, each, undone));
  return {
    seeds,
    rows,
    throughput,
    joins: await measureAllJoins(template, sizes, joins),
    breaks: [
      await measureBreaks(template, 'tuned', breaks),
      await measureBreaks(template, 'default', breaks),
    ],
    signals: await measureSignals(template, signals),
    compared: measureCompared(compared),
    asked: await measureAsked(template, functions, seeds),
    exposures: [
      await measureExposure(template, 4, 0, breaks / 10),
      await measureExposure(template, 4, 1, breaks / 10),
      await measureExposure(template, 10, 1, breaks / 10),
    ],
    missing: [
      await measureMissing(template, 'tuned', joins),
      await measureMissing(template, 'default', joins),
    ],
    undos,
    crowds: [await measureCrowd(CROWD, seeds[0]), await measureCrowd(WIDE, seeds[0])],
    policies: measurePolicies(),
    standing: await measureStanding(),
    stacks: measureStacks(),
    bundles: await measureBundles(functions, imports),
  };
}

/** Of large fleets fewer: each of their deployments has many starts. Of target groups too, where there is little to learn. */
async function measureAllJoins(template: TemplateJson, sizes: readonly Size[], records: number) {
  const few = Math.ceil(records / 5);
  const measured: Joins[] = [];
  for (const size of sizes)
    measured.push(await measureJoins(template, { kind: 'classic ELB', size }, size < 100 ? records : few));
  return [...measured, await measureJoins(template, { kind: 'target group', size: 10 }, few)];
}

function options() {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ options: { quick: flag, json: flag } }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}. The options are --quick and --json.`);
    process.exit(2);
  }
}

const { quick, json } = options();
const results = await bench(quick ? QUICK : FULL);
const targets = verdicts(results);
console.log(json ? JSON.stringify({ ...results, targets }, null, 2) : printed(results));
if (targets.some(({ met }) => !met)) process.exitCode = 1;
