/**
 * The operator's command, from its arguments to its exit code. `actions/` has a file for each verb; `follow/` follows
 * a running deployment; `doctor/` holds what the doctor looks at and how it judges; `project/` sets a repository up and
 * checks its fleets file; `live/` is the connection to AWS. What several of them share is here.
 */

import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { firstOf } from '../../lambdas/domain/core/words.ts';
import { namedEnvironmentsOf } from '../../lib/fleets-file.ts';
import { FleetsFileError } from '../../lib/read-fleets.ts';
import { VERSION } from '../../lib/version.ts';
import { adopt } from './actions/adopt.ts';
import { cancel } from './actions/cancel.ts';
import { deploy } from './actions/deploy.ts';
import { doctor } from './actions/doctor.ts';
import { go } from './actions/go.ts';
import { history } from './actions/history.ts';
import { hold } from './actions/hold.ts';
import { page } from './actions/page.ts';
import { plan } from './actions/plan.ts';
import { promote } from './actions/promote.ts';
import { release } from './actions/release.ts';
import { remove } from './actions/remove.ts';
import { rollback } from './actions/rollback.ts';
import { status } from './actions/status.ts';
import { unlock } from './actions/unlock.ts';
import { watch } from './actions/watch.ts';
import type { Command } from './command.ts';
import { type CommandLine, type Run, readCommandLine } from './command-line.ts';
import { WITHOUT_ACCOUNT } from './credentials.ts';
import { help } from './help.ts';
import { type CommandSetup, Office } from './office.ts';
import type { ExitCode, Outcome } from './outcome.ts';
import { check } from './project/check.ts';
import { init } from './project/init.ts';
import { type ProjectCommand, runProject } from './project-command.ts';
import type { Tone } from './rendering.ts';
import { troubleOutcome } from './trouble.ts';
import { Voice } from './voice.ts';

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  deploy,
  plan,
  status,
  watch,
  rollback,
  promote,
  history,
  page,
  go,
  cancel,
  hold,
  release,
  unlock,
  adopt,
  remove,
  doctor,
];

/** Those that need no fleet. In the order of the help. */
export const PROJECT_COMMANDS: readonly ProjectCommand[] = [init, check];

export async function irekae(argv: readonly string[], setup: CommandSetup): Promise<ExitCode> {
  const [verb, ...rest] = argv;
  const isHelp = verb === 'help';
  const project = PROJECT_COMMANDS.find(({ name }) => name === (isHelp ? rest[0] : verb));
  if (project && setup.project) return runProject(project, isHelp ? ['--help'] : rest, setup.project, setup);
  const { line, fleetsFile } = await readSafely(argv, setup);
  if (line.kind === 'version') return printVersion(setup);
  if (line.kind === 'help') return printHelp(line.command, argv.length > 0, setup);
  if (line.kind === 'bad') return complain(line, setup);
  const voice = new Voice(setup, { options: line.given, fleetsFile });
  const outcome = await run(line, setup, voice);
  const { exitCode, lines } = outcome;
  if (line.json) voice.document({ ...outcome, command: line.command.name, fleet: line.fleet?.name });
  else if (exitCode === 0) voice.print(lines, toneOf(outcome));
  else voice.complain(lines, toneOf(outcome));
  return exitCode;
}

/** What ends well stands out where somebody waited for it. */
function toneOf({ exitCode, outcome }: Outcome): Tone | undefined {
  if (exitCode === 0) return outcome === 'deployed' || outcome === 'healthy' ? 'good' : undefined;
  return exitCode === 5 || exitCode === 6 || exitCode === 130 ? 'open' : 'bad';
}

function printVersion(setup: CommandSetup): ExitCode {
  setup.print(VERSION);
  return 0;
}

function printHelp(command: Command | undefined, isAsked: boolean, setup: CommandSetup): ExitCode {
  const voice = new Voice(setup);
  const lines = help(COMMANDS, command, PROJECT_COMMANDS);
  if (isAsked) voice.print(lines);
  else voice.complain(lines);
  return isAsked ? 0 : 2;
}

function complain(line: Extract<CommandLine, { kind: 'bad' }>, setup: CommandSetup): ExitCode {
  const { json, command, fleet, problems } = line;
  const voice = new Voice(setup);
  const lines = firstOf(problems, MOST_PROBLEMS);
  const verb = COMMANDS.some(({ name }) => name === command) ? ` ${command}` : '';
  if (json) voice.document({ command, fleet, outcome: 'bad-usage', exitCode: 2, lines, problems });
  else voice.complain([...lines, `See:  ${COMMAND} help${verb}`]);
  return 2;
}

/** @returns the fleets file's name too, where it was read */
async function readSafely(
  argv: readonly string[],
  setup: CommandSetup,
): Promise<{ readonly line: CommandLine; readonly fleetsFile?: string | undefined }> {
  let fleetsFile: string | undefined;
  const read = async (given?: string) => {
    const { environments, name } = await namedEnvironmentsOf(setup.fleetsFile, given);
    fleetsFile = name;
    return environments;
  };
  try {
    const line = await readCommandLine(argv, COMMANDS, read, PROJECT_COMMANDS);
    return { line, fleetsFile };
  } catch (error) {
    if (!(error instanceof FleetsFileError)) throw error;
    const problems = error.message.split('\n');
    return { line: { kind: 'bad', json: argv.includes('--json'), problems } };
  }
}

const MOST_PROBLEMS = 60;

async function run(line: Run, setup: CommandSetup, voice: Voice): Promise<Outcome> {
  const office = new Office(line, setup, voice);
  try {
    const { fleet, environments, command } = line;
    const [environment] = environments;
    if (fleet && environment) {
      const task = await office.taskOf(environment, fleet);
      return 'lines' in task ? task : await command.run(task);
    }
    return await (command.runEverywhere ?? nowhere)(office.everywhere());
  } catch (error) {
    const outcome = troubleOutcome(error, office.caller);
    const isAnybody = Object(outcome.facts).error === 'NoCredentials';
    return isAnybody ? { ...outcome, lines: [...outcome.lines, WITHOUT_ACCOUNT] } : outcome;
  } finally {
    office.close();
  }
}

const nowhere = async (): Promise<never> => {
  throw new Error('This command needs a fleet.');
};
