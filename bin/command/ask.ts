/** A yes/no question to a person: anything but yes means no. */
import { createInterface } from 'node:readline/promises';

/** The end of the input, and Ctrl-C, mean no. */
export async function ask(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
  const terminal = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve) => {
      terminal.once('close', () => resolve(''));
    });
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
