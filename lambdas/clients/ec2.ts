/**
 * EC2 behind its port. Ids are described with a filter, in chunks, because one id that EC2 does not know would fail
 * the whole call; a launch is all or nothing and idempotent by its token; a termination reaches every id that can be
 * terminated, whatever the others are.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type {
  DescribeInstancesCommandInput,
  Filter,
  LaunchTemplateVersion,
  RunInstancesCommandInput,
  Image as WireImage,
  Instance as WireInstance,
  Subnet as WireSubnet,
} from '@aws-sdk/client-ec2';
import {
  CreateTagsCommand,
  DescribeImagesCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  GetConsoleOutputCommand,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeSubnets,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { chunksOf } from '../domain/core/collections.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { type Waiting, waitingForTurn } from '../domain/core/patience.ts';
import { list } from '../domain/core/words.ts';
import type {
  Ec2,
  Image,
  Instance,
  InstanceState,
  LaunchRequest,
  Subnet,
  TemplateVersion,
} from '../ports/ec2.ts';
import type { Refusal } from '../ports/refusal.ts';
import { bounded, itemsOf } from './wire/answer.ts';
import { asking, failureOf, isNamed, mayPass, unavailable, wordsOf } from './wire/aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from './wire/aws-options.ts';
import { sideBySide } from './wire/in-chunks.ts';
import { keptClient } from './wire/kept-client.ts';

/** EC2 takes 200 values per filter. */
const IDS_PER_DESCRIBE = 100;
/** EC2 takes 20 of these requests a second; others of the account want some too. */
const DESCRIBES_AT_ONCE = 5;
/** EC2's limit. */
const IDS_PER_TERMINATE = 1_000;

export const liveEc2 = keptClient((): Ec2 => ec2Adapter(new EC2Client(AWS_CLIENT_OPTIONS)));

const REAL_TIME: Waiting = { now: Date.now, sleep, random: Math.random };

/** @param waiting how a launch waits for its turn */
export function ec2Adapter(client: EC2Client, waiting = REAL_TIME): Ec2 {
  bounded(client);
  return {
    describe: (instanceIds) => describe(client, instanceIds),
    listByTag: (key, value) => listByTag(client, key, value),
    listByToken: (beginning) => listByToken(client, beginning),
    launch: (request) => launch(client, request, waiting),
    terminate: (instanceIds) => terminate(client, instanceIds),
    tag: (instanceId, tags) => tag(client, instanceId, tags),
    consoleOutput: (instanceId) => consoleOutput(client, instanceId),
    findImage: (imageId) => findImage(client, imageId),
    matchingImages: (query) => matchingImages(client, query),
    templateVersion: (id, version) => templateVersion(client, id, version),
    subnets: (subnetIds) => subnets(client, subnetIds),
  };
}

// ── Instances ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function describe(client: EC2Client, instanceIds: readonly string[]): Promise<Instance[]> {
  // No ids, no request: an empty filter would describe every instance of the account. Side by side, because who waits
  // for the answer waits before an act: the largest fleet needs five requests. A role in Mackerel may list thousands.
  const chunks = chunksOf(instanceIds, IDS_PER_DESCRIBE);
  const found = await sideBySide(chunks, DESCRIBES_AT_ONCE, (ids) =>
    instancesWhere(client, [{ Name: 'instance-id', Values: ids }]),
  );
  return found.flat();
}

const NOT_TERMINATED: InstanceState[] = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

async function listByTag(client: EC2Client, key: string, value: string): Promise<Instance[]> {
  const found = await aliveWhere(client, `tag:${key}`, value);
  // EC2 reads * and ? in a filter's value as wildcards; what is terminated by this list must match to the letter.
  return found.filter((instance) => instance.tags[key] === value);
}

async function listByToken(client: EC2Client, beginning: string): Promise<Instance[]> {
  const found = await aliveWhere(client, 'client-token', `${beginning}*`);
  return found.filter(({ clientToken }) => clientToken?.startsWith(beginning));
}

