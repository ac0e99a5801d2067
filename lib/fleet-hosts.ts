/** What a fleet's new hosts are launched from: the launch template, and the role that they have. */

import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { TAG } from '../lambdas/domain/core/fleet.ts';
import { artifactBucketName, hostRolePath, launchTemplateName } from '../lambdas/domain/core/names.ts';
import { useOfBucketKey } from './bucket-keys.ts';
import type { FleetConfig } from './fleet-config.ts';
import { statementOf } from './functions.ts';
import type { Environment } from './read-fleets.ts';
import { filesOf } from './runtime-fleet.ts';

/** The one that its owner has given, or else one of the stack's own. */
export function launchTemplateOf(
  scope: Construct,
  fleet: FleetConfig,
  environment: Environment,
): { readonly id: string; readonly version: string } {
  const { launchTemplate: given } = fleet;
  if (given) return { id: given.id, version: String(given.version) };
  const { launchTemplate } = new FleetHosts(scope, fleet, environment);
  return { id: launchTemplate.ref, version: launchTemplate.attrLatestVersionNumber };
}

class FleetHosts extends Construct {
  readonly launchTemplate: CfnLaunchTemplate;

  constructor(scope: Construct, fleet: FleetConfig, environment: Environment) {
    super(scope, `hosts ${fleet.name}`);
    const profileArn = this.profile(fleet, environment);
    // The L1 resource: the L2 construct adds tags of its own, which the launching function may not set.
    this.launchTemplate = new CfnLaunchTemplate(this, 'LaunchTemplate', {
      launchTemplateName: launchTemplateName(fleet.name),
      versionDescription:
        'Made by irekae: image, instance type, subnet and user data come with each deployment.',
      // By this the launching function's policy knows it.
      tagSpecifications: [{ resourceType: 'launch-template', tags: [{ key: TAG.fleet, value: fleet.name }] }],
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

  /**
   * Its ARN. Role and profile stay when the fleet is removed or renamed, or gets a profile of its owner's: hosts that
   * serve have them, and would lose S3 and SSM at once. Not when the first creation is rolled back: nobody has them yet.
   */
  private profile(fleet: FleetConfig, environment: Environment): string {
    const { instanceProfile } = fleet;
    if (instanceProfile.kind === 'given') return instanceProfile.arn;
    const bucket = Bucket.fromBucketName(this, 'Artifacts', artifactBucketName(environment));
    const path = hostRolePath(environment.name);
    // Pinned versions only: a host never asks for "the newest".
    const keys = filesOf(fleet);
    const readArtifacts = new iam.PolicyStatement({
      actions: ['s3:GetObjectVersion'],
      resources: keys.map((key) => bucket.arnForObjects(key)),
    });
    const { bucketKmsKeyArn: keyArn, region } = environment;
    const useKey =
      keyArn === undefined
        ? []
        : useOfBucketKey({ bucketArns: [bucket.bucketArn], keyArn, region }, [readArtifacts]).map(
            (permission) => new iam.PolicyStatement(statementOf(permission)),
          );
    const role = new iam.Role(this, 'Role', {
      path,
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: instanceProfile.managedPolicies.map((arn, index) =>
        iam.ManagedPolicy.fromManagedPolicyArn(this, `Policy${index}`, arn),
      ),
      // Where the image is the release, there is nothing to read.
      ...(keys.length > 0 && {
        inlinePolicies: { artifacts: new iam.PolicyDocument({ statements: [readArtifacts, ...useKey] }) },
      }),
    });
    const profile = new iam.InstanceProfile(this, 'Profile', { role, path });
    for (const each of [role, profile]) each.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    return profile.instanceProfileArn;
  }
}
