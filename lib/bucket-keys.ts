/**
 * A bucket that is encrypted with a KMS key of one's own: who may read or write in it has to be allowed the key too, and
 * only through S3, for this bucket.
 */
import type { Stack } from 'aws-cdk-lib';
import { serviceHost } from '../lambdas/domain/core/aws.ts';
import { artifactBucketName } from '../lambdas/domain/core/names.ts';
import type { Permission } from './permissions.ts';
import { bucketArn } from './promotion-permissions.ts';
import type { Promotion } from './promotions.ts';
import type { Environment } from './read-fleets.ts';

export interface BucketKey {
  /** In all the ways in which permissions on the bucket say it: by its name, or by a reference to what the stack makes. */
  readonly bucketArns: readonly string[];
  readonly keyArn: string;
  readonly region: string;
}

/** Of the environment's own bucket, and of those that its promotions read. */
export function bucketKeys(
  stack: Stack,
  environment: Environment,
  ownArn: string,
  promotions: readonly Promotion[],
  all: readonly Environment[],
): BucketKey[] {
  const sources = new Set(promotions.map(({ plan }) => plan.from.environment));
  const keyOf = (each: Environment, ...more: string[]): BucketKey[] =>
    each.bucketKmsKeyArn === undefined
      ? []
      : [
          {
            bucketArns: [bucketArn(stack, artifactBucketName(each)), ...more],
            keyArn: each.bucketKmsKeyArn,
            region: each.region,
          },
        ];
  return [
    ...keyOf(environment, ownArn),
    ...all
      .filter(({ name }) => sources.has(name) && name !== environment.name)
      .flatMap((each) => keyOf(each)),
  ];
}

const READS = /^s3:GetObject/;
const WRITES = /^s3:PutObject$/;
/** Of a copy in parts S3 reads what it has of them. */
const IN_PARTS = /^s3:ListMultipartUploadParts$/;

/**
 * What permissions on the bucket's objects need of its key. The condition names the bucket or an object in it: which of
 * the two S3 says, depends on whether the bucket has a key of its own for all objects.
 */
export function useOfBucketKey(
  { bucketArns, keyArn, region }: BucketKey,
  permissions: readonly Pick<Permission, 'actions' | 'resources'>[],
): Permission[] {
  const isInIt = (resource: string) => bucketArns.some((arn) => resource.startsWith(`${arn}/`));
  const inIt = permissions.filter(({ resources }) => resources.some(isInIt));
  const [arn] = bucketArns;
  const does = (what: RegExp) => inIt.some(({ actions }) => actions.some((action) => what.test(action)));
  const actions = [
    ...(does(READS) || does(IN_PARTS) ? ['kms:Decrypt'] : []),
    ...(does(WRITES) ? ['kms:GenerateDataKey'] : []),
  ];
  if (actions.length === 0) return [];
  return [
    {
      actions,
      resources: [keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': serviceHost('s3', region) },
        StringLike: { 'kms:EncryptionContext:aws:s3:arn': [arn, `${arn}/*`] },
      },
    },
  ];
}
