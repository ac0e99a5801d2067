/**
 * The operator's command, from its arguments to its exit code. `actions/` has a file for each verb; `follow/` what
 * follows a deployment that runs; `doctor/` what it is asked and judges; `live/` the connection to AWS. What several of
 * them share lies here.
 */

import type { Connection } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { FleetsFileError, readFleets } from '../../lib/read-fleets.ts';
import { adopt } from './actions/adopt.ts';
import { cancel } from './actions/cancel.ts';
import { deploy } from './actions/deploy.ts';
import { doctor } from './actions/doctor.ts';
import { history } from './actions/history.ts';
import { plan } from './actions/plan.ts';
import { promote } from './actions/promote.ts';
import { rollback } from './actions/rollback.ts';
import { status } from './actions/status.ts';
import { unlock } from './actions/unlock.ts';
import { watch } from './actions/watch.ts';
import { type Command, callerName, type Screen, type Task } from './command.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { help } from './help.ts';
import { failed, type Outcome, type OutcomeCode } from './outcome.ts';
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
  doctor,
];

/** Where the command runs: a terminal, a CI job, or a test. */
export interface CommandSetup {
  /** What `bin/fleets.ts` exports. */
  readonly fleetsFile: unknown;
  connect(environment: Environment): Promise<Connection>;
  /** `--local`: a modelled region with these fleets, for a command about this one. */
  connectLocal?(environments: readonly Environment[], fleet: FleetConfig): Promise<Connection>;
  print(line: string): void;
  complain(line: string): void;
  /** Yes or no; absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<boolean>;
  /** Where the command may draw; absent where it prints lines. */
  readonly screen?: Screen;
  /** Aborted when somebody presses Ctrl-C from now on; absent where nobody can. */
  interruptions?(): AbortSignal;
}

/** As of an outcome; 2: bad usage: nothing was asked or changed. */
export type ExitCode = OutcomeCode | 2;

export async function irekae(argv: readonly string[], seat: CommandSetup): Promise<ExitCode> {
  const line = readSafely(argv, seat);
  if (line.kind === 'help') return printHelp(line.command, argv.length > 0, seat);
  if (line.kind === 'bad') return complain(line, seat);
  const outcome = await run(line, seat);
  const say = outcome.exitCode === 0 ? seat.print : seat.complain;
  if (line.json) seat.print(toJson(line, outcome));
  else for (const text of outcome.lines) say(plain(text));
  return outcome.exitCode;
}

function printHelp(command: Command | undefined, isAsked: boolean, seat: CommandSetup): ExitCode {
  for (const text of help(COMMANDS, command)) (isAsked ? seat.print : seat.complain)(text);
  return isAsked ? 0 : 2;
}

function complain({ json, problems }: Extract<CommandLine, { kind: 'bad' }>, seat: CommandSetup): ExitCode {
  if (json) seat.print(JSON.stringify({ outcome: 'bad-usage', problems }));
  else for (const text of [...problems, 'See: irekae --help']) seat.complain(plain(text));
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

type Run = Extract<CommandLine, { kind: 'run' }>;

async function run(line: Run, seat: CommandSetup): Promise<Outcome> {
  let connection: Connection | undefined;
  try {
    connection = await connect(line, seat);
    if (!line.json) for (const note of connection.notes ?? []) seat.print(note);
    return (
      assertOwnAccount(line, connection) ?? (await line.command.run(await taskOf(line, connection, seat)))
    );
  } catch (error) {
    return troubleOutcome(error, connection?.caller);
  } finally {
    connection?.close?.();
  }
}

async function connect({ local, environment, fleet }: Run, seat: CommandSetup): Promise<Connection> {
  if (!local) return seat.connect(environment);
  if (!seat.connectLocal) throw new Error('This seat has no modelled world.');
  return seat.connectLocal(readFleets(seat.fleetsFile), fleet);
}

async function taskOf(line: Run, { caller, ports }: Connection, seat: CommandSetup): Promise<Task> {
  const { environment, fleet, options, json, local } = line;
  return {
    environments: readFleets(seat.fleetsFile),
    environment,
    isLocal: local,
    fleet,
    options,
    caller,
    ports: await ports(),
    show: (lines) => {
      if (!json) for (const text of lines) seat.print(plain(text));
    },
    // Whoever wants JSON is a machine, and answers no questions.
    agrees: async (question) => options.yes ?? (!json && (await seat.ask?.(plain(question))) === true),
    tell: (text) => (json ? seat.complain : seat.print)(plain(text)),
    ...(seat.screen && !json && { screen: seat.screen }),
    interruptions: () => seat.interruptions?.() ?? new AbortController().signal,
  };
}

function assertOwnAccount({ environment, fleet }: Run, { caller }: Connection): Outcome | undefined {
  if (caller.account === environment.account) return undefined;
  return failed('wrong-account', [
    `${fleet.name} is in the account ${environment.account} (${environment.name}), but the credentials are of ` +
      `${caller.account} (${callerName(caller)}).`,
    'Nothing was asked or changed. Choose the right ones, for example with AWS_PROFILE.',
  ]);
}

function toJson({ command, fleet }: Run, { outcome, lines, facts }: Outcome): string {
  const message = lines.join('\n') || undefined;
  return JSON.stringify({ command: command.name, fleet: fleet.name, outcome, message, ...facts });
}

/** Names and tags come from outside: nothing of them may move the cursor or colour the screen. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
