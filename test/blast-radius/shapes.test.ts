/**
 * IAM, asked of every shape that an environment can have: its fleets are played on the modelled world, every call of
 * every step is asked of that step's policy, and the same call aimed at what is somebody else's must be refused to all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { artifactBucketName, machineName } from '../../lambdas/domain/core/names.ts';
import { lookForOrphans } from '../../lambdas/domain/lock/orphan-watch.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { FUNCTION_NAMES, type FunctionName, ORPHAN_WATCH } from '../../lib/function-names.ts';
import { type Environment, readFleets } from '../../lib/read-fleets.ts';
import type { Statement } from '../../lib/resolve-policies.ts';
import { synthesizeTemplates, type TemplateJson } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, type FleetEntry } from '../../simulator/example-fleet.ts';
import { ACCOUNT, REGION } from '../../simulator/run-definition.ts';
import { Stage } from '../../simulator/stage.ts';
import { startOnUploads } from '../../simulator/uploads.ts';
import type { Intercept } from '../../simulator/world/calls.ts';
import { resource, resourcesOf, statementsOf } from '../lib/template.ts';
import { allows, type IamRequest } from '../support/iam.ts';
import { requestsOf } from '../support/iam-requests.ts';
import { named, surroundings } from '../support/surroundings.ts';

// ── The shapes ─────────────────────────────────────────────────────────────────────────────────────────────────────

const fleet = (name: string, environment: string, changes: Partial<FleetEntry> = {}): FleetEntry => ({
  ...EXAMPLE_FLEET,
  name,
  environment,
  mackerel: { service: environment, role: name },
  artifact: `${name}.tar.gz`,
  limits: { bakeSeconds: 20, drainSeconds: 60, readySeconds: 300 },
  first: { hosts: 1, watchSeconds: 10 },
  freezes: [],
  ...changes,
});
const targetGroup = (name: string) => ({
  kind: 'target-group' as const,
  arn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/${name}/0123456789abcdef`,
});
const classic = (name: string) => ({ kind: 'classic' as const, name });
const key = (account: string) => `arn:aws:kms:${REGION}:${account}:key/99992222-3333-4444-5555-666677778888`;
const environment = (name: string, changes: object = {}) => ({
  name,
  account: ACCOUNT,
  region: REGION,
  ...changes,
});

const SHAPES = {
  worker: {
    environments: [environment('worker')],
    fleets: [
      fleet('worker-jobs', 'worker', {
        hooks: [
          {
            at: 'before-launch',
            function: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:migrate`,
            timeoutMinutes: 1,
          },
        ],
        pauses: [{ at: 'after-shift', timeoutMinutes: 1, then: 'go on' }],
      }),
    ],
  },
  'one balancer': {
    environments: [environment('classic')],
    fleets: [fleet('classic-app', 'classic', { loadBalancers: [classic('classic')] })],
  },
  'keeps hosts, spills over, replaces stragglers': {
    environments: [environment('keeps')],
    fleets: [
      fleet('keeps-app', 'keeps', {
        loadBalancers: [targetGroup('keeps')],
        keepFailedHostMinutes: 30,
        instancesPerZone: 2,
        replaceStragglers: true,
        spillOver: true,
      }),
    ],
  },
  'all given, with keys of its own': {
    environments: [
      environment('given', {
        existingBucket: 'acme-artifacts',
        apiKeyParameter: 'mackerel-key',
        apiKeyKmsKeyArn: key(ACCOUNT),
      }),
    ],
    fleets: [
      fleet('given-app', 'given', {
        loadBalancers: [classic('given')],
        image: { from: 'parameter', parameter: '/given/image' },
        instanceProfile: {
          kind: 'given',
          arn: `arn:aws:iam::${ACCOUNT}:instance-profile/web`,
          roleArn: `arn:aws:iam::${ACCOUNT}:role/hosts/web`,
        },
        securityGroups: ['sg-0a1b2c3d', 'sg-1a2b3c4d'],
        kmsKeys: [key('444444444444')],
      }),
    ],
  },
  'launch templates of their owners’, beside one that is made': {
    environments: [environment('templates')],
    fleets: [
      fleet('templates-app', 'templates', {
        loadBalancers: [classic('templates')],
        launchTemplate: { id: 'lt-0a1b2c3d4e5f60001', version: 'newest', keyPair: 'operations' },
        instanceProfile: {
          kind: 'given',
          arn: `arn:aws:iam::${ACCOUNT}:instance-profile/web`,
          roleArn: `arn:aws:iam::${ACCOUNT}:role/hosts/web`,
        },
      }),
      fleet('templates-made', 'templates'),
    ],
  },
  'several fleets, one follows': {
    environments: [environment('several')],
    fleets: [
      fleet('several-app', 'several', { loadBalancers: [classic('several'), targetGroup('several-api')] }),
      fleet('several-jobs', 'several', { artifact: 'several-app.tar.gz', after: 'several-app' }),
      fleet('several-keyed', 'several', { kmsKeys: [key(ACCOUNT)], keepFailedHostMinutes: 0 }),
    ],
  },
  'promotion from the same account': {
    environments: [environment('tests'), environment('live')],
    fleets: [
      fleet('tests-app', 'tests', { loadBalancers: [classic('tests')], artifact: 'app.tar.gz' }),
      fleet('live-app', 'live', {
        loadBalancers: [classic('live')],
        artifact: 'app.tar.gz',
        promotion: { from: 'tests-app' },
      }),
      fleet('live-jobs', 'live', {
        artifact: 'app.tar.gz',
        after: 'live-app',
        promotion: { from: 'tests-app' },
      }),
    ],
  },
  'promotion from another account': {
    environments: [environment('far', { account: '111111111111' }), environment('near')],
    fleets: [
      fleet('far-app', 'far', { loadBalancers: [classic('far')] }),
      fleet('near-app', 'near', { loadBalancers: [classic('near')], promotion: { from: 'far-app' } }),
    ],
  },
} satisfies Record<string, FleetsFile>;
type ShapeName = keyof typeof SHAPES;
/** Whose fleets the promotion leads to; of the others, the only one. */
const played = (file: FleetsFile): string => file.environments.at(-1)?.name ?? '';

