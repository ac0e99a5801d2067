/** The scenario's hand: it breaks one new host's application at a random moment after the shift. */
import type { Random } from '../world/prng.ts';
import type { Arena } from './arena.ts';
import { BREAKS_WITHIN_SECONDS } from './scenes.ts';

const LOOK_SECONDS = 1;
/** Long after every run has ended. */
const LOOKS_FOR_SECONDS = 7_200;

/** Whom it broke: known once it is done. */
export function breakOneAfterTheShift(arena: Arena, chance: Random): ReadonlySet<string> {
  const broken = new Set<string>();
  const delay = chance.next() * BREAKS_WITHIN_SECONDS;
  const which = chance.next();
  void waitAndBreak(arena, delay, which, broken);
  return broken;
}

async function waitAndBreak(arena: Arena, delay: number, which: number, broken: Set<string>): Promise<void> {
  for (let waited = 0; waited < LOOKS_FOR_SECONDS; waited += LOOK_SECONDS) {
    const serving = servingNew(arena);
    if (serving) {
      await arena.awsWaits(delay);
      const host = serving[Math.floor(which * serving.length)] ?? '';
      broken.add(host);
      arena.stage.world.ec2.breakApplication(host);
      return;
    }
    await arena.awsWaits(LOOK_SECONDS);
  }
}

/** All new hosts, once they alone serve. */
function servingNew(arena: Arena): readonly string[] | undefined {
  const members = arena.membersNow().filter(({ state }) => state === 'in-service');
  const isOld = (id: string) => arena.stage.oldInstances.includes(id) && !arena.updated.has(id);
  if (members.length < arena.size || members.some(({ instanceId }) => isOld(instanceId))) return undefined;
  return members.map(({ instanceId }) => instanceId);
}
