/**
 * What a fleet's state machines run as, and what starts them. All of its machines invoke the same functions, so that a
 * role of its own for each would allow the same.
 */
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { functionArn } from '../lambdas/domain/core/aws.ts';
import { doorsLogName, functionName } from '../lambdas/domain/core/names.ts';
import { STEP_NAMES } from '../lambdas/domain/core/steps.ts';
import { PROMOTION_STEP_NAMES } from '../lambdas/domain/promotion/steps.ts';
import { acknowledgeWildcards } from './nag.ts';
import type { Doors } from './override-door.ts';
import type { Environment } from './read-fleets.ts';
import { machineLog } from './state-machine.ts';

export interface MachineRoles {
  readonly machineRole: iam.IRole;
  readonly starterRole: iam.IRole;
  readonly doors: Doors;
}

/**
 * @param promotes has the fleet a promotion?
 * @param wakes the machine that a deployment starts to have its functions woken
 */
export function machineRoles(
  stack: Stack,
  environment: Environment,
  fleet: string,
  promotes: boolean,
  wakes: IStateMachine,
): MachineRoles {
  const scope = new Construct(stack, `roles ${fleet}`);
  const steps = [...STEP_NAMES, ...(promotes ? PROMOTION_STEP_NAMES : [])];
  return {
    machineRole: machineRole(
      scope,
      steps.map((step) => functionName(environment.name, step)),
      [mayStart(wakes), ...mayCallHooks(environment, fleet), writeLogsAndTraces()],
    ),
    // It starts the machines, and tells of bad endings: CDK names each of them, and the topic.
    starterRole: new iam.Role(scope, 'Starter', {
      assumedBy: new iam.ServicePrincipal('events.amazonaws.com'),
    }),
    doors: doorsOf(scope, fleet),
  };
}

const mayStart = ({ stateMachineArn }: IStateMachine) =>
  new iam.PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] });

/** The fleet's hooks, each by exactly the ARN that its fleets file says: no other version, and of no other fleet. */
function mayCallHooks({ fleets }: Environment, fleet: string): iam.PolicyStatement[] {
  const hooks = fleets.find(({ name }) => name === fleet)?.hooks ?? [];
  const resources = [...new Set(hooks.map((hook) => hook.function))];
  return resources.length === 0
    ? []
    : [new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources })];
}

const LOGS_AND_TRACES =
  'Log delivery and X-Ray know no resource-level permissions; both write, and read nothing of ours.';

/** What Step Functions asks of the role of a machine that logs and is traced. */
const writeLogsAndTraces = () =>
  new iam.PolicyStatement({
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
    ],
    resources: ['*'],
  });

/**
 * May invoke every version of the steps. What CDK grants would be the versions of today alone, and those with which a
 * running deployment began would be forbidden in the middle of it.
 * @param more what else it may do
 */
export function machineRole(
  scope: Construct,
  functions: readonly string[],
  more: readonly iam.PolicyStatement[] = [],
): iam.IRole {
  const versions = functions.map((name) => functionArn(Stack.of(scope), `${name}:*`));
  const invoke = new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: versions });
  const role = new iam.Role(scope, 'MachineRole', {
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
    inlinePolicies: { steps: new iam.PolicyDocument({ statements: [invoke, ...more] }) },
  });
  acknowledgeWildcards(
    role,
    versions,
    'A running deployment invokes the versions that it began with; each function is named.',
  );
  const everything = more.flatMap(({ resources }) => resources.filter((each) => each === '*'));
  acknowledgeWildcards(role, everything, LOGS_AND_TRACES);
  return role.withoutPolicyUpdates();
}

/** The doors' role: it alone may start what they lead to (CDK names each), and write their one log and traces. */
function doorsOf(scope: Construct, fleet: string): Doors {
  const role = new iam.Role(scope, 'Door', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
  acknowledgeWildcards(role, ['*'], LOGS_AND_TRACES);
  return { role, log: machineLog(new Construct(scope, 'Doors'), doorsLogName(fleet)) };
}
