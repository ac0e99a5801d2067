/** All that an environment has in AWS: its bucket, its functions, and each of its fleets. */

import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { artifactBucketName, stackName } from '../lambdas/domain/core/names.ts';
import { alarmsOf, alarmTopic } from './alarms.ts';
import { artifactBucket } from './artifact-bucket.ts';
import { dashboard } from './dashboard.ts';
import { FleetHosts } from './fleet-hosts.ts';
import { FleetMachine } from './fleet-machine.ts';
import { ORPHAN_WATCH } from './function-names.ts';
import { functionsOf, promotionFunctionsOf } from './functions.ts';
import { ledgerTable } from './ledger-table.ts';
import { doorsOf, machineRole, starterRole } from './machine-roles.ts';
import { newsTopic } from './news-topic.ts';
import { OrphanWatch } from './orphan-watch.ts';
import { policyProblems } from './policy-sizes.ts';
import { PromotionMachine } from './promotion-machine.ts';
import { readerStatements, statementsAsText } from './promotion-readers.ts';
import { promotionsInto } from './promotions.ts';
import { type Environment, FleetsFileError } from './read-fleets.ts';
import { recordGuards } from './record-guards.ts';
import { toRuntimeFleet } from './runtime-fleet.ts';

export class EnvironmentStack extends Stack {
  /** @param all the file's environments: promotions lead from one to another */
  constructor(app: App, environment: Environment, all: readonly Environment[]) {
    super(app, stackName(environment.name), {
      description: `irekae: deploys the EC2 fleets of ${environment.name}`,
      env: { account: environment.account, region: environment.region },
      // A tenth of what it may have would be spaces.
      suppressTemplateIndentation: true,
    });
    const readers = readerStatements(this, artifactBucketName(environment), environment, all);
    const bucket = artifactBucket(this, environment);
    const ledger = ledgerTable(this);
    const topic = alarmTopic(this, environment);
    const news = newsTopic(this, environment);
    const fleets = environment.fleets.map((fleet) => ({ fleet, hosts: new FleetHosts(this, fleet, bucket) }));
    const reach = {
      stack: this,
      environment,
      bucket,
      ledger,
      news,
      launchTemplates: new Map(fleets.map(({ fleet, hosts }) => [fleet.name, hosts.launchTemplate.ref])),
      hostRoles: [...new Set(fleets.map(({ hosts }) => hosts.roleArn))],
      promotions: promotionsInto(environment, all),
    };
    const functions = functionsOf(this, reach);
    const promotionFunctions = promotionFunctionsOf(this, reach);

    const shared = {
      functions,
      machineRole: machineRole(this, [
        ...Object.values(functions),
        ...Object.values(promotionFunctions ?? {}),
      ]),
      starterRole: starterRole(this),
      doors: doorsOf(this, environment.name),
    };
    const machines = fleets.map(({ fleet, hosts }) => {
      const runtimeFleet = toRuntimeFleet(fleet, environment, {
        bucketName: artifactBucketName(environment),
        launchTemplateId: hosts.launchTemplate.ref,
        launchTemplateVersion: hosts.launchTemplate.attrLatestVersionNumber,
      });
      const startsOn = { newImage: fleet.redeployOnNewImage };
      const machine = new FleetMachine(this, runtimeFleet, shared, startsOn);
      alarmsOf(machine, fleet.name, topic, shared.starterRole);
      return { fleet: fleet.name, machine };
    });

    if (promotionFunctions) {
      for (const promotion of reach.promotions) {
        new PromotionMachine(this, promotion, environment, { ...shared, functions: promotionFunctions });
      }
    }

    const { watch } = new OrphanWatch(this, reach, topic);
    const guards = recordGuards(reach, { ...functions, ...promotionFunctions, [ORPHAN_WATCH]: watch });
    const statements = [...readers, ...guards];
    for (const statement of statements) bucket.addToResourcePolicy(statement);
    dashboard(this, environment, machines);

    new CfnOutput(this, 'ArtifactBucket', { value: bucket.bucketName, description: 'Upload artifacts here' });
    if (environment.existingBucket !== undefined) {
      new CfnOutput(this, 'ArtifactBucketPolicy', {
        value: statementsAsText(this, statements),
        description:
          'Statements that the policy of your artifact bucket needs: nobody else writes records, and promotions to other accounts read',
      });
    }
    new CfnOutput(this, 'LedgerTable', { value: reach.ledger.tableName, description: 'The command asks it' });
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn, description: 'All alarms are sent here' });
    new CfnOutput(this, 'NewsTopic', { value: news.topicArn, description: 'How each deployment ended' });

    const problems = policyProblems(this, environment);
    if (problems.length > 0) throw new FleetsFileError(problems);
  }
}
