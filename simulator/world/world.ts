/**
 * One modelled world: EC2, load balancers, S3, SSM parameters, the ledger, executions and Mackerel behind the ports that
 * the steps use, with what emulators lack: boot time, registration lag, health thresholds, draining, client tokens,
 * eventual consistency.
 *
 * It has no timers. Moments are drawn from the seed when something is launched, registered or deregistered, and every
 * answer follows from them and the virtual clock. The same seed, calls and clock give the same world.
 */

import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { waitingForTurn } from '../../lambdas/domain/core/patience.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { AnnouncerModel } from './announcer.ts';
import { AwsEvents } from './aws-events.ts';
import { CallCounter, type Intercept, type Latency, type PortCall } from './calls.ts';
import { Ec2Model, RequestLimitExceeded } from './ec2.ts';
import type { Origin, Service, WorldChange, WorldEvent } from './events.ts';
import { ExecutionsModel } from './executions.ts';
import { HooksModel } from './hooks.ts';
import { LedgerModel } from './ledger.ts';
import { LoadBalancersModel } from './load-balancers.ts';
import { type Deployed, type LowerBound, lowerBound } from './lower-bound.ts';
import { MackerelModel, type Role } from './mackerel.ts';
import { nextChange } from './next-change.ts';
import { Outages } from './outages.ts';
import { ParametersModel } from './parameters.ts';
import { Random } from './prng.ts';
import { S3Model } from './s3.ts';
import type { Surroundings } from './surroundings.ts';
import { TIMINGS, type Timings } from './timings.ts';
import { viewWorld, type WorldView } from './view.ts';
import { worldPorts } from './world-ports.ts';

export interface WorldOptions {
  readonly seed: number;
  /** The virtual clock; it never runs backwards. */
  readonly now: () => Date;
  readonly region?: string;
  /** 12 digits. */
  readonly account?: string;
  readonly timings?: Partial<Timings>;
}

/** A host that has been in service since before the scenario began. */
export interface RunningHost extends Role {
  readonly subnetId: string;
  readonly loadBalancers: readonly LoadBalancerRef[];
  /** At its target groups: one of its own. */
  readonly port?: number;
  /** Value of the fleet's tag; without it the host is untagged, like one that an older tool launched. */
  readonly fleet?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly imageId?: string;
  readonly instanceType?: string;
  /** Default: a day. */
  readonly ageSeconds?: number;
  /** In Mackerel; default `working`. */
  readonly status?: MackerelStatus;
}

export class World {
  /** Calls through these take no time. */
  readonly ports: Ports;
  readonly ec2: Ec2Model;
  readonly loadBalancers: LoadBalancersModel;
  readonly mackerel: MackerelModel;
  readonly s3: S3Model;
  readonly parameters = new ParametersModel();
  readonly ledger: LedgerModel;
  readonly executions: ExecutionsModel;
  readonly announcer = new AnnouncerModel();
  readonly hooks: HooksModel;
  readonly outages: Outages;
  readonly awsEvents: AwsEvents;
  readonly calls = new CallCounter();
  /** Wraps every port call, to inject faults. */
  intercept: Intercept | undefined;

  readonly #clock: () => Date;
  readonly #now: () => number;
  readonly #random: Random;
  readonly #listeners: ((event: WorldEvent) => void)[] = [];
  readonly #roles = new Map<string, Role>();
  #actor: Origin = 'scenario';

