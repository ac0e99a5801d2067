/**
 * What each step, and the orphan watch, may do in AWS, and nothing else: a table with the permissions that their calls
 * need. `test/lib/permissions.test.ts` holds the resulting policies against a second list.
 *
 * The functions are shared by the fleets of an environment, so a permission reaches exactly these fleets.
 */

import type { Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { executionArn, machineArn, serviceHost, servicePrincipals } from '../lambdas/domain/core/aws.ts';
import { TAG } from '../lambdas/domain/core/fleet.ts';
import {
  EVENT_SOURCE,
  fleetStackName,
  hostRolePath,
  type MachineKind,
  machineName,
  RECORD_PREFIX,
  stackName,
} from '../lambdas/domain/core/names.ts';
import { PROMOTION_STEPS, type PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import { EVENT_TYPE } from '../lambdas/domain/record/news.ts';
import { WAITING_EVENT_TYPE } from '../lambdas/domain/record/waiting-news.ts';
import { imageOwners } from '../lambdas/domain/release/image.ts';
import type { LoadBalancerRef } from '../lambdas/ports/load-balancers.ts';
import type { ArtifactBucket } from './artifact-bucket.ts';
import { type BucketKey, useOfBucketKey } from './bucket-keys.ts';
import { type FunctionName, GUARD, ORPHAN_WATCH } from './function-names.ts';
import type { LedgerTable } from './ledger-table.ts';
import { PROMOTION_GRANTS } from './promotion-permissions.ts';
import type { Promotion } from './promotions.ts';
import type { Environment } from './read-fleets.ts';
import { artifactsOf, filesOf } from './runtime-fleet.ts';

/** How far the permissions of an environment's functions reach. */
export interface Reach {
  readonly stack: Stack;
  readonly environment: Environment;
  readonly bucket: ArtifactBucket;
  readonly ledger: LedgerTable;
  /** Where deployment news are told. */
  readonly news: Pick<ITopic, 'topicArn'>;
  /** Those into this environment. */
  readonly promotions: readonly Promotion[];
  /** The buckets, this environment's and those that are promoted from, that are encrypted with a key of one's own. */
  readonly bucketKeys: readonly BucketKey[];
}

/** One statement of a policy. */
export interface Permission {
  readonly actions: readonly string[];
  /** A permission without resources is left out: fleets without a load balancer need none on load balancers. */
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why a resource has to be a wildcard; the reason that cdk-nag's finding is acknowledged with. */
  readonly wildcard?: string;
}

type Grant = (reach: Reach) => Permission;

/** EC2 and ELB check no resource on these actions, so that nothing narrower than `*` works. */
const describe =
  (...actions: string[]): Grant =>
  () => ({
    actions,
    resources: ['*'],
    wildcard: 'Describe actions of EC2 and ELB know no resource-level permissions.',
  });

// ── Images ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const describeImages = describe('ec2:DescribeImages');

const readImageParameters: Grant = ({ stack, environment }) => ({
  actions: ['ssm:GetParameter'],
  resources: unique(
    environment.fleets.flatMap(({ image }) =>
      image.from === 'parameter' ? [parameterArn(stack, image.parameter)] : [],
    ),
  ),
});

// ── The ledger and executions ──────────────────────────────────────────────────────────────────────────────────────

/**
 * On the rows of this environment's fleets alone. `ForAllValues` also lets requests without a key pass (a Scan): no
 * such action is granted.
 */
const ledger =
  (action: string): Grant =>
  ({ environment, ledger: { tableArn } }) => ({
    actions: [`dynamodb:${action}`],
    resources: [tableArn],
    conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': fleetNames(environment) } },
  });
const readLedger = ledger('GetItem');
/** Each write is one conditional update: a row is never put, and never deleted. */
const writeLedger = ledger('UpdateItem');

/** A fleet's lock is held by a deployment or by a clean-up, and the door for overrides has started some of them. */
const describeExecutions: Grant = ({ stack, environment }) => ({
  actions: ['states:DescribeExecution'],
  resources: fleetNames(environment).map((fleet) =>
    executionArn(stack, `${machineName(fleet, 'deploy')}*`, '*'),
  ),
  wildcard:
    'An execution has no name before it is started, and a policy no room for each of a fleet’s machines.',
});

/**
 * Of a dead holder, to tell whether a function of it may still act: a deployment or a clean-up. A history holds whole
 * documents, so of no machine besides these.
 */
const readHistories: Grant = ({ stack, environment }) => ({
  actions: ['states:GetExecutionHistory'],
  resources: fleetNames(environment).flatMap((fleet) =>
    (['deploy', 'clean-up'] as const).map((kind) => executionArn(stack, machineName(fleet, kind), '*')),
  ),
  wildcard: 'An execution has no name before it is started.',
});

const start =
  (kind: MachineKind): Grant =>
  ({ stack, environment }) => ({
    actions: ['states:StartExecution'],
    resources: fleetNames(environment).map((fleet) => machineArn(stack, machineName(fleet, kind))),
  });
const startDeployments = start('deploy');
const startCleanUps = start('clean-up');
const startOverrides = start('override');

/**
 * What waits in the pending slot is read, started (again through the door, if it overrides), and taken out. Whoever may
 * start executions may have taken the name before.
 */
const startPending = [readLedger, writeLedger, startDeployments, startOverrides, describeExecutions];

/** The environment's own, and those of its fleets: also of one that has left the file. */
const describeStacks: Grant = ({ stack, environment: { name } }) => ({
  actions: ['cloudformation:DescribeStacks'],
  resources: [stackName(name), fleetStackName(name, '*')].map((each) =>
    stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${each}/*` }),
  ),
  wildcard:
    'A stack’s ARN ends in an id that nobody knows before, and a fleet that left the file in its name.',
});

// ── Artifacts and records ──────────────────────────────────────────────────────────────────────────────────────────

/** The newest version is asked for without a version id, a pinned one with it: two actions for S3. */
const readObjects =
  (keysOf: (fleet: Environment['fleets'][number]) => readonly string[]): Grant =>
  ({ environment, bucket }) => ({
    actions: ['s3:GetObject', 's3:GetObjectVersion'],
    resources: unique(environment.fleets.flatMap(keysOf)).map((key) => bucket.arnForObjects(key)),
  });
const readArtifacts = readObjects(filesOf);
const readApplications = readObjects(artifactsOf);

/** In which order they were uploaded: S3's own, which says what is newest. */
const listApplicationVersions: Grant = ({ environment, bucket }) => {
  const keys = unique(environment.fleets.flatMap(artifactsOf));
  return {
    actions: ['s3:ListBucketVersions'],
    resources: keys.length > 0 ? [bucket.bucketArn] : [],
    conditions: { StringEquals: { 's3:prefix': keys } },
  };
};

/** Without it, S3 answers "forbidden" for what does not exist. */
const tellAbsentFromForbidden: Grant = ({ bucket }) => ({
  actions: ['s3:ListBucket'],
  resources: [bucket.bucketArn],
});

/** @param under below the records' prefix, with `*` for a fleet and for a deployment */
const records =
  (action: string, ...under: string[]): Grant =>
  ({ bucket }) => ({
    actions: [action],
    resources: under.map((key) => bucket.arnForObjects(`${RECORD_PREFIX}${key}`)),
    // A name for each fleet would fill the policy, which has room for 10,240 characters.
    wildcard: `A record's key holds the fleet and the deployment's id; nothing but records lies under ${RECORD_PREFIX}.`,
  });
const readRecords = records('s3:GetObject', '*');
/** What runs, and what ran before: to go back to it. */
const readReleases = records('s3:GetObject', '*/current.json', '*/deployments/*.json');
/** Not the proofs of promotions: who deploys must not be able to prove that it may. */
const writeRecords = records('s3:PutObject', '*/current.json', '*/deployments/*');
/** What failed hosts said, and nothing that anybody decides by. */
const writeConsoles = records('s3:PutObject', '*/consoles/*');

// ── Mackerel ───────────────────────────────────────────────────────────────────────────────────────────────────────

const readApiKey: Grant = ({ stack, environment }) => ({
  actions: ['ssm:GetParameter'],
  resources: [parameterArn(stack, environment.apiKeyParameter)],
});

/** Only for a key of one's own: the account's `aws/ssm` lets in whoever may read the parameter. */
const decryptApiKey: Grant = ({ stack, environment: { apiKeyKmsKeyArn, apiKeyParameter, region } }) => ({
  actions: ['kms:Decrypt'],
  resources: apiKeyKmsKeyArn === undefined ? [] : [apiKeyKmsKeyArn],
  conditions: {
    StringEquals: {
      'kms:ViaService': serviceHost('ssm', region),
      'kms:EncryptionContext:PARAMETER_ARN': parameterArn(stack, apiKeyParameter),
    },
  },
});

const askMackerel = [readApiKey, decryptApiKey];

// ── News ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** To the environment's news alone: the alarms' topic is CloudWatch's. */
const tellPeople: Grant = ({ news }) => ({ actions: ['sns:Publish'], resources: [news.topicArn] });

/** On the default bus, where everybody listens: only in our name, and only of this kind. */
const tellMachines =
  (type: string): Grant =>
  ({ stack }) => ({
    actions: ['events:PutEvents'],
    resources: [stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })],
    conditions: {
      // Both are lists of values for IAM: a request may hold ten events.
      'ForAllValues:StringEquals': { 'events:source': [EVENT_SOURCE], 'events:detail-type': [type] },
    },
  });

const tellTheNews = [tellPeople, tellMachines(EVENT_TYPE)];
const tellThatItWaits = [tellPeople, tellMachines(WAITING_EVENT_TYPE)];

// ── Instances ──────────────────────────────────────────────────────────────────────────────────────────────────────

const describeInstances = describe('ec2:DescribeInstances');
const describeSubnets = describe('ec2:DescribeSubnets');

/** Where a fleet without an artifact follows another one. */
const imagesAreHandedOn: Grant = (reach) => ({
  ...describeInstances(reach),
  resources: reach.environment.fleets.some(
    ({ artifact, after }) => artifact === undefined && after !== undefined,
  )
    ? ['*']
    : [],
});

/** Before a share is launched in another zone than its own. */
const countAddresses: Grant = (reach) => ({
  ...describeSubnets(reach),
  resources: reach.environment.fleets.some(({ spillOver }) => spillOver) ? ['*'] : [],
});

/** What a launch makes, and what a condition on tags would deny: it is not tagged by the launch. */
const launchInterfaces: Grant = ({ stack }) => ({
  actions: ['ec2:RunInstances'],
  resources: [ec2Arn(stack, 'network-interface', '*')],
  wildcard: 'A network interface is not known before the launch.',
});

/** Each fleet's template is in its own stack, made after this one: CloudFormation tags it, and no function may tag any. */
const launchFromTemplates: Grant = ({ stack, environment }) => {
  const making = environment.fleets.filter(({ launchTemplate }) => launchTemplate === undefined);
  return {
    actions: ['ec2:RunInstances'],
    resources: making.length > 0 ? [ec2Arn(stack, 'launch-template', '*')] : [],
    conditions: { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: making.map(({ name }) => name) } },
    wildcard:
      'A fleet’s launch template is made after the functions; the condition asks for the fleet’s tag.',
  };
};

/** Those that were given, which need no tag: each by its id. */
const launchFromGivenTemplates: Grant = ({ stack, environment }) => ({
  actions: ['ec2:RunInstances'],
  resources: givenTemplates(stack, environment),
});

const launchWithKeyPairs: Grant = ({ stack, environment }) => ({
  actions: ['ec2:RunInstances'],
  resources: unique(
    environment.fleets.flatMap(({ launchTemplate }) =>
      launchTemplate?.keyPair === undefined ? [] : [ec2Arn(stack, 'key-pair', launchTemplate.keyPair)],
    ),
  ),
});

/** What a given template may ask for that irekae itself never does: its owner has put it there. */
const launchWhatTemplatesName: Grant = ({ stack, environment }) => {
  const templates = givenTemplates(stack, environment);
  const kinds = ['capacity-reservation', 'placement-group'];
  const snapshots = stack.formatArn({ service: 'ec2', account: '', resource: 'snapshot', resourceName: '*' });
  return {
    actions: ['ec2:RunInstances'],
    resources: templates.length > 0 ? [...kinds.map((kind) => ec2Arn(stack, kind, '*')), snapshots] : [],
    conditions: { ArnEquals: { 'ec2:LaunchTemplate': templates } },
    wildcard:
      'What a launch template of its owner’s names is known to its owner; the condition asks for the template.',
  };
};

/** Of a Spot request IAM is not told the template. */
const launchAsSpot: Grant = ({ stack, environment }) => ({
  actions: ['ec2:RunInstances'],
  resources:
    givenTemplates(stack, environment).length > 0 ? [ec2Arn(stack, 'spot-instances-request', '*')] : [],
  wildcard:
    'A Spot request has no id before the launch; what it would launch, the other statements restrict.',
});

const givenTemplates = (stack: Stack, { fleets }: Environment): string[] =>
  unique(
    fleets.flatMap(({ launchTemplate }) =>
      launchTemplate === undefined ? [] : [ec2Arn(stack, 'launch-template', launchTemplate.id)],
    ),
  );

/** Where no fleet was given one, there is nothing to ask for. */
const describeTemplates: Grant = (reach) => ({
  ...describe('ec2:DescribeLaunchTemplateVersions')(reach),
  resources: givenTemplates(reach.stack, reach.environment).length > 0 ? ['*'] : [],
});

/** Nobody else's, whatever an input, a parameter or a record says: the decision in `release/image.ts` asks the same. */
const launchOwnersImages: Grant = ({ stack, environment: { account, fleets } }) => ({
  actions: ['ec2:RunInstances'],
  resources: [stack.formatArn({ service: 'ec2', account: '', resource: 'image', resourceName: '*' })],
  conditions: {
    StringEquals: { 'ec2:Owner': unique(fleets.flatMap(({ image }) => imageOwners(image, account))) },
  },
  wildcard: 'The newest image is not known before the deployment; the condition asks for its owner.',
});

/** Of a fleet's subnets or security groups: by a condition, which is a third of an ARN for each. */
const launchWith =
  (
    resource: string,
    key: string,
    idsOf: (fleet: Environment['fleets'][number]) => readonly string[],
  ): Grant =>
  ({ stack, environment }) => ({
    actions: ['ec2:RunInstances'],
    resources: [ec2Arn(stack, resource, '*')],
    conditions: { StringEquals: { [key]: unique(environment.fleets.flatMap(idsOf)) } },
    wildcard:
      'The condition names each of them; ARNs would fill the policy, which has room for 10,240 characters.',
  });
const launchInSubnets = launchWith('subnet', 'ec2:SubnetID', ({ subnets }) => subnets);
const launchWithGroups = launchWith(
  'security-group',
  'ec2:SecurityGroupID',
  ({ securityGroups }) => securityGroups,
);

/** What a launch makes carries our tag from birth, or EC2 refuses the launch. */
const launchTagged: Grant = ({ stack, environment }) => ({
  actions: ['ec2:RunInstances'],
  resources: [ec2Arn(stack, 'instance', '*'), ec2Arn(stack, 'volume', '*')],
  conditions: { StringEquals: { [`aws:RequestTag/${TAG.fleet}`]: fleetNames(environment) } },
  wildcard:
    'Instances and volumes have no ids before they are launched; the condition asks for the fleet’s tag.',
});

/** Tags at launch alone: who could tag later could make any instance ours, and terminate it. */
const tagAtLaunch: Grant = ({ stack, environment }) => ({
  actions: ['ec2:CreateTags'],
  resources: [
    ...['instance', 'volume'],
    // A given template may have tags for these too.
    ...(givenTemplates(stack, environment).length > 0 ? ['network-interface', 'spot-instances-request'] : []),
  ].map((kind) => ec2Arn(stack, kind, '*')),
  conditions: { StringEquals: { 'ec2:CreateAction': 'RunInstances' } },
  wildcard:
    'Instances and volumes have no ids before they are launched; the condition allows it at launch only.',
});

/** Those that were made for the fleets of this environment lie under a path of its own; those that were given, by name. */
const passHostRoles: Grant = ({ stack, environment: { name, fleets, region } }) => ({
  actions: ['iam:PassRole'],
  resources: unique(
    fleets.map(({ instanceProfile }) =>
      instanceProfile.kind === 'given'
        ? instanceProfile.roleArn
        : stack.formatArn({
            service: 'iam',
            region: '',
            resource: `role${hostRolePath(name)}*`,
          }),
    ),
  ),
  conditions: { StringEquals: { 'iam:PassedToService': servicePrincipals('ec2', region) } },
  wildcard: 'A host’s role is made after the functions, under a path that is this environment’s alone.',
});

/**
 * EC2 encrypts a volume with a key of the account's own in the name of who launches it; without these the instance goes
 * from pending to terminated. Through EC2 alone, and a grant only for what AWS itself does with it.
 */
const useVolumeKeys =
  (conditions: Permission['conditions'], ...actions: string[]): Grant =>
  ({ environment: { fleets, region } }) => ({
    actions: actions.map((action) => `kms:${action}`),
    resources: unique(fleets.flatMap(({ kmsKeys }) => kmsKeys)),
    conditions: { StringEquals: { 'kms:ViaService': serviceHost('ec2', region) }, ...conditions },
  });
const encryptVolumes = [
  useVolumeKeys(
    {},
    'Decrypt',
    'DescribeKey',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
  ),
  useVolumeKeys({ Bool: { 'kms:GrantIsForAWSResource': 'true' } }, 'CreateGrant'),
];

/**
 * Rule 3: nothing without the fleet's tag, and nothing with the hand brake, is ever terminated, whatever Mackerel, the
 * input or a bug says. `IfExists` also holds when there is no such tag: `isProtected` says the same.
 */
const terminateTagged: Grant = ({ stack, environment }) => ({
  actions: ['ec2:TerminateInstances'],
  resources: [ec2Arn(stack, 'instance', '*')],
  conditions: {
    StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: fleetNames(environment) },
    StringEqualsIfExists: { [`aws:ResourceTag/${TAG.protect}`]: 'false' },
  },
  wildcard: 'Instance ids change with every deployment; the condition asks for the fleet’s tag.',
});

/**
 * Launched by a deployment, from a template: that tag is EC2's own, nobody else can write it. From which one, the step
 * asks: the fleets' templates are made after these policies.
 */
const launched = {
  [`aws:ResourceTag/${TAG.template}`]: 'false',
  [`aws:ResourceTag/${TAG.deployment}`]: 'false',
};

/** Of an undo: nothing but what a deployment launched. */
const terminateLaunched: Grant = (reach) => {
  const { conditions, ...tagged } = terminateTagged(reach);
  return { ...tagged, conditions: { ...conditions, Null: launched } };
};

/** The orphan watch ends what was kept for debugging, and nothing else: without its tag EC2 refuses. */
const terminateKept: Grant = ({ stack, environment }) => ({
  actions: ['ec2:TerminateInstances'],
  resources: environment.fleets.some((fleet) => fleet.keepFailedHostMinutes > 0)
    ? [ec2Arn(stack, 'instance', '*')]
    : [],
  conditions: {
    StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: fleetNames(environment) },
    StringEqualsIfExists: { [`aws:ResourceTag/${TAG.protect}`]: 'false' },
    Null: { ...launched, [`aws:ResourceTag/${TAG.keepUntil}`]: 'false' },
  },
  wildcard:
    'Instance ids change with every deployment; the conditions ask for the fleet’s tag and the kept one’s.',
});

