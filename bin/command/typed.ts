/** Commands for people to paste as they are: nothing in them is to be filled in, and each word is one for a shell. */
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { quote } from '../../lambdas/domain/launch/boot-script.ts';

/** A word of shell; quoted only where necessary, because people read it too. */
const word = (value: string) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(value) ? value : quote(value));

export const shell = (...words: readonly string[]): string => words.map(word).join(' ');

/**
 * A command of the AWS CLI, for the fleet's Region whatever the shell's is: `aws(region)` before a template. Words end
 * at the template's own spaces; what is filled in stays in its word, and a list is one word for each.
 */
export const aws =
  (region: string) =>
  (texts: TemplateStringsArray, ...filledIn: readonly (string | readonly string[])[]): string => {
    const line = texts.map((text, n) => text.replaceAll(' ', '\0') + [filledIn[n] ?? []].flat().join('\0'));
    return shell('aws', ...line.join('').split('\0').filter(Boolean), '--region', region);
  };

export const irekae = (...words: readonly string[]): string => `${COMMAND} ${shell(...words)}`;
