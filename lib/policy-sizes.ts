/**
 * IAM's limit for what a role may do by its inline policies. CloudFormation would find out in the middle of a
 * deployment; here it is found before, and the fields are named that fill the policy.
 */

import type { Stack } from 'aws-cdk-lib';
import { CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { count, list } from '../lambdas/domain/core/words.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { Environment } from './read-fleets.ts';

/** Of all inline policies of a role together; IAM does not count white space. */
export const MOST_CHARACTERS = 10_240;

/** What a reference may become at most: a name of 64 characters in an ARN. */
const LONGEST_ARN = 'x'.repeat(110);
const LONGEST_NAME = 'x'.repeat(64);

/** Where in the stack a role is → the text of its inline policies, as long as it can become. */
export function inlinePolicies(stack: Stack): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const logicalIds = new Map<string, string>();
  const add = (path: string, document: unknown) =>
    texts.set(path, (texts.get(path) ?? '') + asLongAsItCanBe(stack.resolve(document)));
  for (const each of stack.node.findAll()) {
    if (!(each instanceof CfnRole)) continue;
    const path = each.node.path.replace(/\/Resource$/, '');
    logicalIds.set(stack.resolve(each.logicalId), path);
    for (const { policyDocument } of stack.resolve(each.policies) ?? []) add(path, policyDocument);
  }
  for (const each of stack.node.findAll()) {
    if (!(each instanceof CfnPolicy)) continue;
    for (const { Ref: role } of stack.resolve(each.roles) ?? [])
      add(logicalIds.get(role) ?? role, each.policyDocument);
  }
  return texts;
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
  artifact: ({ artifact }) => [artifact],
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
  return [...inlinePolicies(stack)].flatMap(([path, text]) => {
    if (text.length <= MOST_CHARACTERS) return [];
    const fields = filling(text, environment).slice(0, 3);
    const most = list(fields.map(([field, characters]) => `${field} (${characters})`));
    return [
      `environment ${environment.name}: ${count(environment.fleets.length, 'fleet')}: the policies of the role ${path} ` +
        `have up to ${text.length} characters, allowed: ${MOST_CHARACTERS}, IAM's limit. Most come from the fleets' ` +
        `${most}: let fleets share them, give them shorter names, or make a second environment`,
    ];
  });
}
