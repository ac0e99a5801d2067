/**
 * An account as `irekae init` reads it. Each list is read by itself: one that may not be read is said, and the others are
 * still there. Nothing here writes: only `Describe…`, `Get…` and Mackerel's GETs.
 */
import {
  EC2Client,
  type Instance,
  type LaunchTemplate,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplates,
  paginateDescribeLaunchTemplateVersions,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
} from '@aws-sdk/client-ec2';
import {
  ElasticLoadBalancingClient,
  paginateDescribeLoadBalancers as paginateClassic,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
  paginateDescribeTargetGroups,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { organisation } from '../../../lambdas/clients/mackerel.ts';
import { parametersAdapter } from '../../../lambdas/clients/parameters.ts';
import { itemsOf } from '../../../lambdas/clients/wire/answer.ts';
import { asking } from '../../../lambdas/clients/wire/aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from '../../../lambdas/clients/wire/aws-options.ts';
import { type AwsQueryOptions, sendQuery } from '../../../lambdas/clients/wire/aws-query.ts';
import { endpointOf } from '../../../lambdas/clients/wire/endpoint.ts';
import { sideBySide } from '../../../lambdas/clients/wire/in-chunks.ts';
import { parseXml, textAt } from '../../../lambdas/clients/wire/xml.ts';
import { apiKeyReader } from '../../../lambdas/domain/core/api-key.ts';
import { partitionOf } from '../../../lambdas/domain/core/aws.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import type {
  AccountFacts,
  FoundBalancer,
  FoundImage,
  FoundInstance,
  FoundLaunchTemplate,
  FoundMackerel,
} from '../../../lambdas/ports/account.ts';
import { findCaller } from './aws-query.ts';

interface Clients {
  readonly ec2: EC2Client;
  readonly classic: ElasticLoadBalancingClient;
  readonly targetGroups: ElasticLoadBalancingV2Client;
  readonly options: AwsQueryOptions;
}

/** Others of the account want some requests, too. */
const AT_ONCE = 5;

/** The Region that the SDKs would take: `AWS_REGION`, or that of the profile; nothing where none is set. */
export async function ownRegion(): Promise<string | undefined> {
  return new EC2Client({}).config.region().catch(() => undefined);
}

/** @throws ServiceRefused, ServiceUnavailable; CredentialsProviderError */
export async function readAccount(region: string): Promise<AccountFacts> {
  const options = { region, credentials: defaultProvider({ clientConfig: { region } }) };
  const clientOptions = { ...AWS_CLIENT_OPTIONS, ...options };
  const clients: Clients = {
    ec2: new EC2Client(clientOptions),
    classic: new ElasticLoadBalancingClient(clientOptions),
    targetGroups: new ElasticLoadBalancingV2Client(clientOptions),
    options,
  };
  const { account } = await findCaller(options);
  const unread: string[] = [];
  const read = <T>(doing: string, ask: () => Promise<readonly T[]>) =>
    asking(doing, ask).catch((error: unknown) => {
      if (!isFailure(error)) throw error;
      unread.push(error.message);
      return [];
    });
  const [instances, classic, groups, subnets, securityGroups, templates, mackerel] = await Promise.all([
    read('list the running instances', () => runningInstances(clients)),
    read('list the classic load balancers', () => classicBalancers(clients)),
    read('list the target groups', () => targetGroups(clients)),
    read('list the subnets', () => subnetsOf(clients)),
    read('list the security groups', () => securityGroupsOf(clients)),
    read('list the launch templates', () => launchTemplates(clients)),
    mackerelOf(options, unread),
  ]);
  const named = [...instances, ...templates].flatMap(({ imageId }) => imageId ?? []);
  const images = await read('list the images', () => imagesOf(clients, [...new Set(named)]));
  return {
    account,
    region,
    instances: await withRoles(instances, options),
    balancers: [...classic, ...groups],
    subnets,
    securityGroups,
    images,
    launchTemplates: templates,
    ...(mackerel && { mackerel }),
    unread,
  };
}

// ── EC2 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function runningInstances({ ec2: client }: Clients): Promise<FoundInstance[]> {
  const Filters = [{ Name: 'instance-state-name', Values: ['running'] }];
  const pages = paginateDescribeInstances({ client, pageSize: 1_000 }, { Filters });
  const reservations = await itemsOf(pages, ({ Reservations }) => Reservations);
  return reservations.flatMap(({ Instances = [] }) => Instances.map(toInstance));
}

