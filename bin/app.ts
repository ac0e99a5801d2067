/** The CDK app of a clone, which `cdk.json` starts: as a package's, and cdk-nag looks at it. */
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { irekaeApp } from '../lib/irekae-environments.ts';

const app = await irekaeApp();
if (app) {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}
