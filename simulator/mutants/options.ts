/** The options of `npm run mutants`. */
import {
  type CommandLine,
  type OptionSpec,
  optionLines,
  readOptions,
  SEED,
  wholeNumber,
} from '../option-specs.ts';
import { MUTANTS, type Mutant } from './list.ts';

const DEFAULT_CASES = 600;

const named = (text: string): readonly Mutant[] => MUTANTS.filter(({ name }) => name.includes(text));

const SPECS: readonly OptionSpec[] = [
  {
    name: 'only',
    takes: 'TEXT',
    meaning: 'only breakages whose name contains this text',
    refuses: (value) =>
      named(value).length > 0 ? undefined : `text of a name: ${MUTANTS.map(({ name }) => name).join('; ')}`,
  },
  SEED,
  {
    name: 'cases',
    takes: 'N',
    meaning: `how many cases a breakage may survive before it counts as a survivor (default ${DEFAULT_CASES})`,
    refuses: wholeNumber(1, 1_000_000),
  },
  { name: 'mutants', meaning: 'accepted for npm run faults -- --mutants, which is the same command' },
];

export const HELP = `npm run mutants -- [options]    breaks copies of the product; the campaign must catch every breakage

${optionLines(SPECS)}

Exit codes: 0 all were caught; 1 one was not; 2 bad options, and nothing was run.`;

export interface MutantsOptions {
  readonly mutants: readonly Mutant[];
  readonly seed: number;
  readonly mostCases: number;
}

export const readMutantsCommand = (args: readonly string[]): CommandLine<MutantsOptions> =>
  readOptions(args, SPECS, (given) => ({
    mutants: named(given.get('only') ?? ''),
    seed: Number(given.get('seed') ?? 7),
    mostCases: Number(given.get('cases') ?? DEFAULT_CASES),
  }));
