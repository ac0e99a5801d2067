/** What the fleets of an environment share: its bucket, its ledger, its functions, its topics, its dashboard. */

import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { artifactBucketName, stackName } from '../lambdas/domain/core/names.ts';
import type { StepName } from '../lambdas/domain/core/steps.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import { alarmTopic } from './alarms.ts';
import { artifactBucket } from './artifact-bucket.ts';
import { boundRoles } from './boundary.ts';
import { bucketKeys } from './bucket-keys.ts';
import { dashboard } from './dashboard.ts';
import { withOwnFlags } from './feature-flags.ts';
import { ORPHAN_WATCH } from './function-names.ts';
import { functionsOf, promotionFunctionsOf, versionsOf } from './functions.ts';
import { ledgerTable } from './ledger-table.ts';
import { newsTopic } from './news-topic.ts';
import { orphanWatch } from './orphan-watch.ts';
import { type PermissionGuard, permissionGuard } from './permission-guard.ts';
import type { Reach } from './permissions.ts';
import { policyProblems } from './policy-sizes.ts';
import { keyReaderStatements, readerStatements, statementsAsText } from './promotion-readers.ts';
import { promotionsInto } from './promotions.ts';
import { type Environment, withProblems } from './read-fleets.ts';
import { recordGuards } from './record-guards.ts';
import { wakeMachine } from './wake-machine.ts';

/** What the stacks of the fleets build upon: each of these may change without asking them. */
export interface EnvironmentParts {
  /** Of every step the version that was deployed with this template. */
  readonly steps: Readonly<Record<StepName, IFunction>>;
  readonly promotionSteps: Readonly<Record<PromotionStepName, IFunction>> | undefined;
  /** Wakes these versions. */
  readonly wakes: IStateMachine;
  readonly alarms: ITopic;
  readonly guard: PermissionGuard;
}

export class EnvironmentStack extends Stack {
  readonly parts: EnvironmentParts;

  /** @param all the file's environments: promotions lead from one to another */
  constructor(scope: Construct, environment: Environment, all: readonly Environment[]) {
    super(scope, stackName(environment.name), {
      description: `irekae: what the EC2 fleets of ${environment.name} are deployed with`,
      env: { account: environment.account, region: environment.region },
      // A tenth of what it may have would be spaces.
      suppressTemplateIndentation: true,
    });
    withOwnFlags(this);
    boundRoles(this, environment);
    const readers = readerStatements(this, artifactBucketName(environment), environment, all);
    const bucket = artifactBucket(this, environment);
    const alarms = alarmTopic(this, environment);
    const promotions = promotionsInto(environment, all);
    const reach: Reach = {
      stack: this,
      environment,
      bucket,
      ledger: ledgerTable(this),
      news: newsTopic(this, environment),
      promotions,
      bucketKeys: bucketKeys(this, environment, bucket.bucketArn, promotions, all),
    };
    const guard = permissionGuard(this, reach);
    const functions = functionsOf(this, reach);
    const promotionFunctions = promotionFunctionsOf(this, reach);
    const watch = orphanWatch(this, reach, alarms);
    for (const each of Object.values<IFunction>({ ...functions, ...promotionFunctions, watch }))
      guard.before(each);
    const steps = versionsOf(functions);
    this.parts = {
      steps,
      wakes: wakeMachine(this, steps, environment),
      promotionSteps: promotionFunctions && versionsOf(promotionFunctions),
      alarms,
      guard,
    };

    const guards = recordGuards(reach, { ...functions, ...promotionFunctions, [ORPHAN_WATCH]: watch });
    const statements = [...readers, ...guards];
    for (const statement of statements) bucket.addToResourcePolicy(statement);
    dashboard(this, environment);
    this.#tell(reach, alarms, environment.existingBucket === undefined ? [] : statements);

    const keyReaders =
      environment.bucketKmsKeyArn === undefined ? [] : keyReaderStatements(this, environment, all);
    if (keyReaders.length > 0)
      new CfnOutput(this, 'ArtifactKeyPolicy', {
        value: statementsAsText(this, keyReaders),
        description:
          'Statements that the policy of your bucket’s KMS key needs: promotions to other accounts read',
      });

    const problems = policyProblems(this, environment);
    if (problems.length > 0) throw withProblems('The fleets file', problems);
  }

  #tell(
    { bucket, ledger, news }: Reach,
    alarms: ITopic,
    forOwners: Parameters<typeof statementsAsText>[1],
  ): void {
    new CfnOutput(this, 'ArtifactBucket', { value: bucket.bucketName, description: 'Upload artifacts here' });
    if (forOwners.length > 0) {
      new CfnOutput(this, 'ArtifactBucketPolicy', {
        value: statementsAsText(this, forOwners),
        description:
          'Statements that the policy of your artifact bucket needs: nobody else writes records, and promotions to other accounts read',
      });
    }
    new CfnOutput(this, 'LedgerTable', { value: ledger.tableName, description: 'The command asks it' });
    new CfnOutput(this, 'AlarmTopic', { value: alarms.topicArn, description: 'All alarms are sent here' });
    new CfnOutput(this, 'NewsTopic', { value: news.topicArn, description: 'How each deployment ended' });
  }
}
