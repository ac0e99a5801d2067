/**
 * `examples/iam/people.template.json`: what people need for the commands, as policies to attach. Made of what was recorded
 * (`person-permissions.ts`), for the example's production.
 */

import { partitionOf } from '../lambdas/domain/core/aws.ts';
import { artifactBucketName, RECORD_PREFIX, stackName } from '../lambdas/domain/core/names.ts';
import type { Environment } from '../lib/read-fleets.ts';
import type { Recorded } from './person-permissions.ts';
import { byThing } from './port-permissions.ts';

interface Level {
  readonly policy: string;
  readonly description: string;
  /** What these commands ask for. */
  readonly commands: readonly string[];
}

/** Each includes the one before. Neither overrides a gate, nor reads Mackerel's key: both are given on purpose. */
const LOOK = ['status', 'watch', 'history', 'page'];
const DEPLOY = [...LOOK, 'deploy', 'plan', 'rollback', 'promote', 'go'];
const LEVELS: Readonly<Record<string, Level>> = {
  MayLook: { policy: 'may-look', description: 'status, watch, history and page', commands: LOOK },
  MayDeploy: {
    policy: 'may-deploy',
    description: 'May look; and deploy, plan, rollback, promote and go, without overriding a gate',
    commands: DEPLOY,
  },
  MayOperate: {
    policy: 'may-operate',
    description: 'May deploy; and cancel, hold, release and unlock, which write the ledger',
    commands: [...DEPLOY, 'cancel', 'hold', 'release', 'unlock'],
  },
};

export function peoplePolicies(recorded: Recorded, environment: Environment): string {
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `What people may do with irekae in ${environment.name}: policies to attach to their roles. Generated: docs/permissions.md says from what.`,
    Parameters: {
      LedgerTable: {
        Type: 'String',
        Description: `The output LedgerTable of the stack ${stackName(environment.name)}`,
      },
    },
    Resources: Object.fromEntries(
      Object.entries(LEVELS).map(([id, level]) => [id, policyOf(level, recorded, environment)]),
    ),
  };
  return `${JSON.stringify(template, null, 2)}\n`;
}

function policyOf({ policy, description, commands }: Level, recorded: Recorded, environment: Environment) {
  const asked = commands.flatMap((command) => recorded.get(command) ?? []).filter(({ on }) => !isLeftOut(on));
  return {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: {
      ManagedPolicyName: `irekae-${environment.name}-${policy}`,
      Description: description,
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: byThing(asked).map(([thing, actions]) => ({
          Effect: 'Allow',
          Action: [...new Set([...actions, ...alsoFor(thing)])].sort(),
          ...placesOf(thing, environment),
        })),
      },
    },
  };
}

const isLeftOut = (on: string): boolean => /-override`$/.test(on) || on.includes('Mackerel');

/** The example's fleets are behind classic load balancers; others are not. */
const alsoFor = (thing: string): string[] =>
  thing === '`*`' ? ['elasticloadbalancing:DescribeTargetHealth'] : [];

/** @throws Error for a thing that nobody has said yet where it is */
function placesOf(thing: string, environment: Environment): { Resource: unknown; Condition?: object } {
  const { name, account, region, fleets } = environment;
  const partition = partitionOf(region);
  const bucket = `arn:${partition}:s3:::${artifactBucketName(environment)}`;
  const arn = (service: string, rest: string) => `arn:${partition}:${service}:${region}:${account}:${rest}`;
  const each = (place: (fleet: string) => string) => ({ Resource: fleets.map((fleet) => place(fleet.name)) });
  const [, kind, machine = ''] = /^(machine|executions of) `(.+)`$/.exec(thing) ?? [];
  if (kind === 'machine')
    return each((fleet) => arn('states', `stateMachine:${machine.replace('FLEET', fleet)}`));
  if (kind !== undefined)
    return each((fleet) => arn('states', `execution:${machine.replace('FLEET', fleet)}:*`));
  const keys = [...new Set(fleets.map(({ artifact }) => artifact))];
  const known: Readonly<Record<string, () => { Resource: unknown; Condition?: object }>> = {
    '`*`': () => ({ Resource: '*' }),
    'the bucket': () => ({ Resource: bucket }),
    'the artifact': () => ({ Resource: keys.map((key) => `${bucket}/${key}`) }),
    [`\`${RECORD_PREFIX}FLEET/*\` in the bucket`]: () =>
      each((fleet) => `${bucket}/${RECORD_PREFIX}${fleet}/*`),
    'the stack of the environment': () => ({ Resource: arn('cloudformation', `stack/${stackName(name)}/*`) }),
    'the ledger': () => ({
      Resource: { 'Fn::Sub': `${arn('dynamodb', 'table/')}\${LedgerTable}` },
      Condition: {
        'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': fleets.map((fleet) => fleet.name) },
        // Without the key, all of no values are equal.
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    }),
  };
  const place = known[thing];
  if (!place) throw new Error(`Where ${thing} is, is not known: add it to docs/people-policies.ts.`);
  return place();
}
