/** What AWS asks IAM about for a call through a port: by the service authorization reference. Mackerel asks nobody. */
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { CopyRequest, Place } from '../../lambdas/ports/s3.ts';
import type { PortCall } from '../../simulator/world/calls.ts';
import type { IamRequest } from './iam.ts';

/** Where a call is made, and what IAM knows of what it names. */
export interface Surroundings {
  readonly account: string;
  readonly region: string;
  readonly ledger: string;
  readonly news: string;
  /** The key of one's own that encrypts the API key. */
  readonly apiKeyKey: string | undefined;
  readonly apiKeyParameter: string;
  readonly tagsOf: (instanceId: string) => Readonly<Record<string, string>>;
  /** As EC2 tells IAM: the alias of Amazon's images, else an account. */
  readonly imageOwner: (imageId: string) => string;
  /** Of the fleet of this tag. */
  readonly parts: (fleet: string) => {
    readonly securityGroups: readonly string[];
    readonly role: string;
    readonly kmsKeys: readonly string[];
    /** Of its owner's: what it names beside that. */
    readonly launchTemplate?: { readonly id: string; readonly keyPair?: string | undefined } | undefined;
  };
}

type Context = NonNullable<IamRequest['context']>;
const tags = (kind: 'Resource' | 'Request', given: Readonly<Record<string, string>>): Context =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [`aws:${kind}Tag/${key}`, value]));

/** @param answer `undefined` also tells that S3 was asked for what is not there */
export function requestsOf(call: PortCall, answer: unknown, at: Surroundings): IamRequest[] {
  const asks = ASKS[`${call.service}.${call.action}`];
  if (call.service === 'mackerel') return [];
  if (asks === undefined) throw new Error(`What ${call.service}.${call.action} asks IAM is not known here.`);
  return asks(at, call.args as never, answer);
}

const arn = ({ account, region }: Surroundings, service: string, rest: string) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;
const everywhere =
  (...actions: string[]) =>
  (): IamRequest[] =>
    actions.map((action) => ({ action, resource: '*' }));

// ── S3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const object = (action: string, { bucket, key }: Place): IamRequest => ({
  action: `s3:${action}`,
  resource: `arn:aws:s3:::${bucket}/${key}`,
  context: { 'aws:SecureTransport': 'true' },
});
const listing = (bucket: string, action = 'ListBucket', context: Context = {}): IamRequest => ({
  action: `s3:${action}`,
  resource: `arn:aws:s3:::${bucket}`,
  context: { 'aws:SecureTransport': 'true', ...context },
});
/** Without `ListBucket`, S3 says "forbidden" of what is not there. */
const reading = (place: Place, versionId: string | undefined, answer: unknown): IamRequest[] => [
  object(versionId === undefined ? 'GetObject' : 'GetObjectVersion', place),
  ...(answer === undefined && versionId === undefined ? [listing(place.bucket)] : []),
];
const writing = (place: Place) => [object('PutObject', place)];

// ── EC2 and load balancers ─────────────────────────────────────────────────────────────────────────────────────────

/** From a template that carries none of our tags; it names a key pair, a placement group and a snapshot, for spot. */
function fromOwners(
  at: Surroundings,
  { id, keyPair }: { readonly id: string; readonly keyPair?: string | undefined },
): { resource: string; context: Context }[] {
  const template = arn(at, 'ec2', `launch-template/${id}`);
  const named = ['placement-group/near', 'capacity-reservation/cr-1'];
  const context = { 'ec2:LaunchTemplate': template, 'ec2:IsLaunchTemplateResource': 'true' };
  return [
    { resource: template, context: {} },
    ...(keyPair === undefined ? [] : [{ resource: arn(at, 'ec2', `key-pair/${keyPair}`), context: {} }]),
    ...named.map((each) => ({ resource: arn(at, 'ec2', each), context })),
    // IAM is not told of the template there.
    { resource: arn(at, 'ec2', 'spot-instances-request/*'), context: {} },
    { resource: `arn:aws:ec2:${at.region}::snapshot/snap-1`, context },
  ];
}

