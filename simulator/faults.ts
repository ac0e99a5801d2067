/**
 * `npm run faults`: breaks every call of every kind of deployment in every way, stops it at every moment, runs every
 * step twice, and breaks two things at once; the rules are checked after every event, and the fleet at the end.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { chunksOf } from '../lambdas/domain/core/collections.ts';
import { allSingles, outages, PAIRS_PER_BATCH, rareFirst, shuffled } from './faults/campaign.ts';
import { type Case, caseName, parseCase } from './faults/case.ts';
import { playAll, type Work } from './faults/crew.ts';
import { faultsTemplate } from './faults/kinds.ts';
import { type FaultsOptions, HELP, readFaultsCommand } from './faults/options.ts';
import { play } from './faults/play.ts';
import { Tally, violationLines } from './faults/tally.ts';

const CHUNK = 25;

const print = (line = '') => process.stdout.write(`${line}\n`);

/** @returns the exit code. */
async function replay(text: string): Promise<number> {
  const played = parseCase(text);
  const { applied, outcome, endedIn, violations, reached } = await play(faultsTemplate(), played);
  for (const { rule, what } of violations) print(`✗ rule ${rule}: ${what}`);
  const faults = `${applied} of ${played.injuries.length} faults occurred`;
  print(`${faults}; ${reached.length} moments; ended in "${endedIn}" with ${outcome}.`);
  return violations.length === 0 ? 0 : 1;
}

/** @returns the exit code. */
async function campaign(options: FaultsOptions): Promise<number> {
  const { kinds, pairs, sample, outages: most, at, seed = randomInt(2 ** 32) } = options;
  print(`Seed ${seed}${options.seed === undefined ? `: the same again with --seed ${seed}` : ''}.`);
  const template = faultsTemplate();
  const named = (each: Case) => caseName(each).includes(at);
  const all = (await allSingles(template, kinds, seed)).filter(named);
  const possible = (await outages(template, kinds, seed)).filter(named);
  const drawn = shuffled(possible, seed).slice(0, most);
  if (all.length + possible.length === 0)
    return refuse([`--at ${at}: no case of ${kinds.join(', ')} has this text in its name`]);
  const single = sample === undefined ? shuffled(all, seed) : rareFirst(all, seed).slice(0, sample);
  const batches = Math.ceil(pairs / PAIRS_PER_BATCH);
  const work: Work[] = [
    ...chunksOf([...single, ...drawn], CHUNK).map((cases) => ({ cases })),
    ...chunksOf([...Array(batches).keys()], 3).map((some) => ({ batches: some })),
  ];
  const left = possible.length - drawn.length;
  print(
    `${drawn.length} of ${possible.length} outages (from which call on × sort × minutes), drawn by the seed; ` +
      `${left} are not played${left > 0 ? ': --outages plays more, --at those of a name' : ''}.`,
  );
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
  return report(tallies, startedAt) ? 0 : 1;
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
    print(`${title}: ${tally.cases} cases; in ${tally.partly} of them not every fault occurred`);
    for (const line of tally.lines()) print(line);
  }
  const broken = single.broken.length + pair.broken.length;
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  print();
  print(
    `${single.cases + pair.cases} cases in ${seconds} s: ${broken === 0 ? 'no rule was broken' : `${broken} broke a rule`}.`,
  );
  return broken === 0;
}

/** @returns the exit code. */
function refuse(problems: readonly string[]): number {
  process.stderr.write(`${problems.join('\n')}\nNothing was run. See npm run faults -- --help.\n`);
  return 2;
}

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const command = readFaultsCommand(args);
  if (command.do === 'refuse') return refuse(command.problems);
  if (command.do === 'run') {
    const { options } = command;
    return options.replay === undefined ? campaign(options) : replay(options.replay);
  }
  print(HELP);
  return 0;
}

if (process.argv.includes('--mutants')) await import('./mutants.ts');
else process.exitCode = await main(process.argv.slice(2));
