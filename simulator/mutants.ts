/**
 * `npm run mutants`: proves that the campaign can fail. Each deliberate breakage of the product is made in a copy of
 * the project, and the campaign runs on it; one that survives, or no longer applies, fails the command.
 */
import { availableParallelism } from 'node:os';
import type { Catch } from './mutants/hunt.ts';
import type { Mutant } from './mutants/list.ts';
import { HELP, type MutantsOptions, readMutantsCommand } from './mutants/options.ts';
import { huntDown } from './mutants/workshop.ts';

const print = (line = '') => process.stdout.write(`${line}\n`);

/** @returns whether it was caught. */
async function hunted(mutant: Mutant, { seed, mostCases }: MutantsOptions): Promise<boolean> {
  try {
    const result = await huntDown(mutant, seed, mostCases);
    print(line(mutant, result));
    return result.caught !== undefined;
  } catch (error) {
    print(`✗ ${mutant.name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function line({ name, breaks, rule }: Mutant, { cases, caught }: Catch): string {
  if (!caught) return `✗ SURVIVED ${name} (${cases} cases): ${breaks}. Rule ${rule} should have caught it.`;
  const other = caught.rule === rule ? '' : `, expected ${rule}`;
  return `✓ killed   ${name}\n             rule ${caught.rule}${other}: ${caught.what.slice(0, 160)}\n             ${caught.by}, case ${cases}`;
}

async function takeTurns(queue: Mutant[], options: MutantsOptions): Promise<boolean[]> {
  const caught: boolean[] = [];
  for (let next = queue.shift(); next; next = queue.shift()) caught.push(await hunted(next, options));
  return caught;
}

/** @returns the exit code. */
async function hunt(options: MutantsOptions): Promise<number> {
  const startedAt = Date.now();
  const queue = [...options.mutants];
  const hands = Array.from({ length: availableParallelism() }, () => takeTurns(queue, options));
  const caught = (await Promise.all(hands)).flat();
  const survivors = caught.filter((was) => !was).length;
  print();
  print(
    `${caught.length} mutants in ${Math.round((Date.now() - startedAt) / 1_000)} s: ${survivors === 0 ? 'all were caught' : `${survivors} not caught`}.`,
  );
  return survivors === 0 ? 0 : 1;
}

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const command = readMutantsCommand(args);
  if (command.do === 'run') return hunt(command.options);
  if (command.do === 'help') {
    print(HELP);
    return 0;
  }
  process.stderr.write(`${command.problems.join('\n')}\nNothing was run. See npm run mutants -- --help.\n`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