function launching(at: Surroundings, request: LaunchRequest): IamRequest[] {
  const { securityGroups, role, kmsKeys, launchTemplate } = at.parts(request.tags[TAG.fleet] ?? '');
  const run = (resource: string, context: Context = {}): IamRequest => ({
    action: 'ec2:RunInstances',
    resource,
    context,
  });
  const given = tags('Request', request.tags);
  const made = ['instance', 'volume'].map((kind) => arn(at, 'ec2', `${kind}/*`));
  const via = { 'kms:ViaService': `ec2.${at.region}.amazonaws.com` };
  const decrypting = [
    'Decrypt',
    'DescribeKey',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
  ];
  return [
    run(`arn:aws:ec2:${at.region}::image/${request.imageId}`, {
      'ec2:Owner': at.imageOwner(request.imageId),
    }),
    run(arn(at, 'ec2', 'network-interface/*')),
    ...(launchTemplate
      ? fromOwners(at, launchTemplate).map(({ resource, context }) => run(resource, context))
      : [
          run(
            arn(at, 'ec2', `launch-template/${request.launchTemplate.id.replace(/^\$\{(\w+)\}$/, '$1')}`),
            tags('Resource', { [TAG.fleet]: request.tags[TAG.fleet] ?? '' }),
          ),
        ]),
    run(arn(at, 'ec2', `subnet/${request.subnetId}`), { 'ec2:SubnetID': request.subnetId }),
    ...securityGroups.map((id) => run(arn(at, 'ec2', `security-group/${id}`), { 'ec2:SecurityGroupID': id })),
    ...made.map((resource) => run(resource, given)),
    ...made.map((resource) => ({
      action: 'ec2:CreateTags',
      resource,
      context: { ...given, 'ec2:CreateAction': 'RunInstances', 'aws:TagKeys': Object.keys(request.tags) },
    })),
    { action: 'iam:PassRole', resource: role, context: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    ...kmsKeys.flatMap((resource) => [
      ...decrypting.map((action) => ({ action: `kms:${action}`, resource, context: via })),
      { action: 'kms:CreateGrant', resource, context: { ...via, 'kms:GrantIsForAWSResource': 'true' } },
    ]),
  ];
}

const onInstance = (at: Surroundings, action: string, id: string, context: Context = {}): IamRequest => ({
  action: `ec2:${action}`,
  resource: arn(at, 'ec2', `instance/${id}`),
  context: { ...tags('Resource', at.tagsOf(id)), ...context },
});

const balancer =
  (classic: string, target: string) =>
  (at: Surroundings, [ref]: [LoadBalancerRef]): IamRequest[] => [
    ref.kind === 'classic'
      ? {
          action: `elasticloadbalancing:${classic}`,
          resource: arn(at, 'elasticloadbalancing', `loadbalancer/${ref.name}`),
        }
      : { action: `elasticloadbalancing:${target}`, resource: ref.arn },
  ];
const describing =
  (classic: readonly string[], target: readonly string[]) =>
  (_: Surroundings, [{ kind }]: [LoadBalancerRef]): IamRequest[] =>
    (kind === 'classic' ? classic : target).map((what) => ({
      action: `elasticloadbalancing:Describe${what}`,
      resource: '*',
    }));

// ── The table ──────────────────────────────────────────────────────────────────────────────────────────────────────

const row =
  (action: string) =>
  (at: Surroundings, [fleet]: [string]): IamRequest[] => [
    {
      action: `dynamodb:${action}`,
      resource: at.ledger,
      context: { 'dynamodb:LeadingKeys': [fleet] },
    },
  ];
const update = row('UpdateItem');

function parameter(at: Surroundings, [name]: [string]): IamRequest[] {
  const resource = name.startsWith('/aws/service/')
    ? `arn:aws:ssm:${at.region}::parameter${name}`
    : arn(at, 'ssm', `parameter/${name.replace(/^\//, '')}`);
  const read = { action: 'ssm:GetParameter', resource };
  if (name !== at.apiKeyParameter || at.apiKeyKey === undefined) return [read];
  const context = {
    'kms:ViaService': `ssm.${at.region}.amazonaws.com`,
    'kms:EncryptionContext:PARAMETER_ARN': resource,
  };
  return [read, { action: 'kms:Decrypt', resource: at.apiKeyKey, context }];
}

type Asks = (at: Surroundings, args: never, answer: unknown) => IamRequest[];
const copying = (_: Surroundings, [request]: [CopyRequest]) => [
  object('GetObjectVersion', request.from),
  object('PutObject', request.to),
  // A copy onto what is known to be there reads it, too.
  ...(request.onto === undefined ? [] : [object('GetObject', request.to)]),
];
const parts = (request: CopyRequest) => object('ListMultipartUploadParts', request.to);

const ASKS: Readonly<Record<string, Asks>> = {
  'ec2.describe': everywhere('ec2:DescribeInstances'),
  'ec2.listByTag': everywhere('ec2:DescribeInstances'),
  'ec2.listByToken': everywhere('ec2:DescribeInstances'),
  'ec2.launch': (at, [request]: [LaunchRequest]) => launching(at, request),
  // After a refusal it looks which are gone already.
  'ec2.terminate': (at, [ids]: [string[]]) => [
    ...everywhere('ec2:DescribeInstances')(),
    ...ids.map((id) => onInstance(at, 'TerminateInstances', id)),
  ],
  'ec2.tag': (at, [id, given]: [string, Record<string, string>]) => [
    onInstance(at, 'CreateTags', id, { ...tags('Request', given), 'aws:TagKeys': Object.keys(given) }),
  ],
  'ec2.consoleOutput': (at, [id]: [string]) => [onInstance(at, 'GetConsoleOutput', id)],
  'ec2.findImage': everywhere('ec2:DescribeImages'),
  'ec2.matchingImages': everywhere('ec2:DescribeImages'),
  'ec2.templateVersion': everywhere('ec2:DescribeLaunchTemplateVersions'),
  'ec2.subnets': everywhere('ec2:DescribeSubnets'),
  'loadBalancers.settings': describing(
    ['LoadBalancers', 'LoadBalancerAttributes'],
    ['TargetGroups', 'TargetGroupAttributes'],
  ),
  'loadBalancers.members': describing(['InstanceHealth'], ['TargetHealth']),
  'loadBalancers.register': balancer('RegisterInstancesWithLoadBalancer', 'RegisterTargets'),
  'loadBalancers.deregister': balancer('DeregisterInstancesFromLoadBalancer', 'DeregisterTargets'),
  'artifacts.find': (_, [bucket, key, version]: [string, string, string?], answer) =>
    reading({ bucket, key }, version, answer),
  'artifacts.digest': (_, [bucket, key]: [string, string]) => [object('GetObjectVersion', { bucket, key })],
  'artifacts.versions': (_, [bucket, key]: [string, string]) => [
    listing(bucket, 'ListBucketVersions', { 's3:prefix': key }),
  ],
  'records.readRecord': (_, [bucket, key]: [string, string], answer) =>
    reading({ bucket, key }, undefined, answer),
  'records.readVersion': (_, [bucket, key]: [string, string]) => [
    object('GetObjectVersion', { bucket, key }),
  ],
  'records.writeRecord': (_, [bucket, key]: [string, string]) => writing({ bucket, key }),
  'records.writePage': (_, [bucket, key]: [string, string]) => writing({ bucket, key }),
  'records.writeText': (_, [bucket, key]: [string, string]) => writing({ bucket, key }),
  'copies.look': (_, [place, version]: [Place, string?], answer) => reading(place, version, answer),
  'copies.whole': copying,
  'copies.begin': (_, [request]: [CopyRequest]) => writing(request.to),
  'copies.parts': (_, [request]: [CopyRequest]) => [
    object('GetObjectVersion', request.from),
    ...writing(request.to),
    parts(request),
  ],
  'copies.finish': (_, [request]: [CopyRequest]) => [
    ...writing(request.to),
    parts(request),
    ...(request.onto === undefined ? [] : [object('GetObject', request.to)]),
  ],
  'copies.abandon': (_, [to]: [Place]) => [object('AbortMultipartUpload', to)],
  'parameters.read': parameter,
  'ledger.read': row('GetItem'),
  ...Object.fromEntries(
    [
      ...['take', 'takeOver', 'enter', 'keepForHuman', 'release', 'clearPending', 'owe', 'requestCancel'],
      ...['putOnHold', 'liftHold', 'awaitPerson', 'letGoOn'],
    ].map((write) => [`ledger.${write}`, update]),
  ),
  'ledger.pend': (at, [fleet]: [string]) => update(at, [fleet]),
  'executions.status': (_, [execution]: [string]) => [
    { action: 'states:DescribeExecution', resource: execution },
  ],
  'executions.describe': (_, [execution]: [string]) => [
    { action: 'states:DescribeExecution', resource: execution },
  ],
  'executions.events': (_, [execution]: [string]) => [
    { action: 'states:GetExecutionHistory', resource: execution },
  ],
  'executions.start': (_, [machine]: [string]) => [{ action: 'states:StartExecution', resource: machine }],
  'announcer.tellPeople': (at) => [{ action: 'sns:Publish', resource: at.news }],
  'announcer.tellMachines': (at, [{ detailType }]: [{ detailType: string }]) => [
    {
      action: 'events:PutEvents',
      resource: arn(at, 'events', 'event-bus/default'),
      context: { 'events:source': ['irekae'], 'events:detail-type': [detailType] },
    },
  ],
};