const aliveWhere = (client: EC2Client, Name: string, value: string) =>
  instancesWhere(client, [
    { Name, Values: [value] },
    { Name: 'instance-state-name', Values: NOT_TERMINATED },
  ]);

function instancesWhere(client: EC2Client, filters: Filter[]): Promise<Instance[]> {
  const input: DescribeInstancesCommandInput = { Filters: filters };
  return asking('describe instances', async () => {
    const pages = paginateDescribeInstances({ client, pageSize: 1_000 }, input);
    // A reservation is what one RunInstances call launched; the hosts of a fleet are spread over several.
    const reservations = await itemsOf(pages, ({ Reservations }) => Reservations);
    return reservations.flatMap(({ Instances = [] }) => Instances.map(toInstance));
  });
}

const STATES: ReadonlySet<string> = new Set<InstanceState>([...NOT_TERMINATED, 'terminated']);
const isState = (name: string | undefined): name is InstanceState => name !== undefined && STATES.has(name);

function toInstance(wire: WireInstance): Instance {
  const { InstanceId: instanceId, LaunchTime: launchedAt, State, SubnetId: subnetId } = wire;
  const state = State?.Name;
  if (instanceId === undefined || launchedAt === undefined || !isState(state)) {
    throw unavailable(
      'describe instances',
      `EC2 answered half an instance (${instanceId ?? 'no id'}, ${state})`,
    );
  }
  const stateReason = stateReasonOf(wire, state);
  return {
    instanceId,
    state,
    ...(stateReason && { stateReason }),
    launchedAt,
    zone: wire.Placement?.AvailabilityZone ?? '',
    ...(subnetId && { subnetId }),
    ...(wire.PrivateIpAddress && { address: wire.PrivateIpAddress }),
    imageId: wire.ImageId ?? '',
    instanceType: wire.InstanceType ?? '',
    ...(wire.ClientToken && { clientToken: wire.ClientToken }),
    tags: toRecord(wire.Tags),
  };
}

/** `code: message`. EC2 often repeats the code in the message; a pending instance has the reason "pending". */
function stateReasonOf({ StateReason }: WireInstance, state: InstanceState): string | undefined {
  if (state === 'pending' || state === 'running') return undefined;
  const { Code: code, Message: message = '' } = StateReason ?? {};
  return code && (message.startsWith(code) ? message : `${code}: ${message}`);
}

function toRecord(tags: WireInstance['Tags']): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

const toTags = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

// ── Launching ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The bucket of calls is empty, or that of instances. */
const isTurnedAway = (error: unknown) => isNamed(error, 'RequestLimitExceeded');

async function launch(client: EC2Client, request: LaunchRequest, waiting: Waiting): Promise<Instance[]> {
  try {
    const command = () => client.send(new RunInstancesCommand(toRunInstances(request)));
    const { Instances } = await waitingForTurn(command, isTurnedAway, waiting);
    return (Instances ?? []).map(toInstance);
  } catch (error) {
    throw launchFailure(error, request);
  }
}

function toRunInstances(request: LaunchRequest): RunInstancesCommandInput {
  const Tags = toTags(request.tags);
  return {
    // Given by the caller: the SDK would draw a new one for each call, and a repeated step would launch twice.
    ClientToken: request.clientToken,
    // All or nothing: fewer hosts than asked for would have to be found and undone.
    MinCount: request.count,
    MaxCount: request.count,
    SubnetId: request.subnetId,
    ImageId: request.imageId,
    // The SDK's list of types is as old as the SDK; EC2 is the one to judge.
    InstanceType: request.instanceType as NonNullable<RunInstancesCommandInput['InstanceType']>,
    LaunchTemplate: { LaunchTemplateId: request.launchTemplate.id, Version: request.launchTemplate.version },
    UserData: Buffer.from(request.userData, 'utf8').toString('base64'),
    TagSpecifications: [
      { ResourceType: 'instance', Tags },
      { ResourceType: 'volume', Tags },
    ],
  };
}

