/** What only the doctor reads from AWS. `doctor/facts.ts` lists the permissions that each call needs. */
import {
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  GetEbsDefaultKmsKeyIdCommand,
  paginateDescribeInstanceTypeOfferings,
} from '@aws-sdk/client-ec2';
import type { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  GetBucketEncryptionCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { stackStatus } from '../../../lambdas/clients/stacks.ts';
import { itemsOf, jsonIn } from '../../../lambdas/clients/wire/answer.ts';
import { asking, httpStatusOf, isNamed, unavailable } from '../../../lambdas/clients/wire/aws-errors.ts';
import { type CallJson, jsonCaller, patiently } from '../../../lambdas/clients/wire/aws-json.ts';
import { AWS_CLIENT_OPTIONS } from '../../../lambdas/clients/wire/aws-options.ts';
import type { AwsQueryOptions } from '../../../lambdas/clients/wire/aws-query.ts';
import { endpointOf } from '../../../lambdas/clients/wire/endpoint.ts';
import { sendSigned } from '../../../lambdas/clients/wire/signed.ts';
import type {
  BucketSettings,
  DeployedMachine,
  EventRule,
  HookFunction,
  Inspector,
  Offering,
} from '../../../lambdas/ports/inspector.ts';
import { classicDetails, targetGroupDetails } from './balancer-details.ts';

export interface InspectorClients {
  readonly ec2: EC2Client;
  readonly classic: ElasticLoadBalancingClient;
  readonly targetGroups: ElasticLoadBalancingV2Client;
  readonly s3: S3Client;
  readonly options: AwsQueryOptions;
}

export function inspectorAdapter({ ec2, classic, targetGroups, s3, options }: InspectorClients): Inspector {
  const states = jsonCaller('states', options);
  const events = jsonCaller('events', options);
  return {
    offerings: (types, zones) => offerings(ec2, types, zones),
    volumeKeys: (imageId) => volumeKeys(ec2, jsonCaller('kms', options), imageId),
    balancer: (ref) =>
      ref.kind === 'classic' ? classicDetails(classic, ref.name) : targetGroupDetails(targetGroups, ref.arn),
    bucket: (name) => bucket(s3, jsonCaller('kms', options), name),
    stackStatus: (name) => stackStatus(options, name),
    machine: (arn) => machine(states, arn),
    rulesThatStart: (arn) => rulesThatStart(events, arn),
    lambda: (arn) => lambda(options, arn),
    awsTime: () => awsTime(options),
  };
}

// ── EC2 and S3 ─────────────────────────────────────────────────────────────────────────────────────────────────────

function offerings(client: EC2Client, types: readonly string[], zones: readonly string[]) {
  const Filters = [
    { Name: 'instance-type', Values: [...types] },
    { Name: 'location', Values: [...zones] },
  ];
  return asking('list the instance types of the zones', async () => {
    const input = { LocationType: 'availability-zone', Filters } as const;
    const pages = paginateDescribeInstanceTypeOfferings({ client }, input);
    const found = await itemsOf(pages, ({ InstanceTypeOfferings }) => InstanceTypeOfferings);
    return found.map(
      ({ InstanceType = '', Location = '' }): Offering => ({ instanceType: InstanceType, zone: Location }),
    );
  });
}

async function volumeKeys(client: EC2Client, kms: CallJson, imageId: string): Promise<string[]> {
  const used = await asking(`tell the keys of the volumes of ${imageId}`, async () => {
    const [byDefault, { Images = [] }] = await Promise.all([
      client.send(new GetEbsDefaultKmsKeyIdCommand({})),
      client.send(new DescribeImagesCommand({ ImageIds: [imageId], IncludeDeprecated: true })),
    ]);
    const devices = Images.flatMap(({ BlockDeviceMappings = [] }) => BlockDeviceMappings);
    const encrypted = devices.flatMap(({ Ebs }) => (Ebs?.Encrypted ? (Ebs.SnapshotId ?? []) : []));
    const Filters = [{ Name: 'snapshot-id', Values: encrypted }];
    const { Snapshots = [] } =
      encrypted.length === 0 ? {} : await client.send(new DescribeSnapshotsCommand({ Filters }));
    return [byDefault.KmsKeyId, ...Snapshots.map(({ KmsKeyId }) => KmsKeyId)];
  });
  const keys = [...new Set(used.flatMap((key) => (key && !key.endsWith(AWS_OWN_ALIAS) ? [key] : [])))];
  const found = await Promise.all(keys.map((key) => customerKey(kms, key)));
  return [...new Set(found.flatMap((arn) => arn ?? []))];
}

const AWS_OWN_ALIAS = 'alias/aws/ebs';

/** `undefined` for one of AWS's own. A key that KMS does not show is another account's, which AWS's own never is. */
async function customerKey(kms: CallJson, key: string): Promise<string | undefined> {
  const { refusal, body } = await kms({
    operation: 'DescribeKey',
    input: { KeyId: key },
    doing: `describe the KMS key ${key}`,
    expects: ['NotFoundException'],
  });
  if (refusal !== undefined) return key;
  const { Arn, KeyManager } = Object(body.KeyMetadata) as { Arn?: string; KeyManager?: string };
  return KeyManager === 'AWS' ? undefined : (Arn ?? key);
}

/** With KMS and no key named, it is AWS's own. */
async function bucketKey(client: S3Client, Bucket: string): Promise<string | undefined> {
  try {
    const { ServerSideEncryptionConfiguration: by } = await client.send(
      new GetBucketEncryptionCommand({ Bucket }),
    );
    return by?.Rules?.flatMap(
      ({ ApplyServerSideEncryptionByDefault: each }) => each?.KMSMasterKeyID ?? [],
    )[0];
  } catch (error) {
    if (isNamed(error, 'ServerSideEncryptionConfigurationNotFoundError')) return undefined;
    throw error;
  }
}

async function bucket(client: S3Client, kms: CallJson, Bucket: string): Promise<BucketSettings | undefined> {
  return asking(`look at the bucket ${Bucket}`, async () => {
    try {
      const [versioning, { $metadata: _, ...notifications }, key] = await Promise.all([
        client.send(new GetBucketVersioningCommand({ Bucket })),
        client.send(new GetBucketNotificationConfigurationCommand({ Bucket })),
        bucketKey(client, Bucket),
      ]);
      const kmsKey = key && (await customerKey(kms, key));
      return {
        versioned: versioning.Status === 'Enabled',
        eventBridge: notifications.EventBridgeConfiguration !== undefined,
        ...(kmsKey && { kmsKey }),
        notifications: { ...notifications },
      };
    } catch (error) {
      if (isNamed(error, 'NoSuchBucket') || httpStatusOf(error) === 404) return undefined;
      throw error;
    }
  });
}

// ── Step Functions and EventBridge ─────────────────────────────────────────────────────────────────────────────────

/** The answer; `undefined` when the service answers with this error: there is no such thing. */
async function described(
  call: CallJson,
  operation: string,
  input: object,
  { doing, absent }: { readonly doing: string; readonly absent: string },
) {
  const { refusal, body } = await call({ operation, input, doing, expects: [absent] });
  return refusal === undefined ? body : undefined;
}

async function machine(call: CallJson, stateMachineArn: string): Promise<DeployedMachine | undefined> {
  const doing = `describe the state machine ${stateMachineArn}`;
  const absent = 'StateMachineDoesNotExist';
  const body = await described(call, 'DescribeStateMachine', { stateMachineArn }, { doing, absent });
  return body && { definition: parsed(body.definition, doing) };
}

async function rulesThatStart(call: CallJson, machineArn: string): Promise<EventRule[]> {
  const doing = `list the rules that start ${machineArn}`;
  // A machine has one or two; EventBridge answers with up to 100.
  const input = { TargetArn: machineArn, Limit: 100 };
  const { body } = await call({ operation: 'ListRuleNamesByTarget', input, doing });
  if (!Array.isArray(body.RuleNames)) throw unavailable(doing, 'the answer could not be read');
  const rules = await Promise.all(body.RuleNames.map((name) => rule(call, String(name))));
  return rules.flat();
}

/** None when it has been deleted since the listing. */
async function rule(call: CallJson, Name: string): Promise<EventRule[]> {
  const doing = `describe the rule ${Name}`;
  const body = await described(
    call,
    'DescribeRule',
    { Name },
    { doing, absent: 'ResourceNotFoundException' },
  );
  if (!body) return [];
  const pattern = body.EventPattern === undefined ? undefined : parsed(body.EventPattern, doing);
  return [{ name: Name, enabled: body.State !== 'DISABLED', pattern }];
}

/** JSON that an answer holds as text. */
function parsed(text: unknown, doing: string): unknown {
  try {
    return jsonIn(String(text));
  } catch {
    throw unavailable(doing, 'the answer could not be read');
  }
}

// ── Lambda ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Lambda answers with JSON, and knows neither of the ways in which the other services are asked. */
async function lambda(options: AwsQueryOptions, arn: string): Promise<HookFunction | undefined> {
  const doing = `look at the function ${arn}`;
  const [, , , , , , name = '', qualifier] = arn.split(':');
  const url = new URL(
    `2015-03-31/functions/${name}/configuration${qualifier === undefined ? '' : `?Qualifier=${qualifier}`}`,
    options.endpoint ?? endpointOf('lambda', options.region),
  );
  const { ok, status, headers, text } = await asking(doing, () =>
    patiently(() => sendSigned('lambda', options, url, { method: 'GET' })),
  );
  if (status === 404) return undefined;
  if (!ok) {
    const type = headers.get('x-amzn-errortype') ?? `HTTP ${status}`;
    return asking(doing, () => {
      const error = new Error(String(Object(parsed(text, doing)).Message ?? ''));
      throw Object.assign(error, {
        name: type.split(':')[0],
        $fault: 'client',
        $metadata: { httpStatusCode: status },
      });
    });
  }
  const { State = 'Active', Timeout } = Object(parsed(text, doing)) as { State?: string; Timeout?: number };
  if (typeof Timeout !== 'number') throw unavailable(doing, 'the answer could not be read');
  return { state: State, timeoutSeconds: Timeout };
}

// ── The clock ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Unsigned, because a wrong clock makes signatures invalid. Whatever STS answers, it has the date. */
async function awsTime({ region, endpoint, timeoutMs }: AwsQueryOptions): Promise<Date> {
  const doing = 'tell the time';
  const response = await asking(doing, () =>
    fetch(endpoint ?? endpointOf('sts', region), {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs ?? AWS_CLIENT_OPTIONS.requestHandler.requestTimeout),
    }),
  );
  const time = new Date(response.headers.get('date') ?? '');
  if (Number.isNaN(time.getTime())) throw unavailable(doing, 'the answer has no date');
  return time;
}
