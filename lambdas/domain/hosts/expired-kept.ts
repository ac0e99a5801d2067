/** Removes failed instances that were kept for debugging and whose time is over: part of the orphan watch. */

import type { Instance } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import { list } from '../core/words.ts';
import { expiredKept } from './kept.ts';

/**
 * Needs `ec2:TerminateInstances` on instances with the fleet's tag.
 * @param tagged what carries the fleet's tag
 * @returns what was done, in a sentence; `undefined` when there was nothing to do
 */
export async function removeExpiredKept(
  fleet: string,
  tagged: readonly Instance[],
  { ec2, clock }: Pick<Ports, 'ec2' | 'clock'>,
): Promise<string | undefined> {
  const ids = expiredKept(fleet, tagged, clock.now());
  if (ids.length === 0) return undefined;
  const { refused } = await ec2.terminate(ids);
  const why = refused.map(({ id, reason }) => `${id} (${reason})`);
  const done = `${list(ids)} ${ids.length === 1 ? 'was' : 'were'} kept for debugging long enough: EC2 terminates ${ids.length === 1 ? 'it' : 'them'}`;
  return why.length === 0 ? done : `${done}; refused: ${list(why)}`;
}
