/** Parses the command line: which command for which fleet, or everything that is wrong with it, at once. */
import { parseArgs } from 'node:util';
import { characters, list } from '../../lambdas/domain/core/words.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { ArgumentSpec, Command } from './command.ts';
import { nearest } from './nearest.ts';
import { COMMON, type OptionSpec, type Options, type ToldOption } from './options.ts';
import { shell } from './typed.ts';

export type CommandLine =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly command: Command | undefined }
  | {
      readonly kind: 'bad';
      readonly json: boolean;
      /** As typed. */
      readonly command?: string | undefined;
      readonly fleet?: string | undefined;
      readonly problems: readonly string[];
    }
  | ({
      readonly kind: 'run';
      readonly json: boolean;
      /** What the commands get that this one tells people to type: where it looks is where they look. */
      readonly given: string;
      readonly command: Command;
      /** All of the fleets file. */
      readonly all: readonly Environment[];
      readonly options: Options;
    } & Subject);

export type Run = Extract<CommandLine, { kind: 'run' }>;

/** What a command works on. */
interface Subject {
  /** Absent: all of these environments. */
  readonly fleet?: FleetConfig | undefined;
  readonly environments: readonly Environment[];
  /** What the command takes beside. */
  readonly argument?: string | undefined;
}

/** The text is kept in the ledger and shown in the deployment's error. */
const LONGEST_TEXT = 256;

/**
 * @param read the fleets file, or the one that is named: no help needs it
 * @param others commands that are read elsewhere: whoever mistypes one may mean it
 */
export async function readCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  read: (file: string | undefined) => Promise<readonly Environment[]>,
  others: readonly { readonly name: string }[] = [],
): Promise<CommandLine> {
  const all = [...commands.flatMap(({ options }) => options), ...COMMON];
  const verbs = commands.map(({ name }) => name);
  const first = tokensOf(argv, all, verbs);
  const [verb, about] = first.positionals;
  const isHelp = verb === HELP;
  const asked = commands.find(({ name }) => name === (isHelp ? about : verb));
  if (first.given.has('version') && verb === undefined) return { kind: 'version' };
  if (isHelp && about !== undefined && !asked)
    return {
      kind: 'bad',
      json: argv.includes('--json'),
      problems: [unknown('command', about, [...commands, ...others])],
    };
  if (isHelp || first.given.has('help') || argv.length === 0) return { kind: 'help', command: asked };
  const environments = await read(first.given.get('fleets')?.value);
  const { positionals, given } = tokensOf(argv, all, [
    ...verbs,
    ...fleetsOf(environments).map(({ name }) => name),
  ]);
  const [name, ...subjects] = positionals;
  const command = commands.find((each) => each.name === name);
  const known = command ? [...command.options, ...COMMON] : all;
  const options = Object.fromEntries([...given].map(([option, { value }]) => [option, value ?? true]));
  const { problems: unfit, ...subject } = subjectOf(command, subjects, environments);
  const problems = [
    ...(command ? [] : [unknown('command', name, [...commands, ...others])]),
    // Whoever typed a word that is no command has not been asked for a fleet yet.
    ...(command || subjects.length > 0 ? unfit : []),
    ...[...given.values()].flatMap((token) => optionProblem(token, known)),
    ...missingOptions(command, given),
    ...(command?.check?.(options) ?? []),
  ];
  // Also where an option that lacks its value has taken it for one.
  if (!command || problems.length > 0)
    return { kind: 'bad', json: argv.includes('--json'), command: name, fleet: subjects[0], problems };
  return {
    kind: 'run',
    json: given.has('json'),
    given: spelling(options),
    command,
    options,
    all: environments,
    ...subject,
  };
}

const HELP = 'help';

/** `--local stuck --fleets ours.yaml`. */
const spelling = ({ local, fleets }: Options): string =>
  [
    ...(local === undefined ? [] : [local === true ? '--local' : `--local ${local}`]),
    ...(fleets === undefined ? [] : [shell('--fleets', fleets)]),
  ].join(' ');

function subjectOf(
  command: Command | undefined,
  given: readonly string[],
  environments: readonly Environment[],
): Subject & { readonly problems: readonly string[] } {
  const fleets = fleetsOf(environments);
  const [first, ...more] = given;
  const found = fleets.find(({ name }) => name === first);
  const { takes, runEverywhere } = command ?? {};
  if (found) {
    const { environment, fleet } = found;
    const argument = takes ? more[0] : undefined;
    const others = takes ? more.slice(1) : more;
    const problems = [...argumentProblem(takes, argument), ...others.map(unexpected)];
    return { fleet, environments: [environment], argument, problems };
  }
  if (runEverywhere && first === undefined) return { environments, problems: [] };
  const places = runEverywhere ? environments : [];
  const only = places.find(({ name }) => name === first);
  const isArgument =
    takes !== undefined &&
    nearest(
      first ?? '',
      fleets.map(({ name }) => name),
    ).length === 0;
  if (only && !takes) return { environments: [only], problems: more.map(unexpected) };
  if (runEverywhere && isArgument)
    return {
      environments,
      argument: first,
      problems: [...argumentProblem(takes, first), ...more.map(unexpected)],
    };
  const noun = places.length > 0 && !takes ? 'fleet or environment' : 'fleet';
  const names = takes ? fleets : [...fleets, ...places];
  return { environments, problems: [unknown(noun, first, names), ...more.map(unexpected)] };
}

