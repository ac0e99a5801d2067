/**
 * IAM refuses what must never happen, whatever Mackerel, the input or a bug says (rule 3): each act, against the
 * synthesized policies of every function. Who may do it is listed; everybody else may not.
 */
import { describe, expect, it } from 'vitest';
import { rowOf, STEP_NAMES } from '../../lambdas/domain/core/steps.ts';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/function-names.ts';
import { resourcesOf, statementsOf } from '../lib/template.ts';
import { allows, deployed, type IamRequest } from '../support/iam.ts';
import { synthesize } from '../synth.ts';

const ACCOUNT = '222222222222';
const REGION = 'ap-northeast-1';
const template = synthesize('production');
const policies = new Map(
  FUNCTION_NAMES.map((name) => [name, deployed(template, ACCOUNT, REGION, statementsOf(template, name))]),
);

/** One call may ask IAM about several resources: it is made only if all of them are allowed. */
type Call = readonly IamRequest[];
const whoMay = (call: Call): FunctionName[] =>
  FUNCTION_NAMES.filter((name) => call.every((request) => allows(policies.get(name) ?? [], request)));

interface Act {
  readonly does: string;
  readonly call: Call;
  /** Default: nobody. */
  readonly by?: readonly FunctionName[];
}
const whoMayDoIt = (acts: readonly Act[]) =>
  it.each(acts)('$does', ({ call, by = [] }) => {
    expect(call.length).toBeGreaterThan(0);
    expect(whoMay(call)).toEqual(FUNCTION_NAMES.filter((name) => by.includes(name)));
  });

// ── What there is in the account ───────────────────────────────────────────────────────────────────────────────────

const arn = (service: string, rest: string, { account = ACCOUNT, region = REGION } = {}) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;
const idOf = (type: string, part: string): string => {
  const [id] = resourcesOf(template, type).find(([logicalId]) => logicalId.includes(part)) ?? [];
  if (id === undefined) throw new Error(`The template has no ${type} ${part}.`);
  return id;
};

const APP = 'reactio-production-app';
const FOREIGN = 'reactio-staging-app';
const INSTANCE = arn('ec2', 'instance/i-0123456789abcdef0');
const VOLUME = arn('ec2', 'volume/*');
const SUBNET = arn('ec2', 'subnet/subnet-0a1b2c3d4e5f60003');
const GROUP = arn('ec2', 'security-group/sg-0a1b2c3d4e5f60003');
const TEMPLATE_ID = idOf('AWS::EC2::LaunchTemplate', 'productionapp');
const TEMPLATE = arn('ec2', `launch-template/${TEMPLATE_ID}`);
const IMAGE = `arn:aws:ec2:${REGION}::image/ami-0123456789abcdef0`;
const LEDGER = arn('dynamodb', `table/${idOf('AWS::DynamoDB::GlobalTable', 'Ledger')}`);
const BUCKET = `arn:aws:s3:::${idOf('AWS::S3::Bucket', 'Artifacts').toLowerCase()}`;
const HOST_ROLE = `arn:aws:iam::${ACCOUNT}:role/irekae/production/${idOf('AWS::IAM::Role', 'hostsreactioproductionapp')}`;
const API_KEY = arn('ssm', 'parameter/irekae/mackerel-api-key');

const tags = (kind: 'Resource' | 'Request', given: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [`aws:${kind}Tag/${key}`, value]));
const one = (action: string, resource: string, context: NonNullable<IamRequest['context']> = {}): Call => [
  { action, resource, context },
];

// ── Terminating ────────────────────────────────────────────────────────────────────────────────────────────────────

const TERMINATORS: FunctionName[] = ['terminate-old-instances', 'terminate-new-instances'];
const terminating = (given: Readonly<Record<string, string>>, instance = INSTANCE) =>
  one(
    'ec2:TerminateInstances',
    instance,
    tags('Resource', { 'aws:ec2launchtemplate:id': TEMPLATE_ID, 'irekae:deployment': 'd', ...given }),
  );
