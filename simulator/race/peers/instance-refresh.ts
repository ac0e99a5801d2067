/** EC2 Auto Scaling's instance refresh: with the console's defaults, and as fast as it can be set. */
import type { Arena } from '../arena.ts';
import { Group } from '../group.ts';
import type { Fact, Peer } from '../peer.ts';

interface Settings {
  /** Of the group's size, in percent. */
  readonly minHealthy: number;
  readonly maxHealthy: number;
  readonly warmUpSeconds: number;
}

const DEFAULTS: Settings = { minHealthy: 90, maxHealthy: 100, warmUpSeconds: 300 };
const FASTEST: Settings = { minHealthy: 100, maxHealthy: 200, warmUpSeconds: 0 };

/** Without progress. */
const STUCK_SECONDS = 3_600;

const FACTS: readonly Fact[] = [
  {
    what: 'A batch counts as replaced when its instances are in service at the ELB and have warmed up. It fails after an hour without progress. Cancelling it undoes nothing.',
    known: 'published',
    source:
      'Auto Scaling user guide, instance refresh; the ELB is waited for: re:Post QU9RKhLxhnSRGeKNlRWkP_2A',
  },
  {
    what: 'The ELB’s word is seen within a second.',
    known: 'assumed',
    source: 're:Post, the same: some 70 s later than the health checks need',
  },
  {
    what: 'After a failure, or when it is cancelled before the new hosts are in service, the group goes back to its size and its configuration by itself, and it is the new instances that it ends.',
    known: 'assumed',
    source: 'rollback is off by default, and which ones end depends on the termination policy',
  },
];

/** Launches before it terminates, where it may be more than its size for a while. */
async function launchFirst(arena: Arena, group: Group): Promise<void> {
  const launched = await group.launch(arena.size);
  if (await becomeReady(arena, launched, 0)) await group.terminate(arena.stage.oldInstances);
  else await group.terminate(launched);
}

/** Batch after batch; at least one instance at a time, or it could not begin. */
async function terminateFirst(arena: Arena, group: Group, settings: Settings): Promise<void> {
  const { stage, size } = arena;
  const kept = Math.ceil((size * settings.minHealthy) / 100);
  const batch = Math.max(1, size - kept);
  for (let from = 0; from < size; from += batch) {
    const leaving = stage.oldInstances.slice(from, from + batch);
    await arena.wait(0);
    await group.terminate(leaving);
    const launched = await group.launch(leaving.length);
    if (await becomeReady(arena, launched, settings.warmUpSeconds)) continue;
    void group.terminate(launched);
    await group.launch(launched.length, 'old');
    return;
  }
}

async function becomeReady(arena: Arena, ids: readonly string[], warmUpSeconds: number): Promise<boolean> {
  const isReady = await arena.waitUntil(() => arena.areInService(ids), { atMost: STUCK_SECONDS });
  if (isReady) await arena.wait(warmUpSeconds);
  return isReady;
}

/** Cancelled in time, the new ones end. */
async function scaleBack(arena: Arena): Promise<void> {
  const isOld = (id: string) => arena.stage.oldInstances.includes(id);
  const isLeaving = arena
    .membersNow()
    .some(({ instanceId, state }) => isOld(instanceId) && state === 'draining');
  const known = arena.stage.world.ec2.known();
  const launched = known.filter(({ id, ending }) => !isOld(id) && !ending).map(({ id }) => id);
  const areHere = arena.stage.oldInstances.every((id) => arena.instance(id).ending === undefined);
  if (areHere && !isLeaving && launched.length > 0) await new Group(arena).terminate(launched);
}

const settingsFact = ({ minHealthy, maxHealthy, warmUpSeconds }: Settings, source: string): Fact => ({
  what: `Between ${minHealthy} and ${maxHealthy} % healthy, warm-up ${warmUpSeconds} s.`,
  known: 'published',
  source,
});

export const refreshByDefault: Peer = {
  name: 'Instance Refresh, defaults',
  facts: [
    settingsFact(DEFAULTS, 'defaults of an instance refresh; the warm-up is the console’s grace period'),
    ...FACTS,
  ],
  heals: true,
  run: (arena, group = new Group(arena)) => terminateFirst(arena, group, DEFAULTS),
};

export const refreshFastest: Peer = {
  name: 'Instance Refresh 100/200',
  facts: [settingsFact(FASTEST, 'the fastest settings that keep everybody in service'), ...FACTS],
  heals: true,
  run: (arena, group = new Group(arena)) => launchFirst(arena, group),
  stopped: scaleBack,
};
