/** A command about the project itself: it needs no fleet, and no fleets file that is right. */
import { parseArgs } from 'node:util';
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { masked } from '../../lambdas/domain/core/secrets.ts';
import type { AccountFacts } from '../../lambdas/ports/account.ts';
import { didYouMean } from '../../lib/fleet-problems.ts';
import { spelt } from './command-line.ts';
import { envelopeOf } from './envelope.ts';
import type { ExitCode, Outcome } from './outcome.ts';
import { troubleOutcome } from './trouble.ts';
import { Voice, type VoiceSetup } from './voice.ts';
import { section, table } from './wording.ts';

export interface ProjectCommand {
  readonly name: string;
  /** Completes "irekae …". */
  readonly summary: string;
  readonly description: readonly string[];
  readonly options: readonly ProjectOption[];
  run(task: ProjectTask): Promise<ProjectOutcome>;
}

export interface ProjectOption {
  readonly name: string;
  /** The placeholder of its value; absent for a flag. */
  readonly takes?: string;
  readonly short?: string;
  readonly meaning: string;
}

/** As of other commands; 2: something is missing on the command line, or wrong. */
export type ProjectOutcome = Omit<Outcome, 'exitCode'> & {
  readonly exitCode: ExitCode;
  /** Each by itself. Default: the lines. */
  readonly problems?: readonly string[];
};

/** Where a project is, or is to be. */
export interface ProjectPlace {
  readonly folder: string;
  /** What the SDKs would take; nothing where none is set. */
  ownRegion(): Promise<string | undefined>;
  readAccount(region: string): Promise<AccountFacts>;
  /** What the fleets file says, or who reads it (a `FleetsSource`). */
  readonly fleets: unknown;
  /** Asks for a line; '' for the default. Absent where nobody can be asked. */
  readonly askLine?: ((question: string) => Promise<string>) | undefined;
}

export interface ProjectTask {
  /** By the options' names: all that was given, in order; '' for a flag. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly place: ProjectPlace;
  /** Shows a person what was found before anything is asked. */
  show(lines: readonly string[]): void;
}

const JSON_OPTION: ProjectOption = { name: 'json', meaning: 'one JSON document instead of text' };
const HELP_OPTION: ProjectOption = { name: 'help', short: 'h', meaning: 'show this help' };

const optionsOf = ({ options }: ProjectCommand) => [...options, JSON_OPTION, HELP_OPTION];

export async function runProject(
  command: ProjectCommand,
  argv: readonly string[],
  place: ProjectPlace,
  setup: VoiceSetup,
): Promise<ProjectOutcome['exitCode']> {
  const voice = new Voice(setup);
  const { given, problems } = read(argv, optionsOf(command));
  if (given.has('help')) {
    voice.print(projectHelp(command));
    return 0;
  }
  const json = given.has('json');
  const show = (lines: readonly string[]) => {
    if (!json) voice.print(lines);
  };
  const answered = json ? { ...place, askLine: undefined } : place;
  const outcome =
    problems.length > 0
      ? badUsage(command.name, problems)
      : await command
          .run({ given, place: answered, show })
          .catch((error) => troubleOutcome(error, undefined));
  const { exitCode, lines } = outcome;
  const ended = { ...outcome, command: command.name, fleet: undefined, lines: voice.plain(lines) };
  if (json) setup.print(masked(JSON.stringify(envelopeOf(ended))));
  else if (exitCode === 0) voice.print(lines);
  else voice.complain(lines);
  return exitCode;
}

/** Everything that is wrong on the command line, at once. */
export const badUsage = (command: string, problems: readonly string[]): ProjectOutcome => ({
  exitCode: 2,
  outcome: 'bad-usage',
  lines: [...problems, `See:  ${COMMAND} ${command} --help`],
  problems,
});

export function projectHelp(command: ProjectCommand): string[] {
  const rows = optionsOf(command).map((option) => [
    `${option.short === undefined ? '   ' : `-${option.short},`} ${spelt(option)}`,
    option.meaning,
  ]);
  return [
    `Usage: irekae ${command.name} [options]`,
    '',
    ...command.description,
    ...section('Options:', table(rows)),
  ];
}

function read(argv: readonly string[], known: readonly ProjectOption[]) {
  const options = Object.fromEntries(
    known.map(({ name, takes, short }) => [
      name,
      { type: takes === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
  const args = [...argv];
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, string[]>();
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional')
      problems.push(`${token.value}: unexpected, as this command takes options only`);
    if (token.kind !== 'option') continue;
    const problem = problemOf(token, known);
    if (problem !== undefined) problems.push(problem);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? '']);
  }
  return { given, problems };
}

interface Token {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function problemOf(
  { name, rawName, value, inlineValue }: Token,
  known: readonly ProjectOption[],
): string | undefined {
  const option = known.find((each) => each.name === name);
  const names = known.map((each) => `--${each.name}`);
  if (!option)
    return `${rawName}: no such option${didYouMean(rawName, names) || `; allowed: one of ${names.join(', ')}`}`;
  if (option.takes === undefined)
    return value === undefined ? undefined : `${rawName}: given a value, but takes none`;
  return !value?.trim() || (!inlineValue && value.startsWith('-'))
    ? `${rawName}: needs a value, ${option.takes}`
    : undefined;
}
