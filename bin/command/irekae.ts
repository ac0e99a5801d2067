/**
 * The operator's command, from its arguments to its exit code. `actions/` has a file for each verb; `follow/` follows
 * a running deployment; `doctor/` holds what the doctor looks at and how it judges; `project/` sets a repository up and
 * checks its fleets file; `live/` is the connection to AWS. What several of them share is here.
 */

import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { masked } from '../../lambdas/domain/core/secrets.ts';
import { firstOf, printable } from '../../lambdas/domain/core/words.ts';
import type { Connection } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { FleetsFileError, readFleets } from '../../lib/read-fleets.ts';
import { cutTo } from '../../lib/terminal/width.ts';
import { adopt } from './actions/adopt.ts';
import { cancel } from './actions/cancel.ts';
import { deploy } from './actions/deploy.ts';
import { doctor } from './actions/doctor.ts';
import { history } from './actions/history.ts';
import { plan } from './actions/plan.ts';
import { promote } from './actions/promote.ts';
import { remove } from './actions/remove.ts';
import { rollback } from './actions/rollback.ts';
import { status } from './actions/status.ts';
import { unlock } from './actions/unlock.ts';
import { watch } from './actions/watch.ts';
import { type Command, callerName, type Screen, type Task } from './command.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { help } from './help.ts';
import { failed, type Outcome, type OutcomeCode } from './outcome.ts';
import { check } from './project/check.ts';
import { init } from './project/init.ts';
import { type ProjectCommand, type ProjectPlace, runProject } from './project-command.ts';
import { troubleOutcome } from './trouble.ts';

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  deploy,
  plan,
  status,
  watch,
  rollback,
  promote,
  history,
  cancel,
  unlock,
  adopt,
  remove,
  doctor,
];

/** Those that need no fleet. In the order of the help. */
export const PROJECT_COMMANDS: readonly ProjectCommand[] = [init, check];

/** Where the command runs: a terminal, a CI job, or a test. */
export interface CommandSetup {
  /** What `bin/fleets.ts` exports. */
  readonly fleetsFile: unknown;
  connect(environment: Environment): Promise<Connection>;
  /** `--local`: a modelled region with these fleets, for a command about this one. */
  connectLocal?(environments: readonly Environment[], fleet: FleetConfig): Promise<Connection>;
  print(line: string): void;
  complain(line: string): void;
  /** Asks yes or no; absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<boolean>;
  /** Where the command may draw; absent where it only prints lines. */
  readonly screen?: Screen;
  /** Aborted on Ctrl-C from now on; absent where there is none. */
  interruptions?(): AbortSignal;
  /** Where a project is set up or checked; absent where only fleets are looked at. */
  readonly project?: ProjectPlace;
}

/** As of an outcome; 2: bad usage, nothing was read or changed. */
export type ExitCode = OutcomeCode | 2;

export async function irekae(argv: readonly string[], setup: CommandSetup): Promise<ExitCode> {
  const project = PROJECT_COMMANDS.find(({ name }) => name === argv[0]);
  if (project && setup.project) return runProject(project, argv.slice(1), setup.project, setup);
  const line = readSafely(argv, setup);
  if (line.kind === 'help') return printHelp(line.command, argv.length > 0, setup);
  if (line.kind === 'bad') return complain(line, setup);
  const outcome = await run(line, setup);
  const say = outcome.exitCode === 0 ? setup.print : setup.complain;
  if (line.json) setup.print(masked(toJson(line, outcome)));
  else for (const text of outcome.lines) say(shown(text));
  return outcome.exitCode;
}

function printHelp(command: Command | undefined, isAsked: boolean, setup: CommandSetup): ExitCode {
  for (const text of help(COMMANDS, command, PROJECT_COMMANDS))
    (isAsked ? setup.print : setup.complain)(text);
  return isAsked ? 0 : 2;
}

function complain(line: Extract<CommandLine, { kind: 'bad' }>, setup: CommandSetup): ExitCode {
  const { json, command, fleet, problems } = line;
  const outcome = {
    command,
    fleet,
    outcome: 'bad-usage',
    exitCode: 2,
    message: firstOf(problems, MOST_PROBLEMS).join('\n'),
    problems,
  };
  if (json) setup.print(JSON.stringify(outcome));
  else
    for (const text of [...firstOf(problems, MOST_PROBLEMS), `See: ${COMMAND} --help`])
      setup.complain(shown(text));
  return 2;
}

function readSafely(argv: readonly string[], { fleetsFile }: CommandSetup): CommandLine {
  try {
    return readCommandLine(argv, COMMANDS, readFleets(fleetsFile));
  } catch (error) {
    if (!(error instanceof FleetsFileError)) throw error;
    return { kind: 'bad', json: argv.includes('--json'), problems: error.message.split('\n') };
  }
}

const MOST_PROBLEMS = 60;

/** A line of the command, whatever stands in it: never longer than a person reads. */
const shown = (text: string): string => cutTo(printable(text), 8_000);

type Run = Extract<CommandLine, { kind: 'run' }>;

async function run(line: Run, setup: CommandSetup): Promise<Outcome> {
  let connection: Connection | undefined;
  try {
    connection = await connect(line, setup);
    if (!line.json) for (const note of connection.notes ?? []) setup.print(shown(note));
    return (
      assertOwnAccount(line, connection) ?? (await line.command.run(await taskOf(line, connection, setup)))
    );
  } catch (error) {
    return troubleOutcome(error, connection?.caller);
  } finally {
    connection?.close?.();
  }
}

async function connect({ local, environment, fleet }: Run, setup: CommandSetup): Promise<Connection> {
  if (!local) return setup.connect(environment);
  if (!setup.connectLocal) throw new Error('There is no modelled world here.');
  return setup.connectLocal(readFleets(setup.fleetsFile), fleet);
}

async function taskOf(line: Run, { caller, ports }: Connection, setup: CommandSetup): Promise<Task> {
  const { environment, fleet, options, json, local } = line;
  return {
    environments: readFleets(setup.fleetsFile),
    environment,
    isLocal: local,
    fleet,
    options,
    caller,
    ports: await ports(),
    show: (lines) => {
      if (!json) for (const text of lines) setup.print(shown(text));
    },
    // With --json the caller is a program, which answers no questions.
    agrees: async (question) => options.yes ?? (!json && (await setup.ask?.(printable(question))) === true),
    tell: (text) => (json ? setup.complain : setup.print)(shown(text)),
    ...(setup.screen && !json && { screen: setup.screen }),
    interruptions: () => setup.interruptions?.() ?? new AbortController().signal,
  };
}

function assertOwnAccount({ environment, fleet }: Run, { caller }: Connection): Outcome | undefined {
  if (caller.account === environment.account) return undefined;
  return failed('wrong-account', [
    `${fleet.name} is in the account ${environment.account} (${environment.name}), but the credentials belong to ` +
      `${caller.account} (${callerName(caller)}).`,
    'Nothing was read or changed. Choose the right ones, for example with AWS_PROFILE.',
  ]);
}

/** Whatever the ending: these five, and what the command knows beyond them. */
function toJson({ command, fleet }: Run, { outcome, exitCode, lines, facts }: Outcome): string {
  const message = lines.join('\n');
  return JSON.stringify({ command: command.name, fleet: fleet.name, outcome, exitCode, message, ...facts });
}
