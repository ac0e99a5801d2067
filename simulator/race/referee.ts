/**
 * Writes down who was registered when, and computes from that and the hosts' lives who served at every moment: exactly,
 * without looking every now and then.
 */
import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import { checkedAt } from '../world/health-checks.ts';
import type { Stretch } from '../world/instance-life.ts';
import type { Balancer, Registration } from '../world/load-balancers.ts';
import type { World } from '../world/world.ts';

/** One registration of a host, from its beginning until it was deregistered. */
interface Stay {
  readonly registration: Registration;
  readonly from: number;
  until: number;
}

/** A stretch of time in which a host was given new requests. */
export interface Service extends Stretch {
  readonly host: string;
  readonly isNew: boolean;
  /** Nobody answered: the application was down. */
  readonly isDead: boolean;
}

export interface Facts {
  readonly startedAt: number;
  readonly until: number;
  readonly size: number;
  readonly isNew: (host: string, at: number) => boolean;
  /** When a host may have changed its release, besides. */
  readonly changes: readonly number[];
  /** Hosts that the scenario broke: what they did not answer is nobody's fault. */
  readonly broken: ReadonlySet<string>;
}

/** Of one run. */
export interface ServiceRecord {
  /** Seconds from the start until as many new hosts as there were old ones served, and nobody else; `undefined`: never. */
  readonly trafficOnNew?: number;
  readonly leastInService: number;
  /** Host-seconds with fewer hosts in service than at the start. */
  readonly missing: number;
  /** Host-seconds of requests that a host was ended with, or was still given when it had been ended. */
  readonly cut: number;
}

export class Referee {
  readonly #balancer: Balancer;
  readonly #stays: Stay[] = [];
  readonly #world: World;

  constructor(world: World, ref: LoadBalancerRef) {
    this.#world = world;
    this.#balancer = world.loadBalancers.balancer(ref);
    const now = world.ports.clock.now().getTime();
    for (const registration of this.#balancer.registrations.values()) this.#came(registration, now);
    world.on((event) => {
      if (event.kind !== 'instances-registered' && event.kind !== 'instances-deregistered') return;
      if (loadBalancerName(event.loadBalancer) !== loadBalancerName(ref)) return;
      for (const id of event.changed) {
        const registration = this.#balancer.registrations.get(id);
        const at = event.at.getTime();
        if (event.kind === 'instances-deregistered') this.#left(id, at);
        else if (registration) this.#came(registration, at);
      }
    });
  }

  #came(registration: Registration, from: number): void {
    this.#stays.push({ registration, from, until: Number.POSITIVE_INFINITY });
  }

  #left(id: string, at: number): void {
    const stay = this.#stays.findLast(({ registration }) => registration.instance.id === id);
    if (stay) stay.until = at;
  }

  record(facts: Facts): ServiceRecord {
    const services = this.#stays.flatMap((stay) => this.#servicesOf(stay, facts));
    const trafficOnNew = shiftIn(services, facts);
    return {
      ...(trafficOnNew !== undefined && { trafficOnNew: (trafficOnNew - facts.startedAt) / 1_000 }),
      ...shortageIn(services, facts),
      cut: this.#cutIn(services, facts) / 1_000,
    };
  }

  /** The largest share of requests, by count as balancers share them, that new hosts were given at any moment. */
  mostOnNew(facts: Facts): number {
    const services = this.#stays.flatMap((stay) => this.#servicesOf(stay, facts));
    const shares = countsIn(services, facts).map(({ old, fresh }) => fresh / Math.max(1, old + fresh));
    return Math.max(0, ...shares);
  }

  /** In service at the balancer, cut into pieces of which each has one release and either answers or does not. */
  #servicesOf({ registration, from, until }: Stay, facts: Facts): Service[] {
    const { instance } = registration;
    const gone = instance.ending?.into === 'terminated' ? instance.ending.doneAt : Number.POSITIVE_INFINITY;
    const stay = { from, to: Math.min(until, gone, facts.until) };
    const edges = instance.uptime().flatMap((up) => [up.from, up.to]);
    return inServiceWithin(this.#balancer, registration, stay).flatMap((stretch) =>
      piecesOf(stretch, [...edges, ...facts.changes]).map((piece) => ({
        ...piece,
        host: instance.id,
        isNew: facts.isNew(instance.id, piece.from),
        isDead: !instance.applicationIsUp(piece.from),
      })),
    );
  }

  /** What was in flight when a host was ended, and what it was given after that. */
  #cutIn(services: readonly Service[], { broken, until }: Facts): number {
    const ended = this.#stays.filter(({ registration: { instance } }) => instance.downAt < until);
    const inFlight = ended.map(({ registration, until: left }) => {
      const { instance, drainsUntil = 0, firstCheckAt } = registration;
      const at = instance.downAt;
      if (!instance.applicationIsUp(at - 1)) return 0;
      if (left <= at) return Math.max(0, drainsUntil - at);
      const { state } = checkedAt(this.#balancer.settings, firstCheckAt, instance.uptime(), at);
      const wasServing = state === 'in-service';
      return wasServing ? this.#world.loadBalancers.drainMillis(this.#balancer, instance.id, 0) : 0;
    });
    const lost = services.filter(({ host, isDead }) => isDead && !broken.has(host));
    return sum(inFlight) + sum(lost.map(({ from, to }) => to - from));
  }
}

