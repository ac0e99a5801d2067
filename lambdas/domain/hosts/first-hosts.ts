/**
 * First hosts first: a few of the new hosts get traffic, beside all old ones, and are watched before the others join them.
 * A bad release then meets no more requests than these hosts are given: as many as any other host, by count.
 */
import { countBy, groupBy, sum } from '../core/collections.ts';
import type { Deployment, NewInstance } from '../core/document.ts';
import type { Fleet } from '../core/fleet.ts';
import { count, span } from '../core/words.ts';
import { type Watch, watchFor } from './bake.ts';

type Agreed = Pick<Deployment, 'fleet' | 'oldHosts'>;
type Launched = Agreed & Pick<Deployment, 'launch' | 'firstWatch'>;

/** The old hosts that served when the deployment began. */
export const servingOf = ({ oldHosts }: Pick<Deployment, 'oldHosts'>) =>
  oldHosts?.hosts.filter(({ served }) => served) ?? [];

/** Do some hosts go first? Where no old host serves, they would have all of the traffic, and nobody beside them. */
export const whoGoesFirst = (deployment: Agreed): Fleet['first'] =>
  servingOf(deployment).length > 0 ? deployment.fleet.first : undefined;

/** With the signals of the bake; of 0 seconds where all hosts join at once. */
export const firstWatchOf = (deployment: Agreed): Watch =>
  watchFor(whoGoesFirst(deployment)?.watchSeconds ?? 0, deployment, 'first.watchSeconds');

/** Have they been watched to the end? From then on all hosts join. */
export const wereWatched = ({ firstWatch }: Pick<Deployment, 'firstWatch'>): boolean =>
  firstWatch?.ready === true;

/**
 * Which of them: the same at every look. Each goes to the zone in which it meets the smallest share of requests, so that
 * they are spread, and zones with few old hosts come last. Nobody gives workers a share: all of them go first.
 */
export function firstHosts(deployment: Launched): string[] {
  const { launch, fleet } = deployment;
  const all = launch?.instances ?? [];
  const first = whoGoesFirst(deployment);
  if (!first) return [];
  if (fleet.loadBalancers.length === 0) return all.map(({ instanceId }) => instanceId);
  return spread(all, countsIn(servingOf(deployment)), first.hosts).map(({ instanceId }) => instanceId);
}

function spread<Host extends Pick<NewInstance, 'zone'>>(
  hosts: readonly Host[],
  old: ReadonlyMap<string, number>,
  most: number,
): Host[] {
  const left = groupBy(hosts, ({ zone }) => zone);
  const first: Host[] = [];
  const shareWithOneMore = (zone: string) => {
    const fresh = first.filter((host) => host.zone === zone).length + 1;
    return fresh / (fresh + (old.get(zone) ?? 0));
  };
  while (first.length < most) {
    const open = [...left].filter(([, those]) => those.length > 0).map(([zone]) => zone);
    const [zone] = open.sort((a, b) => shareWithOneMore(a) - shareWithOneMore(b));
    const next = zone === undefined ? undefined : left.get(zone)?.shift();
    if (!next) break;
    first.push(next);
  }
  return first;
}

/** The new hosts that join no load balancer yet. */
export function reserveOf(deployment: Launched): ReadonlySet<string> {
  if (!whoGoesFirst(deployment) || wereWatched(deployment)) return new Set();
  const first = new Set(firstHosts(deployment));
  const ids = deployment.launch?.instances.map(({ instanceId }) => instanceId) ?? [];
  return new Set(ids.filter((id) => !first.has(id)));
}

// ── How many requests they meet ────────────────────────────────────────────────────────────────────────────────────

export interface Exposure {
  readonly first: number;
  /** In service beside each other: old hosts and first ones. */
  readonly of: number;
  /** Of the requests, by count: as load balancers share them. */
  readonly share: number;
  /** Where a load balancer keeps requests within their zone, and zones are uneven, that may be more. */
  readonly shareByZone: number;
}

/** `undefined`: there is no share, because nobody goes first, or no load balancer gives requests. */
export function exposureOf(deployment: Launched): Exposure | undefined {
  const { fleet, launch, oldHosts } = deployment;
  const first = whoGoesFirst(deployment);
  if (!first || fleet.loadBalancers.length === 0) return undefined;
  const old = servingOf(deployment);
  const planned = oldHosts?.zones?.flatMap((zone) =>
    Array<{ zone: string }>(fleet.instancesPerZone).fill({ zone }),
  );
  const fresh = spread(launch?.instances ?? planned ?? [], countsIn(old), first.hosts);
  const [oldIn, freshIn] = [countsIn(old), countsIn(fresh)];
  const zones = [...new Set([...oldIn.keys(), ...freshIn.keys()])];
  const shares = zones.map((zone) => {
    const [o, f] = [oldIn.get(zone) ?? 0, freshIn.get(zone) ?? 0];
    return f / (o + f);
  });
  return {
    first: fresh.length,
    of: old.length + fresh.length,
    share: fresh.length / (old.length + fresh.length),
    shareByZone: sum(shares) / zones.length,
  };
}

/** Rounded up, but not for what is only the last digit of a sum. */
const percent = (share: number): string => `${Math.ceil(Number((share * 1000).toFixed(6))) / 10} %`;

/** `1 of 3 hosts in service: at most 33.4 % of the requests` */
export function exposureSentence({ first, of, share, shareByZone }: Exposure): string {
  const byCount = `${first} of ${count(of, 'host')} in service: at most ${percent(share)} of the requests`;
  return shareByZone <= share || percent(shareByZone) === percent(share)
    ? byCount
    : `${byCount} by count, and ${percent(shareByZone)} where a load balancer keeps requests within their zone, because the old hosts are unevenly spread`;
}

/** For a plan and for whoever asks what is going to happen; nothing where all hosts join at once. */
export function firstHostsPlan(deployment: Launched): string | undefined {
  const first = whoGoesFirst(deployment);
  if (!first) return deployment.fleet.first && 'all at once: no old host is in service beside them';
  const exposure = exposureOf(deployment);
  const watched = `watched for ${span(first.watchSeconds)}`;
  return exposure
    ? `${exposureSentence(exposure)}; ${watched} before the others join`
    : `a fleet without a load balancer has no shares of requests: all new hosts are registered, and ${watched} beside the old ones`;
}

const countsIn = (hosts: readonly Pick<NewInstance, 'zone'>[]): ReadonlyMap<string, number> =>
  countBy(hosts, ({ zone }) => zone);
