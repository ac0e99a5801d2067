/** What may be going on in the modelled region of `irekae … --local SCENARIO`, for whoever wants to try a command. */
import { TAG } from '../lambdas/domain/core/fleet.ts';
import { STEPS, TAKE_OVER_AFTER_SECONDS } from '../lambdas/domain/core/steps.ts';
import type { Scenario } from '../lambdas/ports/command.ts';
import { putOnHold } from './scenarios.ts';
import type { Stage } from './stage.ts';

export interface LocalScenario {
  /** Completes "Every run begins with the same world: two releases were deployed; …". */
  readonly note: string;
  /** What is worth trying. */
  readonly tries: string;
  /** No status event of an execution reaches anybody. */
  readonly eventsLost?: true;
  /** @param versionId of the upload that is not deployed yet */
  play(stage: Stage, versionId: string): Promise<void>;
}

export const LOCAL_SCENARIOS = {
  running: {
    note: 'the third is being deployed, and its new hosts serve',
    tries: 'status, page, watch, cancel, deploy, unlock',
    play: untilWatched,
  },
  stuck: {
    note: 'the execution of the third was stopped, and no clean-up has come yet',
    tries: 'status, unlock, cancel, watch',
    eventsLost: true,
    play: async (stage, versionId) => {
      await untilWatched(stage, versionId);
      stage.executions.at(-1)?.stop();
      await stage.wait(TAKE_OVER_AFTER_SECONDS + 30);
    },
  },
  halfway: {
    note: 'the third stopped halfway, because EC2 does not end an old host: a human is needed',
    tries: 'status, page, unlock, deploy',
    play: async (stage, versionId) => {
      const [old] = hostsOf(stage);
      if (old !== undefined) stage.world.ec2.protect(old);
      await stage.deploy(inputOf(versionId, 3), 'release-3');
      await stage.wait(TAKE_OVER_AFTER_SECONDS + 30);
    },
  },
  strangers: {
    note: 'the third is uploaded; two hosts that other tooling launched serve beside the fleet',
    tries: 'adopt, plan, doctor',
    play: async (stage) => {
      const { mackerel, loadBalancers, subnets, name } = stage.fleet;
      for (const index of [0, 1])
        stage.world.addRunningHost({
          ...mackerel,
          subnetId: subnets[index % subnets.length] ?? '',
          loadBalancers,
          tags: { Name: `${name}-by-hand-${index + 1}` },
        });
    },
  },
  'two-waiting': {
    note: 'the third is being deployed; a fourth and a fifth were uploaded meanwhile, and the newest waits',
    tries: 'status, watch, cancel, plan',
    play: async (stage, versionId) => {
      await untilEntering(STEPS['new-hosts-are-ready'].title, stage, versionId);
      for (const release of [4, 5]) {
        const newer = stage.upload(`release ${release}`);
        const input = { ...inputOf(newer, release), upload: { eventId: `upload-${release}` } };
        stage.start(input, `release-${release}`);
        await stage.wait(5);
      }
    },
  },
  'on-hold': {
    note: 'somebody has put it on hold, so that the third was refused',
    tries: 'status, plan, deploy, release, hold, doctor',
    play: async (stage, versionId) => {
      putOnHold(stage);
      await stage.deploy(inputOf(versionId, 3), 'release-3');
      await stage.wait(600);
    },
  },
  paused: {
    note: 'the third is being deployed, its new hosts serve, and it waits for a person',
    tries: 'status, go, cancel, watch',
    play: async (stage, versionId) => {
      // It tells the story anew, and so loads CDK.
      const { givePoints } = await import('./given-points.ts');
      givePoints(stage, { pauses: [{ at: 'after-shift', timeoutMinutes: 120, then: 'undo' }] });
      await untilEntering('Wait for a person after the shift', stage, versionId);
      await stage.wait(15);
    },
  },
} as const satisfies Readonly<Record<Scenario, LocalScenario>>;

export const inputOf = (versionId: string, release: number) => ({
  versionId,
  startedBy: 'CI',
  reason: `release ${release}`,
});

/** Starts the deployment of it, and goes on until its new hosts serve; where nobody watches them, the old ones still drain. */
function untilWatched(stage: Stage, versionId: string): Promise<void> {
  const step = stage.fleet.limits.bakeSeconds > 60 ? 'watch-the-new-hosts' : 'old-hosts-are-drained';
  return untilEntering(STEPS[step].title, stage, versionId);
}

async function untilEntering(state: string, stage: Stage, versionId: string): Promise<void> {
  const entered = new Promise<void>((resolve) => {
    stage.whenEntering(state, resolve);
  });
  const { result } = stage.start(inputOf(versionId, 3), 'release-3');
  await stage.clock.until(Promise.race([entered, result]));
  await stage.wait(2);
}

/** Instances of the fleet, running. */
const hostsOf = ({ world, fleet }: Stage): string[] =>
  world
    .view()
    .instances.filter(({ state, tags }) => state === 'running' && tags[TAG.fleet] === fleet.name)
    .map(({ instanceId }) => instanceId);
