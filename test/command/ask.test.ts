import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from '../../bin/command/ask.ts';

/** What was shown, and what the answer meant; without an answer the input ends. */
async function answering(answer: string | undefined) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const agreed = ask('Unlock shop?', input, output);
  if (answer === undefined) input.end();
  else input.write(`${answer}\n`);
  return { agreed: await agreed, shown: String(output.read()) };
}

describe('a question', () => {
  it.each(['y', 'Y', 'yes', ' yes '])('is agreed to by %j', async (answer) =>
    expect(await answering(answer)).toEqual({ agreed: true, shown: 'Unlock shop? [y/N] ' }),
  );

  it.each(['', 'n', 'no', 'yess', 'ja', undefined])('is not agreed to by %j', async (answer) =>
    expect((await answering(answer)).agreed).toBe(false),
  );
});
