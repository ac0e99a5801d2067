/**
 * What a bucket's policy must allow when an environment in another account promotes from it: its two reading roles, by
 * name, and nobody else of that account. A role of the policy's Principal would have to exist when the policy is made;
 * the condition on its ARN does not ask for that, so that the stacks can be deployed in any order.
 */

import { type Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { currentReleaseKey, readerRoleName } from '../lambdas/domain/core/names.ts';
import { bucketArn } from './promotion-permissions.ts';
import { foreignReaders, type Reader, type Readers } from './promotions.ts';
import type { Environment } from './read-fleets.ts';

export function readerStatements(
  stack: Stack,
  bucket: string,
  environment: Environment,
  all: readonly Environment[],
): iam.PolicyStatement[] {
  return foreignReaders(environment, all).flatMap((readers) => statementsFor(stack, bucket, readers));
}

function statementsFor(stack: Stack, bucket: string, readers: Readers): iam.PolicyStatement[] {
  const { artifacts, fleets } = readers;
  const arn = bucketArn(stack, bucket);
  const records = fleets.map(currentReleaseKey);
  const by = (...steps: Reader[]) => readersOf(stack, readers, ...steps);
  const objects = (keys: readonly string[]) => keys.map((key) => `${arn}/${key}`);
  const choosing = by('choose-the-candidate');
  return [
    new iam.PolicyStatement({
      ...by('choose-the-candidate', 'copy-the-artifact'),
      actions: ['s3:GetObjectVersion'],
      resources: objects(artifacts),
    }),
    new iam.PolicyStatement({
      ...choosing,
      actions: ['s3:GetObjectVersion'],
      resources: objects(records),
    }),
    new iam.PolicyStatement({
      principals: choosing.principals,
      conditions: { ...choosing.conditions, StringEquals: { 's3:prefix': [...artifacts, ...records] } },
      actions: ['s3:ListBucketVersions'],
      resources: [arn],
    }),
  ];
}

/** What the policy of the bucket's own key needs for the same readers: a key of another account has to say so itself. */
export function keyReaderStatements(
  stack: Stack,
  environment: Environment,
  all: readonly Environment[],
): iam.PolicyStatement[] {
  return foreignReaders(environment, all).map(
    (readers) =>
      new iam.PolicyStatement({
        ...readersOf(stack, readers, 'choose-the-candidate', 'copy-the-artifact'),
        actions: ['kms:Decrypt'],
        resources: ['*'],
      }),
  );
}

/** Two roles of another account by name; they need not be there yet. */
const readersOf = (stack: Stack, { environment, account }: Readers, ...steps: Reader[]) => ({
  principals: [new iam.AccountPrincipal(account)],
  conditions: {
    ArnEquals: {
      'aws:PrincipalArn': steps.map(
        (step) => `arn:${stack.partition}:iam::${account}:role/${readerRoleName(environment, step)}`,
      ),
    },
  },
});

/** Statements as text, for a policy that is not ours to write. */
export function statementsAsText(stack: Stack, statements: readonly iam.PolicyStatement[]): string {
  const resolved = statements.map((statement) => stack.resolve(statement.toStatementJson()));
  return Token.asString(stack.toJsonString(resolved));
}
