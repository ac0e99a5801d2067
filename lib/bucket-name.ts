/** The name of an environment's artifact bucket, without CDK: the rules of the fleets file and the command ask too. */
import type { EnvironmentConfig } from './fleet-config.ts';

/**
 * The name is made here and not by CloudFormation: CI has to know where to upload to, and a promotion where another
 * environment's artifacts are. S3 allows 63 characters; the longest environment and Region make 55.
 */
export const artifactBucketName = ({ name, account, region, existingBucket }: EnvironmentConfig): string =>
  existingBucket ?? `irekae-${name}-${account}-${region}`;