/**
 * Refusals that another instance type may overcome. EC2 sends some of them as HTTP 500, so they are looked for before
 * the status. `Unsupported` is mostly "not in this zone"; where it is not, the next type says so too, in EC2's words.
 */
const NO_CAPACITY = [
  'InsufficientCapacity',
  'InsufficientCapacityOnOutpost',
  'InsufficientHostCapacity',
  'InsufficientInstanceCapacity',
  'InsufficientReservedInstanceCapacity',
  'Unsupported',
];

function launchFailure(error: unknown, request: LaunchRequest): unknown {
  const what = `${request.count} × ${request.instanceType} in ${request.subnetId}`;
  if (isNamed(error, ...NO_CAPACITY)) {
    return new DeploymentError(
      'NoCapacity',
      `EC2 has no capacity for ${what}: ${wordsOf(error)}. Give the fleet another instance type, or try later.`,
    );
  }
  const failure = failureOf(error, `launch ${what}`);
  if (!isNamed(failure, 'ServiceRefused') || !(error instanceof Error)) return failure;
  return new DeploymentError(
    'LaunchRefused',
    `EC2 refused to launch ${what}: ${wordsOf(error)}. Nothing was launched by this request; correct what it names.`,
  );
}

// ── Terminating ────────────────────────────────────────────────────────────────────────────────────────────────────

async function terminate(client: EC2Client, instanceIds: readonly string[]) {
  if (instanceIds.length === 0) {
    throw new DeploymentError(
      'TerminationRefused',
      'The list of instances to terminate is empty, which is never meant: nothing was terminated. Find out why it was lost.',
    );
  }
  const refused: Refusal[] = [];
  for (const ids of chunksOf(instanceIds, IDS_PER_TERMINATE)) {
    refused.push(...(await terminateChunk(client, ids)));
  }
  return { refused };
}

async function terminateChunk(client: EC2Client, ids: string[]): Promise<Refusal[]> {
  try {
    await client.send(new TerminateInstancesCommand({ InstanceIds: ids }));
    return [];
  } catch (error) {
    // A bug of ours, or "unknown": the caller tries all of them again. Anything else is about one id or its zone.
    const failure = failureOf(error, `terminate ${list(ids)}`);
    if (!isNamed(failure, 'ServiceRefused')) throw failure;
    return terminateOneByOne(client, ids);
  }
}

/**
 * After a refusal, each alone. An unknown id makes EC2 refuse all; a protected instance makes it refuse all of its
 * zone, while those of other zones are already going: hence the second look, which also spares the instances that
 * have lost their tags, and with them our permission, by terminating.
 */
async function terminateOneByOne(client: EC2Client, ids: string[]): Promise<Refusal[]> {
  const seen = await describe(client, ids);
  const going = new Set(seen.filter(isGoing).map((instance) => instance.instanceId));
  const refused: Refusal[] = [];
  let unknown: unknown;
  for (const id of ids.filter((each) => !going.has(each))) {
    try {
      await client.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    } catch (error) {
      if (isNamed(error, 'InvalidInstanceID.NotFound')) continue;
      const failure = failureOf(error, `terminate ${id}`);
      // The rest still gets its turn.
      if (isNamed(failure, 'ServiceRefused') && error instanceof Error)
        refused.push({ id, reason: wordsOf(error) });
      else unknown ??= failure;
    }
  }
  if (unknown !== undefined) throw unknown;
  return refused;
}

const isGoing = ({ state }: Instance) => state === 'shutting-down' || state === 'terminated';

// ── Tagging ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function tag(
  client: EC2Client,
  instanceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  await asking(`tag ${instanceId}`, () =>
    client.send(new CreateTagsCommand({ Resources: [instanceId], Tags: toTags(tags) })),
  );
}

// ── The console ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What EC2 itself keeps. */
const MAX_CONSOLE_BYTES = 64 * 1024;

/**
 * What the console shows now, which only Nitro instances that still run can tell; else what EC2 kept of it at the last
 * start or end of the instance, minutes late.
 */
