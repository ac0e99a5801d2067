/** The policy that bounds what the roles of a stack may do at most, where their account wants one. */
import type { Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import type { Environment } from './read-fleets.ts';

/** On every role of the stack, whichever construct makes it. */
export function boundRoles(stack: Stack, { permissionsBoundaryArn: arn }: Environment): void {
  if (arn === undefined) return;
  PermissionsBoundary.of(stack).apply(ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', arn));
}
