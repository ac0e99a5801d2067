/** One run: one contender in one scene with one seed, and what came of it. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET } from '../example-fleet.ts';
import { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { Arena, Died, RELEASE_TAG } from './arena.ts';
import { breakOneAfterTheShift } from './breaking.ts';
import { Group } from './group.ts';
import { type Leftovers, leftoversOf } from './leftovers.ts';
import type { Peer } from './peer.ts';
import { Referee, type ServiceRecord } from './referee.ts';
import { BALANCERS, type Scene } from './scenes.ts';

/** irekae, or a peer. */
export type Contender = Peer | 'irekae';

export interface Played extends ServiceRecord, Leftovers {
  /** Seconds from the start until the contender was done, cleaning up included. */
  readonly ended: number;
}

export interface Run {
  readonly template: TemplateJson;
  readonly scene: Scene;
  readonly seed: number;
  /** How long this contender's runs take on a good day: one that dies does so within that time. */
  readonly typicalSeconds: number;
}

export const FLEET = 'race';

/** How long the world goes on after the run, before its leftovers are counted. */
const AFTERMATH_SECONDS = 900;
const LOOK_SECONDS = 1;

export async function play(
  contender: Contender,
  { template, scene, seed, typicalSeconds }: Run,
): Promise<Played> {
  const { trouble, tuning, size } = scene;
  const perZone = size / EXAMPLE_FLEET.subnets.length;
  const set = { seed, balancers: BALANCERS[tuning], oldPerZone: perZone };
  const stage = new Stage({ template, fleet: FLEET, ...set });
  try {
    stage.configure({ instancesPerZone: perZone });
    const { ec2 } = stage.world;
    const chance = new Random(seed).branch(`race ${trouble}`);
    const releaseIsBad = trouble === 'never-healthy';
    ec2.fate = ({ request }) =>
      releaseIsBad && request.tags[RELEASE_TAG] !== 'old' ? { kind: 'never-healthy' } : { kind: 'healthy' };
    const diesAfter = trouble === 'dies' ? { diesAfter: chance.next() * typicalSeconds } : {};
    const arena = new Arena({ stage, seed, releaseIsBad, ...diesAfter });
    const referee = new Referee(stage.world, arena.balancer);
    const broken = trouble === 'breaks' ? breakOneAfterTheShift(arena, chance) : new Set<string>();
    const startedAt = arena.now();
    const endedAt = await stage.clock.until(
      contender === 'irekae'
        ? deploy(arena, diesAfter.diesAfter)
        : deployLike(contender, arena, trouble === 'breaks'),
    );
    const facts = { startedAt, until: arena.now(), size, broken, changes: [...arena.updated.values()] };
    const isNew = (host: string, at: number) => isOfTheNew(arena, host, at);
    return {
      ended: (endedAt - startedAt) / 1_000,
      ...referee.record({ ...facts, isNew }),
      ...leftoversOf(arena, isNew, contender !== 'irekae'),
    };
  } finally {
    stage.close();
  }
}

const isOfTheNew = ({ stage, updated }: Arena, host: string, at: number): boolean =>
  stage.oldInstances.includes(host)
    ? (updated.get(host) ?? Number.POSITIVE_INFINITY) <= at
    : stage.world.ec2.instance(host).facts.tags[RELEASE_TAG] !== 'old';

/** @returns when the last execution had ended, a clean-up's included. */
async function deploy(arena: Arena, diesAfter?: number): Promise<number> {
  const { stage } = arena;
  stage.upload();
  const { result, stop } = stage.start();
  if (diesAfter !== undefined) setTimeout(stop, diesAfter * 1_000);
  await result;
  let endedAt = arena.now();
  // What cleans up after it starts by itself, on an event.
  for (let waited = 0; waited < AFTERMATH_SECONDS; waited += LOOK_SECONDS) {
    await arena.awsWaits(LOOK_SECONDS);
    if (stage.world.executions.running().length > 0) endedAt = arena.now();
  }
  return endedAt;
}

async function deployLike(peer: Peer, arena: Arena, someoneFalls: boolean): Promise<number> {
  const group = new Group(arena);
  if (peer.heals && someoneFalls) void group.heal();
  try {
    await peer.run(arena, group);
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    await peer.stopped?.(arena);
  }
  const endedAt = arena.now();
  await arena.awsWaits(AFTERMATH_SECONDS);
  group.stop();
  return endedAt;
}
