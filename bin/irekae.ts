/** The operator's command: `npx tsx bin/irekae.ts --help`. */
import { ask } from './command/ask.ts';
import { irekae } from './command/irekae.ts';
import { connect } from './command/live-connection.ts';
import { fleetsFile } from './fleets.ts';

process.exitCode = await irekae(process.argv.slice(2), {
  fleetsFile,
  connect,
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  // On stderr: what is printed may be on its way into a file.
  ...(process.stdin.isTTY && { ask: (question: string) => ask(question, process.stdin, process.stderr) }),
});