async function consoleOutput(client: EC2Client, instanceId: string): Promise<string> {
  return asking(`read the console of ${instanceId}`, async () => {
    const now = await consoleBytes(client, instanceId, true).catch((error: unknown) => {
      // Whatever EC2 has against the newest output: what it kept may still be had.
      if (mayPass(error)) throw error;
      return Buffer.alloc(0);
    });
    const bytes = now.length > 0 ? now : await consoleBytes(client, instanceId, false);
    // Cut in the middle of a character, the text would begin with a replacement character or up to three.
    return bytes
      .subarray(-MAX_CONSOLE_BYTES)
      .toString('utf8')
      .replace(/^\uFFFD{1,3}/, '');
  });
}

async function consoleBytes(client: EC2Client, InstanceId: string, Latest: boolean): Promise<Buffer> {
  try {
    const { Output = '' } = await client.send(new GetConsoleOutputCommand({ InstanceId, Latest }));
    return Buffer.from(Output, 'base64');
  } catch (error) {
    if (isNamed(error, 'InvalidInstanceID.NotFound')) return Buffer.alloc(0);
    throw error;
  }
}

// ── Images and subnets ─────────────────────────────────────────────────────────────────────────────────────────────

const NO_SUCH_IMAGE = ['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'];

async function findImage(client: EC2Client, imageId: string): Promise<Image | undefined> {
  // Deprecated images are hidden by default; one that was named expressly is meant.
  const command = new DescribeImagesCommand({ ImageIds: [imageId], IncludeDeprecated: true });
  const answer = await asking(`describe image ${imageId}`, async () => {
    try {
      return await client.send(command);
    } catch (error) {
      if (isNamed(error, ...NO_SUCH_IMAGE)) return { Images: [] };
      throw error;
    }
  });
  const [image] = answer.Images ?? [];
  return image && toImage(image);
}

function matchingImages(
  client: EC2Client,
  query: Parameters<Ec2['matchingImages']>[0],
): Promise<readonly Image[]> {
  const filters: Filter[] = [
    { Name: 'state', Values: ['available'] },
    { Name: 'architecture', Values: [query.architecture] },
    ...(query.namePattern ? [{ Name: 'name', Values: [query.namePattern] }] : []),
    ...Object.entries(query.tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] })),
  ];
  return asking('search for machine images', async () => {
    // Always with an owner: anybody may publish an image under the same name.
    const input = { Owners: [query.owner], Filters: filters };
    const pages = paginateDescribeImages({ client, pageSize: 1_000 }, input);
    return (await itemsOf(pages, ({ Images }) => Images)).map(toImage);
  });
}

function toImage(wire: WireImage): Image {
  return {
    imageId: wire.ImageId ?? '',
    name: wire.Name ?? '',
    architecture: wire.Architecture ?? '',
    state: wire.State ?? '',
    owner: wire.OwnerId ?? '',
    ...(wire.ImageOwnerAlias && { ownerAlias: wire.ImageOwnerAlias }),
    // Of an image made from an instance, EC2 names the image that the instance was launched from: that is no copy.
    ...(wire.SourceImageId && !wire.SourceInstanceId && { copyOf: wire.SourceImageId }),
    tags: toRecord(wire.Tags),
    rootDevice: wire.RootDeviceName ?? '',
    createdAt: new Date(wire.CreationDate ?? 0),
    ...(wire.DeprecationTime && { deprecatedAt: new Date(wire.DeprecationTime) }),
  };
}

// ── Launch templates ───────────────────────────────────────────────────────────────────────────────────────────────

const NO_SUCH_TEMPLATE = [
  'InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.VersionNotFound',
  'InvalidLaunchTemplateId.Malformed',
];

async function templateVersion(
  client: EC2Client,
  LaunchTemplateId: string,
  version: string,
): Promise<TemplateVersion | undefined> {
  const Versions = [version === 'newest' ? '$Latest' : version];
  const command = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions });
  const answer = await asking(`describe launch template ${LaunchTemplateId}`, async () => {
    try {
      return await client.send(command);
    } catch (error) {
      if (isNamed(error, ...NO_SUCH_TEMPLATE)) return { LaunchTemplateVersions: [] };
      throw error;
    }
  });
  const [found] = answer.LaunchTemplateVersions ?? [];
  return found && toTemplateVersion(LaunchTemplateId, found);
}

