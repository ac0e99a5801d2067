/** Parses the command line: which command for which fleet, or everything that is wrong with it, at once. */
import { parseArgs } from 'node:util';
import { characters, list } from '../../lambdas/domain/core/words.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { Command } from './command.ts';
import { nearest } from './nearest.ts';
import { COMMON, type OptionSpec, type Options } from './options.ts';

export type CommandLine =
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | {
      readonly kind: 'bad';
      readonly json: boolean;
      /** As typed. */
      readonly command?: string | undefined;
      readonly fleet?: string | undefined;
      readonly problems: readonly string[];
    }
  | {
      readonly kind: 'run';
      readonly json: boolean;
      /** On the modelled world. */
      readonly local: boolean;
      readonly command: Command;
      readonly environment: Environment;
      readonly fleet: FleetConfig;
      readonly options: Options;
    };

/** The text is kept in the ledger and shown in the deployment's error. */
const LONGEST_TEXT = 256;

export function readCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  environments: readonly Environment[],
): CommandLine {
  const all = [...commands.flatMap(({ options }) => options), ...COMMON];
  const { positionals, given } = read(argv, all);
  const [name, fleetName, ...more] = positionals;
  const command = commands.find((each) => each.name === name);
  if (given.has('help') || argv.length === 0) return { kind: 'help', command };
  const known = command ? [...command.options, ...COMMON] : all;
  const fleets = fleetsOf(environments);
  const found = fleets.find((each) => each.name === fleetName);
  const options = Object.fromEntries([...given].map(([option, { value }]) => [option, value ?? true]));
  const problems = [
    ...(command ? [] : [unknown('command', name, commands)]),
    ...(found ? [] : [unknown('fleet', fleetName, fleets)]),
    ...more.map((extra) => `${extra}: unexpected, as a command takes one fleet`),
    ...[...given.values()].flatMap((token) => optionProblem(token, known)),
    ...missingOptions(command, given),
    ...(command?.check?.(options) ?? []),
  ];
  const json = given.has('json');
  // Also where an option that lacks its value has taken it for one.
  if (!command || !found || problems.length > 0)
    return { kind: 'bad', json: argv.includes('--json'), command: name, fleet: fleetName, problems };
  const { environment, fleet } = found;
  return { kind: 'run', json, local: given.has('local'), command, environment, fleet, options };
}

const fleetsOf = (environments: readonly Environment[]) =>
  environments.flatMap((environment) =>
    environment.fleets.map((fleet) => ({ environment, fleet, name: fleet.name })),
  );

const missingOptions = (command: Command | undefined, given: ReadonlyMap<string, unknown>): string[] =>
  (command?.options ?? [])
    .filter(({ name, isRequired }) => isRequired && !given.has(name))
    .map((option) => `${spelt(option)}: missing, but required (${option.meaning})`);

/** `--reason TEXT`. */
export const spelt = ({ name, takes }: { readonly name: string; readonly takes?: string }): string =>
  `--${name}${takes === undefined ? '' : ` ${takes}`}`;

/** Without parseArgs' own strictness, which stops at the first problem. */
function read(argv: readonly string[], specs: readonly OptionSpec[]) {
  const options = Object.fromEntries(
    specs.map(({ name, takes, short }) => [
      name,
      { type: takes === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
  const args = [...argv];
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  return {
    positionals: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    given: new Map(
      tokens.flatMap((token) => (token.kind === 'option' ? [[token.name, token] as const] : [])),
    ),
  };
}

interface Given {
  readonly name: string;
  /** As typed. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--reason=TEXT` rather than `--reason TEXT`. */
  readonly inlineValue: boolean | undefined;
}

function optionProblem(given: Given, known: readonly OptionSpec[]): string[] {
  const { name, rawName, value, inlineValue: isInline } = given;
  const spec = known.find((each) => each.name === name);
  if (!spec) return [unknown('option', rawName, known, '--')];
  if (spec.takes === undefined)
    return value === undefined ? [] : [`${rawName}: given a value, but takes none`];
  if (!value?.trim() || (!isInline && value.startsWith('-')))
    return [`${rawName}: needs a value, ${spec.takes}`];
  // A line break or an escape sequence would end up in other people's terminals.
  if (characters(value) > LONGEST_TEXT || /\p{Cc}/u.test(value))
    return [`${rawName}: allowed: one line of at most ${LONGEST_TEXT} characters`];
  const allowed = spec.check?.(value);
  return allowed === undefined ? [] : [`${rawName} ${value}: allowed: ${allowed}`];
}

function unknown(
  noun: string,
  given: string | undefined,
  known: readonly { readonly name: string }[],
  prefix = '',
): string {
  const names = [...new Set(known.map(({ name }) => `${prefix}${name}`))];
  const all = `one of ${list(names, 20).replace(/ and (\S+)$/, ', $1')}`;
  if (given === undefined) return `${noun}: missing, but required: ${all}`;
  const near = nearest(given, names);
  return `${given}: no such ${noun}; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : `allowed: ${all}`}`;
}
