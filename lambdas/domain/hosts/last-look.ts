/**
 * The end of a deployment is looked at: "deployed" says that the new hosts serve, and nobody else of the fleet. What is
 * otherwise changes nothing anymore (the old hosts are gone), and is told: in the record, the news, on the page.
 */
import type { MackerelHost } from '../../ports/mackerel.ts';
import type { LastLook, Ports } from '../../ports/ports.ts';
import { type Deployment, newInstanceIds, type Stranger } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { loadBalancerName, TAG } from '../core/fleet.ts';
import { plain } from '../core/words.ts';
import { type HostFacts, standings } from './readiness.ts';
import { unlistedHosts } from './who-serves.ts';

export type LastLookPorts = LastLook & Pick<Ports, 'mackerel'>;

/** What is not as "deployed" says; nothing of it: all is. */
export interface AtTheEnd {
  /** Instances with the fleet's tag that serve, and are none of the new hosts. */
  readonly unlisted?: readonly Stranger[];
  /** New hosts that do not serve (anymore). */
  readonly fallen?: readonly Stranger[];
  /** New hosts that serve, and that Mackerel does not watch. */
  readonly unwatched?: readonly Stranger[];
  /** Why Mackerel could not be asked. */
  readonly unasked?: string;
  /** Why nobody knows. */
  readonly notSeen?: string;
}

type Seen = Pick<HostFacts, 'instances' | 'members'>;
type Kind = 'unlisted' | 'fallen' | 'unwatched';

/** There may be hundreds, and the record has to stay readable. */
const MOST = 20;
const LONGEST_WHY = 200;

/** @param hosts of the role in Mackerel; absent: nobody knows */
export function decideAtTheEnd(
  deployment: Deployment,
  seen: Seen,
  hosts?: readonly MackerelHost[],
): AtTheEnd {
  const launched = deployment.launch?.instances ?? [];
  const unlisted = unlistedHosts(deployment.fleet, seen, newInstanceIds(deployment));
  const fallen = standings(launched, { ...seen, hosts: 'not asked' }, () => true)
    .filter(({ lacks }) => lacks !== '')
    .map(({ instanceId, rung, lacks }) => ({
      name: instanceId,
      why: rung === 'unseen' ? 'EC2 does not show it' : plain(lacks, LONGEST_WHY),
    }));
  const serving = newInstanceIds(deployment).filter((id) => !fallen.some(({ name }) => name === id));
  const unwatched = hosts ? serving.flatMap((id) => unwatchedHost(id, hosts)) : [];
  return {
    ...(unlisted.length > 0 && { unlisted: unlisted.slice(0, MOST) }),
    ...(fallen.length > 0 && { fallen: fallen.slice(0, MOST) }),
    ...(unwatched.length > 0 && { unwatched: unwatched.slice(0, MOST) }),
  };
}

function unwatchedHost(name: string, hosts: readonly MackerelHost[]): Stranger[] {
  const own = hosts.filter(({ instanceId }) => instanceId === name);
  if (own.some(({ status }) => status === 'working' || status === 'standby')) return [];
  const [first] = own;
  return [{ name, why: first ? `Mackerel has it as ${first.status}` : 'Mackerel does not list it' }];
}

export interface LookedAtTheEnd {
  readonly seen: AtTheEnd;
  /** Those of the role in Mackerel, where it answered: who tells them of the release need not ask again. */
  readonly hosts?: readonly MackerelHost[];
}

/** Never fails: what nobody could see is told, too. */
export async function lookAtTheEnd(deployment: Deployment, ports: LastLookPorts): Promise<LookedAtTheEnd> {
  let hosts: readonly MackerelHost[] | undefined;
  const hearing = async (...role: Parameters<Ports['mackerel']['hosts']>) => {
    hosts = await ports.mackerel.hosts(...role);
    return hosts;
  };
  const seen = await lookAgain(deployment, { ...ports, mackerel: { hosts: hearing } });
  return { seen, ...(hosts && { hosts }) };
}

async function lookAgain(
  deployment: Deployment,
  ports: LastLook & { readonly mackerel: Pick<Ports['mackerel'], 'hosts'> },
): Promise<AtTheEnd> {
  const { service, role } = deployment.fleet.mackerel;
  // Side by side: what Mackerel does not say keeps nobody from being told what serves.
  const once = async () => {
    const [seen, asked] = await Promise.allSettled([
      look(deployment, ports),
      ports.mackerel.hosts(service, role),
    ]);
    if (seen.status === 'rejected') throw seen.reason;
    const found = decideAtTheEnd(
      deployment,
      seen.value,
      asked.status === 'fulfilled' ? asked.value : undefined,
    );
    return asked.status === 'fulfilled' ? found : { ...found, unasked: whyNot(asked.reason) };
  };
  const looks = await Promise.allSettled([once(), once()]);
  if (looks.every((each) => each.status === 'fulfilled' && Object.keys(each.value).length === 0)) return {};
  // One answer may be stale, or a load balancer's transient error: of three looks, two must agree.
  looks.push(...(await Promise.allSettled([once()])));
  const seen = looks.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (seen.length > 0) {
    const [unasked] = seen.every((each) => each.unasked) ? seen.flatMap((each) => each.unasked ?? []) : [];
    return {
      ...agreed(seen, 'unlisted'),
      ...agreed(seen, 'fallen'),
      // Of looks that had Mackerel's answer.
      ...agreed(
        seen.filter((each) => !each.unasked),
        'unwatched',
      ),
      ...(unasked && { unasked }),
    };
  }
  const [why] = looks.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  return { notSeen: whyNot(why) };
}

const whyNot = (error: unknown): string =>
  isFailure(error) ? plain(error.message, LONGEST_WHY) : 'the look failed';

async function look(deployment: Deployment, { ec2, loadBalancers }: LastLook): Promise<Seen> {
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

function agreed(seen: readonly AtTheEnd[], what: Kind): AtTheEnd {
  const all = new Map(seen.flatMap((each) => (each[what] ?? []).map((one) => [one.name, one] as const)));
  const often = (name: string) => seen.filter((each) => each[what]?.some((one) => one.name === name)).length;
  const still = [...all.values()].filter(({ name }) => often(name) >= Math.min(2, seen.length));
  return still.length > 0 ? { [what]: still } : {};
}