/** What a failed instance has to say, before it is removed. */
const readConsoles: Grant = ({ stack, environment }) => ({
  actions: ['ec2:GetConsoleOutput'],
  resources: [ec2Arn(stack, 'instance', '*')],
  conditions: { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: fleetNames(environment) } },
  wildcard: 'Instance ids change with every deployment; the condition asks for the fleet’s tag.',
});

/** Only instances that are ours already, and only the tag that says until when one is kept. */
const tagKept: Grant = ({ stack, environment }) => {
  const keeping = environment.fleets.filter(({ keepFailedHostMinutes }) => keepFailedHostMinutes > 0);
  return {
    actions: ['ec2:CreateTags'],
    resources: keeping.length === 0 ? [] : [ec2Arn(stack, 'instance', '*')],
    conditions: {
      StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: keeping.map(({ name }) => name) },
      'ForAllValues:StringEquals': { 'aws:TagKeys': [TAG.keepUntil] },
      // ForAllValues alone also lets a request without tags pass.
      Null: { 'aws:TagKeys': 'false' },
    },
    wildcard: 'Instance ids change with every deployment; the condition asks for the fleet’s tag.',
  };
};

/** Only in an environment where a fleet wants it: elsewhere the function may do nothing of this. */
const whereStragglersAreReplaced = (grants: readonly Grant[]): Grant[] =>
  grants.map((grant) => (reach) => {
    const permission = grant(reach);
    const wanted = reach.environment.fleets.some(({ replaceStragglers }) => replaceStragglers);
    return wanted ? permission : { ...permission, resources: [] };
  });

