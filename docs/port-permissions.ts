/**
 * What AWS asks IAM about for a call of the command through a port. That it is all, and no more, is judged on the wire: a
 * test makes each of these calls through the live adapters and reads the requests that they send.
 */
import { machineIn } from '../lambdas/domain/core/aws.ts';
import { RECORD_PREFIX } from '../lambdas/domain/core/names.ts';
import type { LoadBalancerRef } from '../lambdas/ports/load-balancers.ts';

export interface Asked {
  /** `s3:GetObject`. */
  readonly action: string;
  /** On what, in words; a fleet is called FLEET. */
  readonly on: string;
}

/** Each thing, and what is asked of it, without repetitions; both sorted. */
export function byThing(asked: readonly Asked[]): [string, string[]][] {
  const things = [...new Set(asked.map(({ on }) => on))].sort();
  return things.map((thing) => {
    const actions = asked.flatMap(({ action, on }) => (on === thing ? [action] : []));
    return [thing, [...new Set(actions)].sort()];
  });
}

/** Of whom a call is made. */
export interface Whose {
  readonly fleet: string;
  readonly artifact: string;
  readonly environmentStack: string;
}

type Args = readonly unknown[];
type Asks = (args: Args, whose: Whose) => readonly Asked[];

const all =
  (on: string, ...actions: readonly string[]): Asks =>
  () =>
    actions.map((action) => ({ action, on }));

const ANY = '`*`';
const everywhere = (service: string, ...names: readonly string[]): Asks =>
  all(ANY, ...names.map((name) => `${service}:${name}`));

const named = (text: string, { fleet }: Whose) => `\`${text.replaceAll(fleet, 'FLEET')}\``;

/** CloudFormation knows the name of the table. */
const ledger =
  (action: string): Asks =>
  () => [
    { action: 'cloudformation:DescribeStacks', on: 'the stack of the environment' },
    { action: `dynamodb:${action}`, on: 'the ledger' },
  ];

const execution =
  (action: string): Asks =>
  ([arn], whose) => [
    { action: `states:${action}`, on: `executions of ${named(machineIn(String(arn)), whose)}` },
  ];

/** Without `ListBucket`, S3 says "forbidden" of what is not there. */
const object: Asks = ([, key, version], whose) => [
  {
    action: version === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
    on: objectWords(String(key), whose),
  },
  { action: 's3:ListBucket', on: 'the bucket' },
];

function objectWords(key: string, { fleet, artifact }: Whose): string {
  if (key === artifact) return 'the artifact';
  return key.startsWith(`${RECORD_PREFIX}${fleet}/`)
    ? `\`${RECORD_PREFIX}FLEET/*\` in the bucket`
    : 'the runtimes';
}

const stack: (action: string) => Asks =
  (action) =>
  ([name], { environmentStack }) => [
    {
      action: `cloudformation:${action}`,
      on: `the stack of the ${name === environmentStack ? 'environment' : 'fleet'}`,
    },
  ];

const balancer =
  (classic: readonly string[], target: readonly string[]): Asks =>
  ([ref], whose) => {
    const names = (ref as LoadBalancerRef).kind === 'classic' ? classic : target;
    return everywhere('elasticloadbalancing', ...names)([], whose);
  };

/** Mackerel itself is asked with the key. */
const mackerel = all('the parameter of Mackerel’s key', 'ssm:GetParameter');

export const PORT_PERMISSIONS: Readonly<Record<string, Asks>> = {
  'ec2.describe': everywhere('ec2', 'DescribeInstances'),
  'ec2.listByTag': everywhere('ec2', 'DescribeInstances'),
  'ec2.listByToken': everywhere('ec2', 'DescribeInstances'),
  'ec2.findImage': everywhere('ec2', 'DescribeImages'),
  'ec2.matchingImages': everywhere('ec2', 'DescribeImages'),
  'ec2.subnets': everywhere('ec2', 'DescribeSubnets'),
  'tagger.tag': all('instances', 'ec2:CreateTags'),
  'loadBalancers.settings': balancer(
    ['DescribeLoadBalancers', 'DescribeLoadBalancerAttributes'],
    ['DescribeTargetGroups', 'DescribeTargetGroupAttributes'],
  ),
  'loadBalancers.members': balancer(['DescribeInstanceHealth'], ['DescribeTargetHealth']),
  'mackerel.hosts': mackerel,
  'mackerel.roles': mackerel,
  'mackerel.openAlerts': mackerel,
  'mackerel.latestMetric': mackerel,
  'mackerel.proveWriting': mackerel,
  'artifacts.find': object,
  'artifacts.list': all('the bucket', 's3:ListBucket'),
  'artifacts.versions': all('the bucket', 's3:ListBucketVersions'),
  'records.readRecord': object,
  'parameters.read': ([name]) => [
    {
      action: 'ssm:GetParameter',
      on: String(name).startsWith('/aws/service/') ? ANY : 'the parameter of Mackerel’s key',
    },
  ],
  'ledger.read': ledger('GetItem'),
  'ledger.take': ledger('UpdateItem'),
  'ledger.takeOver': ledger('UpdateItem'),
  'ledger.release': ledger('UpdateItem'),
  'ledger.clearPending': ledger('UpdateItem'),
  'ledger.requestCancel': ledger('UpdateItem'),
  'ledger.putOnHold': ledger('UpdateItem'),
  'ledger.liftHold': ledger('UpdateItem'),
  'executions.status': execution('DescribeExecution'),
  'executions.describe': execution('DescribeExecution'),
  'executions.recent': execution('GetExecutionHistory'),
  'executions.document': execution('GetExecutionHistory'),
  'executions.start': ([arn], whose) => [
    { action: 'states:StartExecution', on: `machine ${named(machineIn(String(arn)), whose)}` },
  ],
  'inspector.offerings': everywhere('ec2', 'DescribeInstanceTypeOfferings'),
  'inspector.volumeKeys': () => [
    ...['ec2:GetEbsDefaultKmsKeyId', 'ec2:DescribeImages', 'ec2:DescribeSnapshots'].map((action) => ({
      action,
      on: ANY,
    })),
    { action: 'kms:DescribeKey', on: 'the keys of the volumes' },
  ],
  'inspector.balancer': balancer(
    ['DescribeLoadBalancers', 'DescribeLoadBalancerAttributes'],
    [
      'DescribeTargetGroups',
      'DescribeTargetGroupAttributes',
      'DescribeLoadBalancers',
      'DescribeLoadBalancerAttributes',
    ],
  ),
  'inspector.bucket': all(
    'the bucket',
    's3:GetBucketVersioning',
    's3:GetBucketNotification',
    's3:GetEncryptionConfiguration',
  ),
  'inspector.lambda': all('the functions of the fleet’s hooks', 'lambda:GetFunctionConfiguration'),
  'inspector.stackStatus': stack('DescribeStacks'),
  'inspector.machine': ([arn], whose) => [
    { action: 'states:DescribeStateMachine', on: `machine ${named(machineIn(String(arn)), whose)}` },
  ],
  'inspector.rulesThatStart': all('the event rules', 'events:ListRuleNamesByTarget', 'events:DescribeRule'),
  'inspector.awsTime': () => [],
  'remover.deleteStack': stack('DeleteStack'),
};

/** @throws Error for a call that nobody has looked up yet */
export function permissionsOf(call: string, args: Args, whose: Whose): readonly Asked[] {
  const asks = PORT_PERMISSIONS[call];
  if (!asks) throw new Error(`What ${call} asks IAM is not known: add it to docs/port-permissions.ts.`);
  return asks(args, whose);
}