const without = (tag: string, call: Call): Call =>
  call.map((request) => {
    const { [`aws:ResourceTag/${tag}`]: _, ...context } = request.context ?? {};
    return { ...request, context };
  });

describe('Who may terminate', () => {
  whoMayDoIt([
    { does: 'a host of the fleet', call: terminating({ 'irekae:fleet': APP }), by: TERMINATORS },
    {
      does: 'a host of the fleet that EC2 does not say was launched from a template',
      call: without('aws:ec2launchtemplate:id', terminating({ 'irekae:fleet': APP })),
      by: ['terminate-old-instances'],
    },
    {
      does: 'a host of the fleet that no deployment launched',
      call: without('irekae:deployment', terminating({ 'irekae:fleet': APP })),
      by: ['terminate-old-instances'],
    },
    {
      does: 'a host of the fleet whose hand brake was let go of',
      call: terminating({ 'irekae:fleet': APP, 'irekae:protect': 'false' }),
      by: TERMINATORS,
    },
    ...['', 'true', 'False', 'Hanako'].map((value) => ({
      does: `a host of the fleet with the hand brake "${value}"`,
      call: terminating({ 'irekae:fleet': APP, 'irekae:protect': value }),
    })),
    { does: 'an untagged instance', call: terminating({}) },
    { does: 'an instance with other tags', call: terminating({ Name: APP, fleet: APP }) },
    {
      does: 'an instance that this deployment alone is named on',
      call: terminating({ 'irekae:deployment': 'd' }),
    },
    ...[FOREIGN, '', '*', `${APP}-2`, APP.toUpperCase(), 'reactio-production', ` ${APP}`].map((fleet) => ({
      does: `a host of the fleet "${fleet}"`,
      call: terminating({ 'irekae:fleet': fleet }),
    })),
    {
      does: 'a host in another account',
      call: terminating({ 'irekae:fleet': APP }, arn('ec2', 'instance/i-1', { account: '111111111111' })),
    },
    {
      does: 'a host in another Region',
      call: terminating({ 'irekae:fleet': APP }, arn('ec2', 'instance/i-1', { region: 'eu-west-1' })),
    },
  ]);
});

describe('Whatever it is tagged with, nobody may', () => {
  const actions = [
    'StopInstances',
    'RebootInstances',
    'ModifyInstanceAttribute',
    'CreateTags',
    'DeleteTags',
    'CreateImage',
    'AssociateIamInstanceProfile',
    'GetPasswordData',
  ];
  whoMayDoIt(
    actions.map((action) => ({
      does: `call ${action} on a host of the fleet`,
      call: one(`ec2:${action}`, INSTANCE, tags('Resource', { 'irekae:fleet': APP })),
    })),
  );
});

// ── Launching ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface LaunchParts {
  readonly subnet?: string;
  readonly group?: string;
  readonly template?: string;
  readonly templateTags?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly volumeTags?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
}

