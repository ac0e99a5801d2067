/**
 * `npm run faults`: breaks every call of every kind of deployment in every way, stops it at every moment, runs every
 * step twice, and breaks two things at once; the rules are checked after every event, and the fleet at the end.
 *
 *   --only KIND     one kind of deployment        --pairs N   how many pairs (default 20,000)
 *   --seed S        of the world and the pairs    --sample N  N single faults instead of all, and no pairs
 *   --at TEXT       only cases whose name has this text in it
 *   --replay CASE   one case, as a violation names it
 *   --mutants       breaks the product itself instead: every breakage must be caught
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { allSingles, PAIRS_PER_BATCH, shuffled } from './faults/campaign.ts';
import { type Case, caseName, parseCase } from './faults/case.ts';
import { playAll, type Work } from './faults/crew.ts';
import { faultsTemplate, KIND_NAMES, KINDS, type KindName } from './faults/kinds.ts';
import { play } from './faults/play.ts';
import { Tally, violationLines } from './faults/tally.ts';

const CHUNK = 25;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    pairs: { type: 'string', default: '20000' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '7' },
    at: { type: 'string', default: '' },
    replay: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
});

const print = (line = '') => process.stdout.write(`${line}\n`);

async function replay(text: string): Promise<boolean> {
  const played = parseCase(text);
  const { applied, outcome, endedIn, violations, reached } = await play(faultsTemplate(), played);
  for (const { rule, what } of violations) print(`✗ rule ${rule}: ${what}`);
  const faults = `${applied} of ${played.injuries.length} faults came to pass`;
  print(`${faults}; ${reached.length} moments; ended in "${endedIn}" with ${outcome}.`);
  return violations.length === 0;
}

/** @throws Error for a kind that there is not. */
function kinds(): readonly KindName[] {
  if (options.only === undefined) return KIND_NAMES;
  if (options.only in KINDS) return [options.only as KindName];
  throw new Error(`No kind ${options.only}; there are ${KIND_NAMES.join(', ')}.`);
}

const named = (each: Case) => caseName(each).includes(options.at);

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

async function campaign(): Promise<boolean> {
  const seed = Number(options.seed);
  print(`Seed ${seed}.`);
  const template = faultsTemplate();
  const all = (await allSingles(template, kinds(), seed)).filter(named);
  const single = shuffled(all, seed).slice(0, Number(options.sample ?? all.length));
  const batches = options.sample === undefined ? Math.ceil(Number(options.pairs) / PAIRS_PER_BATCH) : 0;
  const work: Work[] = [
    ...chunks(single, CHUNK).map((cases) => ({ cases })),
    ...chunks([...Array(batches).keys()], 3).map((some) => ({ batches: some })),
  ];
  print(`${single.length} single faults, ${batches * PAIRS_PER_BATCH} pairs.`);
  const [tallies, startedAt] = [{ single: new Tally(), pair: new Tally() }, Date.now()];
  await playAll({ template, seed, first: all }, work, availableParallelism(), (judged) => {
    const tally = judged.injuries.length > 1 ? tallies.pair : tallies.single;
    tally.add(judged);
    if (judged.violations.length > 0) for (const line of violationLines(judged)) print(line);
    progress(
      tallies.single.cases + tallies.pair.cases,
      tallies.single.broken.length + tallies.pair.broken.length,
    );
  });
  return report(tallies, startedAt);
}

function progress(cases: number, broken: number): void {
  if (process.stderr.isTTY && cases % 50 === 0) process.stderr.write(`\r${cases} cases, ${broken} broken `);
}

function report({ single, pair }: Record<'single' | 'pair', Tally>, startedAt: number): boolean {
  for (const [title, tally] of [
    ['SINGLE FAULTS', single],
    ['PAIRS', pair],
  ] as const) {
    if (tally.cases === 0) continue;
    print();
    print(`${title}: ${tally.cases} cases; in ${tally.partly} not every fault came to pass`);
    for (const line of tally.lines()) print(line);
  }
  const broken = single.broken.length + pair.broken.length;
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  print();
  print(
    `${single.cases + pair.cases} cases in ${seconds} s: ${broken === 0 ? 'no rule was bent' : `${broken} broke a rule`}.`,
  );
  return broken === 0;
}

if (options.mutants) await import('./mutants.ts');
else {
  const ok = options.replay === undefined ? await campaign() : await replay(options.replay);
  process.exitCode = ok ? 0 : 1;
}
