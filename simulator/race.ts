/**
 * `npm run race`: irekae and what a user would pick instead, in the same modelled world with the same seeds. Exits
 * with 1 when irekae cuts or leaves anything; what else it wants and misses is told.
 *
 *   --seeds N  how many seeds of each row (default 100)
 *   --quick    one seed: for CI
 *   --json     all figures, for a program
 *   --write    keeps the figures in docs/race.json, from which `npm run docs` makes table and picture: `npm run race:docs`
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { raceTemplate } from './race/contenders.ts';
import { race } from './race/figures.ts';
import { printed } from './race/print.ts';
import { verdicts } from './race/targets.ts';

const SEEDS = { full: 100, quick: 1, most: 10_000 } as const;
const KEPT_IN = join(import.meta.dirname, '..', 'docs', 'race.json');
const DEFAULT_COLUMNS = 80;

function options() {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      options: { quick: flag, json: flag, write: flag, seeds: { type: 'string' } },
    });
    const seeds = Number(values.seeds ?? (values.quick ? SEEDS.quick : SEEDS.full));
    if (!Number.isInteger(seeds) || seeds < 1 || seeds > SEEDS.most)
      throw new Error(`--seeds ${values.seeds}: a whole number from 1 to ${SEEDS.most}`);
    return { ...values, seeds };
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}. The options are --seeds N, --quick, --json and --write.`,
    );
    process.exit(2);
  }
}

const { seeds, json, write } = options();
const results = await race(raceTemplate(), seeds, (name) => process.stderr.write(`raced: ${name}\n`));
const targets = verdicts(results);
console.log(
  json
    ? JSON.stringify({ ...results, targets }, null, 2)
    : printed(results, process.stdout.columns ?? (Number(process.env.COLUMNS) || DEFAULT_COLUMNS)),
);
if (write) {
  writeFileSync(KEPT_IN, `${JSON.stringify(results, null, 2)}\n`);
  process.stderr.write('written: docs/race.json; `npm run docs` makes table and picture from it\n');
}
if (targets.some(({ met, isPromise }) => isPromise && !met)) process.exitCode = 1;
