/**
 * A fleet's two state machines, by name. The functions that they invoke ask for their executions and start them, so
 * the functions' permissions must name the machines before there are any: a reference would be a cycle. The steps make
 * the same names (`machinesOf` in `lambdas/domain/lock/lock.ts`).
 */
import { ArnFormat, type Stack } from 'aws-cdk-lib';

export const machineArn = (stack: Stack, machine: string): string =>
  statesArn(stack, 'stateMachine', machine);

/** Of all executions of a machine. */
export const executionsArn = (stack: Stack, machine: string): string =>
  statesArn(stack, 'execution', `${machine}:*`);

const statesArn = (stack: Stack, resource: string, resourceName: string): string =>
  stack.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