function toTemplateVersion(
  id: string,
  { VersionNumber, LaunchTemplateData }: LaunchTemplateVersion,
): TemplateVersion {
  const data = LaunchTemplateData;
  if (VersionNumber === undefined || data === undefined)
    throw unavailable('describe a launch template', `EC2 answered half a version of ${id}`);
  const profile = data.IamInstanceProfile?.Arn ?? data.IamInstanceProfile?.Name;
  const { HttpEndpoint, HttpTokens, HttpPutResponseHopLimit } = data.MetadataOptions ?? {};
  const zone = data.Placement?.AvailabilityZone ?? data.Placement?.AvailabilityZoneId;
  const tags = (data.TagSpecifications ?? []).flatMap(({ Tags = [] }) => Tags);
  return {
    id,
    version: String(VersionNumber),
    ...(profile && { instanceProfile: profile }),
    securityGroups: data.SecurityGroupIds ?? [],
    groupNames: data.SecurityGroups ?? [],
    ...(data.KeyName && { keyPair: data.KeyName }),
    ...(data.InstanceInitiatedShutdownBehavior && {
      shutdownBehavior: data.InstanceInitiatedShutdownBehavior,
    }),
    isTerminationProtected: data.DisableApiTermination ?? false,
    isStopProtected: data.DisableApiStop ?? false,
    metadata: {
      ...(HttpEndpoint && { endpoint: HttpEndpoint }),
      ...(HttpTokens && { tokens: HttpTokens }),
      ...(HttpPutResponseHopLimit !== undefined && { hopLimit: HttpPutResponseHopLimit }),
    },
    hasUserData: Boolean(data.UserData),
    hasNetworkInterfaces: (data.NetworkInterfaces ?? []).length > 0,
    hasInstanceRequirements: data.InstanceRequirements !== undefined,
    ...(zone && { zone }),
    ...spotOf(data.InstanceMarketOptions),
    tagKeys: [...new Set(tags.flatMap(({ Key }) => Key ?? []))],
    volumes: (data.BlockDeviceMappings ?? []).flatMap(({ DeviceName = '', Ebs }) =>
      Ebs
        ? [
            {
              device: DeviceName,
              ...(Ebs.KmsKeyId && { kmsKey: Ebs.KmsKeyId }),
              stays: Ebs.DeleteOnTermination === false,
            },
          ]
        : [],
    ),
  };
}

type Market = NonNullable<LaunchTemplateVersion['LaunchTemplateData']>['InstanceMarketOptions'];

function spotOf(market: Market): Pick<TemplateVersion, 'spot'> {
  if (market?.MarketType !== 'spot') return {};
  const { SpotInstanceType: type, InstanceInterruptionBehavior: onInterruption } = market.SpotOptions ?? {};
  return { spot: { ...(type && { type }), ...(onInterruption && { onInterruption }) } };
}

async function subnets(client: EC2Client, subnetIds: readonly string[]): Promise<Subnet[]> {
  const found: Subnet[] = [];
  for (const ids of chunksOf(subnetIds, IDS_PER_DESCRIBE)) {
    // By filter, as with instances: an unknown id is absent, not an error.
    const input = { Filters: [{ Name: 'subnet-id', Values: ids }] };
    const pages = paginateDescribeSubnets({ client, pageSize: 1_000 }, input);
    const some = await asking('describe subnets', () => itemsOf(pages, ({ Subnets }) => Subnets));
    found.push(...some.map(toSubnet));
  }
  return found;
}

const toSubnet = (wire: WireSubnet): Subnet => ({
  subnetId: wire.SubnetId ?? '',
  vpcId: wire.VpcId ?? '',
  zone: wire.AvailabilityZone ?? '',
  freeAddresses: wire.AvailableIpAddressCount ?? 0,
});
