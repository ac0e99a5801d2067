/** The stories, on the fleets of the fleets file. */
import type { Story } from './theatre.ts';

const [APP, WORKER] = ['reactio-staging-app', 'reactio-staging-worker'];
const [PRODUCTION, FOLLOWER] = ['reactio-production-app', 'reactio-production-worker'];
const HANAKO = { startedBy: 'Hanako', reason: 'to see it' };
const SOAKED_SECONDS = 3_600;

export const STORIES = {
  'classic-elb': {
    tells:
      'An upload deploys the application behind a classic load balancer, and the worker of the same artifact.',
    ends: { [APP]: 'Deployed', [WORKER]: 'Deployed' },
    play: async (on) => {
      await on.upload(APP, 'release 1');
      await on.settle();
    },
  },
  worker: {
    tells: 'Somebody deploys the worker alone, beside which nothing runs.',
    ends: { [WORKER]: 'Deployed' },
    play: async (on) => {
      await on.place(WORKER, 'release 1');
      await on.start(WORKER, 'deploy', HANAKO);
      await on.settle();
    },
  },
  'never-registers': {
    tells: 'A new host whose agent never reaches Mackerel: undone.',
    fates: { [`${WORKER} 2`]: 'never-registers' },
    ends: { [WORKER]: 'RolledBack' },
    play: async (on) => {
      await on.place(WORKER, 'release 1');
      await on.start(WORKER, 'deploy', HANAKO);
      await on.settle();
    },
  },
  'hosts-die': {
    tells: 'EC2 loses the new hosts while they boot: undone.',
    fates: { [`${APP} 1`]: 'dies', [`${APP} 2`]: 'dies' },
    ends: { [APP]: 'RolledBack', [WORKER]: 'Deployed' },
    play: async (on) => {
      await on.upload(APP, 'release 1');
      await on.settle();
    },
  },
  stopped: {
    tells: '*Stop execution* while the old hosts drain: the clean-up puts them back.',
    ends: { [APP]: 'Old hosts are drained', [`${APP}-clean-up`]: 'Undone' },
    play: async (on) => {
      on.when(APP, 'old-hosts-are-drained', () => on.stop(APP));
      await on.place(APP, 'release 1');
      await on.start(APP, 'deploy', HANAKO);
      await on.settle();
    },
  },
  'two-at-once': {
    tells: 'A newer upload while the hosts of the older one boot: it waits, and is what runs in the end.',
    ends: { [APP]: 'Deployed', [WORKER]: 'Deployed' },
    play: async (on) => {
      on.when(APP, 'new-hosts-are-ready', () => on.upload(APP, 'release 2'));
      await on.upload(APP, 'release 1');
      await on.settle();
    },
  },
  rollback: {
    tells: 'Two releases are deployed, and the second is rolled back.',
    ends: { [APP]: 'Deployed' },
    play: async (on) => {
      for (const release of ['release 1', 'release 2']) {
        await on.place(APP, release);
        await on.start(APP, 'deploy', HANAKO);
        await on.settle();
      }
      await on.start(APP, 'deploy', { ...HANAKO, rollbackTo: 'previous' });
      await on.settle();
    },
  },
  promotion: {
    tells:
      'What ran on staging for long enough is promoted, deployed in production, and then on the fleet that follows.',
    ends: { [`${PRODUCTION}-promote`]: 'Promoted', [PRODUCTION]: 'Deployed', [FOLLOWER]: 'Deployed' },
    play: async (on) => {
      await on.upload(APP, 'release 1');
      await on.settle();
      await on.wait(SOAKED_SECONDS);
      await on.start(PRODUCTION, 'promote', HANAKO);
      await on.settle();
    },
  },
  unproven: {
    tells: 'An upload to production of what was not promoted: refused.',
    ends: { [PRODUCTION]: 'Nothing was changed' },
    play: async (on) => {
      await on.upload(PRODUCTION, 'release 1');
      await on.settle();
    },
  },
  'dry-run': {
    tells: 'A dry run: the plan, and nothing changed.',
    ends: { [APP]: 'Planned' },
    play: async (on) => {
      await on.place(APP, 'release 1');
      await on.start(APP, 'deploy', { ...HANAKO, dryRun: true });
      await on.settle();
    },
  },
} as const satisfies Record<string, Story>;

export type StoryName = keyof typeof STORIES;
export const STORY_NAMES = Object.keys(STORIES) as StoryName[];
