/**
 * What an undo sets aside before it removes the new instances: the consoles of those that failed, and one of them for
 * debugging where the fleet wants that. Best effort: neither may hold an undo up, nor make it fail.
 */

import type { Ec2, Instance } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import { type Deployment, deploymentId, type Evidence, type Kept, type Removal } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { TAG } from '../core/fleet.ts';
import { consoleKey } from '../core/names.ts';
import { whyUntold } from '../core/untold.ts';
import { failedInstances, lastLines, readable } from './evidence.ts';
import { toKeep } from './kept.ts';
import { decideTermination } from './termination.ts';

/** What was set aside so far. */
export type Aside = Pick<Removal, 'evidence' | 'kept'>;

type AsidePorts = Pick<Ports, 'ec2' | 'records'>;

/** A look waits for consoles no longer than this, and as long for their being saved. */
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
  ports: AsidePorts,
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
      known.map((each) =>
        isDue && each.console.length === 0 ? readConsole(deployment, each.instanceId, ports) : each,
      ),
    ),
    aside.kept ?? keep(toKeep(deployment, failed, removable, now), ports.ec2),
  ]);
  return { evidence, ...(kept && { kept }) };
}

const unread = (instanceId: string): Evidence => ({ instanceId, console: [] });

/** Its end, and where all of it was saved; no lines when EC2 has no output yet, or none that it shows in time. */
export async function readConsole(
  deployment: Deployment,
  instanceId: string,
  { ec2, records }: AsidePorts,
): Promise<Evidence> {
  const text = readable((await inTime(ec2.consoleOutput(instanceId))) ?? '');
  const evidence = { instanceId, console: lastLines(text) };
  if (evidence.console.length === 0) return evidence;
  const { name, artifact } = deployment.fleet;
  const savedAs = consoleKey(name, deploymentId(deployment), instanceId);
  // What only tells never fails an undo, however it fails itself.
  const untold = whyUntold(async () => {
    await records.writeText(artifact.bucket, savedAs, text);
    return undefined;
  });
  return (await inTime(untold.then((why) => why === undefined))) ? { ...evidence, savedAs } : evidence;
}

/** @returns nothing when it failed, or was not there in time. */
async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_SECONDS * 1000);
  });
  const known = answer.catch((error: unknown) => {
    if (!isFailure(error)) throw error;
    return undefined;
  });
  try {
    return await Promise.race([known, patience]);
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
