/**
 * What the state machines run as, and what starts them: one role each for an environment. All machines invoke the same
 * functions, so that a role of their own would allow the same, and a stack has room for 500 resources only.
 */
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { doorsLogName } from '../lambdas/domain/core/names.ts';
import { acknowledgeWildcards } from './nag.ts';
import type { Doors } from './override-door.ts';
import { machineLog } from './state-machine.ts';

const LOGS_AND_TRACES =
  'Log delivery and X-Ray know no resource-level permissions; both write, and read nothing of ours.';

/** May invoke the steps; CDK adds the log and the traces. */
export function machineRole(scope: Construct, functions: readonly IFunction[]): iam.Role {
  const role = new iam.Role(scope, 'MachineRole', {
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
  });
  acknowledgeWildcards(
    role,
    functions.flatMap((each) => each.resourceArnsForGrantInvoke),
    'CDK grants the invocation of a function together with its versions; each function is named.',
  );
  acknowledgeWildcards(role, ['*'], LOGS_AND_TRACES);
  return role;
}

/** The doors' role: it alone may start what they lead to (CDK names each), and write their one log and traces. */
export function doorsOf(scope: Construct, environment: string): Doors {
  const role = new iam.Role(scope, 'DoorRole', {
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
  });
  acknowledgeWildcards(role, ['*'], LOGS_AND_TRACES);
  const log = machineLog(new Construct(scope, 'Doors'), doorsLogName(environment));
  return { role, log };
}

/** What EventBridge may do: start the machines, and tell of bad endings. CDK names each of them, and the topic. */
export function starterRole(scope: Construct): iam.Role {
  return new iam.Role(scope, 'StarterRole', { assumedBy: new iam.ServicePrincipal('events.amazonaws.com') });
}