// ── Load balancers ─────────────────────────────────────────────────────────────────────────────────────────────────

const describeLoadBalancers = describe(
  'elasticloadbalancing:DescribeLoadBalancers',
  'elasticloadbalancing:DescribeLoadBalancerAttributes',
  'elasticloadbalancing:DescribeInstanceHealth',
  'elasticloadbalancing:DescribeTargetGroups',
  'elasticloadbalancing:DescribeTargetGroupAttributes',
  'elasticloadbalancing:DescribeTargetHealth',
);

const describeHealth = describe(
  'elasticloadbalancing:DescribeInstanceHealth',
  'elasticloadbalancing:DescribeTargetHealth',
);

const onClassic =
  (action: string): Grant =>
  ({ stack, environment }) => ({
    actions: [`elasticloadbalancing:${action}`],
    resources: loadBalancers(environment).flatMap((ref) =>
      ref.kind === 'classic'
        ? [
            stack.formatArn({
              service: 'elasticloadbalancing',
              resource: 'loadbalancer',
              resourceName: ref.name,
            }),
          ]
        : [],
    ),
  });

const onTargetGroups =
  (action: string): Grant =>
  ({ environment }) => ({
    actions: [`elasticloadbalancing:${action}`],
    resources: loadBalancers(environment).flatMap((ref) =>
      ref.kind === 'target-group' ? [byId(ref.arn)] : [],
    ),
    wildcard:
      'Each target group is named by its id, which no other has anywhere; a whole ARN for each would fill the policy.',
  });

