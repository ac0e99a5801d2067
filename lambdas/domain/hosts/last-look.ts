/**
 * The end of a deployment is looked at: "deployed" says that the new hosts serve, and nobody else of the fleet. What is
 * otherwise changes nothing anymore (the old hosts are gone), and is told: in the record, the news, on the page.
 */
import type { Ec2 } from '../../ports/ec2.ts';
import type { LoadBalancers } from '../../ports/load-balancers.ts';
import { type Deployment, newInstanceIds, type Stranger } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { loadBalancerName, TAG } from '../core/fleet.ts';
import { plain } from '../core/words.ts';
import { type HostFacts, standings } from './readiness.ts';
import { unlistedHosts } from './who-serves.ts';

export interface LastLookPorts {
  readonly ec2: Pick<Ec2, 'describe' | 'listByTag'>;
  readonly loadBalancers: Pick<LoadBalancers, 'members'>;
}

/** What is not as "deployed" says; nothing of it: all is. */
export interface AtTheEnd {
  /** Instances with the fleet's tag that serve, and are none of the new hosts. */
  readonly unlisted?: readonly Stranger[];
  /** New hosts that do not serve (anymore). */
  readonly fallen?: readonly Stranger[];
  /** Why nobody knows. */
  readonly notSeen?: string;
}

type Seen = Pick<HostFacts, 'instances' | 'members'>;

/** There may be hundreds, and the record has to stay readable. */
const MOST = 20;
const LONGEST_WHY = 200;

export function decideAtTheEnd(deployment: Deployment, seen: Seen): AtTheEnd {
  const launched = deployment.launch?.instances ?? [];
  const unlisted = unlistedHosts(deployment.fleet, seen, newInstanceIds(deployment));
  const fallen = standings(launched, { ...seen, hosts: 'not asked' }, () => true)
    .filter(({ lacks }) => lacks !== '')
    .map(({ instanceId, rung, lacks }) => ({
      name: instanceId,
      why: rung === 'unseen' ? 'EC2 does not show it' : plain(lacks, LONGEST_WHY),
    }));
  return {
    ...(unlisted.length > 0 && { unlisted: unlisted.slice(0, MOST) }),
    ...(fallen.length > 0 && { fallen: fallen.slice(0, MOST) }),
  };
}

/** Never fails: what nobody could see is told, too. */
export async function lookAtTheEnd(deployment: Deployment, ports: LastLookPorts): Promise<AtTheEnd> {
  const once = async () => decideAtTheEnd(deployment, await look(deployment, ports));
  const looks = await Promise.allSettled([once(), once()]);
  if (looks.every((each) => each.status === 'fulfilled' && !each.value.unlisted && !each.value.fallen))
    return {};
  // One answer may be stale, or a load balancer's transient error: of three looks, two must agree.
  looks.push(...(await Promise.allSettled([once()])));
  const seen = looks.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (seen.length > 0) return { ...agreed(seen, 'unlisted'), ...agreed(seen, 'fallen') };
  const [why] = looks.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  return { notSeen: isFailure(why) ? plain(why.message, LONGEST_WHY) : 'the look failed' };
}

async function look(deployment: Deployment, { ec2, loadBalancers }: LastLookPorts): Promise<Seen> {
  const { fleet } = deployment;
  const [tagged, members] = await Promise.all([
    ec2.listByTag(TAG.fleet, fleet.name),
    Promise.all(
      fleet.loadBalancers.map(
        async (ref) => [loadBalancerName(ref), await loadBalancers.members(ref)] as const,
      ),
    ),
  ]);
  // Whom the list lacks may have ended, or the list is stale.
  const listed = new Set(tagged.map(({ instanceId }) => instanceId));
  const missing = newInstanceIds(deployment).filter((id) => !listed.has(id));
  const rest = missing.length === 0 ? [] : await ec2.describe(missing);
  return { instances: [...tagged, ...rest], members: new Map(members) };
}

function agreed(seen: readonly AtTheEnd[], what: 'unlisted' | 'fallen'): AtTheEnd {
  const all = new Map(seen.flatMap((each) => (each[what] ?? []).map((one) => [one.name, one] as const)));
  const often = (name: string) => seen.filter((each) => each[what]?.some((one) => one.name === name)).length;
  const still = [...all.values()].filter(({ name }) => often(name) >= Math.min(2, seen.length));
  return still.length > 0 ? { [what]: still } : {};
}
