/**
 * The kinds of deployment that the campaign breaks: four fleets of two hosts and one of four, and what happens during
 * one of their deployments. Some of the kinds are stopped by hand, so that every call of the clean-up is broken too.
 * Most of the fleets are followed by another one, which is started by what was deployed, and by nothing else.
 */

import { createHash } from 'node:crypto';
import { executionOf, machineIn } from '../../lambdas/domain/core/aws.ts';
import { fleetSize } from '../../lambdas/domain/core/fleet.ts';
import { followName, machineName, promotionKey } from '../../lambdas/domain/core/names.ts';
import { POINT, type Point } from '../../lambdas/domain/core/points.ts';
import { keepSecret } from '../../lambdas/domain/core/secrets.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, exampleEntry, type FleetEntry, templateOf } from '../example-fleet.ts';
import { giveHistory } from '../history.ts';
import { writeProofs } from '../proofs.ts';
import { executionArn } from '../run-definition.ts';
import {
  alertOf,
  breakFirstHost,
  compareErrors,
  countErrors,
  GIVEN_TEMPLATE,
  giveLaunchTemplate,
  putOnHold,
  retireByMistake,
  say,
  watchErrors,
} from '../scenarios.ts';
import { API_KEY, type Stage } from '../stage.ts';
import type { HookPlay } from '../world/hooks.ts';
import type { Fate } from '../world/instance-life.ts';

export interface Kind {
  readonly fleet: string;
  /** Old hosts in each zone; default: as many as the fleet launches. */
  readonly oldPerZone?: number;
  /** What happens to the deployment besides the faults. Called before it begins. */
  readonly arrange?: (stage: Stage) => void;
  /** Default: `{}`, the newest upload. */
  readonly input?: object;
  /** The fleet's own machine is started with it, whatever it asks for. */
  readonly isForged?: true;
  /** How it ends without faults. */
  readonly outcome: 'new hosts' | 'old hosts';
  /** A gate is closed: it never ends with new hosts, whatever breaks. Called to open the gate. */
  readonly openGate?: (stage: Stage) => void;
  /** What somebody sees to before the next deployment. */
  readonly beforeTheNext?: (stage: Stage) => void;
}

const INSIST = { override: ['unlisted'], reason: 'the payment page is down' };
const EARLIER_DOOR = executionArn(machineName('faults-app', 'override'), 'last-week');

/** What is deployed. */
export const CONTENT = 'the release';

const breakNewHost = ({ world, oldInstances }: Stage) => {
  const found = world.view().instances.find(({ instanceId }) => !oldInstances.includes(instanceId));
  if (found) world.ec2.breakApplication(found.instanceId);
};

/** Broken for longer than it takes to retry a function that was cut off: its next look must see it. */
const STUMBLE_SECONDS = 100;

const stumble = (stage: Stage) => {
  const { world, oldInstances, clock } = stage;
  const found = world.view().instances.find(({ instanceId }) => !oldInstances.includes(instanceId));
  if (!found) return;
  world.ec2.breakApplication(found.instanceId);
  void clock.sleep(STUMBLE_SECONDS).then(() => world.ec2.healApplication(found.instanceId));
};

/** Another fleet's host, which Mackerel lists under this fleet's role, in service at this fleet's load balancer. */
const addStranger = ({ world, fleet }: Stage) => {
  const { service, role } = fleet.mackerel;
  const [subnetId = ''] = fleet.subnets;
  world.addRunningHost({
    service,
    role,
    subnetId,
    loadBalancers: fleet.loadBalancers,
    fleet: 'another-fleet',
  });
};

/** Somebody registered the old hosts at the target group under a port of their own. */
const onOwnPort = ({ world, fleet, oldInstances }: Stage) => {
  for (const ref of fleet.loadBalancers)
    for (const id of oldInstances) world.loadBalancers.addExistingMember(ref, world.ec2.instance(id), 8_081);
};

const listAgain = ({ world, fleet: { mackerel }, oldInstances: [first = ''] }: Stage) => {
  world.mackerel.addHost({ name: first, roles: [mackerel], instanceId: first });
};

const cancel = ({ world, fleet }: Stage) => {
  const holder = world.ledger.read(fleet.name)?.held?.holder ?? '';
  world.ledger.requestCancel(fleet.name, holder, 'the operator');
};

const PAUSES_AT = ['before-shift', 'before-terminate'] as const satisfies readonly Point[];
const HOOKS_AT = ['before-launch', 'after-shift'] as const satisfies readonly Point[];

