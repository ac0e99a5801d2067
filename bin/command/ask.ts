/** Questions to a person. */
import { createInterface } from 'node:readline/promises';

/** A line of text; '' for the end of the input, and for Ctrl-C. */
export async function askLine(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
  const terminal = createInterface({ input, output });
  try {
    const ended = new Promise<string>((resolve) => {
      terminal.once('close', () => resolve(''));
    });
    return await Promise.race([terminal.question(question), ended]);
  } finally {
    terminal.close();
  }
}

/** Yes or no: anything but yes means no. */
export async function ask(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
  return /^y(es)?$/i.test((await askLine(`${question} [y/N] `, input, output)).trim());
}
