/** The command lines of `npm run faults` and `npm run mutants`: read by a table, or refused with every problem at once. */
import { parseArgs } from 'node:util';
import { padTo, width } from '../lib/terminal/width.ts';

/** One option of a command. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is called in the help; without it, the option is a flag. */
  readonly takes?: string;
  readonly meaning: string;
  /** @returns what is allowed, if the value is not. */
  readonly refuses?: (value: string) => string | undefined;
}

/** By name; a flag's value is empty. The last one counts. */
export type Given = ReadonlyMap<string, string>;

export type CommandLine<Options> =
  | { readonly do: 'help' }
  | { readonly do: 'refuse'; readonly problems: readonly string[] }
  | { readonly do: 'run'; readonly options: Options };

/** The world's generator has 32 bits. */
const LARGEST_SEED = 2 ** 32 - 1;

export const wholeNumber =
  (least: number, most: number) =>
  (value: string): string | undefined =>
    /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `a whole number from ${least} to ${most}`;

export const SEED: OptionSpec = {
  name: 'seed',
  takes: 'S',
  meaning: 'seed of the world and of the order of the cases (default 7)',
  refuses: wholeNumber(0, LARGEST_SEED),
};

/**
 * `--help` wins over whatever else is on the line.
 * @param contradictions what is wrong with these options in combination
 */
export function readOptions<Options>(
  args: readonly string[],
  specs: readonly OptionSpec[],
  optionsOf: (given: Given) => Options,
  contradictions: (given: Given) => readonly string[] = () => [],
): CommandLine<Options> {
  const options = Object.fromEntries(
    specs.map(({ name, takes }) => [name, { type: takes === undefined ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  });
  const given = new Map(
    tokens.flatMap((token) => (token.kind === 'option' ? [[token.name, token.value ?? ''] as const] : [])),
  );
  if (given.has('help')) return { do: 'help' };
  const misused = tokens.flatMap((token) => {
    if (token.kind === 'positional') return [`${token.value}: not an option; --help lists them`];
    return token.kind === 'option' ? misuse(token, specs) : [];
  });
  const problems = [...misused, ...contradictions(given)];
  return problems.length > 0 ? { do: 'refuse', problems } : { do: 'run', options: optionsOf(given) };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--seed=7` rather than `--seed 7`. */
  readonly inlineValue: boolean | undefined;
}

function misuse(token: OptionToken, specs: readonly OptionSpec[]): string[] {
  const { name, rawName, value, inlineValue } = token;
  const spec = specs.find((each) => each.name === name);
  if (!spec)
    return [`${rawName}: no such option; allowed: ${specs.map((each) => `--${each.name}`).join(', ')}`];
  if (spec.takes === undefined) return value === undefined ? [] : [`${rawName}: takes no value`];
  if (!value || (!inlineValue && value.startsWith('--'))) return [`${rawName}: needs a value, ${spec.takes}`];
  const allowed = spec.refuses?.(value);
  return allowed === undefined ? [] : [`${rawName} ${value}: allowed: ${allowed}`];
}

/** The options, one to a line. */
export function optionLines(specs: readonly OptionSpec[]): string {
  const shown = [...specs, { name: 'help', meaning: 'show this help' } satisfies OptionSpec].map(
    (spec: OptionSpec) =>
      [`--${spec.name}${spec.takes === undefined ? '' : ` ${spec.takes}`}`, spec.meaning] as const,
  );
  const widest = Math.max(...shown.map(([usage]) => width(usage)));
  return shown.map(([usage, meaning]) => `  ${padTo(usage, widest)}  ${meaning}`).join('\n');
}