/** Somebody lets it go on wherever it waits, but here. */
const lettingGoOn =
  (except?: Point) =>
  (stage: Stage): void => {
    for (const point of PAUSES_AT)
      if (point !== except) say('go', `Wait for a person ${POINT[point].words}`, 12, 'all is well')(stage);
  };

const hookOf = (point: Point) => `arn:aws:lambda:ap-northeast-1:111111111111:function:faults-${point}`;

const succeeds: HookPlay = () => ({ answer: { hookStatus: 'SUCCEEDED' } });

/** One of its hooks is played so, or all are; people let it go on. */
const hooked =
  (play: HookPlay, at?: Point) =>
  (stage: Stage): void => {
    lettingGoOn()(stage);
    for (const point of HOOKS_AT)
      stage.world.hooks.play(hookOf(point), at === undefined || at === point ? play : succeeds);
  };

const ON_THE_WAY = {
  fleet: 'faults-points',
  arrange: lettingGoOn(),
  beforeTheNext: hooked(succeeds),
} as const satisfies Partial<Kind>;

/** Until what it keeps with us says that it was called before. */
const inProgress: HookPlay = ({ hookDetails }) =>
  Object(hookDetails).again
    ? { answer: { hookStatus: 'SUCCEEDED' } }
    : { answer: { hookStatus: 'IN_PROGRESS', callBackDelay: 10, hookDetails: { again: true } } };

const stop = (stage: Stage) => stage.executions[0]?.stop();

/** Short, so that a stop comes shortly before a wait’s time is over; longer than a step that is cut off, twice. */
const LATE_SECONDS = 180;
const hasten = (stage: Stage) =>
  stage.configure({
    limits: { ...stage.fleet.limits, undoSeconds: LATE_SECONDS, terminateSeconds: LATE_SECONDS },
  });
const stopLate = (stage: Stage) => {
  void stage.clock.sleep(LATE_SECONDS - 10).then(() => stop(stage));
};

/** The old hosts do not get well before the clean-up is at it. */
const stopLateInUndo = (stage: Stage) => {
  hasten(stage);
  const { ec2 } = stage.world;
  during('Watch the new hosts', () => {
    cancel(stage);
    for (const id of stage.oldInstances) ec2.breakApplication(id);
  })(stage);
  during('Put old hosts back', stopLate)(stage);
  during('Undo what it left', () => {
    for (const id of stage.oldInstances) ec2.healApplication(id);
  })(stage);
};

/** An old host is protected until the clean-up is at it. */
const stopLateInRemoval = (stage: Stage) => {
  hasten(stage);
  const [first = ''] = stage.oldInstances;
  during('Terminate old instances', () => {
    stage.world.ec2.protect(first);
    stopLate(stage);
  })(stage);
  during('Finish what it left', () => stage.world.ec2.protect(first, false))(stage);
};

/** Of the first launches, as many as the fleet has hosts, the last meets this fate. */
const lastHost =
  (fate: Fate) =>
  ({ world, fleet }: Stage) => {
    const last = fleetSize(fleet) - 1;
    world.ec2.fate = ({ ordinal }) => (ordinal === last ? fate : { kind: 'healthy' });
  };

const mendImage = ({ world }: Stage) => {
  world.ec2.fate = () => ({ kind: 'healthy' });
};

const LOST_BY_EC2: Fate = {
  kind: 'dies',
  afterSeconds: 12,
  stateReason: 'Server.InternalError: Internal error',
};

/** It is in service at its load balancer, so that it has requests to lose, but never registers in Mackerel. */
const straggler = lastHost({ kind: 'never-registers' });

/** Of the last two of twenty hosts, one never registers in Mackerel and the other is lost by EC2. */
const twoFates = ({ world, fleet }: Stage) => {
  const size = fleetSize(fleet);
  const fates: Readonly<Record<number, Fate>> = {
    [size - 2]: { kind: 'never-registers' },
    [size - 1]: LOST_BY_EC2,
  };
  world.ec2.fate = ({ ordinal }) => fates[ordinal] ?? { kind: 'healthy' };
};

/**
 * A new host's application knows the fleet's key, and prints it with whatever a terminal obeys, each time otherwise. A
 * stranger is called so, too.
 */
