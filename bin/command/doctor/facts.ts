/** Everything that `irekae doctor` knows about a fleet; its questions are asked side by side. Only reads; judges nothing. */

import { machineArn as machineArnIn, placeOf } from '../../../lambdas/domain/core/aws.ts';
import { type Fleet, TAG } from '../../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey, fleetStackName, stackName } from '../../../lambdas/domain/core/names.ts';
import { lookBefore } from '../../../lambdas/domain/hosts/comparing.ts';
import { hostsOfRole } from '../../../lambdas/domain/hosts/look-at-hosts.ts';
import { newestImage } from '../../../lambdas/domain/release/image.ts';
import { parseCurrentRelease } from '../../../lambdas/domain/release/release-choice.ts';
import type { CommandPorts } from '../../../lambdas/ports/command.ts';
import type { Image } from '../../../lambdas/ports/ec2.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LoadBalancerRef, Member } from '../../../lambdas/ports/load-balancers.ts';
import { machineArn, type Task } from '../command.ts';
import { type Answer, andThen, ask, known, together } from './answer.ts';
import type { WorkingTree } from './working-tree.ts';

/** Answers, by question. */
export type Facts = Awaited<ReturnType<typeof gatherFacts>>;
export type BalancerFacts = Facts['balancers'][number];

export async function gatherFacts(task: Task, fleet: Fleet, tree: WorkingTree) {
  const { ports } = task;
  const balancers = Promise.all(fleet.loadBalancers.map((ref) => aboutBalancer(ports, ref)));
  const found = await together({
    ...aboutMackerel(ports, fleet, balancers),
    ...aboutImages(ports, fleet),
    ...aboutNetwork(ports, fleet),
    template: aboutTemplate(ports, fleet),
    ...aboutArtifacts(ports, fleet),
    ...aboutStack(task, tree),
    ...aboutLock(ports, fleet),
    hooks: ask('lambda:GetFunctionConfiguration', () =>
      Promise.all(fleet.hooks.map((hook) => ports.inspector.lambda(hook.function))),
    ),
    balancers,
  });
  const isThere = (stack: Answer<string | undefined>) => !stack.known || stack.value !== undefined;
  const isDeployed = isThere(found.stack) && isThere(found.fleetStack);
  return {
    now: ports.clock.now(),
    ...found,
    ...(!isDeployed && NEVER_DEPLOYED),
    /** AWS's clock minus ours. */
    skewSeconds: await skew(ports),
  };
}

/** Without its stacks there is neither a ledger nor a record: that is known. */
const NEVER_DEPLOYED = {
  row: known(undefined),
  holder: known({ state: 'unknown' } as const),
  record: known(undefined),
  runningImage: known(undefined),
};

// ── What they ask, and the permissions that it takes ───────────────────────────────────────────────────────────────

const KEYS = 'ec2:GetEbsDefaultKmsKeyId, ec2:DescribeImages, ec2:DescribeSnapshots and kms:DescribeKey';
const BUCKET =
  's3:GetBucketVersioning, s3:GetBucketNotification and s3:GetEncryptionConfiguration (and kms:DescribeKey, if its KMS key is your own)';
const READ = 's3:GetObject and s3:ListBucket';

function aboutMackerel(
  { parameters, mackerel, ec2, clock }: CommandPorts,
  fleet: Fleet,
  balancers: Promise<readonly { readonly members: Answer<readonly Member[]> }[]>,
) {
  const { service, apiKeyParameter: key } = fleet.mackerel;
  const hosts = ask('', () => hostsOfRole(fleet.mackerel, { mackerel }));
  return {
    /** Is there a key? Never the key. */
    apiKey: ask(`ssm:GetParameter on ${key} (and kms:Decrypt, if its KMS key is your own)`, async () =>
      Boolean((await parameters.read(key))?.trim()),
    ),
    roles: ask('', () => mackerel.roles(service)),
    hosts,
    alerts: ask('', () => mackerel.openAlerts()),
    monitors: ask('', async () => (fleet.watch.monitors.length > 0 ? mackerel.monitors() : [])),
    /** How the hosts are by what the fleet compares; of those that Mackerel calls in service. */
    compared: andThen(hosts, (found) =>
      ask('', () => {
        const serving = found.filter(({ status }) => status === 'working' || status === 'standby');
        const old = serving.map(({ id }) => ({ hostIds: [id], served: true }));
        return lookBefore(fleet, old, { mackerel, clock });
      }),
    ),
    /** What EC2 knows about the ids that Mackerel and the load balancers named. */
    instances: andThen(hosts, async (found) => {
      const members = (await balancers).flatMap((each) => (each.members.known ? each.members.value : []));
      const ids = [...new Set([...found, ...members].flatMap(({ instanceId }) => instanceId ?? []))];
      return ids.length === 0 ? known([]) : ask('ec2:DescribeInstances', () => ec2.describe(ids));
    }),
    /** What carries the fleet's tag. */
    tagged: ask('ec2:DescribeInstances', () => ec2.listByTag(TAG.fleet, fleet.name)),
  };
}

interface FoundImage {
  /** The id that the parameter names. */
  readonly asked?: string;
  readonly found: Image | undefined;
  /** Newer ones that are deprecated. */
  readonly withdrawn?: readonly string[];
}

