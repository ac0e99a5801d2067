/** For a CDK app: its own, in which there is nothing else, or one that a team has. */
import { App } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { FleetsFile } from './fleet-config.ts';
import { FLEETS_CONTEXT, loadFleets } from './fleets-file.ts';
import { FleetsFileError, readFleets } from './read-fleets.ts';
import { type EnvironmentStacks, environmentStacks } from './synthesize.ts';

export interface IrekaeEnvironmentsProps {
  /** What a fleets file says. One in JSON or YAML is read by `loadFleets`. */
  readonly fleets: FleetsFile;
}

/**
 * The stacks of all environments: for each one of what its fleets share, and one for each fleet. They stand beside the
 * construct, in the app or stage that it is made in, under the names that the command and the documents use.
 */
export class IrekaeEnvironments extends Construct {
  readonly stacks: readonly EnvironmentStacks[];

  /** @throws FleetsFileError with every problem of the file */
  constructor(scope: Construct, id: string, { fleets }: IrekaeEnvironmentsProps) {
    super(scope, id);
    this.stacks = environmentStacks(scope, readFleets(fleets));
  }
}

/** The whole app. Problems of the fleets file are told as a list, without a stack trace. @returns undefined then */
export async function irekaeApp(): Promise<App | undefined> {
  const app = new App();
  try {
    const { content, name } = await loadFleets({ context: app.node.tryGetContext(FLEETS_CONTEXT) });
    const environments = readFleets(content, name);
    environmentStacks(app, environments).forEach(({ fleets }, index) => {
      const { account, region, fleets: configs = [] } = environments[index] ?? {};
      fleets.forEach(({ stackName }, at) => {
        console.error(`${configs[at]?.name}: ${stackName} in ${account}, ${region}`);
      });
    });
    return app;
  } catch (error) {
    if (!(error instanceof FleetsFileError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return undefined;
  }
}