/** What IAM's reference says that a request on a subnet or security group holds: its own id. */
function ownId(resource: string): NonNullable<IamRequest['context']> {
  const id = resource.replace(/^.*\//, '');
  if (id.startsWith('ami-')) return { 'ec2:Owner': ACCOUNT };
  if (id.startsWith('subnet-')) return { 'ec2:SubnetID': id };
  return id.startsWith('sg-') ? { 'ec2:SecurityGroupID': id } : {};
}

/** What EC2 asks IAM about for one RunInstances. */
function launching(parts: LaunchParts = {}): Call {
  const { subnet = SUBNET, group = GROUP, template: from = TEMPLATE, more = [] } = parts;
  const given = parts.tags ?? { 'irekae:fleet': APP };
  const used = [IMAGE, arn('ec2', 'network-interface/*'), subnet, group, ...more];
  return [
    ...used.flatMap((resource) => one('ec2:RunInstances', resource, ownId(resource))),
    ...one('ec2:RunInstances', from, tags('Resource', parts.templateTags ?? { 'irekae:fleet': APP })),
    ...one('ec2:RunInstances', arn('ec2', 'instance/*'), tags('Request', given)),
    ...one('ec2:RunInstances', VOLUME, tags('Request', parts.volumeTags ?? given)),
  ];
}

const tagging = (resource: string, context: NonNullable<IamRequest['context']>) =>
  one('ec2:CreateTags', resource, { ...tags('Request', { 'irekae:fleet': APP }), ...context });

describe('Who may launch', () => {
  const by: FunctionName[] = ['launch-new-instances'];
  whoMayDoIt([
    { does: 'a host of the fleet', call: launching(), by },
    { does: 'an instance without tags', call: launching({ tags: {} }) },
    { does: 'an instance whose volumes have no tags', call: launching({ volumeTags: {} }) },
    { does: 'a host of another environment’s fleet', call: launching({ tags: { 'irekae:fleet': FOREIGN } }) },
    {
      does: 'a host in another environment’s subnet',
      call: launching({ subnet: arn('ec2', 'subnet/subnet-0a1b2c3d4e5f60001') }),
    },
    {
      does: 'a host with another environment’s security group',
      call: launching({ group: arn('ec2', 'security-group/sg-0a1b2c3d4e5f60001') }),
    },
    {
      does: 'a host with a second security group of the database’s',
      call: launching({ more: [arn('ec2', 'security-group/sg-0d0d0d0d0d0d0d0d0')] }),
    },
    {
      does: 'a host from another environment’s launch template',
      call: launching({ templateTags: { 'irekae:fleet': FOREIGN } }),
    },
    { does: 'a host from a launch template without tags', call: launching({ templateTags: {} }) },
    {
      does: 'a host from a launch template of another account',
      call: launching({ template: arn('ec2', 'launch-template/lt-1', { account: '111111111111' }) }),
    },
    { does: 'a host with an SSH key', call: launching({ more: [arn('ec2', 'key-pair/admin')] }) },
  ]);
});

describe('Who may tag', () => {
  whoMayDoIt([
    {
      does: 'what is being launched',
      call: tagging(arn('ec2', 'instance/*'), { 'ec2:CreateAction': 'RunInstances' }),
      by: ['launch-new-instances'],
    },
    { does: 'an instance that runs', call: tagging(INSTANCE, {}) },
    {
      does: 'a host of another fleet',
      call: tagging(INSTANCE, tags('Resource', { 'irekae:fleet': FOREIGN })),
    },
    { does: 'an image', call: tagging(IMAGE, { 'ec2:CreateAction': 'CreateImage' }) },
    {
      does: 'a snapshot that is being made',
      call: tagging(arn('ec2', 'snapshot/*'), { 'ec2:CreateAction': 'CreateSnapshot' }),
    },
  ]);
});

describe('Who may pass', () => {
  const passing = (role: string, service?: string) =>
    one('iam:PassRole', role, service === undefined ? {} : { 'iam:PassedToService': service });
  const functionRole = `arn:aws:iam::${ACCOUNT}:role/${idOf('AWS::IAM::Role', 'terminateoldinstances')}`;
  whoMayDoIt([
    {
      does: 'the hosts’ role to EC2',
      call: passing(HOST_ROLE, 'ec2.amazonaws.com'),
      by: ['launch-new-instances'],
    },
    { does: 'the hosts’ role to Lambda', call: passing(HOST_ROLE, 'lambda.amazonaws.com') },
    { does: 'the hosts’ role to a service that does not say its name', call: passing(HOST_ROLE) },
    { does: 'a function’s role to EC2', call: passing(functionRole, 'ec2.amazonaws.com') },
    {
      does: 'an administrator’s role to EC2',
      call: passing(`arn:aws:iam::${ACCOUNT}:role/admin`, 'ec2.amazonaws.com'),
    },
    {
      does: 'the role of another environment’s hosts to EC2',
      call: passing(HOST_ROLE.replace('/production/', '/staging/'), 'ec2.amazonaws.com'),
    },
  ]);
});

// ── Parameters, the ledger, executions, objects, load balancers ────────────────────────────────────────────────────

const ASKS_MACKEREL: FunctionName[] = [
  'snapshot-old-hosts',
  'new-hosts-are-ready',
  'watch-the-first-hosts',
  'take-old-hosts-out-of-service',
  'watch-the-new-hosts',
  'ask-the-hook',
  'wait-for-a-person',
  'terminate-old-instances',
  'retire-old-hosts-in-mackerel',
  'record-the-release',
  'put-old-hosts-back',
  'terminate-new-instances',
  'record-the-failure',
];

describe('Who may read a parameter', () => {
  const parameter = (name: string) => arn('ssm', `parameter/${name}`);
  whoMayDoIt([
    // The orphan watch makes up for what could not be told.
    {
      does: 'the API key',
      call: one('ssm:GetParameter', API_KEY),
      by: [...ASKS_MACKEREL, 'look-for-orphans'],
    },
    ...['irekae/mackerel-api-key-2', 'irekae', 'irekae/other', 'database/password'].map((name) => ({
      does: `/${name}`,
      call: one('ssm:GetParameter', parameter(name)),
    })),
    {
      does: 'the API key of another account',
      call: one('ssm:GetParameter', API_KEY.replace(ACCOUNT, '111111111111')),
    },
    ...['GetParameters', 'GetParametersByPath', 'GetParameterHistory', 'PutParameter', 'DeleteParameter'].map(
      (action) => ({ does: `the API key by ${action}`, call: one(`ssm:${action}`, API_KEY) }),
    ),
    {
      does: 'a secret',
      call: one('secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:database')),
    },
  ]);
});