  constructor(options: WorldOptions) {
    this.#clock = options.now;
    this.#now = () => options.now().getTime();
    this.#random = new Random(options.seed);
    const surroundings: Surroundings = {
      now: this.#now,
      random: this.#random,
      timings: { ...TIMINGS, ...options.timings },
      region: options.region ?? 'ap-northeast-1',
      account: options.account ?? '123456789012',
      emit: (change) => this.#emit(change),
    };
    this.ec2 = new Ec2Model(surroundings);
    this.loadBalancers = new LoadBalancersModel(surroundings, this.ec2);
    this.mackerel = new MackerelModel(surroundings);
    this.s3 = new S3Model(surroundings);
    this.ledger = new LedgerModel(surroundings);
    this.hooks = new HooksModel(this.#clock);
    this.outages = new Outages(this.#now);
    this.executions = new ExecutionsModel(surroundings);
    this.awsEvents = new AwsEvents(surroundings);
    this.ports = worldPorts(this, { now: options.now, sleep: async () => {} }, (...call) =>
      this.#run({}, ...call),
    );
  }

  /** Around who intercepts already, who gets what this one lets through: several may follow the same world. */
  interceptToo(intercept: Intercept): void {
    const { intercept: others } = this;
    this.intercept = others ? (call, proceed) => intercept(call, () => others(call, proceed)) : intercept;
  }

  /**
   * The same world as the steps see it: calls through these ports take time.
   * @param intercept wraps only the calls through these ports, in place of the world's own
   */
  distantPorts(latency: Latency, intercept?: Intercept): Ports {
    const clock = { now: this.#clock, sleep: latency.sleep };
    return worldPorts(this, clock, (...call) => this.#run({ ...latency, intercept }, ...call));
  }

  /** Hosts that carry this fleet's tag start their agent under this role, which Mackerel knows from now on. */
  addFleet(fleet: string, role: Role): void {
    this.#roles.set(fleet, role);
    this.mackerel.addService(role.service, [role.role]);
  }

  /** Its instance id. It is in service at its load balancers and registered in Mackerel. */
  addRunningHost(host: RunningHost): string {
    const { service, role, fleet, subnetId, loadBalancers } = host;
    const instance = this.ec2.addExisting({
      subnetId,
      imageId: host.imageId ?? 'ami-00000000000000001',
      instanceType: host.instanceType ?? 't4g.small',
      tags: { ...host.tags, ...(fleet !== undefined && { [TAG.fleet]: fleet }) },
      ageSeconds: host.ageSeconds ?? 86_400,
    });
    for (const ref of loadBalancers) this.loadBalancers.addExistingMember(ref, instance, host.port);
    this.mackerel.expectAgent(instance, { service, role }, host.status ?? 'working');
    return instance.id;
  }

  /** Called with every change, right after it happened. */
  on(listener: (event: WorldEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Everything at this instant. */
  view(): WorldView {
    return viewWorld(this, this.#now());
  }

  /** The next moment at which something in the world changes by itself; `undefined` when all is settled. */
  nextChange(): Date | undefined {
    return nextChange(this, this.#now());
  }

  /** The fastest possible deployment: see `lower-bound.ts`. */
  lowerBound(deployed: Deployed): LowerBound {
    return lowerBound(this, deployed);
  }

  #emit(change: WorldChange): void {
    if (change.kind === 'instances-launched') for (const id of change.changed) this.#expectAgentOf(id);
    const event: WorldEvent = { at: new Date(this.#now()), by: this.#actor, ...change };
    for (const listener of this.#listeners) listener(event);
  }

  #expectAgentOf(instanceId: string): void {
    const instance = this.ec2.instance(instanceId);
    this.mackerel.expectAgent(instance, this.#roles.get(instance.facts.tags[TAG.fleet] ?? ''));
  }

  /** One port call, see `RunCall`. The model itself never waits, so the actor of an event is known while it runs. */
  async #run<T>(
    { millis, sleep, intercept = this.intercept }: Partial<Latency> & { intercept?: Intercept | undefined },
    service: Service,
    action: string,
    args: readonly unknown[],
    effect: () => T,
    requests: (answer: T) => number,
  ): Promise<T> {
    const call = this.calls.begin(service, action, args);
    let sent = 1;
    const proceed = async () => {
      const met = service === 'mackerel' ? this.mackerel.meets(action) : this.outages.met(service, action);
      if (met) {
        if (sleep && met.seconds > 0) await sleep(met.seconds * 1_000);
        this.calls.add(call, sent);
        throw met.error;
      }
      // Restored, not reset: a listener may make a call of its own in the middle of this one.
      const actorBefore = this.#actor;
      this.#actor = { service, action, serial: call.serial };
      try {
        const answer = effect();
        sent = requests(answer);
        return answer;
      } finally {
        this.#actor = actorBefore;
        this.calls.add(call, sent);
      }
    };
    // The interceptor answers in the shape of the port, which only its author can promise.
    const answer = () => (intercept ? (intercept(call, proceed) as Promise<T>) : proceed());
    if (!millis || !sleep) return answer();
    const random = () => this.#random.branch(`turn ${call.serial} at ${this.#now()}`).next();
    const waiting = { now: this.#now, sleep, random };
    const once = () => delayed({ millis, sleep }, call, answer, () => sent);
    // As the real adapter does, which stands on this side of the call.
    return waitingForTurn(once, (error) => error instanceof RequestLimitExceeded, waiting);
  }
}

/** Half of the first request's time passes before it takes effect, the rest before the answer arrives. */
async function delayed<T>(
  { millis, sleep }: Latency,
  call: PortCall,
  answer: () => Promise<T>,
  requests: () => number,
): Promise<T> {
  const before = millis(call, 1) / 2;
  await sleep(before);
  try {
    return await answer();
  } finally {
    await sleep(millis(call, requests()) - before);
  }
}