const toInstance = (wire: Instance): FoundInstance => ({
  id: wire.InstanceId ?? '',
  type: wire.InstanceType ?? '',
  architecture: wire.Architecture ?? '',
  imageId: wire.ImageId ?? '',
  subnetId: wire.SubnetId ?? '',
  securityGroups: (wire.SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  tags: Object.fromEntries((wire.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
  ...(wire.IamInstanceProfile?.Arn && { profileArn: wire.IamInstanceProfile.Arn }),
  ...(wire.MetadataOptions?.HttpPutResponseHopLimit && {
    hopLimit: wire.MetadataOptions.HttpPutResponseHopLimit,
  }),
});

async function subnetsOf({ ec2: client }: Clients) {
  const found = await itemsOf(paginateDescribeSubnets({ client }, {}), ({ Subnets }) => Subnets);
  return found.map((subnet) => ({
    id: subnet.SubnetId ?? '',
    zone: subnet.AvailabilityZone ?? '',
    vpc: subnet.VpcId ?? '',
    isDefault: subnet.DefaultForAz ?? false,
    isPublic: subnet.MapPublicIpOnLaunch ?? false,
  }));
}

async function securityGroupsOf({ ec2: client }: Clients) {
  const found = await itemsOf(
    paginateDescribeSecurityGroups({ client }, {}),
    ({ SecurityGroups }) => SecurityGroups,
  );
  return found.map(({ GroupId: id = '', GroupName: name = '', VpcId: vpc = '' }) => ({ id, name, vpc }));
}

/** The account's own, and others by their ids, which a filter does not refuse when one is gone. */
async function imagesOf({ ec2: client }: Clients, ids: readonly string[]): Promise<FoundImage[]> {
  const own = await itemsOf(paginateDescribeImages({ client }, { Owners: ['self'] }), ({ Images }) => Images);
  const Filters = [{ Name: 'image-id', Values: ids.slice(0, 200) }];
  const named =
    ids.length === 0
      ? []
      : await itemsOf(paginateDescribeImages({ client }, { Filters }), ({ Images }) => Images);
  const found = new Map([...own, ...named].map((image) => [image.ImageId, image]));
  return [...found.values()].map((image) => {
    const root = image.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === image.RootDeviceName);
    return {
      id: image.ImageId ?? '',
      name: image.Name ?? '',
      architecture: image.Architecture ?? '',
      owner: image.OwnerId ?? '',
      createdAt: image.CreationDate ?? '',
      ...(image.ImageOwnerAlias && { ownerAlias: image.ImageOwnerAlias }),
      ...(image.RootDeviceName && { rootDevice: image.RootDeviceName }),
      ...(root?.Ebs?.VolumeSize && { rootSizeGiB: root.Ebs.VolumeSize }),
    };
  });
}

async function launchTemplates({ ec2: client }: Clients): Promise<FoundLaunchTemplate[]> {
  const found = await itemsOf(
    paginateDescribeLaunchTemplates({ client }, {}),
    (page) => page.LaunchTemplates,
  );
  return sideBySide(found, AT_ONCE, (each) => launchTemplate(client, each));
}

async function launchTemplate(
  client: EC2Client,
  { LaunchTemplateId = '', LaunchTemplateName: name = '' }: LaunchTemplate,
): Promise<FoundLaunchTemplate> {
  const input = { LaunchTemplateId, Versions: ['$Default'] };
  const pages = paginateDescribeLaunchTemplateVersions({ client }, input);
  const [version] = await itemsOf(pages, ({ LaunchTemplateVersions }) => LaunchTemplateVersions);
  const { ImageId, InstanceType, SecurityGroupIds, NetworkInterfaces } = version?.LaunchTemplateData ?? {};
  const [network] = NetworkInterfaces ?? [];
  return {
    id: LaunchTemplateId,
    name,
    securityGroups: SecurityGroupIds ?? network?.Groups ?? [],
    ...(ImageId && { imageId: ImageId }),
    ...(InstanceType && { type: InstanceType }),
    ...(network?.SubnetId && { subnetId: network.SubnetId }),
  };
}

// ── Load balancers ─────────────────────────────────────────────────────────────────────────────────────────────────

async function classicBalancers({ classic: client }: Clients): Promise<FoundBalancer[]> {
  const found = await itemsOf(paginateClassic({ client }, {}), (page) => page.LoadBalancerDescriptions);
  return found.map((balancer) => ({
    kind: 'classic',
    name: balancer.LoadBalancerName ?? '',
    reachedBy: ['classic'],
    ...(balancer.VPCId && { vpc: balancer.VPCId }),
    subnets: balancer.Subnets ?? [],
    instances: (balancer.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []),
  }));
}

async function targetGroups({ targetGroups: client }: Clients): Promise<FoundBalancer[]> {
  const [balancers, groups] = await Promise.all([
    itemsOf(paginateDescribeLoadBalancers({ client }, {}), ({ LoadBalancers }) => LoadBalancers),
    itemsOf(paginateDescribeTargetGroups({ client }, {}), (page) => page.TargetGroups),
  ]);
  return sideBySide(groups, AT_ONCE, async (group) => {
    const theirs = balancers.filter(({ LoadBalancerArn = '' }) =>
      group.LoadBalancerArns?.includes(LoadBalancerArn),
    );
    return {
      kind: 'target-group',
      name: group.TargetGroupName ?? '',
      arn: group.TargetGroupArn ?? '',
      targetType: group.TargetType ?? 'instance',
      reachedBy: theirs.flatMap(({ Type }) => Type ?? []),
      ...(group.VpcId && { vpc: group.VpcId }),
      subnets: theirs.flatMap(({ AvailabilityZones = [] }) =>
        AvailabilityZones.flatMap(({ SubnetId }) => SubnetId ?? []),
      ),
      instances: await targetsOf(client, group),
    } satisfies FoundBalancer;
  });
}

async function targetsOf(client: ElasticLoadBalancingV2Client, { TargetGroupArn, TargetType }: TargetGroup) {
  if (TargetType !== undefined && TargetType !== 'instance') return [];
  const { TargetHealthDescriptions = [] } = await client.send(
    new DescribeTargetHealthCommand({ TargetGroupArn }),
  );
  return [...new Set(TargetHealthDescriptions.flatMap(({ Target }) => Target?.Id ?? []))];
}

// ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A role that may not be read is left out: the proposal says so. */
async function withRoles(
  instances: readonly FoundInstance[],
  options: AwsQueryOptions,
): Promise<FoundInstance[]> {
  const profiles = [...new Set(instances.flatMap(({ profileArn }) => profileArn ?? []))];
  const roles = new Map(
    await Promise.all(
      profiles.map(async (arn) => [arn, await roleIn(arn, options).catch(() => undefined)] as const),
    ),
  );
  return instances.map((instance) => {
    const roleArn = roles.get(instance.profileArn ?? '');
    return roleArn === undefined ? instance : { ...instance, roleArn };
  });
}

/** Of the first role in it: there is never another. */
async function roleIn(profileArn: string, options: AwsQueryOptions): Promise<string | undefined> {
  const InstanceProfileName = profileArn.split('/').at(-1) ?? '';
  const answer = await sendQuery({ ...options, ...iamOf(options.region) }, 'iam', {
    Action: 'GetInstanceProfile',
    Version: '2010-05-08',
    InstanceProfileName,
  });
  return textAt(
    parseXml(answer),
    'GetInstanceProfileResponse',
    'GetInstanceProfileResult',
    'InstanceProfile',
    'Roles',
    'member',
    'Arn',
  );
}

/** IAM has one host for each partition, and is in one of its Regions. */
const IAM_HOSTS: Readonly<Record<string, { readonly host: string; readonly region: string }>> = {
  'aws-cn': { host: 'iam.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' },
  'aws-us-gov': { host: 'iam.us-gov.amazonaws.com', region: 'us-gov-west-1' },
};
const IAM = { host: 'iam.amazonaws.com', region: 'us-east-1' };

function iamOf(ofRegion: string) {
  const { host, region } = IAM_HOSTS[partitionOf(ofRegion)] ?? IAM;
  const asked = endpointOf('iam', region);
  return { region, endpoint: asked === endpointOf('iam', region, {}) ? `https://${host}/` : asked };
}

// ── Mackerel ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where irekae's own key stands; Mackerel's tools know a variable for one. */
const KEY_PARAMETER = '/irekae/mackerel-api-key';

async function mackerelOf(options: AwsQueryOptions, unread: string[]): Promise<FoundMackerel | undefined> {
  const given = process.env.MACKEREL_APIKEY;
  try {
    const apiKey = given ? async () => given : apiKeyReader(parametersAdapter(options), KEY_PARAMETER);
    return await organisation({ apiKey });
  } catch (error) {
    if (!isFailure(error)) throw error;
    const hasNoKey = error.name === 'MackerelKeyUnreadable';
    unread.push(
      hasNoKey
        ? 'Mackerel was not asked for services and roles: set MACKEREL_APIKEY, or answer yourself.'
        : `Mackerel could not be asked for services and roles: ${error.message}`,
    );
    return undefined;
  }
}
