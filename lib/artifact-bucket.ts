/** The bucket that receives the artifacts, and keeps irekae's records under `irekae/`. */

import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { artifactBucketName } from '../lambdas/domain/core/names.ts';
import { acknowledge } from './nag.ts';
import type { Environment } from './read-fleets.ts';

/** Enough to go back to, for longer than a release is usually remembered. */
const VERSIONS_KEPT_AT_LEAST = 20;
const OLD_VERSIONS_EXPIRE = Duration.days(180);

/**
 * What the rest of the stack needs to know of it, whether it was made or given; of a given one the policy is left alone.
 */
export type ArtifactBucket = Pick<
  s3.IBucket,
  'bucketName' | 'bucketArn' | 'arnForObjects' | 'addToResourcePolicy'
>;

export function artifactBucket(scope: Construct, environment: Environment): ArtifactBucket {
  const { existingBucket } = environment;
  if (existingBucket !== undefined) return s3.Bucket.fromBucketName(scope, 'Artifacts', existingBucket);

  const bucket = new s3.Bucket(scope, 'Artifacts', {
    bucketName: artifactBucketName(environment),
    versioned: true,
    ...encryptionOf(scope, environment),
    enforceSSL: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    // Not of a first deployment that failed: its name would be in the way of every later try.
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    lifecycleRules: [
      { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
      {
        id: 'old-versions',
        noncurrentVersionExpiration: OLD_VERSIONS_EXPIRE,
        noncurrentVersionsToRetain: VERSIONS_KEPT_AT_LEAST,
      },
    ],
  });
  switchOnEventBridge(bucket);
  acknowledge(
    bucket,
    'AwsSolutions-S1',
    'Server access logs would need a second bucket. Who uploaded is in the event and the release record; an account ' +
      'that wants more switches on CloudTrail data events.',
  );
  return bucket;
}

/** With a key of one's own, S3 asks KMS for one key for all objects: a request for each would cost as much as S3's own. */
function encryptionOf(scope: Construct, { bucketKmsKeyArn: arn }: Environment): Partial<s3.BucketProps> {
  if (arn === undefined) return { encryption: s3.BucketEncryption.S3_MANAGED };
  return {
    encryption: s3.BucketEncryption.KMS,
    encryptionKey: Key.fromKeyArn(scope, 'ArtifactKey', arn),
    bucketKeyEnabled: true,
  };
}

/** `eventBridgeEnabled` of the L2 construct brings a Python function that sets this one property. */
function switchOnEventBridge(bucket: s3.Bucket): void {
  const resource = bucket.node.defaultChild as s3.CfnBucket;
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
}
