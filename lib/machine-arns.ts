/**
 * A fleet's two state machines, by name. The functions that they invoke ask for their executions and start them, so
 * the functions' permissions must name the machines before there are any: a reference would be a cycle. The steps make
 * the same names (`machinesOf` in `lambdas/domain/lock/lock.ts`).
 */
import { ArnFormat, type Stack } from 'aws-cdk-lib';

export const deployMachineName = (fleet: string): string => `irekae-${fleet}`;
export const cleanUpMachineName = (fleet: string): string => `irekae-${fleet}-clean-up`;
/** Of a fleet with a `promotion`: no step starts it, so that it is none of the two below. */
export const promoteMachineName = (fleet: string): string => `irekae-${fleet}-promote`;

/** Both, the deployment's first. */
export const machineNames = (fleet: string): string[] => [
  deployMachineName(fleet),
  cleanUpMachineName(fleet),
];

export const machineArn = (stack: Stack, machine: string): string =>
  statesArn(stack, 'stateMachine', machine);

/** Of all executions of a machine. */
export const executionsArn = (stack: Stack, machine: string): string =>
  statesArn(stack, 'execution', `${machine}:*`);

const statesArn = (stack: Stack, resource: string, resourceName: string): string =>
  stack.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