// ── Policies ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Shape {
  readonly own: Environment;
  readonly template: TemplateJson;
  /** Of all environments of the file, by name. */
  readonly templates: Readonly<Record<string, TemplateJson>>;
  readonly policies: ReadonlyMap<FunctionName, readonly Statement[]>;
  /** Bucket → the statements of its policy, of which another account is asked. */
  readonly foreignBuckets: ReadonlyMap<string, readonly Principled[]>;
  readonly asked: Asked[];
}
type Principled = Statement & { readonly Principal: { readonly AWS?: string } };
interface Asked {
  readonly by: FunctionName;
  readonly request: IamRequest;
}

const hasFunction = (template: TemplateJson, name: string) =>
  JSON.stringify(resourcesOf(template, 'AWS::Lambda::Function')).includes(`-${name}"`);

function shapeOf(file: FleetsFile): Shape {
  const environments = readFleets(file);
  const templates = synthesizeTemplates(environments);
  const own = environments.find(({ name }) => name === played(file));
  const template = templates[own?.name ?? ''];
  if (!own || !template) throw new Error('no such environment');
  const bucket = artifactBucketName(own);
  const policies = FUNCTION_NAMES.filter((name) => hasFunction(template, name)).map(
    (name) => [name, named(template, own, bucket, statementsOf(template, name))] as const,
  );
  const foreign = environments.filter(({ account }) => account !== own.account);
  const foreignBuckets = foreign.map((each) => {
    const there = templates[each.name] ?? template;
    const { PolicyDocument: document } = resource(there, 'AWS::S3::BucketPolicy');
    const name = artifactBucketName(each);
    return [name, named(there, each, name, (document as { Statement: Principled[] }).Statement)] as const;
  });
  return {
    own,
    template,
    templates,
    policies: new Map(policies),
    foreignBuckets: new Map(foreignBuckets),
    asked: [],
  };
}

/** Of another account's bucket, that must allow it, too. */
function mayBy(shape: Shape, name: FunctionName, request: IamRequest): boolean {
  const role = `arn:aws:iam::${ACCOUNT}:role/irekae-${shape.own.name}-${name}`;
  const context = { ...request.context, 'aws:PrincipalArn': role };
  const policy = shape.foreignBuckets.get(/^arn:aws:s3:::([^/]+)/.exec(request.resource)?.[1] ?? '');
  const there = policy?.flatMap(({ Principal: { AWS: who }, ...rest }) =>
    who === '*' || who === `arn:aws:iam::${ACCOUNT}:root` ? [rest] : [],
  );
  return (
    allows(shape.policies.get(name) ?? [], request) &&
    (there === undefined || allows(there, { ...request, context }))
  );
}
const whoMay = (shape: Shape, request: IamRequest) =>
  [...shape.policies.keys()].filter((name) => mayBy(shape, name, request));

