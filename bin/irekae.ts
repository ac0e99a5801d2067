/** The operator's command: `npx --no -- irekae --help`. */
import { printable } from '../lambdas/domain/core/words.ts';
import { loadFleets } from '../lib/fleets-file.ts';
import { wantsColour } from '../lib/terminal/colour.ts';
import { ask, askLine } from './command/ask.ts';
import { spellingOf } from './command/calling.ts';
import type { Screen } from './command/command.ts';
import { irekae } from './command/irekae.ts';
import { pageKeeper } from './command/page-keeper.ts';

const { stdin, stdout, stderr } = process;
/** It can do more than print lines, and its output is not a log. */
const isTerminal = stdout.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI;

/** A terminal that does not know its size reports 0. */
const surfaceOf = (stream: NodeJS.WriteStream) => ({
  inColour: wantsColour(process.env, stream.isTTY === true),
  ...(stream.isTTY && { columns: () => stream.columns || 80, timeZone }),
});
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();

const screen: Screen = {
  write: (text) => void stdout.write(text),
  columns: () => stdout.columns || 80,
  rows: () => stdout.rows || 24,
};

/**
 * Ctrl-C, for a command that follows a deployment: the first one ends it cleanly, the second one kills it. Handled only
 * once a command asks for it: a question, and any other command, end at the first one as usual.
 */
let interrupted: AbortSignal | undefined;
function interruptions(): AbortSignal {
  if (interrupted) return interrupted;
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  interrupted = controller.signal;
  return interrupted;
}

// `irekae history | head` closes the pipe early: nobody is reading anymore.
stdout.on('error', () => process.exit());

/** A bug, with its stack; neither the values of its fields, nor a secret that it quotes. */
function showBug(error: unknown): 1 {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of text.split('\n')) console.error(printable(line));
  return 1;
}

// The versions of the SDK are pinned, and work on the Node that `engines` names: what later ones need is no news here.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

process.exitCode = await irekae(process.argv.slice(2), {
  fleetsFile: (given?: string) => loadFleets({ given }),
  // The AWS clients and the modelled world are slow to load: only commands that need them wait for them.
  connect: async (environment) => (await import('./command/live/connection.ts')).connect(environment),
  connectLocal: async (environments, fleet, scenario) =>
    (await import('../simulator/local-region.ts')).connectLocally(environments, fleet, {
      isVisible: isTerminal,
      scenario,
    }),
  page: pageKeeper(isTerminal),
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  surface: surfaceOf(stdout),
  complaints: surfaceOf(stderr),
  spelling: spellingOf({ argv: process.argv, env: process.env, cwd: process.cwd() }),
  // On stderr: stdout may be redirected to a file.
  ...(stdin.isTTY && { ask: (question: string) => ask(question, stdin, stderr) }),
  ...(isTerminal && { screen }),
  interruptions,
  project: {
    folder: process.cwd(),
    fleets: (given?: string) => loadFleets({ given }),
    ownRegion: async () => (await import('./command/live/account.ts')).ownRegion(),
    readAccount: async (region) => (await import('./command/live/account.ts')).readAccount(region),
    ...(stdin.isTTY && { askLine: (question: string) => askLine(question, stdin, stderr) }),
  },
}).catch(showBug);