const unexpected = (extra: string): string => `${extra}: unexpected, as a command takes one fleet`;

function argumentProblem(takes: ArgumentSpec | undefined, given: string | undefined): string[] {
  const allowed = given === undefined ? undefined : takes?.check(given);
  return allowed === undefined ? [] : [`${takes?.name} ${given}: allowed: ${allowed}`];
}

const fleetsOf = (environments: readonly Environment[]) =>
  environments.flatMap((environment) =>
    environment.fleets.map((fleet) => ({ environment, fleet, name: fleet.name })),
  );

const missingOptions = (command: Command | undefined, given: ReadonlyMap<string, unknown>): string[] =>
  (command?.options ?? [])
    .filter(({ name, isRequired }) => isRequired && !given.has(name))
    .map((option) => `${spelt(option)}: missing, but required (${option.meaning})`);

/** What its value depends on. */
type Valued = Pick<OptionSpec, 'takes' | 'mayTake'>;

/** `--reason TEXT`. */
export const spelt = ({ name, takes, mayTake }: Valued & { readonly name: string }): string =>
  `--${name}${takes === undefined ? '' : ` ${takes}`}${mayTake === undefined ? '' : ` [${mayTake}]`}`;

/** Without parseArgs' own strictness, which stops at the first problem. */
export function tokensIn(argv: readonly string[], specs: readonly ToldOption[]) {
  const options = Object.fromEntries(
    specs.map(({ name, takes, short }) => [
      name,
      { type: takes === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
  const args = [...argv];
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** @param taken what cannot be the value that an option may do without */
function tokensOf(argv: readonly string[], specs: readonly OptionSpec[], taken: readonly string[]) {
  const tokens = tokensIn(argv, specs);
  const positionals: string[] = [];
  const given = new Map<string, Given>();
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'option') given.set(token.name, token);
    if (token.kind !== 'positional') continue;
    const before = tokens[index - 1];
    const spec = before?.kind === 'option' ? specs.find(({ name }) => name === before.name) : undefined;
    const isItsValue =
      spec?.mayTake !== undefined &&
      before?.kind === 'option' &&
      before.value === undefined &&
      before.index === token.index - 1 &&
      !taken.includes(token.value);
    if (isItsValue) given.set(before.name, { ...before, value: token.value, inlineValue: false });
    else positionals.push(token.value);
  }
  return { positionals, given };
}

export interface Given {
  readonly name: string;
  /** As typed. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--reason=TEXT` rather than `--reason TEXT`. */
  readonly inlineValue: boolean | undefined;
}

function optionProblem(given: Given, known: readonly OptionSpec[]): string[] {
  const { name, rawName, value } = given;
  const spec = known.find((each) => each.name === name);
  if (!spec) return [unknown('option', rawName, known, '--')];
  const problem = valueProblem(given, spec);
  if (problem !== undefined) return [problem];
  if (value === undefined) return [];
  // A line break or an escape sequence would end up in other people's terminals.
  if (characters(value) > LONGEST_TEXT || /\p{Cc}/u.test(value))
    return [`${rawName}: allowed: one line of at most ${LONGEST_TEXT} characters`];
  if (spec.oneOf) return oneOfProblem(rawName, value, spec.oneOf);
  const allowed = spec.check?.(value);
  return allowed === undefined ? [] : [`${rawName} ${value}: allowed: ${allowed}`];
}

/** Is there a value where there has to be one, and none where there must not? */
export function valueProblem(
  { rawName, value, inlineValue: isInline }: Given,
  { takes, mayTake }: Valued,
): string | undefined {
  if (value === undefined && takes === undefined) return undefined;
  const placeholder = takes ?? mayTake;
  if (placeholder === undefined) return `${rawName}: given a value, but takes none`;
  return !value?.trim() || (!isInline && value.startsWith('-'))
    ? `${rawName}: needs a value, ${placeholder}`
    : undefined;
}

function oneOfProblem(rawName: string, value: string, allowed: readonly string[]): string[] {
  return allowed.includes(value)
    ? []
    : [`${rawName} ${value}: ${meantOr(value, allowed, allowed.join(', '))}`];
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
  return `${given}: no such ${noun}; ${meantOr(given, names, all)}`;
}

/** What was perhaps meant, or else all that is allowed. */
function meantOr(given: string, names: readonly string[], all: string): string {
  const near = nearest(given, names);
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : `allowed: ${all}`;
}