const loud = (stage: Stage) => {
  keepSecret(API_KEY);
  const inBase64 = Buffer.from(`key: ${API_KEY}`).toString('base64');
  const consoleLine = `irekae: FAILED: ${API_KEY}, \u202E${API_KEY}\u2066\u200B\u001B[2J ${inBase64}\u2028\u{E0041}`;
  lastHost({ kind: 'shuts-down', consoleLine })(stage);
  const { world, fleet } = stage;
  world.mackerel.addHost({ name: consoleLine, roles: [fleet.mackerel] });
};

/** Of the preferred type for the moment only: a second run of the launch would be given what the first was refused. */
const fullZone = (stage: Stage) => {
  stage.configure({ spillOver: true });
  const { world, fleet } = stage;
  const [subnet] = world.ec2.subnets(fleet.subnets);
  const [preferred = '', ...others] = fleet.instanceTypes;
  world.ec2.lackCapacityOnce(preferred, subnet?.zone ?? '');
  for (const type of others) world.ec2.setCapacity(type, subnet?.zone ?? '', 0);
};

/** One share is launched; the other finds the bucket empty for longer than a call waits, and is left to a second run. */
const crowdTheAccount = ({ world }: Stage) => world.ec2.launchElsewhere(30, 1);

const silence = ({ world: { mackerel } }: Stage) => {
  for (const { id } of mackerel.openAlerts()) mackerel.closeAlert(id);
};

/** A freeze, say: who follows ends a few seconds after it was started. */
const refuseTheFollowers = ({ clock, fleet, world: { executions } }: Stage) =>
  executions.onStart((machineArn, name) => {
    if (!fleet.followers.some((follower) => machineIn(machineArn) === machineName(follower, 'deploy')))
      return;
    void clock
      .sleep(REFUSED_AFTER_SECONDS)
      .then(() => executions.end(executionOf(machineArn, name), 'FAILED'));
  });

/** Long requests: draining takes most of the time that the load balancers allow. */
const busy = ({ world, fleet }: Stage) => {
  for (const ref of fleet.loadBalancers)
    Object.assign(world.loadBalancers.balancer(ref).settings, { idleSeconds: [20, 28] });
};

const REFUSED_AFTER_SECONDS = 3;

const unbaked = (stage: Stage) => {
  busy(stage);
  stage.configure({ limits: { ...stage.fleet.limits, bakeSeconds: 0 } });
};

const oneFirst = (stage: Stage) => stage.configure({ first: { hosts: 1, watchSeconds: 20 } });

/** A new host that no load balancer has. */
const loseOneInReserve = ({ world, oldInstances }: Stage) => {
  const { instances, loadBalancers } = world.view();
  const members = new Set(loadBalancers.flatMap((each) => each.members.map(({ instanceId }) => instanceId)));
  const found = instances.findLast(
    ({ instanceId, state }) =>
      state === 'running' && !members.has(instanceId) && !oldInstances.includes(instanceId),
  );
  if (found) world.ec2.kill(found.instanceId, 'Server.InternalError: Internal error');
};

/** Its target group has a slow start, and the fleet does not say how long both serve. */
const startSlowly = ({ world, fleet }: Stage) => {
  for (const ref of fleet.loadBalancers)
    Object.assign(world.loadBalancers.balancer(ref).settings, { slowStartSeconds: 30 });
};

/** A new host is in trouble for a while, in which both fleets serve: nobody hears of it in the bake anymore. */
const alertBeside = (stage: Stage) => {
  stage.configure({ sideBySideSeconds: 120 });
  const { world, oldInstances, clock } = stage;
  void clock.sleep(100).then(() => {
    const isNew = ({ instanceId = '' }) => instanceId !== '' && !oldInstances.includes(instanceId);
    const host = world.mackerel.live().find(isNew);
    if (!host) return;
    world.mackerel.openAlert({ hostId: host.id, status: 'CRITICAL', message: '5xx above 5 %' });
    void clock.sleep(40).then(() => silence(stage));
  });
};

/** For three minutes the new hosts have nine times as many errors; then as many as before. */
const burst = (stage: Stage) => {
  const from = stage.clock.now().getTime() + 300_000;
  countErrors(stage, (at) => (at.getTime() >= from && at.getTime() < from + 180_000 ? 9 : 1));
};

/** The next release is another matter, and need not take its time. */
const compareNothing = (stage: Stage) => stage.configure({ compare: [] });

const keepOne = (stage: Stage) => {
  stage.configure({ keepFailedHostMinutes: 60 });
  during('Watch the new hosts', breakNewHost)(stage);
};

