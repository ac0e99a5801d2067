/**
 * What the steps of a promotion may do: read the versions of the source's artifact and the record of what the source
 * fleets ran, write the destination's artifact and its proofs. `promotion-readers.ts` is the other half of it, where the
 * source is in another account.
 */

import type { Stack } from 'aws-cdk-lib';
import { executionArn } from '../lambdas/domain/core/aws.ts';
import { currentReleaseKey, doorTo, machineName, promotionKey } from '../lambdas/domain/core/names.ts';
import type { PromotionPlan } from '../lambdas/domain/promotion/promotion.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import type { Permission, Reach } from './permissions.ts';

type Grant = (reach: Reach) => readonly Permission[];

/** Keys by bucket. */
function keysByBucket(
  { promotions }: Reach,
  keysOf: (plan: PromotionPlan) => readonly (readonly [bucket: string, key: string])[],
): [bucket: string, keys: string[]][] {
  const found = new Map<string, Set<string>>();
  for (const [bucket, key] of promotions.flatMap(({ plan }) => keysOf(plan))) {
    found.set(bucket, (found.get(bucket) ?? new Set()).add(key));
  }
  return [...found].map(([bucket, keys]) => [bucket, [...keys]]);
}

const artifactsThere = ({ from }: PromotionPlan) => [[from.bucket, from.key]] as const;
const recordsThere = ({ from, fed }: PromotionPlan) =>
  fed.map((each) => [from.bucket, currentReleaseKey(each.from)] as const);
const artifactsHere = ({ to }: PromotionPlan) => [[to.bucket, to.key]] as const;

export const bucketArn = (stack: Stack, bucket: string): string =>
  stack.formatArn({ service: 's3', region: '', account: '', resource: bucket });

const onObjects =
  (
    actions: readonly string[],
    keysOf: typeof artifactsThere | typeof recordsThere | typeof artifactsHere,
  ): Grant =>
  (reach) =>
    keysByBucket(reach, keysOf).map(([bucket, keys]) => ({
      actions,
      resources: keys.map((key) => `${bucketArn(reach.stack, bucket)}/${key}`),
    }));

/** In which order versions were uploaded, and which there are: of these keys alone. */
const listVersionsThere: Grant = (reach) =>
  keysByBucket(reach, (plan) => [...artifactsThere(plan), ...recordsThere(plan)]).map(([bucket, keys]) => ({
    actions: ['s3:ListBucketVersions'],
    resources: [bucketArn(reach.stack, bucket)],
    conditions: { StringEquals: { 's3:prefix': keys } },
  }));

/** Without it, S3 answers "forbidden" for what does not exist. */
const tellAbsentFromForbidden: Grant = ({ bucket }) => [
  { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
];

const proofs =
  (action: string): Grant =>
  ({ bucket, promotions }) => [
    {
      actions: [action],
      resources: [
        ...new Set(
          promotions.flatMap(({ plan }) =>
            plan.fed.map(({ fleet }) => bucket.arnForObjects(promotionKey(fleet, '*'))),
          ),
        ),
      ],
      wildcard: 'A proof’s key holds the digest of what is promoted, which nobody knows before.',
    },
  ];

/** Has the door for overrides started the promotion? */
const describeDoors: Grant = ({ stack, promotions }) => [
  {
    actions: ['states:DescribeExecution'],
    resources: promotions.map(({ fleet }) => executionArn(stack, machineName(fleet, doorTo('promote')), '*')),
    wildcard: 'An execution has no name before it is started; each of the doors is named.',
  },
];

export const PROMOTION_GRANTS: Readonly<Record<PromotionStepName, readonly Grant[]>> = {
  'choose-the-candidate': [
    describeDoors,
    listVersionsThere,
    onObjects(['s3:GetObjectVersion'], artifactsThere),
    onObjects(['s3:GetObjectVersion'], recordsThere),
    onObjects(['s3:GetObject'], artifactsHere),
    proofs('s3:GetObject'),
    tellAbsentFromForbidden,
  ],
  'write-the-proof': [proofs('s3:PutObject')],
  // A copy onto what is known to be there asks for reading it too; a copy in parts lists those that are made.
  'copy-the-artifact': [
    onObjects(['s3:GetObjectVersion'], artifactsThere),
    onObjects(
      ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:ListMultipartUploadParts'],
      artifactsHere,
    ),
    tellAbsentFromForbidden,
  ],
  'give-up-the-promotion': [onObjects(['s3:AbortMultipartUpload'], artifactsHere), proofs('s3:PutObject')],
};
