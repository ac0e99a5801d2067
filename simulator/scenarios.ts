/**
 * Deployments worth watching: what happens to the fleet, and how the deployment must end. The demo plays them, and
 * tests check their endings.
 */

import { executionName } from '../lambdas/domain/core/aws.ts';
import type { FailureName } from '../lambdas/domain/core/errors.ts';
import { loadBalancerName, TAG } from '../lambdas/domain/core/fleet.ts';
import { promotionKey } from '../lambdas/domain/core/names.ts';
import { givePoints } from './given-points.ts';
import { giveHistory } from './history.ts';
import type { Stage } from './stage.ts';
import type { Fate } from './world/instance-life.ts';

export interface Scenario {
  /** One sentence for the audience. */
  readonly tells: string;
  readonly kind: 'app' | 'worker';
  /** Old hosts in each zone; default: as many as the fleet has. */
  readonly oldPerZone?: number;
  /** What must be set in the fleets file, because a rule of the stack depends on it. */
  readonly needs?: 'redeployOnNewImage';
  /** What starts the deployment; default: an upload, or by hand if there is an `input`. */
  readonly startedBy?: 'a new image';
  /** What goes wrong, and when. Called before the upload. */
  readonly arrange: (stage: Stage) => void;
  readonly input?: Readonly<Record<string, unknown>>;
  readonly endsIn: string;
  /** The first error, for those that fail. */
  readonly because?: FailureName;
}

const nothing = () => {};

/** The last of the new hosts meets this fate; the others are healthy. */
const lastHost = (fate: Fate) => (stage: Stage) => {
  const size = stage.fleet.subnets.length * stage.fleet.instancesPerZone;
  let launched = 0;
  stage.world.ec2.fate = () => {
    launched += 1;
    return launched === size ? fate : { kind: 'healthy' };
  };
};

/** Acts once, when the story enters a state for the first time. */
const whenEntering = (state: string, act: (stage: Stage) => void) => (stage: Stage) => {
  stage.whenEntering(state, () => act(stage));
};

/** A new host's id, in order of launch. */
const newHost = (stage: Stage): string => {
  const found = stage.world.view().instances.find((instance) => TAG.deployment in instance.tags);
  if (!found) throw new Error('This scenario needs a new host, and none was launched yet.');
  return found.instanceId;
};

/** No capacity for any of the fleet's instance types in the last of its zones. */
const lastZoneIsFull = ({ world, fleet }: Stage) => {
  const [subnet] = world.ec2.subnets(fleet.subnets.slice(-1));
  for (const type of fleet.instanceTypes) world.ec2.setCapacity(type, subnet?.zone ?? '', 0);
};

const refuseTermination = (stage: Stage) => {
  for (const instanceId of stage.oldInstances) stage.world.ec2.protect(instanceId);
};

const freezeWeekends = (stage: Stage) =>
  stage.configure({
    freezes: [
      {
        kind: 'weekly',
        label: 'weekend',
        timeZone: 'Asia/Tokyo',
        days: ['sat', 'sun'],
        from: '00:00',
        to: '24:00',
      },
    ],
  });

/** Until somebody lifts it. */
export const putOnHold = ({ world, fleet, clock }: Stage) =>
  world.ledger.putOnHold(
    fleet.name,
    { reason: 'the database is being moved', by: 'Operator/hanako', since: clock.now() },
    undefined,
  );

/** A monitor of the team's own decides: the application's errors, as it counts them itself. */
export const watchErrors = (stage: Stage): string => {
  const name = 'checkout: errors';
  stage.configure({ watch: { monitors: [name] } });
  return stage.world.mackerel.addMonitor({ name, type: 'service', durationMinutes: 1 });
};

export const alertOf =
  (monitorId: string) =>
  ({ world }: Stage) =>
    void world.mackerel.openAlert({ monitorId, status: 'CRITICAL', value: 12.5, message: '' });

const ERRORS = 'custom.nginx.5xx';

/** Errors as the hosts count them, and of the new release so many times as many. */
export const countErrors = (stage: Stage, timesAt: (at: Date) => number) =>
  stage.world.mackerel.addAgentMetric(ERRORS, ({ instanceId = '' }, at) => {
    const usual = 4 + (Math.floor(at.getTime() / 60_000) % 3);
    return stage.oldInstances.includes(instanceId) ? usual : usual * timesAt(at);
  });

