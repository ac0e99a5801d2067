/**
 * What an undo sets aside before it removes the new instances: the consoles of those that failed, and one of them for
 * debugging where the fleet wants that. Best effort: neither may hold an undo up, nor make it fail.
 */

import type { Ec2, Instance } from '../../ports/ec2.ts';
import type { Deployment, Evidence, Kept, Removal } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { TAG } from '../core/fleet.ts';
import { failedInstances, lastLines } from './evidence.ts';
import { toKeep } from './kept.ts';
import { decideTermination } from './termination.ts';

/** What was set aside so far. */
export type Aside = Pick<Removal, 'evidence' | 'kept'>;

/** A look waits for consoles no longer than this. */
const PATIENCE_SECONDS = 3;
/** EC2 may have a console only when its instance has ended: whose was empty is asked for again in every fifth look. */
const LOOKS_BETWEEN_READS = 5;

/**
 * @param ids what this deployment has launched
 * @param instances what EC2 says of them in this look
 * @returns what was set aside before, and what this look adds to it
 */
export async function setAside(
  deployment: Deployment,
  ids: readonly string[],
  instances: readonly Instance[],
  now: Date,
  ec2: Ec2,
): Promise<Aside> {
  const { evidence: read, kept: before } = deployment.removal ?? {};
  const aside: Aside = { ...(read && { evidence: read }), ...(before && { kept: before }) };
  if (instances.length === 0) return aside;
  // One of those that would be terminated now may be kept instead.
  const { terminate } = decideTermination('new', deployment, ids, instances);
  const removable = instances.filter(({ instanceId }) => terminate.includes(instanceId));
  // Decided once: after the first look, instances end because the undo ended them.
  const known = aside.evidence ?? failedInstances(deployment, instances).map((id) => unread(id));
  const failed = known.map(({ instanceId }) => instanceId);
  const isDue = (deployment.removal?.looks ?? 0) % LOOKS_BETWEEN_READS === 0;
  const [evidence, kept] = await Promise.all([
    Promise.all(
      known.map((each) => (isDue && each.console.length === 0 ? readConsole(each.instanceId, ec2) : each)),
    ),
    aside.kept ?? keep(toKeep(deployment, failed, removable, now), ec2),
  ]);
  return { evidence, ...(kept && { kept }) };
}

const unread = (instanceId: string): Evidence => ({ instanceId, console: [] });

/** Its end; no lines when EC2 has no output yet, or none that it shows in time. */
export async function readConsole(instanceId: string, ec2: Ec2): Promise<Evidence> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(''), PATIENCE_SECONDS * 1000);
  });
  const read = ec2.consoleOutput(instanceId).catch((error: unknown) => {
    if (!isFailure(error)) throw error;
    return '';
  });
  try {
    return { instanceId, console: lastLines(await Promise.race([read, patience])) };
  } finally {
    clearTimeout(timer);
  }
}

/** Tagged before anything is terminated: from then on it is known to be kept, whatever becomes of this look. */
async function keep(wanted: Kept | undefined, ec2: Ec2): Promise<Kept | undefined> {
  if (!wanted) return undefined;
  try {
    await ec2.tag(wanted.instanceId, { [TAG.keepUntil]: wanted.until });
    return wanted;
  } catch (error) {
    // Without the tag nobody would ever remove it.
    if (!isFailure(error)) throw error;
    return undefined;
  }
}
