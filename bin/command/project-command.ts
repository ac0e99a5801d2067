/** A command about the project itself: it needs no fleet, and no fleets file that is right. */
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import type { AccountFacts } from '../../lambdas/ports/account.ts';
import { didYouMean } from '../../lib/fleet-problems.ts';
import { type Given, tokensIn, valueProblem } from './command-line.ts';
import { optionLines } from './help.ts';
import { HELP_OPTION, JSON_OPTION, type ToldOption } from './options.ts';
import type { ExitCode, Outcome } from './outcome.ts';
import { troubleOutcome } from './trouble.ts';
import { Voice, type VoiceSetup } from './voice.ts';

export interface ProjectCommand {
  readonly name: string;
  /** Completes "irekae …". */
  readonly summary: string;
  readonly description: readonly string[];
  readonly options: readonly ToldOption[];
  run(task: ProjectTask): Promise<ProjectOutcome>;
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

const optionsOf = ({ options }: ProjectCommand): readonly ToldOption[] => [
  ...options,
  JSON_OPTION,
  HELP_OPTION,
];

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
  if (json) voice.document({ ...outcome, command: command.name, fleet: undefined });
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

const projectHelp = (command: ProjectCommand): string[] => [
  `Usage: irekae ${command.name} [options]`,
  '',
  ...command.description,
  ...optionLines(optionsOf(command)),
];

function read(argv: readonly string[], known: readonly ToldOption[]) {
  const given = new Map<string, string[]>();
  const problems: string[] = [];
  for (const token of tokensIn(argv, known)) {
    if (token.kind === 'positional')
      problems.push(`${token.value}: unexpected, as this command takes options only`);
    if (token.kind !== 'option') continue;
    const problem = problemOf(token, known);
    if (problem !== undefined) problems.push(problem);
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? '']);
  }
  return { given, problems };
}

function problemOf(given: Given, known: readonly ToldOption[]): string | undefined {
  const { name, rawName } = given;
  const option = known.find((each) => each.name === name);
  if (option) return valueProblem(given, option);
  const names = known.map((each) => `--${each.name}`);
  return `${rawName}: no such option${didYouMean(rawName, names) || `; allowed: one of ${names.join(', ')}`}`;
}