const freeze = (stage: Stage) =>
  stage.configure({
    freezes: [
      {
        kind: 'dated',
        label: 'the audit',
        timeZone: 'UTC',
        from: '2026-11-01T00:00',
        to: '2026-12-01T00:00',
      },
    ],
  });

const liftHold = ({ world: { ledger }, fleet: { name } }: Stage) => {
  const { onHold } = ledger.read(name) ?? {};
  if (onHold) ledger.liftHold(name, onHold);
};

/** Over when the next deployment begins: nobody lifts it. */
const holdForAMinute = ({ world, fleet, clock }: Stage) => {
  const since = clock.now();
  const until = new Date(since.getTime() + 60_000);
  world.ledger.putOnHold(fleet.name, { reason: 'the audit', by: 'ops', since, until }, undefined);
};

/** The proof that is found says something else than that these bytes, as they are deployed, were tested and promoted. */
type Proof = Readonly<Record<string, unknown>>;
const proveOtherwise =
  (changes: (proof: Proof) => Proof, demanded: object = {}) =>
  (stage: Stage) => {
    stage.configure({ wantsProvenance: true, ...demanded });
    prove(stage);
    const { world, fleet } = stage;
    const key = promotionKey(fleet.name, createHash('sha256').update(CONTENT).digest('hex'));
    const proof: Proof = Object(world.s3.readRecord(fleet.artifact.bucket, key));
    world.s3.writeRecord(fleet.artifact.bucket, key, { ...proof, ...changes(proof) });
  };

/** Other bytes, whose metadata says that they are the ones that were promoted. */
const claimProven = (stage: Stage) => {
  stage.configure({ wantsProvenance: true });
  prove(stage);
  const { bucket, key } = stage.artifact;
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  during('Resolve the release', () => stage.world.s3.put(bucket, key, 'not it', { metadata: { sha256 } }))(
    stage,
  );
};

const prove = ({ world, fleet, clock }: Stage) => writeProofs(world.s3, fleet, CONTENT, clock.now());

const during = (state: string, act: (stage: Stage) => void) => (stage: Stage) =>
  stage.whenEntering(state, () => act(stage));