describe('Who may touch a row of the ledger', () => {
  const row = (action: string, keys: readonly string[], table = LEDGER) =>
    one(`dynamodb:${action}`, table, { 'dynamodb:LeadingKeys': keys });
  const readers = FUNCTION_NAMES.filter((name) =>
    JSON.stringify(policies.get(name)).includes('dynamodb:GetItem'),
  );
  const writers: FunctionName[] = [
    'take-the-fleet-lock',
    'snapshot-old-hosts',
    'retire-old-hosts-in-mackerel',
    'record-the-release',
    'launch-new-instances',
    'replace-the-stragglers',
    'take-old-hosts-out-of-service',
    'ask-the-hook',
    'wait-for-a-person',
    'terminate-old-instances',
    'terminate-new-instances',
    'put-old-hosts-back',
    'record-the-failure',
    'release-the-fleet-lock',
    'take-over-the-lock',
    'look-for-orphans',
    'guard-permissions',
  ];
  whoMayDoIt([
    { does: 'its fleet’s, reading', call: row('GetItem', [APP]), by: readers },
    { does: 'its fleet’s, writing', call: row('UpdateItem', [APP]), by: writers },
    ...['GetItem', 'UpdateItem'].flatMap((action) => [
      { does: `another fleet’s, by ${action}`, call: row(action, [FOREIGN]) },
      { does: `another fleet’s beside its own, by ${action}`, call: row(action, [APP, FOREIGN]) },
      { does: `another table’s, by ${action}`, call: row(action, [APP], arn('dynamodb', 'table/users')) },
    ]),
    ...['PutItem', 'DeleteItem', 'Query', 'BatchWriteItem'].map((action) => ({
      does: `its fleet’s, by ${action}`,
      call: row(action, [APP]),
    })),
    ...['Scan', 'DeleteTable', 'ExportTableToPointInTime'].map((action) => ({
      does: `all at once, by ${action}`,
      call: one(`dynamodb:${action}`, LEDGER),
    })),
  ]);
});

