/**
 * IAM's limits for what a role may do: how the permissions of many fleets are spread over its policies. What does not fit
 * at all CloudFormation would find out in the middle of a deployment; here it is found before, and the fields are named
 * that fill the policies.
 */

import type { Stack } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { count, list } from '../lambdas/domain/core/words.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { Permission } from './permissions.ts';
import type { Environment } from './read-fleets.ts';
import { artifactsOf } from './runtime-fleet.ts';

/** Of all inline policies of a role together; IAM does not count white space. */
const MOST_INLINE = 10_240;
/** Of one managed policy, and how many of them a role may have. */
const MOST_MANAGED = 6_144;
export const MOST_POLICIES = 10;

/** What stands around the statements of a policy. */
const FRAME = 60;
/** Of one statement: two of them fit into a managed policy. */
const MOST_VALUES = 2_900;

/** What a reference may become at most: a name of 64 characters in an ARN. */
const LONGEST_ARN = 'x'.repeat(110);
const LONGEST_NAME = 'x'.repeat(64);

/** The first stand in the role itself, the others in policies of their own. */
export interface Spread {
  readonly inline: readonly Permission[];
  readonly managed: readonly (readonly Permission[])[];
}

/**
 * In as few policies as they come to in this order. A permission with many values is several statements of some values
 * each, which allow the same together.
 */
export function spread(stack: Stack, permissions: readonly Permission[]): Spread {
  const policies: Permission[][] = [[]];
  let room = MOST_INLINE - FRAME;
  for (const piece of permissions.flatMap((each) => piecesOf(stack, each))) {
    const size = sizeOf(stack, piece);
    if (size > room) {
      policies.push([]);
      room = MOST_MANAGED - FRAME;
    }
    policies.at(-1)?.push(piece);
    room -= size;
  }
  const [inline = [], ...managed] = policies;
  return { inline, managed };
}

function sizeOf(stack: Stack, { actions, resources, conditions }: Permission): number {
  const statement = { Effect: 'Allow', Action: actions, Resource: resources, Condition: conditions };
  return asLongAsItCanBe(stack.resolve(statement)).length + 1;
}

/** By its longest list: of resources, or of what a condition compares with. */
function piecesOf(stack: Stack, permission: Permission): Permission[] {
  if (sizeOf(stack, permission) <= MOST_VALUES) return [permission];
  const { resources, conditions = {} } = permission;
  const lists = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, values]) =>
      Array.isArray(values) ? [{ operator, key, values }] : [],
    ),
  );
  const [longest] = lists.sort((one, other) => other.values.length - one.values.length);
  if (longest === undefined || resources.length >= longest.values.length)
    return halves(resources).flatMap((some) => piecesOf(stack, { ...permission, resources: some }));
  const { operator, key, values } = longest;
  return halves(values as string[]).flatMap((some) =>
    piecesOf(stack, {
      ...permission,
      conditions: { ...conditions, [operator]: { ...conditions[operator], [key]: some } },
    }),
  );
}

/** @throws Error of one value that is too long by itself: it could not be split for ever. */
function halves<T>(values: readonly T[]): [readonly T[], readonly T[]] {
  const half = Math.ceil(values.length / 2);
  if (half === values.length) throw new Error('A statement of one value is longer than a policy.');
  return [values.slice(0, half), values.slice(half)];
}

/** Where in the stack a role is → the text of all its policies, as long as it can become, and how many are managed. */
export function rolePolicies(
  stack: Stack,
): ReadonlyMap<string, { readonly text: string; readonly managed: number }> {
  const found = new Map<string, { text: string; managed: number }>();
  const paths = new Map<string, string>();
  const add = (path: string, document: unknown, managed: number) => {
    const before = found.get(path) ?? { text: '', managed: 0 };
    const text = before.text + asLongAsItCanBe(stack.resolve(document));
    found.set(path, { text, managed: before.managed + managed });
  };
  for (const each of stack.node.findAll()) {
    if (!(each instanceof CfnRole)) continue;
    const path = each.node.path.replace(/\/Resource$/, '');
    paths.set(stack.resolve(each.logicalId), path);
    for (const { policyDocument } of stack.resolve(each.policies) ?? []) add(path, policyDocument, 0);
  }
  for (const each of stack.node.findAll()) {
    if (!(each instanceof CfnPolicy || each instanceof CfnManagedPolicy)) continue;
    for (const { Ref: role } of stack.resolve(each.roles) ?? [])
      add(paths.get(role) ?? role, each.policyDocument, each instanceof CfnManagedPolicy ? 1 : 0);
  }
  return found;
}

function asLongAsItCanBe(document: unknown): string {
  const text = (part: unknown): string => {
    if (typeof part === 'string') return part;
    const { Ref: ref, 'Fn::Join': join } = Object(part) as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
    if (join) return join[1].map(text).join(join[0]);
    if (ref === 'AWS::Partition') return 'aws-cn';
    return ref === undefined ? LONGEST_ARN : LONGEST_NAME;
  };
  const isReference = (part: object) => 'Ref' in part || 'Fn::Join' in part || 'Fn::GetAtt' in part;
  return JSON.stringify(document, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && isReference(part) ? text(part) : part,
  ).replace(/\s/g, '');
}

/** What of a fleet may stand in a policy. */
const VALUES: Readonly<Record<string, (fleet: FleetConfig) => readonly string[]>> = {
  name: ({ name }) => [name],
  artifact: artifactsOf,
  runtimes: ({ runtimes }) => runtimes.map(({ key }) => key),
  subnets: ({ subnets }) => subnets,
  securityGroups: ({ securityGroups }) => securityGroups,
  loadBalancers: ({ loadBalancers }) =>
    loadBalancers.map((ref) => (ref.kind === 'classic' ? ref.name : ref.arn.replace(/^.*\//, ''))),
  kmsKeys: ({ kmsKeys }) => kmsKeys,
  'image.parameter': ({ image }) => (image.from === 'parameter' ? [image.parameter] : []),
  'instanceProfile.roleArn': ({ instanceProfile }) =>
    instanceProfile.kind === 'given' ? [instanceProfile.roleArn] : [],
};

/** Which fields fill it, in characters, the largest first. */
function filling(text: string, { fleets }: Environment): [field: string, characters: number][] {
  const strings = text.match(/"[^"]*"/g) ?? [];
  const found = Object.entries(VALUES).map(([field, valuesOf]): [string, number] => {
    const values = [...new Set(fleets.flatMap(valuesOf))];
    const those = strings.filter((each) => values.some((value) => each.includes(value)));
    return [field, those.join(',').length];
  });
  return found.filter(([, characters]) => characters > 0).sort(([, one], [, other]) => other - one);
}

/** One problem for each role whose policies have no room. */
export function policyProblems(stack: Stack, environment: Environment): string[] {
  return [...rolePolicies(stack)].flatMap(([path, { text, managed }]) => {
    if (managed <= MOST_POLICIES) return [];
    const fields = filling(text, environment).slice(0, 3);
    const most = list(fields.map(([field, characters]) => `${field} (${characters})`));
    return [
      `environment ${environment.name}: ${count(environment.fleets.length, 'fleet')}: what the role ${path} may do has up to ` +
        `${text.length} characters and needs ${managed} policies beside its own, allowed: ${MOST_POLICIES}, IAM's limit. ` +
        `Most come from the fleets' ${most}: let fleets share them, give them shorter names, or make a second environment`,
    ];
  });
}
