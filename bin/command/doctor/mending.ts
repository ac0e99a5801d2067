/** Lines that fix a finding: shell commands that can be copied as they are, and places in the fleets file. */
import { fleetStackName, stackName } from '../../../lambdas/domain/core/names.ts';
import { shell } from '../typed.ts';

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
export const inFleetsFile = (fleet: string, line: string): string => `the fleets file, ${fleet}: ${line}`;