describe('Who may start an execution', () => {
  const machine = (name: string) => arn('states', `stateMachine:irekae-${name}`);
  const start = (name: string) => one('states:StartExecution', machine(name));
  whoMayDoIt([
    {
      does: 'of the fleet’s deployment',
      call: start(APP),
      by: ['start-the-followers', 'release-the-fleet-lock', 'take-over-the-lock', 'look-for-orphans'],
    },
    {
      does: 'of the fleet’s clean-up',
      call: start(`${APP}-clean-up`),
      by: ['take-the-fleet-lock', 'look-for-orphans'],
    },
    { does: 'of another environment’s deployment', call: start(FOREIGN) },
    { does: 'of another environment’s clean-up', call: start(`${FOREIGN}-clean-up`) },
    {
      does: 'of any other machine',
      call: one('states:StartExecution', arn('states', 'stateMachine:payroll')),
    },
    {
      does: 'again (redrive)',
      call: one('states:RedriveExecution', arn('states', `execution:irekae-${APP}:deploy-1`)),
    },
    {
      does: 'and stop one',
      call: one('states:StopExecution', arn('states', `execution:irekae-${APP}:deploy-1`)),
    },
    {
      does: 'and read the history of one',
      call: one('states:GetExecutionHistory', arn('states', `execution:irekae-${APP}:deploy-1`)),
      by: ['take-over-the-lock'],
    },
    {
      does: 'and read the history of one that holds no lock',
      call: one('states:GetExecutionHistory', arn('states', `execution:irekae-${APP}-promote:release-1`)),
    },
    {
      does: 'and describe one of another environment',
      call: one('states:DescribeExecution', arn('states', `execution:irekae-${FOREIGN}:deploy-1`)),
    },
  ]);
});

/** Those of this deployment; and those that an earlier one owes. */
const WRITES_RECORDS: FunctionName[] = [
  'take-the-fleet-lock',
  'record-the-release',
  'record-the-failure',
  'look-for-orphans',
];

describe('Who may touch an object', () => {
  const object = (action: string, key: string) => one(`s3:${action}`, `${BUCKET}/${key}`);
  whoMayDoIt([
    {
      does: 'the application’s tarball, reading',
      call: object('GetObjectVersion', 'reactio/app.tar.gz'),
      by: ['take-the-fleet-lock', 'resolve-the-release'],
    },
    {
      does: 'the record of a deployment, reading, to go back to it, or to see that it is newer',
      call: object('GetObject', `irekae/${APP}/deployments/release-1.json`),
      by: ['take-the-fleet-lock', 'resolve-the-image', 'resolve-the-release', 'look-for-orphans'],
    },
    {
      does: 'the proof of a promotion, reading',
      call: object('GetObject', `irekae/${APP}/promotions/0a1b.json`),
      by: ['resolve-the-release', 'choose-the-candidate'],
    },
    {
      does: 'the proof of a promotion, writing',
      call: object('PutObject', `irekae/${APP}/promotions/0a1b.json`),
      by: ['write-the-proof', 'give-up-the-promotion'],
    },
    {
      does: 'the page of a deployment, writing',
      call: object('PutObject', `irekae/${APP}/deployments/release-1.html`),
      by: WRITES_RECORDS,
    },
    {
      does: 'a record, writing',
      call: object('PutObject', `irekae/${APP}/current.json`),
      by: WRITES_RECORDS,
    },
    {
      does: 'the console of a failed host, writing',
      call: object('PutObject', `irekae/${APP}/consoles/release-1/i-1.log`),
      // And whoever removes stragglers, in an environment where they are replaced.
      by: ['terminate-new-instances'],
    },
    { does: 'the application’s tarball, writing', call: object('PutObject', 'reactio/app.tar.gz') },
    { does: 'a key beside the records, writing', call: object('PutObject', 'irekae.json') },
    { does: 'a key of nobody’s, reading', call: object('GetObject', 'customers.csv') },
    { does: 'a record, deleting', call: object('DeleteObject', `irekae/${APP}/current.json`) },
    { does: 'another bucket’s', call: one('s3:GetObject', 'arn:aws:s3:::other/reactio/app.tar.gz') },
    ...['PutBucketPolicy', 'PutBucketVersioning', 'DeleteBucket'].map((action) => ({
      does: `all of them, by ${action}`,
      call: one(`s3:${action}`, BUCKET),
    })),
    {
      does: 'and list versions of other keys',
      call: one('s3:ListBucketVersions', BUCKET, { 's3:prefix': 'customers' }),
    },
    { does: 'and list versions of every key', call: one('s3:ListBucketVersions', BUCKET) },
  ]);
});

