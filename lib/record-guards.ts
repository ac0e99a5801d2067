/**
 * What a deployment and a promotion decide by stands in the artifact bucket: what runs, what ran, what is proven. Who
 * writes that, the bucket's policy says, not the policies of others: a role of the account that may write "the bucket"
 * (CI, a backup, an administrator) writes no history and no proof.
 */
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { currentReleaseKey, deploymentsPrefix, promotionKey } from '../lambdas/domain/core/names.ts';
import type { ArtifactBucket } from './artifact-bucket.ts';
import type { FunctionName } from './function-names.ts';
import { permissionsOf, type Reach } from './permissions.ts';

/** A delete is a lie, too: without its last version, a release that was gone back from runs again. */
const WRITING = ['s3:Put*', 's3:Delete*', 's3:Replicate*'];

type Functions = Readonly<Partial<Record<FunctionName, IFunction>>>;

export function recordGuards(reach: Reach, functions: Functions): iam.PolicyStatement[] {
  const { bucket, environment } = reach;
  // A given bucket may be that of other environments, too, whose records are written by their own functions.
  const fleets =
    environment.existingBucket === undefined ? ['*'] : environment.fleets.map(({ name }) => name);
  const records = fleets.flatMap((fleet) => [currentReleaseKey(fleet), `${deploymentsPrefix(fleet)}*`]);
  const proofs = fleets.map((fleet) => promotionKey(fleet, '*'));
  return [
    // A deployment compares with `current.json`, a rollback goes back to a record, a promotion counts the soak by both.
    allBut(writersOf(reach, functions, '/current.json'), 'OnlyDeploymentsWriteRecords', bucket, records),
    // A proof lets an artifact into a fleet: whoever deploys must not be able to prove that it may.
    allBut(writersOf(reach, functions, '/promotions/'), 'OnlyPromotionsWriteProofs', bucket, proofs),
  ];
}

/** Their roles' ARNs: whoever is granted it by the table of permissions, and nobody beside. */
function writersOf(reach: Reach, functions: Functions, key: string): string[] {
  return Object.entries(functions).flatMap(([name, { role }]) => {
    const writes = permissionsOf(name as FunctionName, reach).some(
      ({ actions, resources }) =>
        actions.includes('s3:PutObject') && resources.some((resource) => resource.includes(key)),
    );
    return writes && role ? [role.roleArn] : [];
  });
}

/** Also to services, which have no such ARN, and to the account's own administrators: they can change the policy, which is seen. */
const allBut = (
  writers: readonly string[],
  sid: string,
  bucket: ArtifactBucket,
  keys: readonly string[],
): iam.PolicyStatement =>
  new iam.PolicyStatement({
    sid,
    effect: iam.Effect.DENY,
    principals: [new iam.AnyPrincipal()],
    actions: WRITING,
    resources: keys.map((key) => bucket.arnForObjects(key)),
    ...(writers.length > 0 && { conditions: { ArnNotEquals: { 'aws:PrincipalArn': writers } } }),
  });
