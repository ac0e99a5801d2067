/**
 * What stands between a `cdk deploy` and the deployments that run: a resource of the environment's stack that CloudFormation
 * asks before the first role changes, and one in the stack of each fleet that it asks after the last.
 */

import { createHash } from 'node:crypto';
import { CustomResource, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { functionArn } from '../lambdas/domain/core/aws.ts';
import { functionName } from '../lambdas/domain/core/names.ts';
import { STEP_NAMES } from '../lambdas/domain/core/steps.ts';
import type { FleetConfig } from './fleet-config.ts';
import { GUARD } from './function-names.ts';
import { guardFunction } from './functions.ts';
import { type Permission, permissionsOf, type Reach } from './permissions.ts';
import type { Environment } from './read-fleets.ts';
import { filesOf } from './runtime-fleet.ts';

/** With the function's own repetitions: CloudFormation would wait for an hour. */
const ANSWERS_WITHIN = Duration.minutes(10);

export interface PermissionGuard {
  /** Whose role changes only once the guard has been asked. */
  readonly before: (guarded: IFunction) => void;
  /** What a fleet needs, for the stack of that fleet. */
  readonly needsOf: (fleet: FleetConfig) => string;
}

export function permissionGuard(stack: Stack, reach: Reach): PermissionGuard {
  const { environment } = reach;
  const needs = new Map(environment.fleets.map((fleet) => [fleet, needsOf(reach, fleet)]));
  const asked = ask(stack, 'PermissionGuard', guardFunction(stack, reach).functionArn, {
    Environment: environment.name,
    Needs: Object.fromEntries([...needs].map(([{ name }, words]) => [name, words])),
  });
  return {
    before: (guarded) => guarded.node.scope?.node.addDependency(asked),
    needsOf: (fleet) => needs.get(fleet) ?? '',
  };
}

/** Opens the fleet again, once all of its stack is deployed. */
export function openAgain(stack: Stack, environment: string, fleet: FleetConfig, needs: string): void {
  const all = stack.node.children;
  const opening = ask(stack, `opening ${fleet.name}`, functionArn(stack, functionName(environment, GUARD)), {
    Environment: environment,
    Opens: fleet.name,
    Needs: { [fleet.name]: needs },
  });
  for (const each of all) if (each !== opening) opening.node.addDependency(each);
}

function ask(scope: Construct, id: string, serviceToken: string, properties: Record<string, unknown>) {
  return new CustomResource(scope, id, {
    serviceToken,
    resourceType: 'Custom::PermissionGuard',
    properties,
    serviceTimeout: ANSWERS_WITHIN,
    // There is nothing to delete, and with the environment's stack goes the function.
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
}

// ── What a fleet needs ─────────────────────────────────────────────────────────────────────────────────────────────

/**
 * All that the steps and the hosts need for this fleet alone, from which a deployment of it must lose nothing. The text of
 * each permission would fill the template: four characters tell two of them apart in all cases but one of 16 million.
 */
function needsOf(reach: Reach, fleet: FleetConfig): string {
  const alone = { ...reach, environment: { ...reach.environment, fleets: [fleet] }, promotions: [] };
  const texts = STEP_NAMES.flatMap((step) => [
    step,
    ...permissionsOf(step, alone).flatMap((each) =>
      single(each).map((text) => `${step} ${textOf(reach.stack, text)}`),
    ),
  ]);
  const words = [...texts, ...hostTexts(fleet), boundText(reach.environment)].map((text) =>
    createHash('sha256').update(text).digest('base64').slice(0, 4),
  );
  return [...new Set(words)].sort().join('');
}

/** The role of its hosts is the fleet's own: whatever another fleet's hosts keep, these lose it. */
function hostTexts(fleet: FleetConfig): string[] {
  const { name, instanceProfile } = fleet;
  const policies = instanceProfile.kind === 'made' ? instanceProfile.managedPolicies : [];
  return [...filesOf(fleet), ...policies].map((what) => `hosts of ${name} ${what}`);
}

/** What a boundary lets through, nobody here knows: one that comes, or is another one, may take anything. */
const boundText = ({ permissionsBoundaryArn }: Environment): string => `within ${permissionsBoundaryArn}`;

/** One for each action on each resource with each value of its conditions: a value more takes nothing away. */
function single({ actions, resources, conditions = {} }: Permission): unknown[] {
  let found: unknown[][] = actions.flatMap((action) => resources.map((resource) => [action, resource]));
  for (const [operator, keys] of Object.entries(conditions))
    for (const [key, values] of Object.entries(keys))
      found = found.flatMap((each) => [values].flat().map((value) => [...each, operator, key, value]));
  return found;
}

const textOf = (stack: Stack, permission: unknown): string => JSON.stringify(stack.resolve(permission));