export const compareErrors = (times: number) => (stage: Stage) => {
  stage.configure({ compare: [{ metric: ERRORS, atMostTimes: 2, from: 5 }] });
  countErrors(stage, () => times);
};

export const oneHostFirst = (stage: Stage) => stage.configure({ first: { hosts: 1, watchSeconds: 120 } });

/** The new host that is in service already. */
export const breakFirstHost = ({ world, fleet, oldInstances }: Stage) => {
  const [balancer] = world
    .view()
    .loadBalancers.filter(({ name }) => fleet.loadBalancers.some((ref) => loadBalancerName(ref) === name));
  const first = balancer?.members.find(
    ({ instanceId, state }) => state === 'in-service' && !oldInstances.includes(instanceId),
  );
  if (first) world.ec2.breakApplication(first.instanceId);
};

/** Retired in Mackerel by mistake: the first old host keeps serving, and its agent never registers it again. */
export const retireByMistake = ({ world, oldInstances: [first] }: Stage) => {
  const hosts = world.mackerel.live().filter(({ instanceId }) => instanceId === first);
  world.mackerel.retire(hosts.map(({ id }) => id));
};

/** A host of another fleet, under a role of its own, in service at this fleet's load balancers. */
const addNeighbour = ({ world, fleet: { mackerel, subnets, loadBalancers } }: Stage) => {
  const { service } = mackerel;
  const [subnetId = ''] = subnets;
  world.addRunningHost({ service, role: 'neighbour', subnetId, loadBalancers, fleet: 'neighbour' });
};

/** What a fleet's own team keeps, as it stands in the state machine. */
export const GIVEN_TEMPLATE = {
  id: 'lt-0a1b2c3d4e5f60001',
  version: 'newest',
  given: {
    instanceProfile: 'arn:aws:iam::111111111111:instance-profile/reactio',
    securityGroups: ['sg-0a1b2c3d4e5f60003'],
    keyPair: 'operations',
    metadataHopLimit: 1,
    kmsKeys: [],
  },
};

/**
 * The fleet has a launch template of its owner's, and its newest version is launched from. While the new hosts come up
 * somebody makes another one, whose instances nobody could terminate: this deployment has nothing to do with it.
 */
export const giveLaunchTemplate = (stage: Stage) => {
  const { ec2 } = stage.world;
  const { id, given } = GIVEN_TEMPLATE;
  stage.configure({ launchTemplate: GIVEN_TEMPLATE });
  ec2.addLaunchTemplate({ id, version: '7', ...given, volumes: [{ device: '/dev/sdf', stays: false }] });
  stage.whenEntering('Launch new instances', () =>
    ec2.addLaunchTemplate({ id, version: '8', ...given, isTerminationProtected: true }),
  );
};

/** As if the fleets file named no artifact, and with it no runtimes and no promotion. */
export const imageIsTheRelease = (stage: Stage) => {
  const { bucket } = stage.fleet.artifact;
  stage.configure({ artifact: { bucket }, runtimes: [], wantsProvenance: false, wantsTestedImage: false });
};

/** Removes the proof that the newest artifact was promoted. */
const forgetPromotion = ({ world, fleet: { name }, artifact }: Stage) => {
  const newest = world.s3.find(artifact.bucket, artifact.key);
  if (!newest) throw new Error('This scenario needs an artifact, and none was uploaded yet.');
  const sha256 = world.s3.digest(artifact.bucket, artifact.key, newest.versionId);
  world.s3.delete(artifact.bucket, promotionKey(name, sha256));
};

/** A function of the fleet's own team. */
export const MIGRATION = 'arn:aws:lambda:ap-northeast-1:111111111111:function:migrate:live';

/** Takes a while, and keeps in `hookDetails` how far it is. */
const migrate = (stage: Stage) => {
  givePoints(stage, {
    hooks: [
      {
        at: 'before-launch',
        function: MIGRATION,
        timeoutMinutes: 30,
        onTimeout: 'undo',
        details: { database: 'orders' },
      },
    ],
  });
  stage.world.hooks.play(MIGRATION, ({ hookDetails }) => {
    const done = Number(Object(hookDetails).tables ?? 0) + 4;
    return done < 12
      ? {
          seconds: 45,
          answer: { hookStatus: 'IN_PROGRESS', callBackDelay: 15, hookDetails: { tables: done } },
        }
      : { seconds: 20, answer: { hookStatus: 'SUCCEEDED' } };
  });
};

