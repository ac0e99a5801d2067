/**
 * The artifact bucket's name. It is made here and not by CloudFormation: CI has to know where to upload to, a promotion
 * where another environment's artifacts are, and the command where the records are (which is why this file loads no CDK).
 */
import type { EnvironmentConfig } from './fleet-config.ts';

type Named = Pick<EnvironmentConfig, 'name' | 'account' | 'region' | 'existingBucket'>;

/** S3 allows 63 characters; the longest environment and Region make 55. */
export const artifactBucketName = ({ name, account, region, existingBucket }: Named): string =>
  existingBucket ?? `irekae-${name}-${account}-${region}`;
