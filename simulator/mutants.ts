/**
 * `npm run mutants`: proves that the campaign can fail. Each deliberate breakage of the product is made in a copy of
 * the project, and the campaign is sent after it; one that survives, or does not apply anymore, fails the command.
 *
 *   --only TEXT   mutants whose name has this text in it
 *   --seed S      of the world and the order of the cases
 *   --cases N     how many cases a mutant may survive before it counts as a survivor (default 600)
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Catch } from './mutants/hunt.ts';
import { MUTANTS, type Mutant } from './mutants/list.ts';
import { huntDown } from './mutants/workshop.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '7' },
    cases: { type: 'string', default: '600' },
    // `npm run faults -- --mutants` is the same command.
    mutants: { type: 'boolean', default: true },
  },
});

const print = (line = '') => process.stdout.write(`${line}\n`);

/** @returns whether it was caught. */
async function hunted(mutant: Mutant): Promise<boolean> {
  try {
    const result = await huntDown(mutant, Number(options.seed), Number(options.cases));
    print(line(mutant, result));
    return result.caught !== undefined;
  } catch (error) {
    print(`✗ ${mutant.name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function line({ name, breaks, rule }: Mutant, { cases, caught }: Catch): string {
  if (!caught) return `✗ SURVIVED ${name} (${cases} cases): ${breaks}. Rule ${rule} should have noticed.`;
  const other = caught.rule === rule ? '' : `, expected ${rule}`;
  return `✓ killed   ${name}\n             rule ${caught.rule}${other}: ${caught.what.slice(0, 160)}\n             ${caught.by}, case ${cases}`;
}

async function takeTurns(queue: Mutant[]): Promise<boolean[]> {
  const caught: boolean[] = [];
  for (let next = queue.shift(); next; next = queue.shift()) caught.push(await hunted(next));
  return caught;
}

const startedAt = Date.now();
const queue = MUTANTS.filter(({ name }) => name.includes(options.only));
const hands = Array.from({ length: availableParallelism() }, () => takeTurns(queue));
const caught = (await Promise.all(hands)).flat();
const survivors = caught.filter((was) => !was).length;
print();
print(
  `${caught.length} mutants in ${Math.round((Date.now() - startedAt) / 1_000)} s: ${survivors === 0 ? 'all were caught' : `${survivors} not caught`}.`,
);
process.exitCode = survivors === 0 && caught.length > 0 ? 0 : 1;
