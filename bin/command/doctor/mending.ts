/** Lines that fix a finding: shell commands that can be copied as they are, and places in `bin/fleets.ts`. */
import { COMMAND, fleetStackName, stackName } from '../../../lambdas/domain/core/names.ts';
import { quote } from '../../../lambdas/domain/launch/boot-script.ts';

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

interface Deployed {
  readonly name: string;
  readonly environment: string;
}
/** The fleet's, and before it the environment's, on which it depends. */
export const deployStack = ({ name, environment }: Deployed): string =>
  shell('npx', 'cdk', 'deploy', fleetStackName(environment, name));
export const diffStacks = ({ name, environment }: Deployed): string =>
  shell('npx', 'cdk', 'diff', stackName(environment), fleetStackName(environment, name));

/** What happened, of a failure's message; the finding itself says what to do next. */
export const happened = (message: string): string =>
  (/^(.*?)\.(?= \p{Lu}|$)/su.exec(message)?.[1] ?? message).replace(/\.$/, '');

/** @param line what to write there, or the field to correct */
export const inFleetsFile = (fleet: string, line: string): string => `bin/fleets.ts, ${fleet}: ${line}`;