/** Whoever holds the fleet's lock is told, through the door for it, by Hanako, so long after the story came here. */
export const say =
  (word: 'go' | 'cancel', state: string, seconds: number, reason: string) =>
  (stage: Stage): void =>
    stage.whenEntering(state, () => {
      const tell = () => {
        const deployment = executionName(stage.world.ledger.read(stage.fleet.name)?.held?.holder ?? '');
        stage.start({ [word]: deployment, startedBy: 'Hanako', reason });
      };
      void stage.clock.sleep(seconds).then(tell);
    });

export const SCENARIOS = {
  app: {
    tells:
      'An upload of the application: two new hosts in, two old hosts out, behind a classic load balancer.',
    kind: 'app',
    arrange: nothing,
    endsIn: 'Deployed',
  },
  worker: {
    tells:
      'The workers of the same upload: no load balancer, so Mackerel alone decides which hosts are ready.',
    kind: 'worker',
    arrange: nothing,
    endsIn: 'Deployed',
  },
  'never-healthy': {
    tells: 'A release that never passes its health check: undone, while the old hosts stay in service.',
    kind: 'app',
    arrange: lastHost({ kind: 'never-healthy' }),
    endsIn: 'RolledBack',
    because: 'NewHostsNotReady',
  },
  'never-registers': {
    tells: 'A host whose agent never reaches Mackerel.',
    kind: 'worker',
    arrange: lastHost({ kind: 'never-registers' }),
    endsIn: 'RolledBack',
    because: 'NewHostsNotReady',
  },
  'nameless-agent': {
    tells:
      'An agent that registers without its EC2 instance id: told as what it is within a minute, and its entry is retired.',
    kind: 'worker',
    arrange: lastHost({ kind: 'nameless' }),
    endsIn: 'RolledBack',
    because: 'NewHostsNotReady',
  },
  'boot-fails': {
    tells: 'A boot script that fails and shuts its host down: noticed within seconds, not by a time-out.',
    kind: 'app',
    arrange: (stage) =>
      lastHost({
        kind: 'shuts-down',
        consoleLine: `irekae: FAILED: the SHA-256 of ${stage.fleet.artifact.key} is not the one that was pinned.`,
      })(stage),
    endsIn: 'RolledBack',
    because: 'NewHostDied',
  },
  'host-dies': {
    tells: 'EC2 loses a new host while it boots.',
    kind: 'app',
    arrange: lastHost({
      kind: 'dies',
      afterSeconds: 35,
      stateReason: 'Server.InternalError: Internal error on launch',
    }),
    endsIn: 'RolledBack',
    because: 'NewHostDied',
  },
  'no-capacity': {
    tells: 'EC2 has no capacity for any of the instance types in one zone.',
    kind: 'app',
    arrange: ({ world, fleet }) => {
      const [zone] = world.view().loadBalancers.flatMap((balancer) => balancer.zones);
      for (const type of fleet.instanceTypes) world.ec2.setCapacity(type, zone ?? '', 0);
    },
    endsIn: 'RolledBack',
    because: 'NoCapacity',
  },
  'application-breaks': {
    tells: 'The new hosts take over, then one of them stops answering during the bake.',
    kind: 'app',
    arrange: whenEntering('Watch the new hosts', (stage) => stage.world.ec2.breakApplication(newHost(stage))),
    endsIn: 'RolledBack',
    because: 'ReadinessLost',
  },
  alert: {
    tells: 'The new hosts take over, then Mackerel opens an alert on one of them.',
    kind: 'app',
    arrange: whenEntering('Watch the new hosts', ({ world }) => {
      const host = world.view().instances.find((instance) => TAG.deployment in instance.tags)?.hosts[0];
      world.mackerel.openAlert({ hostId: host?.id ?? '', status: 'CRITICAL', message: '5xx above 5 %' });
    }),
    endsIn: 'RolledBack',
    because: 'AlertDuringBake',
  },
  'monitor-alert': {
    tells:
      'All new hosts are healthy, and the application’s errors rise: a monitor that the fleet names undoes the deployment.',
    kind: 'app',
    arrange: (stage) => whenEntering('Watch the new hosts', alertOf(watchErrors(stage)))(stage),
    endsIn: 'RolledBack',
    because: 'AlertDuringBake',
  },
  'already-alerting': {
    tells:
      'The monitor that decides alerts before anything is launched: refused, because nothing could be judged.',
    kind: 'app',
    arrange: (stage) => alertOf(watchErrors(stage))(stage),
    endsIn: 'Nothing was changed',
    because: 'AlreadyAlerting',
  },
  'already-alerting-but-urgent': {
    tells: 'The same alert, and the release is the hotfix: somebody insists, and is recorded.',
    kind: 'app',
    arrange: (stage) => alertOf(watchErrors(stage))(stage),
    input: { override: ['alerting'], startedBy: 'Hanako', reason: 'this release mends it' },
    endsIn: 'Deployed',
  },
  'worse-than-before': {
    tells:
      'All new hosts are healthy, no monitor alerts, and they answer with three times as many errors as the old ones: undone.',
    kind: 'app',
    arrange: compareErrors(3),
    endsIn: 'RolledBack',
    because: 'WorseThanBefore',
  },
  'first-host-good': {
    tells:
      'One new host gets traffic first, beside both old ones, and is watched for two minutes; then the other joins.',
    kind: 'app',
    arrange: (stage) => oneHostFirst(stage),
    endsIn: 'Deployed',
  },
  'first-host-bad': {
    tells:
      'The first new host breaks under traffic: undone, while the old hosts serve two thirds of the requests throughout.',
    kind: 'app',
    arrange: (stage) => {
      oneHostFirst(stage);
      whenEntering('Watch the first hosts', breakFirstHost)(stage);
    },
    endsIn: 'RolledBack',
    because: 'ReadinessLost',
  },
  'undo-fails': {
    tells:
      'The deployment must be undone, but an old host does not recover: a human is called, nothing is terminated.',
    kind: 'app',
    arrange: whenEntering('Watch the new hosts', (stage) => {
      for (const instanceId of stage.oldInstances) stage.world.ec2.breakApplication(instanceId);
      stage.world.ec2.breakApplication(newHost(stage));
    }),
    endsIn: 'RollbackFailed',
    because: 'ReadinessLost',
  },
  halfway: {
    tells:
      'After the point of no return EC2 refuses to terminate an old instance: the new hosts are in service, a human is called.',
    kind: 'app',
    arrange: whenEntering('Terminate old instances', (stage) => {
      const [first] = stage.oldInstances;
      if (first) stage.world.ec2.protect(first);
    }),
    endsIn: 'StoppedHalfway',
    because: 'OldHostsNotTerminated',
  },
  'termination-refused': {
    tells:
      'EC2 refuses to terminate any old instance: nothing is terminated yet, so the deployment is undone.',
    kind: 'app',
    arrange: whenEntering('Terminate old instances', refuseTermination),
    endsIn: 'RolledBack',
    because: 'TerminationRefused',
  },
  'first-deployment': {
    tells: 'The first deployment into an empty fleet.',
    kind: 'app',
    oldPerZone: 0,
    arrange: nothing,
    endsIn: 'Deployed',
  },
  'dry-run': {
    tells: 'A dry run: the plan, and nothing changed.',
    kind: 'app',
    arrange: nothing,
    input: { dryRun: true },
    endsIn: 'Planned',
  },
  'bad-input': {
    tells: 'An execution input with three mistakes: all are reported at once.',
    kind: 'app',
    arrange: nothing,
    input: { amiId: 'ami-latest', dryRun: 'yes', colour: 'red' },
    endsIn: 'Nothing was changed',
    because: 'InvalidInput',
  },
  'other-type': {
    tells: 'EC2 has no capacity for the preferred instance type in one zone: the next type takes its place.',
    kind: 'app',
    arrange: ({ world, fleet }) => {
      const [subnet] = world.ec2.subnets(fleet.subnets);
      world.ec2.setCapacity(fleet.instanceTypes[0] ?? '', subnet?.zone ?? '', 0);
    },
    endsIn: 'Deployed',
  },
  'spill-over': {
    tells: 'A zone has no capacity for any instance type; the fleet allows another zone to take its share.',
    kind: 'app',
    arrange: (stage) => {
      stage.configure({ spillOver: true });
      lastZoneIsFull(stage);
    },
    endsIn: 'Deployed',
  },
  'no-capacity-anywhere': {
    tells: 'The fleet allows other zones, but they have no capacity either: what was launched is terminated.',
    kind: 'app',
    arrange: (stage) => {
      stage.configure({ spillOver: true });
      lastZoneIsFull(stage);
      const { world, fleet } = stage;
      const [subnet] = world.ec2.subnets(fleet.subnets);
      for (const type of fleet.instanceTypes) world.ec2.setCapacity(type, subnet?.zone ?? '', 1);
      for (const type of fleet.instanceTypes.slice(1)) world.ec2.setCapacity(type, subnet?.zone ?? '', 0);
    },
    endsIn: 'RolledBack',
    because: 'NoCapacity',
  },
  'kept-for-debugging': {
    tells:
      'A release that never passes its health check; the fleet keeps one of the failed hosts for an hour, for debugging.',
    kind: 'app',
    arrange: (stage) => {
      stage.configure({ keepFailedHostMinutes: 60 });
      lastHost({ kind: 'never-healthy' })(stage);
    },
    endsIn: 'RolledBack',
    because: 'NewHostsNotReady',
  },
  rollback: {
    tells:
      'A rollback to the release before: its artifact, its runtimes and its image from back then, by the records.',
    kind: 'app',
    arrange: (stage) => giveHistory(stage, ['release-41', 'release-42']),
    input: { rollbackTo: 'previous', startedBy: 'Hanako', reason: 'orders fail since release-42' },
    endsIn: 'Deployed',
  },
  'nothing-before': {
    tells: 'A rollback of a fleet that was deployed once: there is nothing to roll back to.',
    kind: 'app',
    arrange: (stage) => giveHistory(stage, ['release-1']),
    input: { rollbackTo: 'previous' },
    endsIn: 'Nothing was changed',
    because: 'NothingToRollBackTo',
  },
  frozen: {
    tells: 'An upload on a weekend, when the fleet is frozen: refused before anything changes.',
    kind: 'app',
    arrange: freezeWeekends,
    endsIn: 'Nothing was changed',
    because: 'Frozen',
  },
  'frozen-but-urgent': {
    tells: 'The same weekend, but the freeze is overridden, with a reason that is recorded.',
    kind: 'app',
    arrange: freezeWeekends,
    input: { override: ['freeze'], startedBy: 'Hanako', reason: 'the payment page is down' },
    endsIn: 'Deployed',
  },
  'on-hold': {
    tells: 'An upload while somebody has put the fleet on hold: refused before anything changes.',
    kind: 'app',
    arrange: (stage) => void putOnHold(stage),
    endsIn: 'Nothing was changed',
    because: 'OnHold',
  },
  'not-promoted': {
    tells: 'A fleet that accepts only promoted artifacts, and a tarball that was not promoted.',
    kind: 'app',
    arrange: (stage) => {
      stage.configure({ wantsProvenance: true });
      stage.whenEntering('Resolve the release', () => forgetPromotion(stage));
    },
    endsIn: 'Nothing was changed',
    because: 'NotProven',
  },
  'old-host-unlisted': {
    tells:
      'Somebody retired an old host in Mackerel by mistake, and it still serves: refused, before it would serve beside the new ones.',
    kind: 'app',
    arrange: retireByMistake,
    endsIn: 'Nothing was changed',
    because: 'UnlistedHostServes',
  },
  'old-host-unlisted-but-urgent': {
    tells: 'The same host, and somebody who insists: deployed beside it, and the end says who still serves.',
    kind: 'app',
    arrange: retireByMistake,
    input: { override: ['unlisted'], startedBy: 'Hanako', reason: 'the payment page is down' },
    endsIn: 'Deployed',
  },
  'shared-balancer': {
    tells:
      'The first deployment of a fleet whose load balancer serves another fleet too: its hosts are left alone.',
    kind: 'app',
    oldPerZone: 0,
    arrange: addNeighbour,
    endsIn: 'Deployed',
  },
  'new-ami': {
    tells: 'A new machine image is released: the current release is deployed on it automatically.',
    kind: 'app',
    needs: 'redeployOnNewImage',
    startedBy: 'a new image',
    arrange: (stage) => giveHistory(stage, ['release-41', 'release-42']),
    endsIn: 'Deployed',
  },
  'given-launch-template': {
    tells:
      'A fleet with its own launch template: launched from the version that was the newest when the deployment began.',
    kind: 'app',
    arrange: giveLaunchTemplate,
    endsIn: 'Deployed',
  },
  'unfit-launch-template': {
    tells:
      'The newest version of its own launch template has user data, and shuts down by stopping: refused before anything is launched.',
    kind: 'app',
    arrange: (stage) => {
      giveLaunchTemplate(stage);
      const { id, given } = GIVEN_TEMPLATE;
      const unfit = { hasUserData: true, shutdownBehavior: 'stop' };
      stage.world.ec2.addLaunchTemplate({ id, version: '9', ...given, ...unfit });
    },
    endsIn: 'Nothing was changed',
    because: 'LaunchTemplateUnusable',
  },
  'image-only': {
    tells:
      'A fleet without an artifact: the machine image is the release, and a new one is deployed by itself.',
    kind: 'app',
    needs: 'redeployOnNewImage',
    startedBy: 'a new image',
    arrange: (stage) => {
      imageIsTheRelease(stage);
      giveHistory(stage, ['release-41', 'release-42']);
    },
    endsIn: 'Deployed',
  },
  'image-only-rollback': {
    tells: 'A rollback of a fleet whose machine image is the release: to the image of the deployment before.',
    kind: 'app',
    arrange: (stage) => {
      imageIsTheRelease(stage);
      giveHistory(stage, ['release-41', 'release-42']);
    },
    input: { rollbackTo: 'previous', reason: 'the new image serves errors' },
    endsIn: 'Deployed',
  },
  'mackerel-maintenance': {
    tells:
      'Mackerel goes into a maintenance of three hours during the bake: undone without it, and made up for when it is back.',
    kind: 'app',
    arrange: whenEntering('Watch the new hosts', ({ world }) => world.mackerel.suffer('answers-503', 180)),
    endsIn: 'RolledBack',
    because: 'ServiceUnavailable',
  },
  'read-only-key': {
    tells: 'The Mackerel API key may only read: found out before anything is launched.',
    kind: 'app',
    arrange: ({ world }) => world.mackerel.suffer('read-only'),
    endsIn: 'Nothing was changed',
    because: 'MackerelRefused',
  },
  straggler: {
    tells: 'Three of four new hosts are ready, and the last one falls far behind: it is replaced, once.',
    kind: 'app',
    oldPerZone: 2,
    arrange: (stage) => {
      stage.configure({ instancesPerZone: 2, replaceStragglers: true });
      lastHost({ kind: 'slow', factor: 20 })(stage);
    },
    endsIn: 'Deployed',
  },
  'hook-migration': {
    tells:
      'A hook of the fleet migrates a database before anything is launched: it is called again until it has succeeded.',
    kind: 'app',
    arrange: migrate,
    endsIn: 'Deployed',
  },
  'paused-and-continued': {
    tells:
      'The fleet pauses when all traffic is on the new hosts: ten minutes later a person has looked, and lets it go on.',
    kind: 'app',
    arrange: (stage) => {
      givePoints(stage, { pauses: [{ at: 'after-shift', timeoutMinutes: 60, then: 'undo' }] });
      say('go', 'Wait for a person after the shift', 600, 'orders come in as before')(stage);
    },
    endsIn: 'Deployed',
  },
  'paused-and-forgotten': {
    tells:
      'The fleet pauses before the shift, and nobody says anything for half an hour: undone, as its fleets file says.',
    kind: 'app',
    arrange: (stage) =>
      givePoints(stage, { pauses: [{ at: 'before-shift', timeoutMinutes: 30, then: 'undo' }] }),
    endsIn: 'RolledBack',
    because: 'NotContinued',
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];
