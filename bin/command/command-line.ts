/** The command line, read: which command for which fleet, or all that is wrong with it at once. */
import { parseArgs } from 'node:util';
import { list } from '../../lambdas/domain/core/words.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { Command, OptionSpec, Options } from './command.ts';
import { nearest } from './nearest.ts';

export type CommandLine =
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | { readonly kind: 'bad'; readonly json: boolean; readonly problems: readonly string[] }
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

/** It stands in the ledger and in the deployment's error. */
const LONGEST_TEXT = 256;

type Spec = Omit<OptionSpec, 'name'> & { readonly name: string };

/** What every command takes. */
export const COMMON: readonly Spec[] = [
  { name: 'json', meaning: 'one JSON document instead of text' },
  {
    name: 'local',
    meaning: 'play on a modelled region: no account is needed, nothing in AWS is asked or changed',
  },
  { name: 'help', short: 'h', meaning: 'this text' },
];

export function readCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  environments: readonly Environment[],
): CommandLine {
  const all: readonly Spec[] = [...commands.flatMap(({ options }) => options), ...COMMON];
  const { positionals, given } = read(argv, all);
  const [name, fleetName, ...more] = positionals;
  const command = commands.find((each) => each.name === name);
  if (given.has('help') || argv.length === 0) return { kind: 'help', command };
  const known: readonly Spec[] = command ? [...command.options, ...COMMON] : all;
  const found = findFleet(fleetName, environments);
  const options = Object.fromEntries([...given].map(([option, { value }]) => [option, value ?? true]));
  const problems = [
    ...(command ? [] : [unknown('command', name, commands)]),
    ...('problem' in found ? [found.problem] : []),
    ...more.map((extra) => `${extra}: given, but a command is for one fleet`),
    ...[...given].flatMap(([option, token]) => optionProblem(option, token, known)),
    ...missingOptions(command, given),
    ...(command?.check?.(options) ?? []),
  ];
  const json = given.has('json');
  if (!command || 'problem' in found || problems.length > 0) return { kind: 'bad', json, problems };
  return { kind: 'run', json, local: given.has('local'), command, ...found, options };
}

const missingOptions = (command: Command | undefined, given: ReadonlyMap<string, Given>): string[] =>
  (command?.options ?? [])
    .filter(({ name, isRequired }) => isRequired && !given.has(name))
    .map((option) => `${spelt(option)}: missing, but required (${option.meaning})`);

/** `--reason TEXT`. */
export const spelt = ({ name, takes }: Spec): string => `--${name}${takes === undefined ? '' : ` ${takes}`}`;

interface Given {
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--reason=TEXT` rather than `--reason TEXT`. */
  readonly inline: boolean;
}

/** Without parseArgs' own strictness, which ends at the first problem. */
function read(argv: readonly string[], specs: readonly Spec[]) {
  const options = Object.fromEntries(
    specs.map(({ name, takes, short }) => [
      name,
      { type: takes === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
  const args = [...argv];
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  const positionals: string[] = [];
  const given = new Map<string, Given>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option') given.set(token.name, { ...token, inline: token.inlineValue ?? false });
  }
  return { positionals, given };
}

function optionProblem(name: string, { rawName, value, inline }: Given, known: readonly Spec[]): string[] {
  const spec = known.find((each) => each.name === name);
  if (!spec) return [unknown('option', rawName, known, '--')];
  if (spec.takes === undefined)
    return value === undefined ? [] : [`${rawName}: given a value, but takes none`];
  if (!value?.trim() || (!inline && value.startsWith('-')))
    return [`${rawName}: given without its ${spec.takes}`];
  // A line break or an escape sequence would end up in other people's terminals.
  if (value.length > LONGEST_TEXT || /\p{Cc}/u.test(value))
    return [`${rawName}: allowed: one line of at most ${LONGEST_TEXT} characters`];
  const allowed = spec.check?.(value);
  return allowed === undefined ? [] : [`${rawName} ${value}: allowed: ${allowed}`];
}

function findFleet(
  name: string | undefined,
  environments: readonly Environment[],
): { readonly environment: Environment; readonly fleet: FleetConfig } | { readonly problem: string } {
  for (const environment of environments) {
    const fleet = environment.fleets.find((each) => each.name === name);
    if (fleet) return { environment, fleet };
  }
  return {
    problem: unknown(
      'fleet',
      name,
      environments.flatMap(({ fleets }) => fleets),
    ),
  };
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