function aboutImages({ ec2, parameters, records, inspector, clock }: CommandPorts, fleet: Fleet) {
  const { image: source, architecture, artifact } = fleet;
  const find = (id: string) => ask('ec2:DescribeImages', () => ec2.findImage(id));
  const search = async (): Promise<Answer<FoundImage>> => {
    if (source.from === 'search')
      return ask('ec2:DescribeImages', async () => {
        const images = await ec2.matchingImages({ ...source, architecture });
        const { image: found, withdrawn } = newestImage(images, clock.now());
        return { found, withdrawn };
      });
    const named = ask(`ssm:GetParameter on ${source.parameter}`, () => parameters.read(source.parameter));
    return andThen(named, async (value): Promise<Answer<FoundImage>> => {
      const asked = value?.trim() ?? '';
      if (!/^ami-[0-9a-f]+$/.test(asked)) return known({ asked, found: undefined });
      return andThen(find(asked), async (found) => known({ asked, found }));
    });
  };
  const record = ask(READ, () => records.readRecord(artifact.bucket, currentReleaseKey(fleet.name)));
  const image = search();
  return {
    image,
    /** KMS keys of the user's own. */
    volumeKeys: andThen(image, async ({ found }) =>
      found ? ask(KEYS, () => inspector.volumeKeys(found.imageId)) : known([]),
    ),
    /** `irekae/<fleet>/current.json`, as it is there. */
    record,
    /** That of the current release, if there is one. */
    runningImage: andThen(record, async (current) => {
      const imageId = parseCurrentRelease(current)?.imageId;
      return imageId === undefined ? known(undefined) : find(imageId);
    }),
  };
}

function aboutNetwork({ ec2, inspector }: CommandPorts, fleet: Fleet) {
  const subnets = ask('ec2:DescribeSubnets', () => ec2.subnets(fleet.subnets));
  const offerings = andThen(subnets, async (found) => {
    const zones = [...new Set(found.map(({ zone }) => zone))];
    return zones.length === 0
      ? known([])
      : ask('ec2:DescribeInstanceTypeOfferings', () => inspector.offerings(fleet.instanceTypes, zones));
  });
  return { subnets, offerings };
}

/** Only one that was given: irekae's own is asked for by nobody. */
const aboutTemplate = ({ ec2 }: CommandPorts, { launchTemplate: { id, version, given } }: Fleet) =>
  given
    ? ask('ec2:DescribeLaunchTemplateVersions', () => ec2.templateVersion(id, version))
    : Promise.resolve(known(undefined));

async function aboutBalancer({ loadBalancers, inspector }: CommandPorts, ref: LoadBalancerRef) {
  const { settings, details, members } = NEEDS_OF_BALANCER[ref.kind];
  const answers = await together({
    settings: ask(settings, () => loadBalancers.settings(ref)),
    details: ask(details, () => inspector.balancer(ref)),
    members: ask(members, () => loadBalancers.members(ref)),
  });
  return { ref, ...answers };
}

const elb = (...actions: readonly string[]) =>
  actions.map((action) => `elasticloadbalancing:Describe${action}`).join(' and ');

const CLASSIC = elb('LoadBalancers', 'LoadBalancerAttributes');
const GROUP = elb('TargetGroups', 'TargetGroupAttributes');
const GROUP_AND_ITS = elb('TargetGroups', 'TargetGroupAttributes', 'LoadBalancers', 'LoadBalancerAttributes');

const NEEDS_OF_BALANCER = {
  classic: { settings: CLASSIC, details: CLASSIC, members: elb('InstanceHealth') },
  'target-group': { settings: GROUP, details: GROUP_AND_ITS, members: elb('TargetHealth') },
} as const;

function aboutArtifacts({ artifacts, inspector }: CommandPorts, fleet: Fleet) {
  const { bucket, key } = fleet.artifact;
  const find = (wanted: string) => ask(READ, () => artifacts.find(bucket, wanted));
  return {
    bucket: ask(BUCKET, () => inspector.bucket(bucket)),
    artifact: key === undefined ? Promise.resolve(known(undefined)) : find(key),
    runtimes: Promise.all(
      fleet.runtimes.map(async (each) => ({ key: each.key, version: await find(each.key) })),
    ),
  };
}

function aboutStack(task: Task, tree: WorkingTree) {
  const { inspector } = task.ports;
  const deploy = machineArn(task, 'deploy');
  const arnOf = (machine: string) => machineArnIn(placeOf(deploy), machine);
  const stackStatus = (name: string) =>
    ask('cloudformation:DescribeStacks', () => inspector.stackStatus(name));
  const machine = async (name: string) => ({ name, deployed: await inspector.machine(arnOf(name)) });
  return {
    stack: stackStatus(stackName(task.environment.name)),
    fleetStack: stackStatus(fleetStackName(task.environment.name, task.fleet.name)),
    machines: ask('states:DescribeStateMachine', () =>
      Promise.all(Object.keys(tree.definitions).map(machine)),
    ),
    rules: ask('events:ListRuleNamesByTarget and events:DescribeRule', () =>
      inspector.rulesThatStart(deploy),
    ),
  };
}

function aboutLock({ ledger, executions }: CommandPorts, fleet: Fleet) {
  const row = ask('cloudformation:DescribeStacks and dynamodb:GetItem', () => ledger.read(fleet.name));
  /** What happened to the lock's holder; `unknown` when nobody holds it. */
  const holder = andThen(row, async (found): Promise<Answer<ExecutionState>> => {
    const { held } = found ?? {};
    return held
      ? ask('states:DescribeExecution', () => executions.status(held.holder))
      : known({ state: 'unknown' });
  });
  return { row, holder };
}

/** Asked when nothing else is running: a slow answer would look like a clock that is off. */
async function skew({ clock, inspector }: CommandPorts): Promise<Answer<number>> {
  const before = clock.now().getTime();
  const answer = await ask('', () => inspector.awsTime());
  const after = clock.now().getTime();
  if (!answer.known) return answer;
  // AWS reports whole seconds: half a second later on average.
  return known((answer.value.getTime() + 500 - (before + after) / 2) / 1000);
}