/** Half as long: neither Region nor account nor name. */
const byId = (arn: string) => arn.replace(/^((?:[^:]*:){3}).*\//, '$1*:*:targetgroup/*/');

const register = [onClassic('RegisterInstancesWithLoadBalancer'), onTargetGroups('RegisterTargets')];
const deregister = [onClassic('DeregisterInstancesFromLoadBalancer'), onTargetGroups('DeregisterTargets')];

// ── The table ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Instances of the fleets' own parts, tagged from birth. */
const launch = [
  launchInterfaces,
  launchFromTemplates,
  launchFromGivenTemplates,
  launchWithKeyPairs,
  launchWhatTemplatesName,
  launchAsSpot,
  launchOwnersImages,
  launchInSubnets,
  launchWithGroups,
  launchTagged,
  tagAtLaunch,
  passHostRoles,
  ...encryptVolumes,
];

/** A look at hosts: who they are in Mackerel, whether they run, whether they serve. */
const lookAtHosts = [...askMackerel, describeInstances, describeLoadBalancers];

/**
 * A step that changes something first reads in the ledger that it holds the lock (the fence); one that begins a phase
 * writes it down instead, which proves the same.
 */
const GRANTS: Readonly<Record<Exclude<FunctionName, PromotionStepName>, readonly Grant[]>> = {
  // Reads and fills the pending slot, for what is gone back to also by the records; and sends for the clean-up when the holder is dead.
  'take-the-fleet-lock': [
    readLedger,
    writeLedger,
    describeExecutions,
    startCleanUps,
    readApplications,
    listApplicationVersions,
    tellAbsentFromForbidden,
    readReleases,
    // Makes up for a record that is owed, before it is read.
    writeRecords,
  ],
  // Of who follows, whether the fleet before it runs the image that is handed on.
  'resolve-the-image': [
    describeImages,
    imagesAreHandedOn,
    describeTemplates,
    readImageParameters,
    readReleases,
    tellAbsentFromForbidden,
  ],
  // The ledger says whether the fleet is on hold.
  'resolve-the-release': [
    readArtifacts,
    listApplicationVersions,
    tellAbsentFromForbidden,
    readRecords,
    readLedger,
  ],
  // Makes up for what is owed to Mackerel, before it asks who serves.
  'snapshot-old-hosts': [readLedger, writeLedger, ...lookAtHosts, describeSubnets],
  'write-the-plan': [],
  // Reads in the ledger which tries an earlier run of it has behind it.
  'launch-new-instances': [readLedger, writeLedger, countAddresses, ...launch],
  'new-hosts-are-ready': [readLedger, ...lookAtHosts, ...register],
  'watch-the-first-hosts': [readLedger, ...lookAtHosts],
  // Launches, and terminates nothing; its neighbour terminates, and launches nothing.
  'replace-the-stragglers': [
    readLedger,
    writeLedger,
    ...whereStragglersAreReplaced([describeSubnets, ...launch]),
  ],
  'remove-the-stragglers': [
    readLedger,
    ...whereStragglersAreReplaced([
      ...lookAtHosts,
      ...deregister,
      terminateLaunched,
      readConsoles,
      writeConsoles,
    ]),
  ],
  'take-old-hosts-out-of-service': [writeLedger, ...lookAtHosts, ...deregister],
  'old-hosts-are-drained': [readLedger, describeLoadBalancers],
  'watch-the-new-hosts': [readLedger, ...lookAtHosts],
  // Both begin *Bring up* where nothing was launched yet. No step calls a hook: the fleet's state machine does.
  'ask-the-hook': [readLedger, writeLedger, ...lookAtHosts],
  'wait-for-a-person': [readLedger, writeLedger, ...lookAtHosts, ...tellThatItWaits],
  'terminate-old-instances': [readLedger, writeLedger, ...lookAtHosts, terminateTagged],
  'retire-old-hosts-in-mackerel': [readLedger, writeLedger, ...askMackerel],
  'record-the-release': [
    readLedger,
    writeLedger,
    describeInstances,
    describeHealth,
    ...askMackerel,
    writeRecords,
    ...tellTheNews,
  ],
  'put-old-hosts-back': [readLedger, writeLedger, ...lookAtHosts, ...register],
  // Writes down whom it terminates; reads the consoles of those that failed, and may keep one of them.
  'terminate-new-instances': [
    readLedger,
    writeLedger,
    ...lookAtHosts,
    ...deregister,
    terminateLaunched,
    readConsoles,
    writeConsoles,
    tagKept,
  ],
  // Marks a lock that has to wait for a human, and owes the record that it cannot write.
  'record-the-failure': [readLedger, writeLedger, ...askMackerel, writeRecords, ...tellTheNews],
  'start-the-followers': [readLedger, startDeployments, startOverrides, describeExecutions],
  'release-the-fleet-lock': startPending,
  'take-over-the-lock': [...startPending, readHistories],
  // Leaves what it finds to the clean-up; makes up for what is owed; ends only what was kept for debugging.
  [ORPHAN_WATCH]: [
    ...startPending,
    startCleanUps,
    describeInstances,
    terminateKept,
    readReleases,
    tellAbsentFromForbidden,
    ...askMackerel,
    writeRecords,
  ],
  // Closes the fleets that lose something; lets a rollback through, and no fleet whose stack is still there go.
  [GUARD]: [readLedger, writeLedger, describeStacks],
};

export function permissionsOf(name: FunctionName, reach: Reach): readonly Permission[] {
  const granted = isPromotionStep(name)
    ? PROMOTION_GRANTS[name].flatMap((grant) => grant(reach))
    : GRANTS[name].map((grant) => grant(reach));
  const permitted = granted.filter(({ resources }) => resources.length > 0);
  return [...permitted, ...reach.bucketKeys.flatMap((each) => useOfBucketKey(each, permitted))];
}

const isPromotionStep = (name: FunctionName): name is PromotionStepName => name in PROMOTION_STEPS;

// ── ARNs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const unique = (items: readonly string[]): string[] => [...new Set(items)];

const fleetNames = ({ fleets }: Environment): string[] => fleets.map(({ name }) => name);

const loadBalancers = ({ fleets }: Environment): LoadBalancerRef[] =>
  fleets.flatMap((fleet) => fleet.loadBalancers);

const ec2Arn = (stack: Stack, resource: string, resourceName: string): string =>
  stack.formatArn({ service: 'ec2', resource, resourceName });

/** Public parameters belong to no account. */
function parameterArn(stack: Stack, name: string): string {
  const account = name.startsWith('/aws/service/') ? { account: '' } : {};
  return stack.formatArn({
    service: 'ssm',
    resource: 'parameter',
    resourceName: name.replace(/^\//, ''),
    ...account,
  });
}
