/** All that `irekae doctor` knows about a fleet: every question asked side by side, and no judgement. Only reads. */

import { machineArn as machineArnIn, placeOf } from '../../../lambdas/domain/core/aws.ts';
import { type Fleet, TAG } from '../../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey, stackName } from '../../../lambdas/domain/core/names.ts';
import { hostsOfRole } from '../../../lambdas/domain/hosts/look-at-hosts.ts';
import { parseCurrentRelease } from '../../../lambdas/domain/release/release-choice.ts';
import type { CommandPorts } from '../../../lambdas/ports/command.ts';
import type { Image, Instance, Subnet } from '../../../lambdas/ports/ec2.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type {
  BalancerDetails,
  BucketSettings,
  DeployedMachine,
  EventRule,
  Offering,
} from '../../../lambdas/ports/inspector.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { LoadBalancerRef, LoadBalancerSettings, Member } from '../../../lambdas/ports/load-balancers.ts';
import type { MackerelAlert, MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import { machineArn, type Task } from '../command.ts';
import { type Answer, andThen, ask, known } from './answer.ts';
import type { WorkingTree } from './working-tree.ts';

export interface BalancerFacts {
  readonly ref: LoadBalancerRef;
  readonly settings: Answer<LoadBalancerSettings>;
  readonly details: Answer<BalancerDetails>;
  readonly members: Answer<readonly Member[]>;
}

export interface Facts {
  readonly now: Date;
  /** Is there a key? Never the key. */
  readonly apiKey: Answer<boolean>;
  readonly roles: Answer<readonly string[] | undefined>;
  readonly hosts: Answer<readonly MackerelHost[]>;
  readonly alerts: Answer<readonly MackerelAlert[]>;
  /** What EC2 knows of the ids that Mackerel named. */
  readonly instances: Answer<readonly Instance[]>;
  /** What carries the fleet's tag. */
  readonly tagged: Answer<readonly Instance[]>;
  readonly image: Answer<{ readonly asked?: string; readonly found: Image | undefined }>;
  /** That of the current release, if there is one. */
  readonly runningImage: Answer<Image | undefined>;
  readonly subnets: Answer<readonly Subnet[]>;
  readonly offerings: Answer<readonly Offering[]>;
  readonly balancers: readonly BalancerFacts[];
  readonly bucket: Answer<BucketSettings | undefined>;
  readonly artifact: Answer<ArtifactVersion | undefined>;
  readonly runtimes: readonly {
    readonly key: string;
    readonly version: Answer<ArtifactVersion | undefined>;
  }[];
  /** `irekae/<fleet>/current.json`, as it stands there. */
  readonly record: Answer<unknown>;
  readonly stack: Answer<string | undefined>;
  readonly machines: Answer<
    readonly { readonly name: string; readonly deployed: DeployedMachine | undefined }[]
  >;
  readonly rules: Answer<readonly EventRule[]>;
  readonly row: Answer<LedgerRow | undefined>;
  /** What became of the lock's holder; `unknown` when nobody holds it. */
  readonly holder: Answer<ExecutionState>;
  /** AWS's clock minus ours. */
  readonly skewSeconds: Answer<number>;
}

export async function gatherFacts(task: Task, fleet: Fleet, tree: WorkingTree): Promise<Facts> {
  const { ports } = task;
  const groups = await Promise.all([
    mackerelFacts(ports, fleet),
    imageFacts(ports, fleet),
    networkFacts(ports, fleet),
    artifactFacts(ports, fleet),
    stackFacts(task, tree),
    lockFacts(ports, fleet),
    balancerFacts(ports, fleet),
  ]);
  const [mackerel, image, network, artifacts, stack, lock, balancers] = groups;
  const isDeployed = !stack.stack.known || stack.stack.value !== undefined;
  return {
    now: ports.clock.now(),
    ...mackerel,
    ...image,
    ...network,
    ...artifacts,
    ...stack,
    ...lock,
    ...(!isDeployed && NEVER_DEPLOYED),
    balancers,
    skewSeconds: await skew(ports),
  };
}

/** Without the stack there is neither a ledger nor a record: that is no unknown. */
const NEVER_DEPLOYED: Pick<Facts, 'row' | 'holder' | 'record' | 'runningImage'> = {
  row: known(undefined),
  holder: known({ state: 'unknown' }),
  record: known(undefined),
  runningImage: known(undefined),
};

async function mackerelFacts({ parameters, mackerel, ec2 }: CommandPorts, fleet: Fleet) {
  const { service, apiKeyParameter } = fleet.mackerel;
  const listed = ask('', () => hostsOfRole({ fleet }, { mackerel }));
  const [apiKey, roles, hosts, alerts, instances, tagged] = await Promise.all([
    ask(`ssm:GetParameter on ${apiKeyParameter} (and kms:Decrypt, if its key is yours)`, async () =>
      Boolean((await parameters.read(apiKeyParameter))?.trim()),
    ),
    ask('', () => mackerel.roles(service)),
    listed,
    ask('', () => mackerel.openAlerts()),
    andThen(listed, (found) => ask('ec2:DescribeInstances', () => describe(ec2, found))),
    ask('ec2:DescribeInstances', () => ec2.listByTag(TAG.fleet, fleet.name)),
  ]);
  return { apiKey, roles, hosts, alerts, instances, tagged };
}

async function describe(ec2: CommandPorts['ec2'], hosts: readonly MackerelHost[]) {
  const ids = [...new Set(hosts.flatMap(({ instanceId }) => instanceId ?? []))];
  return ids.length === 0 ? [] : ec2.describe(ids);
}

async function imageFacts({ ec2, parameters, records }: CommandPorts, fleet: Fleet) {
  const { image: source, architecture, artifact } = fleet;
  const named = (asked: string) =>
    ask('ec2:DescribeImages', async () => ({ asked, found: await ec2.findImage(asked) }));
  const image =
    source.from === 'search'
      ? ask('ec2:DescribeImages', async () => ({
          found: await ec2.newestImage({ ...source, architecture }),
        }))
      : andThen(
          ask(`ssm:GetParameter on ${source.parameter}`, () => parameters.read(source.parameter)),
          async (value) => {
            const asked = value?.trim() ?? '';
            return /^ami-[0-9a-f]+$/.test(asked) ? named(asked) : known({ asked, found: undefined });
          },
        );
  const recorded = ask('s3:GetObject and s3:ListBucket', () =>
    records.readRecord(artifact.bucket, currentReleaseKey(fleet.name)),
  );
  const runningImage = andThen(recorded, async (record) => {
    const imageId = parseCurrentRelease(record)?.imageId;
    return imageId === undefined ? known(undefined) : ask('ec2:DescribeImages', () => ec2.findImage(imageId));
  });
  const [found, record, running] = await Promise.all([image, recorded, runningImage]);
  return { image: found, record, runningImage: running };
}

async function networkFacts({ ec2, inspector }: CommandPorts, fleet: Fleet) {
  const found = ask('ec2:DescribeSubnets', () => ec2.subnets(fleet.subnets));
  const offerings = andThen(found, async (subnets) => {
    const zones = [...new Set(subnets.map(({ zone }) => zone))];
    return zones.length === 0
      ? known([])
      : ask('ec2:DescribeInstanceTypeOfferings', () => inspector.offerings(fleet.instanceTypes, zones));
  });
  const [subnets, offered] = await Promise.all([found, offerings]);
  return { subnets, offerings: offered };
}

function balancerFacts({ loadBalancers, inspector }: CommandPorts, fleet: Fleet): Promise<BalancerFacts[]> {
  return Promise.all(
    fleet.loadBalancers.map(async (ref) => {
      const needs = NEEDS_OF_BALANCER[ref.kind];
      const [settings, details, members] = await Promise.all([
        ask(needs.settings, () => loadBalancers.settings(ref)),
        ask(needs.details, () => inspector.balancer(ref)),
        ask(needs.members, () => loadBalancers.members(ref)),
      ]);
      return { ref, settings, details, members };
    }),
  );
}

const elb = (...actions: readonly string[]) =>
  actions.map((action) => `elasticloadbalancing:Describe${action}`).join(' and ');

const NEEDS_OF_BALANCER = {
  classic: {
    settings: elb('LoadBalancers', 'LoadBalancerAttributes'),
    details: elb('LoadBalancers', 'LoadBalancerAttributes'),
    members: elb('InstanceHealth'),
  },
  'target-group': {
    settings: elb('TargetGroups', 'TargetGroupAttributes'),
    details: elb('TargetGroups', 'TargetGroupAttributes', 'LoadBalancers', 'LoadBalancerAttributes'),
    members: elb('TargetHealth'),
  },
} as const;

async function artifactFacts({ artifacts, inspector }: CommandPorts, fleet: Fleet) {
  const { bucket: name, key } = fleet.artifact;
  const find = (wanted: string) => ask('s3:GetObject and s3:ListBucket', () => artifacts.find(name, wanted));
  const [bucket, artifact, runtimes] = await Promise.all([
    ask('s3:GetBucketVersioning and s3:GetBucketNotification', () => inspector.bucket(name)),
    find(key),
    Promise.all(fleet.runtimes.map(async (each) => ({ key: each.key, version: await find(each.key) }))),
  ]);
  return { bucket, artifact, runtimes };
}

async function stackFacts(task: Task, tree: WorkingTree) {
  const { inspector } = task.ports;
  const deploy = machineArn(task, 'deploy');
  const [stack, machines, rules] = await Promise.all([
    ask('cloudformation:DescribeStacks', () => inspector.stackStatus(stackName(task.environment.name))),
    ask('states:DescribeStateMachine', () =>
      Promise.all(
        Object.keys(tree.definitions).map(async (name) => ({
          name,
          deployed: await inspector.machine(machineArnIn(placeOf(deploy), name)),
        })),
      ),
    ),
    ask('events:ListRuleNamesByTarget and events:DescribeRule', () => inspector.rulesThatStart(deploy)),
  ]);
  return { stack, machines, rules };
}

async function lockFacts({ ledger, executions }: CommandPorts, fleet: Fleet) {
  const row = await ask('cloudformation:DescribeStacks and dynamodb:GetItem', () => ledger.read(fleet.name));
  const held = row.known ? row.value?.held : undefined;
  const holder = held
    ? await ask('states:DescribeExecution', () => executions.status(held.holder))
    : known({ state: 'unknown' } as const);
  return { row, holder };
}

/** Asked alone, when nothing else is under way: what the answer takes looks like a clock that is off. */
async function skew({ clock, inspector }: CommandPorts): Promise<Answer<number>> {
  const before = clock.now().getTime();
  const answer = await ask('', () => inspector.awsTime());
  const after = clock.now().getTime();
  if (!answer.known) return answer;
  // AWS tells whole seconds: half a second later on average.
  return known((answer.value.getTime() + 500 - (before + after) / 2) / 1000);
}
