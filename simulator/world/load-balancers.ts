/**
 * The modelled load balancers: what is registered since when, and what follows from that: the state of each member at
 * any moment. Both kinds count the same way; `classic-elb.ts` and `target-groups.ts` have the differences.
 */

import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import type {
  LoadBalancerRef,
  LoadBalancerSettings,
  Member,
  MemberState,
  TargetPorts,
} from '../../lambdas/ports/load-balancers.ts';
import { CLASSIC, CLASSIC_DEFAULTS, type ClassicRef } from './classic-elb.ts';
import type { Ec2Model } from './ec2.ts';
import { type CheckSettings, checkedAt } from './health-checks.ts';
import type { ModelInstance } from './instance.ts';
import type { Range } from './prng.ts';
import type { Surroundings } from './surroundings.ts';
import { TARGET_GROUP, TARGET_GROUP_DEFAULTS, type TargetGroupRef, targetGroupRef } from './target-groups.ts';
import type { Timings } from './timings.ts';

/** Why a member is in the state it is in; each kind of load balancer has its own words for it. */
export type Situation =
  | 'registering'
  | 'initial'
  | 'unhealthy'
  | 'recovering'
  | 'stopped'
  | 'draining'
  | 'zone-disabled'
  | 'not-in-use';

export interface BalancerSettings extends CheckSettings {
  readonly vpcId: string;
  /** Empty: all zones (a target group does not say). */
  readonly zones: readonly string[];
  /** 0: draining is off. */
  readonly drainSeconds: number;
  /** Of a target group: until a new target gets its full share. */
  readonly slowStartSeconds?: number;
  /** If given, drawn from instead of the world's `idle`. Above `drainSeconds`, draining always takes the limit. */
  readonly idleSeconds?: Range;
  /** Does a listener use it? Always true for a classic ELB. */
  readonly attached: boolean;
}

export interface BalancerKind {
  /** How long after the registration was accepted the health checks begin. */
  readonly registration: (timings: Timings) => Range;
  readonly words: Readonly<Record<Situation, (settings: BalancerSettings) => string>>;
}

export interface Registration {
  readonly instance: ModelInstance;
  readonly firstCheckAt: number;
  /** Of a target group: not the group's own. */
  readonly port?: number | undefined;
  /** Set once it is deregistered. */
  drainsUntil?: number;
}

export interface Balancer {
  readonly ref: LoadBalancerRef;
  readonly kind: BalancerKind;
  readonly settings: BalancerSettings;
  readonly registrations: Map<string, Registration>;
}

type Given = Pick<BalancerSettings, 'vpcId'> & Partial<BalancerSettings>;

export class LoadBalancersModel {
  readonly #world: Surroundings;
  readonly #ec2: Ec2Model;
  readonly #balancers = new Map<string, Balancer>();
  /** How often an instance was registered and deregistered at a load balancer: each time draws anew. */
  readonly #times = new Map<string, number>();

  constructor(world: Surroundings, ec2: Ec2Model) {
    this.#world = world;
    this.#ec2 = ec2;
  }

  // ── What a scenario sets up ──

  addClassic({ name, ...given }: Omit<Given, 'attached'> & { name: string }): ClassicRef {
    const ref: ClassicRef = { kind: 'classic', name };
    this.#add(ref, CLASSIC, { ...CLASSIC_DEFAULTS, ...given });
    return ref;
  }

