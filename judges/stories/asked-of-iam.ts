/**
 * What AWS asks IAM about for a request on the wire, by the service authorization reference: which actions, on which
 * resources, with which context. https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 */
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { IamRequest } from '../../test/support/iam.ts';
import type { Stack } from '../moto/stacks.ts';

/** A line of `REQUESTS`. */
export interface Sent {
  readonly role: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Surroundings {
  readonly stacks: readonly Stack[];
  /** Instance id → its tags. */
  readonly tags: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

type Context = NonNullable<IamRequest['context']>;
interface Place {
  readonly account: string;
  readonly region: string;
}

/** @throws Error for a request of which nobody here knows what it asks */
export function askedOfIam(sent: Sent, around: Surroundings): IamRequest[] {
  const [service = '', region = ''] =
    /([\w-]+)\.([\w-]+)\.amazonaws\.com$/.exec(sent.headers.host ?? '')?.slice(1) ?? [];
  const place = { account: sent.role.split(':')[4] ?? '', region };
  const ask = SERVICES[service];
  const asked = ask?.(sent, place, around);
  if (asked) return asked;
  throw new Error(`What ${sent.method} ${sent.headers.host}${sent.url} asks IAM is not known here.`);
}

type Ask = (sent: Sent, place: Place, around: Surroundings) => IamRequest[] | undefined;

const arn = ({ account, region }: Place, service: string, rest: string) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;
const bodyOf = ({ body }: Sent) => Buffer.from(body, 'base64').toString();

// ── Forms: EC2, ELB, SNS ───────────────────────────────────────────────────────────────────────────────────────────

const formOf = (sent: Sent) => new URLSearchParams(bodyOf(sent));
const listed = (form: URLSearchParams, pattern: RegExp) =>
  [...form].flatMap(([name, value]) => (pattern.test(name) ? [value] : []));

/** `Prefix.1.Key=k&Prefix.1.Value=v` */
function pairs(form: URLSearchParams, prefix: string): Record<string, string> {
  const found: [string, string][] = [];
  for (let count = 1; form.has(`${prefix}.${count}.Key`); count += 1)
    found.push([form.get(`${prefix}.${count}.Key`) ?? '', form.get(`${prefix}.${count}.Value`) ?? '']);
  return Object.fromEntries(found);
}

const tagged = (kind: 'Resource' | 'Request', tags: Readonly<Record<string, string>>): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:${kind}Tag/${key}`, value]));

const ec2: Ask = (sent, place, { tags, stacks }) => {
  const form = formOf(sent);
  const name = form.get('Action') ?? '';
  const action = `ec2:${name}`;
  const onInstance = (id: string, context: Context = {}): IamRequest => ({
    action,
    resource: arn(place, 'ec2', `instance/${id}`),
    context: { ...tagged('Resource', tags[id] ?? {}), ...context },
  });
  if (name.startsWith('Describe')) return [{ action, resource: '*' }];
  if (name === 'TerminateInstances') return listed(form, /^InstanceId\.\d+$/).map((id) => onInstance(id));
  if (name === 'GetConsoleOutput') return [onInstance(form.get('InstanceId') ?? '')];
  if (name === 'CreateTags' || name === 'DeleteTags') {
    const given = pairs(form, 'Tag');
    const context = { ...tagged('Request', given), 'aws:TagKeys': Object.keys(given) };
    return listed(form, /^ResourceId\.\d+$/).map((id) => onInstance(id, context));
  }
  return name === 'RunInstances' ? launching(form, place, stacks) : undefined;
};

function launching(form: URLSearchParams, place: Place, stacks: readonly Stack[]): IamRequest[] {
  const { account, region } = place;
  const template = form.get('LaunchTemplate.LaunchTemplateId') ?? '';
  const here = stacks.find((stack) => stack.account === account);
  const { LaunchTemplateData: data } = (here?.resources.find(({ name }) => name === template)?.properties ??
    {}) as {
    LaunchTemplateData?: { IamInstanceProfile: { Arn: string }; SecurityGroupIds?: string[] };
  };
  const profile = here?.resources.find(({ name }) => data?.IamInstanceProfile.Arn.endsWith(`/${name}`));
  const pathOf = (role: string) => here?.resources.find(({ name }) => name === role)?.properties.Path ?? '/';
  const run = (resource: string, context: Context = {}): IamRequest => ({
    action: 'ec2:RunInstances',
    resource,
    context,
  });
  const ids = (name: string) => listed(form, new RegExp(`^(NetworkInterface\\.1\\.)?${name}(\\.\\d+)?$`));
  const made = [1, 2, 3, 4].flatMap((count) => {
    const type = form.get(`TagSpecification.${count}.ResourceType`);
    return type === null ? [] : [{ type, given: pairs(form, `TagSpecification.${count}.Tag`) }];
  });
  return [
    run(`arn:aws:ec2:${region}::image/${form.get('ImageId')}`, { 'ec2:Owner': account }),
    run(arn(place, 'ec2', `launch-template/${template}`), {
      // CloudFormation has tagged it: with the fleet for which it launches.
      [`aws:ResourceTag/${TAG.fleet}`]: made.flatMap(({ given }) => given[TAG.fleet] ?? [])[0] ?? '',
    }),
    run(arn(place, 'ec2', 'network-interface/*')),
    ...ids('SubnetId').map((id) => run(arn(place, 'ec2', `subnet/${id}`), { 'ec2:SubnetID': id })),
    ...[...(data?.SecurityGroupIds ?? []), ...ids('SecurityGroupId')].map((id) =>
      run(arn(place, 'ec2', `security-group/${id}`), { 'ec2:SecurityGroupID': id }),
    ),
    ...made.flatMap(({ type, given }) => {
      const resource = arn(place, 'ec2', `${type}/*`);
      const context = tagged('Request', given);
      const keys = { 'aws:TagKeys': Object.keys(given) };
      return [
        run(resource, { ...context, ...keys }),
        {
          action: 'ec2:CreateTags',
          resource,
          context: { ...context, ...keys, 'ec2:CreateAction': 'RunInstances' },
        },
      ];
    }),
    ...((profile?.properties.Roles as string[]) ?? []).map((role) => ({
      action: 'iam:PassRole',
      resource: `arn:aws:iam::${account}:role${pathOf(role)}${role}`,
      context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    })),
  ];
}

const elasticloadbalancing: Ask = (sent, place) => {
  const form = formOf(sent);
  const action = `elasticloadbalancing:${form.get('Action')}`;
  if (action.includes(':Describe')) return [{ action, resource: '*' }];
  const name = form.get('LoadBalancerName');
  return name === null
    ? undefined
    : [{ action, resource: arn(place, 'elasticloadbalancing', `loadbalancer/${name}`) }];
};

const sns: Ask = (sent) => {
  const form = formOf(sent);
  return [{ action: `sns:${form.get('Action')}`, resource: form.get('TopicArn') ?? '' }];
};

// ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const json =
  <Input>(ask: (operation: string, input: Input, place: Place) => IamRequest[] | undefined): Ask =>
  (sent, place) =>
    ask(sent.headers['x-amz-target']?.split('.')[1] ?? '', JSON.parse(bodyOf(sent)), place);

interface Row {
  readonly TableName: string;
  readonly Key: Readonly<Record<string, { readonly S: string }>>;
}

const dynamodb = json<Row>((operation, { TableName, Key }, place) => [
  {
    action: `dynamodb:${operation}`,
    resource: arn(place, 'dynamodb', `table/${TableName}`),
    context: { 'dynamodb:LeadingKeys': Object.values(Key).map(({ S }) => S) },
  },
]);
const ssm = json<{ readonly Name: string }>((operation, { Name }, place) => [
  { action: `ssm:${operation}`, resource: arn(place, 'ssm', `parameter/${Name.replace(/^\//, '')}`) },
]);
const states = json<{ readonly stateMachineArn?: string; readonly executionArn?: string }>(
  (operation, { stateMachineArn, executionArn = '' }) => [
    { action: `states:${operation}`, resource: stateMachineArn ?? executionArn },
  ],
);
interface Entry {
  readonly Source: string;
  readonly DetailType: string;
}

const events = json<{ readonly Entries: readonly Entry[] }>((operation, { Entries }, place) =>
  Entries.map(({ Source, DetailType }) => ({
    action: `events:${operation}`,
    resource: arn(place, 'events', 'event-bus/default'),
    context: { 'events:source': [Source], 'events:detail-type': [DetailType] },
  })),
);

// ── S3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const SECURE = { 'aws:SecureTransport': 'true' };

const s3: Ask = ({ method, url, headers }) => {
  const at = new URL(url, `https://${headers.host}`);
  const [, virtual] = /^(.+)\.s3\./.exec(at.host) ?? [];
  const path = decodeURIComponent(at.pathname).slice(1);
  const [bucket = '', ...rest] = virtual === undefined ? path.split('/') : [virtual, ...path.split('/')];
  const key = rest.join('/');
  const isPinned = at.searchParams.has('versionId');
  const known = new Set([
    'versionId',
    'versions',
    'list-type',
    'prefix',
    'max-keys',
    'x-id',
    'encoding-type',
  ]);
  if ([...at.searchParams.keys()].some((name) => !known.has(name))) return undefined;
  if (key === '') {
    const prefix = at.searchParams.get('prefix');
    const action = at.searchParams.has('versions') ? 's3:ListBucketVersions' : 's3:ListBucket';
    const context = { ...SECURE, ...(prefix !== null && { 's3:prefix': prefix }) };
    return [{ action, resource: `arn:aws:s3:::${bucket}`, context }];
  }
  const object = (action: string, name = `${bucket}/${key}`): IamRequest => ({
    ...{ action, resource: `arn:aws:s3:::${name}`, context: SECURE },
  });
  const reading = (pinned: boolean) => (pinned ? 's3:GetObjectVersion' : 's3:GetObject');
  if (method === 'GET' || method === 'HEAD') return [object(reading(isPinned))];
  if (method !== 'PUT') return undefined;
  const source = headers['x-amz-copy-source'];
  if (source === undefined) return [object('s3:PutObject')];
  const [from = '', version] = decodeURIComponent(source).replace(/^\//, '').split('?versionId=');
  return [object('s3:PutObject'), object(reading(version !== undefined), from)];
};

const SERVICES: Readonly<Record<string, Ask>> = {
  ...{ ec2, elasticloadbalancing, sns, dynamodb, ssm, states, events, s3 },
};