// ── What is played ─────────────────────────────────────────────────────────────────────────────────────────────────

type Fails = (by: FunctionName, service: string, action: string) => boolean;

/** Runs along with the call; one that shall fail never arrives. */
function recording(shape: Shape, stage: Stage, by: FunctionName, fails: Fails): Intercept {
  return async (call, proceed) => {
    if (fails(by, call.service, call.action)) throw new Error('It is not there.');
    let answer: unknown = null;
    try {
      answer = await proceed();
      return answer;
    } finally {
      for (const request of requestsOf(call, answer, surroundings(shape, stage.world)))
        shape.asked.push({ by, request });
    }
  };
}

async function play(shape: Shape, file: FleetsFile): Promise<void> {
  const { own, template, templates } = shape;
  const sources = readFleets(file).filter(({ name }) => name !== own.name);
  let fails: Fails = () => false;
  let first: Stage | undefined;
  const stageOf = (name: string, from: TemplateJson): Stage => {
    const stage = new Stage({ template: from, fleet: name, seed: 5, ...(first && { beside: first }) });
    first ??= stage;
    return stage;
  };
  const testers = sources.flatMap(({ name, fleets }) =>
    fleets.map((each) => stageOf(each.name, templates[name] ?? template)),
  );
  const stages = own.fleets.map(({ name }) => stageOf(name, template));
  const [lead] = stages;
  if (!lead || !first) throw new Error('nothing to play');
  for (const stage of stages) {
    stage.around = (run, act) =>
      act(stage.portsThrough(recording(shape, stage, run.step, (...call) => fails(...call))));
  }
  const settle = async () => {
    for (const stage of stages) await stage.settle();
  };
  const watch = async () => {
    const ports = lead.portsThrough(recording(shape, lead, ORPHAN_WATCH, fails)) as Ports;
    const fleets = stages.map(({ fleet: { name, launchTemplate } }) => ({
      name,
      launchTemplate: launchTemplate.id,
      machine: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${machineName(name, 'deploy')}`,
    }));
    await lead.clock.until(lookForOrphans({ bucket: artifactBucketName(own), fleets }, ports));
  };
  try {
    for (const tester of testers) {
      tester.upload();
      await tester.deploy();
    }
    if (lead.promotionMachine) await promote(lead, template);
    await succeed(stages);
    await settle();
    fails = (by, service, action) =>
      by !== ORPHAN_WATCH && (service === 'mackerel' ? action === 'retire' : action === 'writeRecord');
    await failHalfway(stages);
    await settle();
    fails = () => false;
    await watch();
    await stop(stages);
    await settle();
    await lead.wait(3_600);
    await watch();
  } finally {
    first.close();
  }
}

async function promote(lead: Stage, template: TemplateJson): Promise<void> {
  startOnUploads(lead, template);
  const result = await lead.clock.until(lead.promote().result);
  if (result.endedIn !== 'Promoted') throw new Error(`The promotion ended in ${result.endedIn}.`);
  await lead.settle();
}

/** And one that waits for it. */
async function succeed(stages: readonly Stage[]): Promise<void> {
  for (const stage of stages) {
    stage.upload('one');
    const running = stage.start();
    stage.whenEntering('New hosts are ready', () => {
      stage.upload('two');
      stage.start();
    });
    await stage.clock.until(running.result);
    await stage.settle();
  }
}

async function failHalfway(stages: readonly Stage[]): Promise<void> {
  for (const stage of stages) {
    stage.upload('three');
    let launched = 0;
    const last = 'never-registers';
    stage.world.ec2.fate = () => {
      launched += 1;
      return launched === 1 ? { kind: last } : { kind: 'healthy' };
    };
    await stage.deploy();
    stage.world.ec2.fate = () => ({ kind: 'never-healthy' });
    if (stage.fleet.loadBalancers.length > 0) await stage.deploy({ versionId: stage.upload('four') });
    stage.world.ec2.fate = () => ({ kind: 'healthy' });
  }
}

/** Before and after the point of no return: the clean-up undoes, and finishes. */
async function stop(stages: readonly Stage[]): Promise<void> {
  for (const state of ['Old hosts are drained', 'Retire old hosts in Mackerel']) {
    for (const stage of stages) {
      stage.upload(state);
      const running = stage.start();
      stage.whenEntering(state, running.stop);
      await stage.clock.until(running.result);
      await stage.settle();
    }
  }
}

// ── The same, of what is somebody else's ───────────────────────────────────────────────────────────────────────────

const ELSE = 'somebody-else';
const with_ = (request: IamRequest, context: NonNullable<IamRequest['context']>): IamRequest => ({
  ...request,
  context: { ...request.context, ...context },
});
function without(request: IamRequest, key: string): IamRequest {
  const { [key]: _, ...context } = request.context ?? {};
  return { ...request, context };
}

/** What the call would be with one thing in it another's. Nothing, where IAM can tell nothing apart. */
function foreign(request: IamRequest): IamRequest[] {
  const { resource, context = {}, action } = request;
  const has = (key: string) => key in context;
  const at = (from: string | RegExp, to: string) => ({ ...request, resource: resource.replace(from, to) });
  const fleetTag = ['aws:ResourceTag/irekae:fleet', 'aws:RequestTag/irekae:fleet'].filter(has);
  const found: IamRequest[] = [
    ...(action === 'ec2:CreateTags' && has('ec2:CreateAction')
      ? [without(request, 'ec2:CreateAction'), with_(request, { 'ec2:CreateAction': 'CreateImage' })]
      : // A tag at launch is judged by the launch itself.
        fleetTag.flatMap((tag) => [with_(request, { [tag]: ELSE }), without(request, tag)])),
    ...(action === 'ec2:TerminateInstances'
      ? [with_(request, { 'aws:ResourceTag/irekae:protect': 'true' })]
      : []),
    ...(has('dynamodb:LeadingKeys')
      ? [
          with_(request, { 'dynamodb:LeadingKeys': [ELSE] }),
          with_(request, { 'dynamodb:LeadingKeys': [...(context['dynamodb:LeadingKeys'] ?? []), ELSE] }),
        ]
      : []),
    // Nobody else's template, and nothing but from a template.
    ...(has('ec2:LaunchTemplate') ? [without(request, 'ec2:LaunchTemplate')] : []),
    ...(/(launch-template|key-pair)\/(lt-|operations)/.test(resource) ? [at(/[^/]+$/, ELSE)] : []),
    ...[
      'ec2:LaunchTemplate',
      'ec2:SubnetID',
      'ec2:SecurityGroupID',
      'iam:PassedToService',
      'kms:ViaService',
      'kms:GrantIsForAWSResource',
      'kms:EncryptionContext:PARAMETER_ARN',
    ]
      .filter(has)
      .flatMap((each) => [with_(request, { [each]: ELSE }), without(request, each)]),
    ...['events:source', 'events:detail-type']
      .filter(has)
      .flatMap((each) => [
        with_(request, { [each]: [ELSE] }),
        with_(request, { [each]: [...(context[each] ?? []), ELSE] }),
      ]),
    ...(action === 's3:ListBucketVersions'
      ? [with_(request, { 's3:prefix': '' }), without(request, 's3:prefix')]
      : []),
    // A target group's policy names its id alone, which no other has in any account.
    ...(resource.includes(`:${ACCOUNT}:`) && !/^kms:|^elasticloadbalancing:.*Targets$/.test(action)
      ? [at(`:${ACCOUNT}:`, ':999999999999:')]
      : []),
    ...(/^arn:aws:(kms|dynamodb|ssm|states|events)|loadbalancer\//.test(resource)
      ? [at(/$/, '-2'), at(/[^:/]+$/, ELSE)]
      : []),
    // Below the path, a role may be called anything.
    ...(action === 'iam:PassRole' ? [at(/role\/.*\//, `role/${ELSE}/`), at(/role\/.*\//, 'role/')] : []),
    ...(resource.includes(':targetgroup/') ? [at(/[^/]+$/, 'ffffffffffffffff')] : []),
    ...(action === 'sns:Publish' ? [at(/^.*$/, 'AlarmTopic')] : []),
    ...(resource.startsWith('arn:aws:s3:::') ? [at(':::', ':::other-')] : []),
    ...(resource.startsWith('arn:aws:s3:::') && resource.includes('/') ? [at('/', `/${ELSE}/`)] : []),
  ];
  // An execution's name is nobody's: its machine's is.
  return found
    .filter((each) => each.resource !== resource || each.context !== request.context)
    .map((each) =>
      /^states:(Describe|Get)Execution/.test(action)
        ? { ...each, resource: resource.replace(/[^:]+:[^:]+$/, `irekae-${ELSE}:d`) }
        : each,
    );
}

const shown = ({ action, resource: what, context }: IamRequest) =>
  `${action} ${what} ${JSON.stringify(context ?? {})}`;
const unique = (requests: readonly IamRequest[]) => [
  ...new Map(requests.map((each) => [shown(each), each])).values(),
];

const shapes = new Map<ShapeName, Shape>();
beforeAll(async () => {
  for (const name of Object.keys(SHAPES) as ShapeName[]) {
    const shape = shapeOf(SHAPES[name]);
    await play(shape, SHAPES[name]);
    shapes.set(name, shape);
  }
});
afterAll(() => shapes.clear());
const shapeNamed = (name: ShapeName): Shape => {
  const shape = shapes.get(name);
  if (!shape) throw new Error(`${name} was not played`);
  return shape;
};

describe.each(Object.keys(SHAPES) as ShapeName[])('An environment of the shape "%s"', (name) => {
  it('lets every step make the calls that it makes', () => {
    const shape = shapeNamed(name);
    const refused = shape.asked.filter(({ by, request }) => !mayBy(shape, by, request));
    expect([...new Set(refused.map(({ by, request }) => `${by}: ${shown(request)}`))]).toEqual([]);
    const isFollowed = shape.own.fleets.some(({ after }) => after !== undefined);
    // Every step of the story was heard, but those that the shape has no use for.
    const heard = new Set(shape.asked.map(({ by }) => by));
    const aside = /^(write-the-plan|re(place|move)-the-stragglers|give-up-the-promotion|guard-permissions)$/;
    const isPaused = shape.own.fleets.some(({ pauses }) => pauses.length > 0);
    const unused = [
      ...(isFollowed ? [] : ['start-the-followers']),
      ...(isPaused ? [] : ['ask-the-hook', 'wait-for-a-person']),
    ];
    expect(
      [...shape.policies.keys()].filter(
        (each) => !heard.has(each) && !aside.test(each) && !unused.includes(each),
      ),
    ).toEqual([]);
  });

  it('lets nobody make them on what is somebody else’s', () => {
    const shape = shapeNamed(name);
    const asked = unique(shape.asked.flatMap(({ request }) => foreign(request)));
    expect(asked.length).toBeGreaterThan(100);
    const may = asked.map((request) => [shown(request), ...whoMay(shape, request)]);
    expect(may.filter(([, ...who]) => who.length > 0)).toEqual([]);
  });
});

// ── What only some shapes may ──────────────────────────────────────────────────────────────────────────────────────

describe('Nobody may, in an environment that has no use for it', () => {
  const actionsOf = (name: ShapeName): Set<string> =>
    new Set(
      [...shapeNamed(name).policies].flatMap(([by, statements]) =>
        statements.flatMap(({ Action }) => [Action].flat().map((action) => `${by} ${action}`)),
      ),
    );
  const all = Object.keys(SHAPES) as ShapeName[];
  it.each<[string, RegExp, readonly ShapeName[]]>([
    [
      'keep a failed host',
      /^terminate-new-instances ec2:CreateTags/,
      ['keeps hosts, spills over, replaces stragglers'],
    ],
    ['end a kept host', /^look-for-orphans ec2:Terminate/, ['keeps hosts, spills over, replaces stragglers']],
    [
      'launch for a straggler',
      /^replace-the-stragglers ec2:Run/,
      ['keeps hosts, spills over, replaces stragglers'],
    ],
    ['end a straggler', /^remove-the-stragglers ec2:Term/, ['keeps hosts, spills over, replaces stragglers']],
    [
      'count free addresses',
      /^launch-new-instances ec2:DescribeSubnets/,
      ['keeps hosts, spills over, replaces stragglers'],
    ],
    [
      'encrypt volumes',
      /^launch-new-instances kms:/,
      ['all given, with keys of its own', 'several fleets, one follows'],
    ],
    ['decrypt the API key', /^new-hosts-are-ready kms:Decrypt/, ['all given, with keys of its own']],
    ['read an image parameter', /^resolve-the-image ssm:/, ['all given, with keys of its own']],
    [
      'promote',
      /^\S+ s3:AbortMultipartUpload/,
      ['promotion from the same account', 'promotion from another account'],
    ],
    [
      'join a classic load balancer',
      /RegisterInstancesWithLoadBalancer/,
      all.filter((each) => !/^worker|^keeps/.test(each)),
    ],
    [
      'join a target group',
      /:RegisterTargets/,
      ['keeps hosts, spills over, replaces stragglers', 'several fleets, one follows'],
    ],
  ])('%s', (_, action, where) => {
    const found = all.filter((name) => [...actionsOf(name)].some((each) => action.test(each)));
    expect(found).toEqual(all.filter((name) => where.includes(name)));
  });
});
