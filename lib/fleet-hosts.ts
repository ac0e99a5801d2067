/** What a fleet's new hosts are launched from: the launch template, and the role that they have. */

import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { launchTemplateName } from '../lambdas/domain/core/names.ts';
import type { ArtifactBucket } from './artifact-bucket.ts';
import type { FleetConfig } from './fleet-config.ts';

export class FleetHosts extends Construct {
  readonly launchTemplate: CfnLaunchTemplate;
  readonly roleArn: string;

  constructor(scope: Construct, fleet: FleetConfig, bucket: ArtifactBucket) {
    super(scope, `hosts ${fleet.name}`);
    const { profileArn, roleArn } = this.profile(fleet, bucket);
    this.roleArn = roleArn;
    // The L1 resource: the L2 construct adds tags of its own, which the launching function may not set.
    this.launchTemplate = new CfnLaunchTemplate(this, 'LaunchTemplate', {
      launchTemplateName: launchTemplateName(fleet.name),
      versionDescription:
        'Made by irekae: image, instance type, subnet and user data come with each deployment.',
      launchTemplateData: {
        iamInstanceProfile: { arn: profileArn },
        securityGroupIds: fleet.securityGroups,
        // A host that shuts itself down, as the boot script does on failure, must not linger.
        instanceInitiatedShutdownBehavior: 'terminate',
        metadataOptions: {
          httpEndpoint: 'enabled',
          httpTokens: 'required',
          httpPutResponseHopLimit: fleet.metadataHopLimit,
        },
        blockDeviceMappings: [
          {
            deviceName: fleet.rootVolume.device,
            ebs: {
              volumeSize: fleet.rootVolume.sizeGiB,
              volumeType: 'gp3',
              encrypted: true,
              deleteOnTermination: true,
            },
          },
        ],
      },
    });
  }

  private profile({ instanceProfile, artifact, runtimes }: FleetConfig, bucket: ArtifactBucket) {
    if (instanceProfile.kind === 'given') {
      return { profileArn: instanceProfile.arn, roleArn: instanceProfile.roleArn };
    }
    // Pinned versions only: a host never asks for "the newest".
    const readArtifacts = new iam.PolicyStatement({
      actions: ['s3:GetObjectVersion'],
      resources: [artifact, ...runtimes.map(({ key }) => key)].map((key) => bucket.arnForObjects(key)),
    });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: instanceProfile.managedPolicies.map((arn, index) =>
        iam.ManagedPolicy.fromManagedPolicyArn(this, `Policy${index}`, arn),
      ),
      inlinePolicies: { artifacts: new iam.PolicyDocument({ statements: [readArtifacts] }) },
    });
    const profile = new iam.InstanceProfile(this, 'Profile', { role });
    return { profileArn: profile.instanceProfileArn, roleArn: role.roleArn };
  }
}