describe('Who may change a load balancer', () => {
  const balancer = (name: string) => arn('elasticloadbalancing', `loadbalancer/${name}`);
  const elb = (action: string, resource: string) => one(`elasticloadbalancing:${action}`, resource);
  const [JOIN, LEAVE] = ['RegisterInstancesWithLoadBalancer', 'DeregisterInstancesFromLoadBalancer'];
  whoMayDoIt([
    {
      does: 'let hosts join the fleet’s',
      call: elb(JOIN, balancer('reactio-production')),
      by: ['new-hosts-are-ready', 'put-old-hosts-back'],
    },
    {
      does: 'let hosts leave the fleet’s',
      call: elb(LEAVE, balancer('reactio-production')),
      by: ['take-old-hosts-out-of-service', 'terminate-new-instances'],
    },
    ...[JOIN, LEAVE].flatMap((action) =>
      ['reactio-staging', 'database', 'reactio-production-2'].map((name) => ({
        does: `${action} at ${name}`,
        call: elb(action, balancer(name)),
      })),
    ),
    ...['DeleteLoadBalancer', 'ModifyLoadBalancerAttributes', 'ConfigureHealthCheck'].map((action) => ({
      does: `${action} at the fleet’s`,
      call: elb(action, balancer('reactio-production')),
    })),
    ...['RegisterTargets', 'DeregisterTargets', 'DeleteTargetGroup'].map((action) => ({
      does: `${action} at somebody’s target group`,
      call: elb(action, arn('elasticloadbalancing', 'targetgroup/api/0123456789abcdef')),
    })),
  ]);
});

describe('Nobody may', () => {
  const anything: [string, string][] = [
    ['iam:CreateUser', `arn:aws:iam::${ACCOUNT}:user/me`],
    ['iam:PutRolePolicy', HOST_ROLE],
    ['iam:AttachRolePolicy', HOST_ROLE],
    ['sts:AssumeRole', `arn:aws:iam::${ACCOUNT}:role/admin`],
    ['lambda:InvokeFunction', arn('lambda', 'function:anything')],
    ['lambda:UpdateFunctionCode', arn('lambda', 'function:irekae-production-terminate-old-instances')],
    ['ec2:CreateLaunchTemplateVersion', TEMPLATE],
    ['ec2:AuthorizeSecurityGroupIngress', GROUP],
    ['ec2:DeleteVolume', arn('ec2', 'volume/vol-1')],
    ['ssm:SendCommand', INSTANCE],
    ['logs:DeleteLogGroup', arn('logs', 'log-group:anything:*')],
    ['logs:PutLogEvents', arn('logs', 'log-group:anything:*')],
    ['cloudformation:UpdateStack', arn('cloudformation', 'stack/irekae-production/1')],
  ];
  it.each(anything)('%s', (action, resource) => {
    expect(whoMay(one(action, resource, { ...tags('Resource', { 'irekae:fleet': APP }) }))).toEqual([]);
  });
});

// ── What a step that only looks may do ─────────────────────────────────────────────────────────────────────────────

describe('A step that only looks', () => {
  const LOOKS = /^(ec2|elasticloadbalancing|ssm|s3|dynamodb|states):(Describe|Get|List)[A-Za-z]*$/;
  const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const onlyLook = STEP_NAMES.filter((name) => rowOf(name).changes === 'nothing');
  it.each(onlyLook)('%s may change nothing but its own log', (name) => {
    const actions = (policies.get(name) ?? []).flatMap(({ Action }) => [Action].flat());
    expect(actions.length).toBeGreaterThan(LOG.length - 1);
    expect(actions.filter((action) => !LOOKS.test(action)).sort()).toEqual(LOG);
  });
});
