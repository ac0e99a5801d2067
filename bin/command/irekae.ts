/** The operator's command, from its arguments to its exit code. */

import { isFailure } from '../../lambdas/domain/errors.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { FleetsFileError, readFleets } from '../../lib/read-fleets.ts';
import { adopt } from './adopt.ts';
import { cancel } from './cancel.ts';
import { type Command, type Connection, callerName, type Outcome, type Task } from './command.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { doctor } from './doctor.ts';
import { help } from './help.ts';
import { unlock } from './unlock.ts';

const COMMANDS: readonly Command[] = [cancel, unlock, adopt, doctor];

/** Where the command runs: a terminal, a CI job, or a test. */
export interface Seat {
  /** What `bin/fleets.ts` exports. */
  readonly fleetsFile: unknown;
  connect(environment: Environment): Promise<Connection>;
  print(line: string): void;
  complain(line: string): void;
  /** Yes or no; absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<boolean>;
}

/** 0: done. 1: not possible, or not agreed to. 2: bad usage: nothing was asked or changed. */
export type ExitCode = 0 | 1 | 2;

export async function irekae(argv: readonly string[], seat: Seat): Promise<ExitCode> {
  const line = readSafely(argv, seat);
  if (line.kind === 'help') {
    const isAsked = argv.length > 0;
    for (const text of help(COMMANDS, line.command)) (isAsked ? seat.print : seat.complain)(text);
    return isAsked ? 0 : 2;
  }
  if (line.kind === 'bad') {
    if (line.json) seat.print(JSON.stringify({ outcome: 'bad-usage', problems: line.problems }));
    else for (const text of [...line.problems, 'See: irekae --help']) seat.complain(plain(text));
    return 2;
  }
  const outcome = await run(line, seat);
  const say = outcome.exitCode === 0 ? seat.print : seat.complain;
  if (line.json) seat.print(toJson(line, outcome));
  else for (const text of outcome.lines) say(plain(text));
  return outcome.exitCode;
}

function readSafely(argv: readonly string[], { fleetsFile }: Seat): CommandLine {
  try {
    return readCommandLine(argv, COMMANDS, readFleets(fleetsFile));
  } catch (error) {
    if (!(error instanceof FleetsFileError)) throw error;
    return { kind: 'bad', json: argv.includes('--json'), problems: error.message.split('\n') };
  }
}

type Run = Extract<CommandLine, { kind: 'run' }>;

async function run(line: Run, seat: Seat): Promise<Outcome> {
  let connection: Connection | undefined;
  try {
    connection = await seat.connect(line.environment);
    return (
      refuseOtherAccount(line, connection) ?? (await line.command.run(await taskOf(line, connection, seat)))
    );
  } catch (error) {
    return failed(error, connection);
  }
}

async function taskOf(line: Run, { caller, ports }: Connection, seat: Seat): Promise<Task> {
  const { environment, fleet, options, json } = line;
  return {
    environment,
    fleet,
    options,
    caller,
    ports: await ports(),
    show: (lines) => {
      if (!json) for (const text of lines) seat.print(plain(text));
    },
    // Whoever wants JSON is a machine, and answers no questions.
    agrees: async (question) => options.yes ?? (!json && (await seat.ask?.(plain(question))) === true),
  };
}

function refuseOtherAccount({ environment, fleet }: Run, { caller }: Connection): Outcome | undefined {
  if (caller.account === environment.account) return undefined;
  return {
    exitCode: 1,
    outcome: 'wrong-account',
    lines: [
      `${fleet.name} is in the account ${environment.account} (${environment.name}), but the credentials are of ` +
        `${caller.account} (${callerName(caller)}).`,
      'Nothing was asked or changed. Choose the right ones, for example with AWS_PROFILE.',
    ],
  };
}

/** Failures of the closed list and missing credentials are told in a sentence; anything else is a bug, with its stack. */
function failed(error: unknown, connection: Connection | undefined): Outcome {
  if (isFailure(error)) {
    const whose =
      connection && error.name === 'ServiceRefused' ? [`You are ${callerName(connection.caller)}.`] : [];
    return { exitCode: 1, outcome: 'failed', lines: [error.message, ...whose], facts: { error: error.name } };
  }
  // The SDK's name; its message says what it tried, and never a credential.
  if (error instanceof Error && error.name === 'CredentialsProviderError')
    return {
      exitCode: 1,
      outcome: 'failed',
      lines: [`There are no AWS credentials: ${error.message}`, 'Log in, or set AWS_PROFILE.'],
      facts: { error: 'NoCredentials' },
    };
  throw error;
}

function toJson({ command, fleet }: Run, { outcome, lines, facts }: Outcome): string {
  const message = lines.join('\n');
  return JSON.stringify({
    command: command.name,
    fleet: fleet.name,
    outcome,
    ...(message && { message }),
    ...facts,
  });
}

/** Names and tags come from outside: nothing of them may move the cursor or colour the screen. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
