/** The CDK app: the stacks of the fleets file's environments. `cdk.json` starts it. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { FLEETS_CONTEXT, loadFleets } from '../lib/fleets-file.ts';
import { FleetsFileError, readFleets } from '../lib/read-fleets.ts';
import { environmentStacks } from '../lib/synthesize.ts';

try {
  const app = new App();
  const { content, name } = await loadFleets({ context: app.node.tryGetContext(FLEETS_CONTEXT) });
  environmentStacks(app, readFleets(content, name));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  // Anyone who edits the file needs the list of problems, not a stack trace.
  if (!(error instanceof FleetsFileError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