  addTargetGroup({ name, ...given }: Given & { name: string }): TargetGroupRef {
    const ref = targetGroupRef(this.#world.region, this.#world.account, name);
    this.#add(ref, TARGET_GROUP, { ...TARGET_GROUP_DEFAULTS, ...given });
    return ref;
  }

  /** Registered long ago: now in service, if its application is up. */
  addExistingMember(ref: LoadBalancerRef, instance: ModelInstance, port?: number): void {
    const firstCheckAt = Math.max(instance.life.applicationUpAt, instance.life.launchedAt);
    this.balancer(ref).registrations.set(instance.id, { instance, firstCheckAt, port });
  }

  // ── The truth, for the other parts of the world ──

  all(): readonly Balancer[] {
    return [...this.#balancers.values()];
  }

  balancer(ref: LoadBalancerRef): Balancer {
    const balancer = this.#balancers.get(loadBalancerName(ref));
    if (balancer?.ref.kind !== ref.kind) {
      throw new DeploymentError(
        'LoadBalancerUnusable',
        `There is no load balancer ${loadBalancerName(ref)}. Correct the fleet’s loadBalancers in the fleets file.`,
      );
    }
    return balancer;
  }

  /** How long this registration takes until its first check; `nth` counts from 0. */
  registrationMillis(balancer: Balancer, instanceId: string, nth: number): number {
    const random = this.#world.random.branch(
      `register ${loadBalancerName(balancer.ref)} ${instanceId} ${nth}`,
    );
    return random.millis(balancer.kind.registration(this.#world.timings));
  }

  /** How long a host in service drains: until it is idle, at most the limit. `nth` counts from 0. */
  drainMillis(balancer: Balancer, instanceId: string, nth: number): number {
    const { idleSeconds = this.#world.timings.idle, drainSeconds } = balancer.settings;
    const random = this.#world.random.branch(`drain ${loadBalancerName(balancer.ref)} ${instanceId} ${nth}`);
    return Math.min(random.millis(idleSeconds), drainSeconds * 1000);
  }

  // ── The port ──

  settings(ref: LoadBalancerRef): LoadBalancerSettings {
    const { settings } = this.balancer(ref);
    return {
      ref,
      vpcId: settings.vpcId,
      // A target group does not say which zones its load balancer serves.
      zones: ref.kind === 'classic' ? settings.zones : [],
      intervalSeconds: settings.intervalSeconds,
      healthyThreshold: settings.healthyThreshold,
      unhealthyThreshold: settings.unhealthyThreshold,
      timeoutSeconds: settings.timeoutSeconds,
      drainSeconds: settings.drainSeconds,
      ...(settings.slowStartSeconds !== undefined && { slowStartSeconds: settings.slowStartSeconds }),
    };
  }

  members(ref: LoadBalancerRef, instanceIds?: readonly string[]): readonly Member[] {
    const balancer = this.balancer(ref);
    const now = this.#world.now();
    for (const [id, registration] of balancer.registrations) {
      if (hasLeft(registration, now)) balancer.registrations.delete(id);
    }
    const ids = instanceIds === undefined ? balancer.registrations.keys() : new Set(instanceIds);
    return [...ids].flatMap((id) => {
      const registration = balancer.registrations.get(id);
      return registration === undefined ? [] : [memberAt(balancer, registration, now)];
    });
  }

  /** AWS refuses the whole call if one instance is not running, or is in another VPC. */
  register(ref: LoadBalancerRef, instanceIds: readonly string[], ports: TargetPorts = {}): void {
    const balancer = this.balancer(ref);
    const now = this.#world.now();
    const instances = [...new Set(instanceIds)].map((id) => this.#registrable(balancer, id, now));
    const changed: string[] = [];
    for (const instance of instances) {
      const current = balancer.registrations.get(instance.id);
      if (current !== undefined && current.drainsUntil === undefined && !hasLeft(current, now)) continue;
      const nth = this.#nthTime(`register ${loadBalancerName(ref)} ${instance.id}`);
      const firstCheckAt = now + this.registrationMillis(balancer, instance.id, nth);
      const [port] = ports[instance.id] ?? [];
      balancer.registrations.set(instance.id, { instance, firstCheckAt, port });
      changed.push(instance.id);
    }
    this.#world.emit({ kind: 'instances-registered', loadBalancer: ref, ids: [...instanceIds], changed });
  }

  /** Without its port, a target that has one of its own is not meant: AWS answers that all is done. */
  deregister(ref: LoadBalancerRef, instanceIds: readonly string[], ports: TargetPorts = {}): void {
    const balancer = this.balancer(ref);
    const now = this.#world.now();
    const changed: string[] = [];
    for (const id of instanceIds) {
      const registration = balancer.registrations.get(id);
      if (registration === undefined || registration.drainsUntil !== undefined) continue;
      if (registration.port !== undefined && !ports[id]?.includes(registration.port)) continue;
      registration.drainsUntil = now + this.#drainMillisOf(balancer, registration, now);
      changed.push(id);
    }
    this.#world.emit({ kind: 'instances-deregistered', loadBalancer: ref, ids: [...instanceIds], changed });
  }

  // ── Inside ──

  #add(ref: LoadBalancerRef, kind: BalancerKind, settings: BalancerSettings): void {
    // Two fleets may name the same one.
    const { registrations = new Map() } = this.#balancers.get(loadBalancerName(ref)) ?? {};
    this.#balancers.set(loadBalancerName(ref), { ref, kind, settings, registrations });
  }

  #registrable(balancer: Balancer, instanceId: string, now: number): ModelInstance {
    const instance = this.#ec2.find(instanceId);
    const name = loadBalancerName(balancer.ref);
    if (instance === undefined || !instance.isVisible(now)) {
      throw refuse(name, instanceId, 'EC2 does not know it');
    }
    const state = instance.state(now);
    if (state !== 'running') throw refuse(name, instanceId, `it is ${state}, not running`);
    if (instance.facts.vpcId !== balancer.settings.vpcId)
      throw refuse(name, instanceId, 'it is in another VPC');
    return instance;
  }

  /** A host that is not in service has nothing to drain. */
  #drainMillisOf(balancer: Balancer, registration: Registration, now: number): number {
    if (memberAt(balancer, registration, now).state !== 'in-service') return 0;
    const { id } = registration.instance;
    const nth = this.#nthTime(`drain ${loadBalancerName(balancer.ref)} ${id}`);
    return this.drainMillis(balancer, id, nth);
  }

  #nthTime(what: string): number {
    const nth = this.#times.get(what) ?? 0;
    this.#times.set(what, nth + 1);
    return nth;
  }
}

/** No longer a member: drained, or terminated. */
export function hasLeft(registration: Registration, at: number): boolean {
  const { instance, drainsUntil } = registration;
  return instance.isTerminated(at) || (drainsUntil !== undefined && at >= drainsUntil);
}

/** The member that a registration makes at a moment; only for one that has not left. */
export function memberAt(balancer: Balancer, registration: Registration, at: number): Member {
  const { instanceId } = registration.instance.facts;
  const situation = situationAt(balancer, registration, at);
  const { port } = registration;
  const reason = situation === 'in-service' ? '' : balancer.kind.words[situation](balancer.settings);
  const state = situation === 'in-service' ? 'in-service' : STATE[situation];
  return { instanceId, ...(port !== undefined && { port }), state, reason };
}

const STATE: Readonly<Record<Situation, MemberState>> = {
  registering: 'out-of-service',
  initial: 'out-of-service',
  unhealthy: 'out-of-service',
  recovering: 'out-of-service',
  stopped: 'out-of-service',
  draining: 'draining',
  'zone-disabled': 'unused',
  'not-in-use': 'unused',
};

function situationAt(balancer: Balancer, registration: Registration, at: number): Situation | 'in-service' {
  const { settings } = balancer;
  const { instance, firstCheckAt, drainsUntil } = registration;
  if (!settings.attached) return 'not-in-use';
  if (settings.zones.length > 0 && !settings.zones.includes(instance.facts.zone)) return 'zone-disabled';
  if (drainsUntil !== undefined) return 'draining';
  if (instance.state(at) === 'stopped') return 'stopped';
  if (at < firstCheckAt) return 'registering';
  const { state } = checkedAt(settings, firstCheckAt, instance.uptime(), at);
  if (state !== 'out-of-service') return state;
  return instance.applicationIsUp(at) ? 'recovering' : 'unhealthy';
}

/** The same error for all three, as in AWS: a young instance may be known and running a moment later. */
function refuse(loadBalancer: string, instanceId: string, why: string): DeploymentError {
  return new DeploymentError(
    'ServiceUnavailable',
    `The load balancer ${loadBalancer} did not accept ${instanceId}: ${why}. Try again when it is running.`,
  );
}
