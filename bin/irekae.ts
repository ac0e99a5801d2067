/** The operator's command: `npx tsx bin/irekae.ts --help`. */
import { createInterface } from 'node:readline/promises';
import { irekae } from './command/irekae.ts';
import { connect } from './command/live-connection.ts';
import { fleetsFile } from './fleets.ts';

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // The end of the input, and Ctrl-C, mean no.
  const answer = new Promise<string>((resolve) => {
    terminal.once('close', () => resolve(''));
    terminal.question(`${question} [y/N] `).then(resolve, () => resolve(''));
  });
  try {
    return /^y(es)?$/i.test((await answer).trim());
  } finally {
    terminal.close();
  }
}

process.exitCode = await irekae(process.argv.slice(2), {
  fleetsFile,
  connect,
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  ...(process.stdin.isTTY && { ask }),
});