/** The stretches of a stay in which the balancer gave it requests. */
function inServiceWithin({ settings }: Balancer, registration: Registration, stay: Stretch): Stretch[] {
  const { firstCheckAt, instance } = registration;
  const up = instance.uptime();
  const edges = up.flatMap(({ from, to }) => [from, to]).filter((at) => at > firstCheckAt && at < stay.to);
  // A check that failed just before an edge is known a time-out later.
  const moments = [...edges, ...edges.map((at) => at + settings.timeoutSeconds * 1_000), stay.to];
  const known = [...new Set(moments)].sort((a, b) => a - b).filter((at) => at <= stay.to);
  const verdicts = known.map((at) => checkedAt(settings, firstCheckAt, up, at));
  return verdicts.flatMap(({ state, since }, index) => {
    const next = verdicts.slice(index + 1).find((later) => later.since !== since);
    const isLast =
      verdicts.findLastIndex((verdict) => verdict.since === since && verdict.state === state) === index;
    const stretch = { from: Math.max(since, stay.from), to: Math.min(next?.since ?? stay.to, stay.to) };
    return state === 'in-service' && isLast && stretch.from < stretch.to ? [stretch] : [];
  });
}

function piecesOf({ from, to }: Stretch, edges: readonly number[]): Stretch[] {
  const inside = [...new Set(edges)].filter((edge) => edge > from && edge < to).sort((a, b) => a - b);
  const points = [from, ...inside];
  return inside.concat(to).map((end, index) => ({ from: points[index] ?? from, to: end }));
}

/** From edge to edge: how many served then. */
function countsIn(services: readonly Service[], { startedAt, until }: Facts) {
  const edges = new Set([startedAt, until, ...services.flatMap(({ from, to }) => [from, to])]);
  const sorted = [...edges].filter((edge) => edge >= startedAt && edge <= until).sort((a, b) => a - b);
  return sorted.slice(0, -1).map((from, index) => {
    const now = services.filter((service) => service.from <= from && from < service.to);
    return {
      from,
      to: sorted[index + 1] ?? until,
      old: now.filter(({ isNew }) => !isNew).length,
      fresh: now.filter(({ isNew }) => isNew).length,
      healthy: now.filter(({ isDead }) => !isDead).length,
      healthyNew: now.filter(({ isNew, isDead }) => isNew && !isDead).length,
    };
  });
}

const shiftIn = (services: readonly Service[], facts: Facts): number | undefined =>
  countsIn(services, facts).find(({ old, healthyNew }) => old === 0 && healthyNew >= facts.size)?.from;

function shortageIn(
  services: readonly Service[],
  facts: Facts,
): Pick<ServiceRecord, 'leastInService' | 'missing'> {
  const counts = countsIn(services, facts);
  return {
    leastInService: Math.min(...counts.map(({ healthy }) => healthy)),
    missing: sum(
      counts.map(({ from, to, healthy }) => (Math.max(0, facts.size - healthy) * (to - from)) / 1_000),
    ),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
