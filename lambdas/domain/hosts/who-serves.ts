/**
 * Who else of this fleet serves? Mackerel's list may lack a host that runs on (retired by mistake, say): "deployed" has
 * to be true of what serves, not of what was listed. Only the fleet's own tag counts: what carries another fleet's, or
 * none, is somebody else's and left alone.
 */
import type { Instance } from '../../ports/ec2.ts';
import {
  type Deployment,
  type GateRefusal,
  newInstanceIds,
  oldInstanceIds,
  type Stranger,
} from '../core/document.ts';
import { type Fleet, TAG } from '../core/fleet.ts';
import { type DeploymentInput, insisting } from '../core/input.ts';
import { list } from '../core/words.ts';
import { type HostFacts, isGoing } from './readiness.ts';

/**
 * The instances with the fleet's tag that serve, besides those that are known: in service at a load balancer; of a
 * fleet without one, running. None on its way out.
 */
export function unlistedHosts(
  { name }: Pick<Fleet, 'name'>,
  { instances, members }: Pick<HostFacts, 'instances' | 'members'>,
  known: readonly string[],
): Stranger[] {
  return (
    instances
      .filter(({ instanceId, tags }) => tags[TAG.fleet] === name && !known.includes(instanceId))
      // A kept one is in service nowhere; one that serves is no kept one, whatever it is tagged.
      .filter((instance) => !isGoing(instance))
      .flatMap((instance) => {
        const why = whyServing(instance, members);
        return why === undefined ? [] : [{ name: instance.instanceId, why }];
      })
  );
}

function whyServing({ instanceId, state }: Instance, members: HostFacts['members']): string | undefined {
  if (members.size === 0) return state === 'running' ? 'is running' : undefined;
  const places = inServiceAt(instanceId, members);
  return places.length === 0 ? undefined : `is in service at ${list(places)}`;
}

/** The load balancers at which it is, by their names. */
export const inServiceAt = (id: string, members: HostFacts['members']): string[] =>
  [...members].flatMap(([name, listed]) =>
    listed.some(({ instanceId, state }) => instanceId === id && state === 'in-service') ? [name] : [],
  );

/** `i-1 (is in service at web)`; empty for nobody. */
export const unlistedSentence = (unlisted: readonly Stranger[]): string =>
  list(unlisted.map(({ name, why }) => `${name} (${why})`));

/** For the shift: who serves besides old and new hosts; empty for nobody. */
export function besidesSentence(
  deployment: Deployment,
  instances: readonly Instance[],
  members: HostFacts['members'],
): string {
  const known = [...oldInstanceIds(deployment), ...newInstanceIds(deployment)];
  const unlisted = unlistedHosts(deployment.fleet, { instances, members }, known);
  return unlisted.length === 0 ? '' : `; not of this deployment: ${unlistedSentence(unlisted)}`;
}

/** The gate that nobody passes while such a host serves, unless somebody insists. */
export function unlistedRefusal(
  { name, mackerel: { service, role } }: Fleet,
  input: DeploymentInput,
  unlisted: readonly Stranger[],
): GateRefusal[] {
  if (unlisted.length === 0) return [];
  const sentence =
    `Mackerel does not list ${unlistedSentence(unlisted)} under ${service}:${role}, with the tag of ${name}: this ` +
    'deployment would leave it serving beside the new hosts. Register it again (delete its agent’s id file, restart the ' +
    'agent), or take it out of service and terminate it; then deploy again. To deploy beside it: ' +
    `start ${insisting(name, 'unlisted', input)}.`;
  return [{ name: 'UnlistedHostServes', sentence }];
}
