/** All that an environment has in AWS: its bucket, its functions, and each of its fleets. */
import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { alarmsOf, alarmTopic } from './alarms.ts';
import { artifactBucket, artifactBucketName } from './artifact-bucket.ts';
import { dashboard } from './dashboard.ts';
import { FleetHosts } from './fleet-hosts.ts';
import { FleetMachine } from './fleet-machine.ts';
import { functionsOf } from './functions.ts';
import { ledgerTable } from './ledger-table.ts';
import { machineRole, starterRole } from './machine-roles.ts';
import { newsTopic } from './news-topic.ts';
import { OrphanWatch } from './orphan-watch.ts';
import type { Environment } from './read-fleets.ts';
import { toRuntimeFleet } from './runtime-fleet.ts';

export class EnvironmentStack extends Stack {
  constructor(app: App, environment: Environment) {
    super(app, `irekae-${environment.name}`, {
      description: `irekae: deploys the EC2 fleets of ${environment.name}`,
      env: { account: environment.account, region: environment.region },
    });
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
      launchTemplates: fleets.map(({ hosts }) => hosts.launchTemplate.ref),
      hostRoles: [...new Set(fleets.map(({ hosts }) => hosts.roleArn))],
    };
    const functions = functionsOf(this, reach);

    const shared = {
      functions,
      machineRole: machineRole(this, Object.values(functions)),
      starterRole: starterRole(this),
    };
    const machines = fleets.map(({ fleet, hosts }) => {
      const runtimeFleet = toRuntimeFleet(fleet, environment, {
        bucketName: artifactBucketName(environment),
        launchTemplateId: hosts.launchTemplate.ref,
        launchTemplateVersion: hosts.launchTemplate.attrLatestVersionNumber,
      });
      const startsOn = { newImage: fleet.redeployOnNewImage };
      const machine = new FleetMachine(this, runtimeFleet, shared, startsOn);
      alarmsOf(machine, fleet.name, topic);
      return { fleet: fleet.name, machine };
    });

    new OrphanWatch(this, reach, topic);
    dashboard(this, environment, machines);

    new CfnOutput(this, 'ArtifactBucket', { value: bucket.bucketName, description: 'Upload artifacts here' });
    new CfnOutput(this, 'LedgerTable', { value: reach.ledger.tableName, description: 'The command asks it' });
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn, description: 'All alarms are sent here' });
    new CfnOutput(this, 'NewsTopic', { value: news.topicArn, description: 'How each deployment ended' });
  }
}
