/** The CDK app: one stack for each environment of `fleets.ts`. `cdk.json` starts it. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FleetsFileError, readFleets } from '../lib/read-fleets.ts';
import { environmentStacks } from '../lib/synthesize.ts';
import { fleetsFile } from './fleets.ts';

try {
  const environments = readFleets(fleetsFile);
  const app = new App();
  environmentStacks(app, environments);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  // Anyone who edits the file needs the list of problems, not a stack trace.
  if (!(error instanceof FleetsFileError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