export const KINDS = {
  app: { fleet: 'faults-app', outcome: 'new hosts' },
  worker: { fleet: 'faults-worker', outcome: 'new hosts' },
  'target-group': { fleet: 'faults-target-group', outcome: 'new hosts' },
  'own-port': { fleet: 'faults-target-group', arrange: onOwnPort, outcome: 'new hosts' },
  'own-port-undone': {
    fleet: 'faults-target-group',
    arrange: (stage) => {
      onOwnPort(stage);
      during('Watch the new hosts', breakNewHost)(stage);
    },
    outcome: 'old hosts',
  },
  nameless: {
    fleet: 'faults-worker',
    arrange: lastHost({ kind: 'nameless' }),
    outcome: 'old hosts',
    beforeTheNext: mendImage,
  },
  'nameless-in-container': {
    fleet: 'faults-app',
    arrange: lastHost({ kind: 'nameless', inContainer: true }),
    outcome: 'old hosts',
    beforeTheNext: mendImage,
  },
  'dies-at-the-end': {
    fleet: 'faults-app',
    arrange: during('Retire old hosts in Mackerel', (stage) => {
      const found = stage.world
        .view()
        .instances.find(({ instanceId }) => !stage.oldInstances.includes(instanceId));
      if (found) stage.world.ec2.terminate([found.instanceId]);
    }),
    outcome: 'new hosts',
  },
  unlisted: {
    fleet: 'faults-app',
    arrange: retireByMistake,
    outcome: 'old hosts',
    openGate: listAgain,
  },
  'unlisted-but-urgent': {
    fleet: 'faults-app',
    arrange: retireByMistake,
    input: INSIST,
    outcome: 'new hosts',
    // Nobody lists it again: it goes.
    beforeTheNext: ({ world, fleet, oldInstances: [first = ''] }) => {
      for (const ref of fleet.loadBalancers) world.loadBalancers.deregister(ref, [first]);
      world.ec2.terminate([first]);
    },
  },
  'forged-override': {
    fleet: 'faults-app',
    arrange: retireByMistake,
    input: INSIST,
    isForged: true,
    outcome: 'old hosts',
    openGate: listAgain,
  },
  'forged-door': {
    fleet: 'faults-app',
    arrange: (stage) => {
      retireByMistake(stage);
      // An override of last week.
      const { executions } = stage.world;
      executions.begin(EARLIER_DOOR, JSON.stringify(INSIST));
      executions.end(EARLIER_DOOR, 'SUCCEEDED', { output: { ExecutionArn: `${EARLIER_DOOR}-started` } });
    },
    input: { door: EARLIER_DOOR, asked: INSIST },
    isForged: true,
    outcome: 'old hosts',
    openGate: listAgain,
  },
  'follower-name-taken': {
    fleet: 'faults-app',
    arrange: ({ fleet: { followers }, world: { executions } }) => {
      for (const follower of followers) {
        const taken = executionArn(machineName(follower, 'deploy'), followName('the-deployment'));
        executions.begin(taken, '{"dryRun":true}');
        executions.end(taken, 'SUCCEEDED');
      }
    },
    outcome: 'new hosts',
  },
  'two-balancers': { fleet: 'faults-two-balancers', outcome: 'new hosts' },
  // No bake: whoever is terminated too early cuts requests that the bake of other fleets would outlast.
  'no-bake': { fleet: 'faults-app', arrange: unbaked, outcome: 'new hosts' },
  'no-bake-undone': {
    fleet: 'faults-app',
    arrange: (stage) => {
      unbaked(stage);
      // As the old hosts leave: their draining shows it, however often this step is tried again.
      during('Take old hosts out of service', breakNewHost)(stage);
      during('Watch the new hosts', cancel)(stage);
    },
    outcome: 'old hosts',
  },
  single: { fleet: 'faults-single', arrange: busy, outcome: 'new hosts' },
  first: { fleet: 'faults-app', oldPerZone: 0, outcome: 'new hosts' },
  rollback: {
    fleet: 'faults-app',
    arrange: during('Watch the new hosts', breakNewHost),
    outcome: 'old hosts',
  },
  // By hand, to an earlier release; the next deployment finds a newer upload.
  'back-to-earlier': {
    fleet: 'faults-app',
    arrange: (stage) => {
      giveHistory(stage, ['release-1', 'release-2']);
      stage.upload('newer than both');
    },
    input: { rollbackTo: 'previous' },
    outcome: 'new hosts',
  },
  // Without an artifact: what runs is an image, and so is what is deployed.
  'image-only': {
    fleet: 'faults-image',
    arrange: (stage) => giveHistory(stage, ['release-1']),
    outcome: 'new hosts',
  },
  'image-only-rollback': {
    fleet: 'faults-image',
    arrange: (stage) => giveHistory(stage, ['release-1', 'release-2']),
    input: { rollbackTo: 'previous' },
    outcome: 'new hosts',
  },
  loud: {
    fleet: 'faults-app',
    arrange: loud,
    outcome: 'old hosts',
    // Where nothing was launched, its fate would be met by the next deployment.
    beforeTheNext: ({ world }) => {
      world.ec2.fate = () => ({ kind: 'healthy' });
    },
  },
  cancelled: { fleet: 'faults-app', arrange: during('Watch the new hosts', cancel), outcome: 'old hosts' },
  // A monitor that decides alerts once the new hosts have traffic; and before anything began.
  'monitor-alerts': {
    fleet: 'faults-app',
    arrange: (stage) => during('Watch the new hosts', alertOf(watchErrors(stage)))(stage),
    outcome: 'old hosts',
    beforeTheNext: silence,
  },
  'alerts-while-booting': {
    fleet: 'faults-app',
    arrange: (stage) => during('Launch new instances', alertOf(watchErrors(stage)))(stage),
    outcome: 'old hosts',
    openGate: silence,
  },
  'alerting-but-urgent': {
    fleet: 'faults-app',
    arrange: (stage) => alertOf(watchErrors(stage))(stage),
    input: { override: ['alerting'], reason: 'this release mends it' },
    outcome: 'new hosts',
    beforeTheNext: silence,
  },
  // Hooks are on the way of this fleet, and people who are waited for.
  paused: { ...ON_THE_WAY, outcome: 'new hosts' },
  'paused-and-cancelled': {
    ...ON_THE_WAY,
    arrange: (stage) => {
      lettingGoOn('before-terminate')(stage);
      say('cancel', 'Wait for a person before the termination', 15, 'orders fail')(stage);
    },
    outcome: 'old hosts',
  },
  'paused-and-forgotten': { ...ON_THE_WAY, arrange: lettingGoOn('before-shift'), outcome: 'old hosts' },
  'breaks-while-paused': {
    ...ON_THE_WAY,
    arrange: (stage) => {
      lettingGoOn('before-terminate')(stage);
      during('Wait for a person before the termination', breakNewHost)(stage);
    },
    outcome: 'old hosts',
  },
  // All that a fleet may ask for on the way, together.
  'every-signal': {
    ...ON_THE_WAY,
    arrange: (stage) => {
      lettingGoOn()(stage);
      oneFirst(stage);
      watchErrors(stage);
      compareErrors(1)(stage);
    },
    outcome: 'new hosts',
    beforeTheNext: (stage) => {
      hooked(succeeds)(stage);
      compareNothing(stage);
    },
  },
  'hook-in-progress': { ...ON_THE_WAY, arrange: hooked(inProgress), outcome: 'new hosts' },
  'hook-throws': {
    ...ON_THE_WAY,
    arrange: hooked(() => ({ error: new Error('the database is locked') }), 'before-launch'),
    outcome: 'old hosts',
  },
  'hook-hangs': {
    ...ON_THE_WAY,
    arrange: hooked(() => ({ seconds: 1_800 }), 'after-shift'),
    outcome: 'old hosts',
  },
  'hook-answers-rubbish': {
    ...ON_THE_WAY,
    arrange: hooked(() => ({ answer: ['SUCCEEDED'] }), 'after-shift'),
    outcome: 'old hosts',
  },
  // A metric of the new hosts is three times the old ones'; in a burst it is more than that; and of the first of them.
  'worse-than-before': {
    fleet: 'faults-app',
    arrange: compareErrors(3),
    outcome: 'old hosts',
    beforeTheNext: compareNothing,
  },
  'compared-in-a-burst': {
    fleet: 'faults-app',
    arrange: (stage) => {
      compareErrors(1)(stage);
      during('Watch the new hosts', burst)(stage);
    },
    outcome: 'new hosts',
    beforeTheNext: compareNothing,
  },
  'first-host-worse': {
    fleet: 'faults-app',
    arrange: (stage) => {
      oneFirst(stage);
      compareErrors(3)(stage);
    },
    outcome: 'old hosts',
    beforeTheNext: compareNothing,
  },
  // One host goes first, and is watched; it breaks; the execution is stopped meanwhile.
  'first-hosts': { fleet: 'faults-app', arrange: oneFirst, outcome: 'new hosts' },
  'first-hosts-bad': {
    fleet: 'faults-app',
    arrange: (stage) => {
      oneFirst(stage);
      during('Watch the first hosts', breakFirstHost)(stage);
    },
    outcome: 'old hosts',
  },
  'first-hosts-stopped': {
    fleet: 'faults-app',
    arrange: (stage) => {
      oneFirst(stage);
      during('Watch the first hosts', stop)(stage);
    },
    outcome: 'old hosts',
  },
  // An old host is in trouble of its own: nobody took it out, and no undo waits for it.
  'first-hosts-cancelled': {
    fleet: 'faults-app',
    arrange: (stage) => {
      oneFirst(stage);
      const [first = ''] = stage.oldInstances;
      during('Watch the first hosts', () => {
        cancel(stage);
        stage.world.ec2.breakApplication(first);
      })(stage);
      during('Terminate new instances', () => stage.world.ec2.healApplication(first))(stage);
    },
    outcome: 'old hosts',
    // Of a deployment that was undone before: nobody healed it.
    beforeTheNext: ({ world, oldInstances: [first = ''] }) => world.ec2.healApplication(first),
  },
  'first-hosts-worker': { fleet: 'faults-worker', arrange: oneFirst, outcome: 'new hosts' },
  // It lets another go first, and is lost while that one is watched.
  'first-hosts-straggler': {
    fleet: 'faults-large',
    arrange: (stage) => {
      oneFirst(stage);
      during('Watch the first hosts', loseOneInReserve)(stage);
    },
    outcome: 'new hosts',
  },
  'side-by-side': { fleet: 'faults-target-group', arrange: startSlowly, outcome: 'new hosts' },
  'side-by-side-bad': {
    fleet: 'faults-target-group',
    arrange: (stage) => {
      startSlowly(stage);
      during('New hosts are ready', alertBeside)(stage);
    },
    outcome: 'old hosts',
    beforeTheNext: silence,
  },
  stranger: { fleet: 'faults-app', arrange: addStranger, outcome: 'new hosts' },
  // A load balancer notices after some checks: only a delayed step can see it before it acts.
  'breaks-at-shift': {
    fleet: 'faults-app',
    arrange: during('Take old hosts out of service', stumble),
    outcome: 'old hosts',
  },
  'breaks-at-removal': {
    fleet: 'faults-app',
    arrange: during('Terminate old instances', stumble),
    outcome: 'new hosts',
  },
  'stopped-agreeing': {
    fleet: 'faults-app',
    arrange: during('Snapshot old hosts', stop),
    outcome: 'old hosts',
  },
  'stopped-launching': {
    fleet: 'faults-app',
    arrange: during('New hosts are ready', stop),
    outcome: 'old hosts',
  },
  'stopped-before': {
    fleet: 'faults-app',
    arrange: during('Watch the new hosts', stop),
    outcome: 'old hosts',
  },
  'stopped-after': {
    fleet: 'faults-app',
    arrange: during('Retire old hosts in Mackerel', stop),
    outcome: 'new hosts',
  },
  // Mackerel is away from here on: what it cannot be told is owed, and paid by the next deployment.
  'mackerel-down': {
    fleet: 'faults-app',
    arrange: during('Watch the new hosts', ({ world }) => world.mackerel.suffer('answers-503')),
    outcome: 'old hosts',
  },
  'mackerel-down-worker': {
    fleet: 'faults-worker',
    arrange: during('Watch the new hosts', ({ world }) => world.mackerel.suffer('key-revoked')),
    outcome: 'old hosts',
  },
  'mackerel-read-only': {
    fleet: 'faults-app',
    arrange: during('Terminate old instances', ({ world }) => world.mackerel.suffer('read-only')),
    outcome: 'new hosts',
  },
  // The clean-up inherits a wait whose time is over by then.
  'stopped-late-in-the-undo': { fleet: 'faults-app', arrange: stopLateInUndo, outcome: 'old hosts' },
  'stopped-late-in-the-removal': {
    fleet: 'faults-app',
    arrange: stopLateInRemoval,
    outcome: 'new hosts',
    // Of a deployment that was undone before: nobody cleaned up.
    beforeTheNext: ({ world, oldInstances: [first = ''] }) => world.ec2.protect(first, false),
  },
  'two-stragglers': { fleet: 'faults-twenty', arrange: twoFates, outcome: 'new hosts' },
  straggler: { fleet: 'faults-large', arrange: straggler, outcome: 'new hosts' },
  'straggler-lost': {
    fleet: 'faults-large',
    arrange: lastHost(LOST_BY_EC2),
    outcome: 'new hosts',
  },
  'stopped-replacing': {
    fleet: 'faults-large',
    arrange: (stage) => {
      lastHost({ kind: 'never-healthy' })(stage);
      during('Remove the stragglers', stop)(stage);
    },
    outcome: 'old hosts',
  },
  'spill-over': { fleet: 'faults-app', arrange: fullZone, outcome: 'new hosts' },
  'busy-account': {
    fleet: 'faults-app',
    arrange: during('Launch new instances', crowdTheAccount),
    outcome: 'new hosts',
  },
  'given-launch-template': {
    fleet: 'faults-given',
    arrange: giveLaunchTemplate,
    outcome: 'new hosts',
    // Somebody has seen what the newest version would do.
    beforeTheNext: ({ world }) =>
      world.ec2.addLaunchTemplate({ ...GIVEN_TEMPLATE.given, id: GIVEN_TEMPLATE.id, version: '9' }),
  },
  kept: { fleet: 'faults-app', arrange: keepOne, outcome: 'old hosts' },
  // Without load balancers, so that it is quick: only the follower matters. It has ended when the lock is released: its
  // name is taken then, and whose execution that was has to be known again.
  followed: { fleet: 'faults-leader', arrange: refuseTheFollowers, outcome: 'new hosts' },
  frozen: {
    fleet: 'faults-leader',
    arrange: freeze,
    outcome: 'old hosts',
    openGate: (stage) => stage.configure({ freezes: [] }),
  },
  'on-hold': {
    fleet: 'faults-leader',
    arrange: (stage) => void putOnHold(stage),
    outcome: 'old hosts',
    openGate: liftHold,
  },
  'on-hold-but-urgent': {
    fleet: 'faults-leader',
    arrange: holdForAMinute,
    input: { override: ['hold'], reason: 'the payment page is down' },
    outcome: 'new hosts',
  },
  unproven: {
    fleet: 'faults-leader',
    arrange: (stage) => stage.configure({ wantsProvenance: true }),
    outcome: 'old hosts',
    openGate: prove,
  },
  'proven-for-another': {
    fleet: 'faults-leader',
    arrange: proveOtherwise(() => ({ sha256: 'f'.repeat(64) })),
    outcome: 'old hosts',
    openGate: prove,
  },
  'proven-as-another-upload': {
    fleet: 'faults-leader',
    arrange: proveOtherwise(() => ({ versionId: 'of-last-year' })),
    outcome: 'old hosts',
    openGate: prove,
  },
  'tested-with-other-runtimes': {
    fleet: 'faults-leader',
    arrange: proveOtherwise(() => ({
      tested: { runtimes: [{ directory: '/opt/perl', sha256: 'f'.repeat(64) }] },
    })),
    outcome: 'old hosts',
    openGate: prove,
  },
  'tested-on-another-image': {
    fleet: 'faults-leader',
    arrange: proveOtherwise((proof) => ({ tested: { ...Object(proof.tested), imageId: 'ami-0' } }), {
      wantsTestedImage: true,
    }),
    outcome: 'old hosts',
    openGate: (stage) => stage.configure({ wantsTestedImage: false }),
  },
  'claims-to-be-proven': {
    fleet: 'faults-leader',
    arrange: claimProven,
    outcome: 'old hosts',
    openGate: (stage) => stage.upload(CONTENT),
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as KindName[];

const targetGroup = (name: string) =>
  ({
    kind: 'target-group',
    arn: `arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/${name}/0123456789abcdef`,
  }) as const;

export const faultsTemplate = (): TemplateJson => templateOf('faults', FLEETS);

const entry = (name: string, changes: Parameters<typeof exampleEntry>[2]): FleetEntry =>
  exampleEntry('faults', name, { limits: { bakeSeconds: 20 }, ...changes });

/** It has the options that kinds give other fleets, so that the environment's functions have the permissions. */
const follower = (leader: string): FleetEntry =>
  entry(`${leader}-follower`, {
    loadBalancers: [{ kind: 'classic', name: `${leader}-follower` }],
    artifact: `${leader}.tar.gz`,
    after: leader,
    spillOver: true,
    keepFailedHostMinutes: 60,
  });

const FLEETS: readonly FleetEntry[] = [
  entry('faults-app', { loadBalancers: [{ kind: 'classic', name: 'faults-app' }] }),
  follower('faults-app'),
  entry('faults-large', {
    loadBalancers: [{ kind: 'classic', name: 'faults-large' }],
    instancesPerZone: 2,
    replaceStragglers: true,
  }),
  entry('faults-twenty', {
    loadBalancers: [{ kind: 'classic', name: 'faults-twenty' }],
    instancesPerZone: 10,
    replaceStragglers: true,
  }),
  entry('faults-single', {
    loadBalancers: [targetGroup('faults-single')],
    subnets: EXAMPLE_FLEET.subnets.slice(0, 1),
    limits: { bakeSeconds: 0 },
  }),
  entry('faults-image', {
    loadBalancers: [{ kind: 'classic', name: 'faults-image' }],
    artifact: undefined,
    runtimes: [],
  }),
  entry('faults-worker', { loadBalancers: [] }),
  entry('faults-given', {
    loadBalancers: [{ kind: 'classic', name: 'faults-given' }],
    launchTemplate: { id: GIVEN_TEMPLATE.id, version: 'newest', keyPair: GIVEN_TEMPLATE.given.keyPair },
    securityGroups: GIVEN_TEMPLATE.given.securityGroups,
    instanceProfile: {
      kind: 'given',
      arn: GIVEN_TEMPLATE.given.instanceProfile,
      roleArn: GIVEN_TEMPLATE.given.instanceProfile.replace('instance-profile', 'role'),
    },
  }),
  entry('faults-points', {
    loadBalancers: [{ kind: 'classic', name: 'faults-points' }],
    hooks: HOOKS_AT.map((at) => ({ at, function: hookOf(at), timeoutMinutes: 5 })),
    pauses: PAUSES_AT.map((at) => ({ at, timeoutMinutes: 10 })),
  }),
  entry('faults-leader', { loadBalancers: [] }),
  follower('faults-leader'),
  // The one that requires a fresh metric from the agent, and finds its image in a parameter.
  entry('faults-target-group', {
    loadBalancers: [targetGroup('faults-one')],
    mackerel: { service: 'faults', role: 'faults-target-group', wantsFreshMetric: true },
    image: { from: 'parameter', parameter: '/faults/image' },
  }),
  entry('faults-two-balancers', {
    loadBalancers: [{ kind: 'classic', name: 'faults-two' }, targetGroup('faults-two-api')],
  }),
];
