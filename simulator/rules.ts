/**
 * The rules without exceptions (README, "Eleven rules"), as invariants over the modelled world: checked after every
 * change that a deployment makes, and once more when it has ended. In plain words, because the reader of a violation
 * wants to know what happened.
 */
import { FAILURES } from '../lambdas/domain/core/failures.ts';
import { type Fleet, fleetSize, loadBalancerName, TAG } from '../lambdas/domain/core/fleet.ts';
import { deploymentRecordKey, deploymentsPrefix } from '../lambdas/domain/core/names.ts';
import { isKept, keptUntil } from '../lambdas/domain/hosts/kept.ts';
import { isGoing } from '../lambdas/domain/hosts/readiness.ts';
import { mostStragglers } from '../lambdas/domain/hosts/stragglers.ts';
import type { DeploymentRecord } from '../lambdas/domain/record/record.ts';
import type { ExecutionResult } from './run-definition.ts';
import type { WorldEvent } from './world/events.ts';
import {
  type HostView,
  type InstanceView,
  type LoadBalancerView,
  viewWorld,
  type WorldView,
} from './world/view.ts';
import type { World } from './world/world.ts';

export interface Violation {
  /** Number of the rule. */
  readonly rule: number;
  readonly at: Date;
  readonly what: string;
}

/** Step Functions' own bounds. */
const HISTORY_LIMIT = 25_000;
const PAYLOAD_LIMIT = 256 * 1024;

/** What the fleet ended with, once nothing is running anymore. */
export type Outcome = 'new hosts' | 'old hosts' | 'needs a human';

/**
 * A step looks, then acts: between the answers of its look and the effect of its call lie 0.1 to 1.6 s.
 * If a host breaks within that time, the step is not to blame. A caller that knows when the acting step began can tell
 * the rules: the step cannot have looked earlier.
 */
const LOOK_TO_ACT_SECONDS = 2;
/** What a step has asked for takes effect this late only on its way to AWS: no step can call it back. */
const LINGERED_SECONDS = 30;

/** Control and format characters but line ends, line separators, tags. */
const OBEYED = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Watches one deployment of a fleet, from its construction until it is told to stop. */
export class Rules {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #deployment: string;
  readonly #before: WorldView;
  readonly #stepBegan: () => number | undefined;
  /** What the scenario broke. */
  readonly #harmed = new Set<string>();
  readonly #lost = new Set<string>();
  /** New instances that are no longer new hosts: terminated by us, or lost before others were launched for them. */
  readonly #replaced = new Set<string>();
  /** When each was registered last, as epoch milliseconds. */
  readonly #registeredAt = new Map<string, number>();
  #begunTermination = false;
  #isOver = false;

  /** @param stepBegan when the step that acts right now began, as epoch milliseconds */
  constructor(
    world: World,
    fleet: Fleet,
    deployment: string,
    stepBegan: () => number | undefined = () => undefined,
  ) {
    this.#stepBegan = stepBegan;
    this.#world = world;
    this.#fleet = fleet;
    this.#deployment = deployment;
    this.#before = this.#look();
    world.on((event) => this.#changed(event));
  }

  /** The world now, with only this fleet's load balancers, and there without the hosts of others who share them. */
  #look(): WorldView {
    const view = this.#world.view();
    const own = this.#fleet.loadBalancers.map(loadBalancerName);
    const others = new Set(
      view.instances.flatMap(({ instanceId, tags }) =>
        (tags[TAG.fleet] ?? this.#fleet.name) === this.#fleet.name ? [] : [instanceId],
      ),
    );
    const loadBalancers = view.loadBalancers
      .filter(({ name }) => own.includes(name))
      .map((balancer) => withoutMembers(balancer, others));
    return { ...view, loadBalancers };
  }

  /** The next deployment has rules of its own. */
  stop(): void {
    this.#isOver = true;
  }

  /** After the deployment has ended without being stopped: rules 6, 7, 9 and 10. */
  ended(result: ExecutionResult): void {
    this.bounded(result);
    if (result.endedIn === 'Deployed') this.settled('new hosts');
    if (result.endedIn === 'RolledBack' || result.endedIn === 'Nothing was changed')
      this.settled('old hosts');
  }

  /** Of any execution, however it ended: rules 9 and 10. */
  bounded({ status, error, historyEvents, largestPayload }: ExecutionResult): void {
    if (status === 'FAILED' && !(error !== undefined && error in FAILURES))
      this.#broken(9, `it failed under the name ${error}`);
    if (historyEvents >= HISTORY_LIMIT) this.#broken(10, `the history has ${historyEvents} events`);
    if (largestPayload >= PAYLOAD_LIMIT) this.#broken(10, `a document has ${largestPayload} bytes`);
  }

  /**
   * Rule 11: what people and machines read of it (the document, the cause, records, pages, mails, log lines) has no secret
   * in it, nor a character that a terminal or a browser obeys, or does not show.
   */
  shown({ cause, output }: ExecutionResult, secret: string): void {
    const { s3, announcer } = this.#world;
    const { bucket } = this.#fleet.artifact;
    const stored = s3.list(bucket, deploymentsPrefix(this.#fleet.name)).map(({ key }) => key);
    const texts = [
      ['the cause', cause ?? ''],
      ['the document', JSON.stringify(output ?? null)],
      ...stored.map((key) => [key, s3.text(bucket, key) ?? '']),
      ...announcer.messages.map(({ subject, body }) => ['a mail', `${subject}\n${body}`]),
      ...announcer.lines.map(({ sentence }) => ['the log', sentence]),
    ] as const;
    const inBase64 = ['', ' ', '  '].map((before) => btoa(`${before}${secret}`).slice(4, 24));
    for (const [what = '', text = ''] of texts) {
      if ([secret, ...inBase64].some((echo) => text.includes(echo)))
        this.#broken(11, `a secret is in ${what}`);
      if (OBEYED.test(text)) this.#broken(11, `a character that is obeyed and not shown is in ${what}`);
    }
  }

  /** When nothing is running anymore, however it ended: rules 6 and 7, or what a human must find. */
  settled(outcome: Outcome): void {
    const now = this.#look();
    if (outcome === 'new hosts') this.#endedWell(now);
    if (outcome === 'old hosts') this.#endedUndone(now);
    if (outcome === 'needs a human') this.#leftServing(now);
  }

  /** Are the hosts as after an undo, or as after a deployment? Then a human who is called has nothing to do with them. */
  areInOrder(): boolean {
    return (['old hosts', 'new hosts'] as const).some((outcome) => {
      const before = this.violations.length;
      this.settled(outcome);
      return this.violations.splice(before).length === 0;
    });
  }

  #changed(event: WorldEvent): void {
    if (this.#isOver) return;
    if (event.kind === 'instances-terminated' && event.by === 'scenario')
      for (const id of event.ids) this.#lost.add(id);
    if (event.kind === 'application-broken') for (const id of event.ids) this.#harmed.add(id);
    if (event.by === 'scenario') return;
    const now = this.#look();
    if (event.kind === 'instances-launched') this.#launchedOnce(now);
    const old = this.#oldIds();
    // Who is asked to leave or to end once more by a late call has left, or ended: a new host may have died since.
    const touchesOld = event.changed.some((id) => old.has(id));
    if (event.kind === 'instances-terminated') {
      if (event.changed.some((id) => old.has(id))) this.#begunTermination = true;
      for (const id of event.changed) this.#replaced.add(id);
      this.#onlyOwn(event.ids, now, 'terminated');
      this.#onlyTagged(event.ids, now);
      this.#nobodyCutOff(event.changed, now);
    }
    if (event.kind === 'instances-registered') {
      this.#onlyOwn(event.ids, now, 'registered');
      for (const id of event.changed) this.#registeredAt.set(id, now.at.getTime());
    }
    if (event.kind === 'instances-deregistered') this.#onlyOwn(event.ids, now, 'deregistered');
    if (['host-status-set', 'hosts-retired', 'host-metadata-set'].includes(event.kind))
      this.#onlyOwn(this.#behind(event.ids), now, event.kind);
    if (touchesOld && (event.kind === 'instances-terminated' || event.kind === 'instances-deregistered')) {
      this.#allNewAreReady(now, event.kind);
    }
    if (event.kind === 'instances-terminated' || event.kind === 'instances-deregistered')
      this.#nobodyMissing(now);
  }

  /** Rule 1: no old host leaves unless every new one was ready when the step looked. */
  #allNewAreReady(now: WorldView, what: string): void {
    const launched = this.#newHosts(now);
    const looked = viewWorld(this.#world, this.#lookedAt(now));
    if (launched.length < fleetSize(this.#fleet))
      this.#broken(1, `${what}: old hosts, with ${launched.length} new ones`);
    for (const instance of launched) {
      if (!this.#isReady(instance, now) && !this.#isReady(instance, looked))
        this.#broken(1, `${what}: old hosts, while ${instance.instanceId} was not ready`);
    }
  }

  #lookedAt(now: WorldView): number {
    return this.#stepBegan() ?? now.at.getTime() - LOOK_TO_ACT_SECONDS * 1_000;
  }

  /** Rule 5: launches never double; a few more replace stragglers, if the fleet allows that. */
  #launchedOnce(now: WorldView): void {
    const launched = this.#launched(now);
    const size = fleetSize(this.#fleet);
    const most = size + (this.#fleet.replaceStragglers ? mostStragglers(size) : 0);
    if (launched.length > most)
      this.#broken(5, `${launched.length} instances were launched for a fleet of ${size}`);
    if (launched.length > size)
      for (const { instanceId, state } of launched)
        if (state === 'terminated') this.#replaced.add(instanceId);
  }

  /** Rule 2: as far as we decide, at least as many hosts are in service as at the start. */
  #nobodyMissing(now: WorldView): void {
    if (this.#fleet.loadBalancers.length === 0) this.#nobodyUnwatched(now);
    for (const { name, inService } of this.#balancers(now)) {
      const before = this.#before.loadBalancers.find((balancer) => balancer.name === name);
      // What the scenario broke is not missing by our hand.
      const broken = this.#brokenSince(now, name) + this.#lost.size;
      if (before && inService + broken < before.inService) {
        this.#broken(2, `${inService} in service at ${name}, ${before.inService} at the start`);
      }
    }
  }

  /**
   * Rule 2: an instance leaves every load balancer before it is terminated, and has answered what it was given by then:
   * draining lasts in the world until the last request in flight is answered, or until the load balancer itself cuts it.
   * One that a late call has registered again since the step looked, and that was given nothing yet, is not cut off; nor is
   * it by the step, when its own call was on the way for so long that it was given something.
   */
  #nobodyCutOff(ids: readonly string[], now: WorldView): void {
    const lookedAt = this.#lookedAt(now);
    const hasLingered = now.at.getTime() - lookedAt >= LINGERED_SECONDS * 1_000;
    const cameLate = ({ instanceId, state }: { instanceId: string; state: string }) =>
      (hasLingered || state === 'out-of-service') && (this.#registeredAt.get(instanceId) ?? 0) >= lookedAt;
    for (const { name, members } of this.#balancers(now)) {
      const ended = members.filter((member) => ids.includes(member.instanceId) && !cameLate(member));
      for (const { instanceId, state } of ended) {
        const doing = state === 'draining' ? 'requests were in flight from' : 'registered at';
        this.#broken(2, `${instanceId} was terminated while ${doing} ${name}`);
      }
    }
  }

  /** Rule 2 for a fleet without load balancers: a host that runs and is monitored by Mackerel is in service. */
  #nobodyUnwatched(now: WorldView): void {
    const [serving, before] = [this.#watched(now), this.#watched(this.#before)];
    if (serving < before) this.#broken(2, `${serving} hosts run and are monitored, ${before} at the start`);
  }

  #watched(view: WorldView): number {
    const running = new Set(
      view.instances.filter(({ state }) => state === 'running').map(({ instanceId }) => instanceId),
    );
    const owed = this.#owed();
    const isWatched = ({ id, status }: HostView) =>
      status === 'working' || status === 'standby' || owed.has(id);
    const hosts = this.#ofRole(view).filter(isWatched);
    return new Set(hosts.flatMap(({ instanceId = '' }) => (running.has(instanceId) ? [instanceId] : [])))
      .size;
  }

  /** Members that are out of service although nobody took them out. */
  #brokenSince(now: WorldView, name: string): number {
    return this.#membersAt(now, name).filter(
      ({ state, instanceId }) => state === 'out-of-service' && this.#harmed.has(instanceId),
    ).length;
  }

  /** Rule 3: nothing outside snapshot ∪ launched is touched. */
  #onlyOwn(ids: readonly string[], now: WorldView, what: string): void {
    const own = new Set([...this.#oldIds(), ...this.#launched(now).map((instance) => instance.instanceId)]);
    // A failed instance that an earlier deployment kept, and that has expired.
    const isExpired = (instance: InstanceView) => (keptUntil(instance) ?? Number.POSITIVE_INFINITY) <= now.at;
    if (what === 'terminated')
      for (const { instanceId } of now.instances.filter(isExpired)) own.add(instanceId);
    // Hosts whose retirement an earlier deployment owes: their instances are gone.
    if (what === 'hosts-retired') for (const id of this.#owed()) own.add(id);
    for (const id of ids) if (!own.has(id)) this.#broken(3, `${what}: the stranger ${id}`);
  }

  /** The instances behind Mackerel hosts, also of those that were just retired; an entry that nobody is known behind is a stranger. */
  #behind(hostIds: readonly string[]): readonly string[] {
    return hostIds.flatMap((id) => {
      const host = this.#world.mackerel.host(id);
      return host ? [host.instanceId ?? id] : [];
    });
  }

  /** Rule 3: nothing without the fleet's tag is terminated. */
  #onlyTagged(ids: readonly string[], now: WorldView): void {
    for (const id of ids) {
      const tag = now.instances.find((instance) => instance.instanceId === id)?.tags[TAG.fleet];
      if (tag !== this.#fleet.name) this.#broken(3, `terminated: ${id}, whose fleet is ${tag ?? 'unknown'}`);
    }
  }

  /** Rule 6: undone means that the old hosts are in service and nothing of the deployment is left. */
  #endedUndone(now: WorldView): void {
    if (this.#begunTermination) this.#broken(6, 'it was called undone after the point of no return');
    const left = this.#launched(now).filter(
      ({ state }) => state !== 'terminated' && state !== 'shutting-down',
    );
    const kept = left.filter((instance) => this.#isKept(instance, now)).slice(0, 1);
    for (const instance of left)
      if (!kept.includes(instance)) this.#broken(6, `${instance.instanceId} was left behind`);
    const owed = this.#owed();
    for (const { instanceId, hosts } of this.#launched(now)) {
      if (hosts.length > 0 && !owed.has(instanceId)) this.#broken(6, `${instanceId} was left in Mackerel`);
    }
    for (const { name, members } of this.#balancers(this.#before)) {
      const serving = this.#inService(now, name);
      const ports = new Map(this.#membersAt(now, name).map(({ instanceId, port }) => [instanceId, port]));
      const missing = members.filter(
        ({ instanceId, state, port }) =>
          state === 'in-service' && !(serving.has(instanceId) && ports.get(instanceId) === port),
      );
      for (const { instanceId } of missing)
        this.#broken(6, `${instanceId} is no longer in service at ${name}`);
    }
    // Whoever touches another role's host breaks rule 3; here another fleet's own deployment may have done so.
    for (const host of this.#ofRole(this.#before)) {
      const after = now.hosts.find(({ id }) => id === host.id);
      if (after?.status !== host.status && !owed.has(host.id))
        this.#broken(6, `Mackerel host ${host.id} was ${host.status}, is ${after?.status ?? 'gone'}`);
    }
  }

  /** Rule 6 has one exception: a failed instance that the fleet keeps, out of service, for a limited time. */
  #isKept(instance: InstanceView, now: WorldView): boolean {
    const most = now.at.getTime() + this.#fleet.keepFailedHostMinutes * 60_000;
    return (
      isKept(instance, now.at) &&
      (keptUntil(instance)?.getTime() ?? 0) <= most &&
      instance.memberOf.length === 0
    );
  }

  /**
   * Rule 7: deployed means exactly the new hosts: in EC2 by tag, at the load balancers, in Mackerel by role. Judged by
   * what serves: who else of the fleet does, or which new host does not, is named in the record, or the rule is broken.
   */
  #endedWell(now: WorldView): void {
    const named = this.#namedAtTheEnd();
    const launched = new Set(
      this.#newHosts(now)
        .map((instance) => instance.instanceId)
        .filter((id) => !named.has(id)),
    );
    const strangers = new Set([...this.#strangers(), ...named]);
    for (const { instanceId, tags, state } of now.instances) {
      if (tags[TAG.fleet] !== this.#fleet.name || launched.has(instanceId) || named.has(instanceId)) continue;
      if (state === 'running' && this.#servesSomewhere(instanceId, now) && !isKept({ tags }, now.at))
        this.#broken(7, `${instanceId} of the fleet still serves, and nobody was told`);
    }
    const wrong = (id: string) => !launched.has(id) && !strangers.has(id);
    for (const { instanceId, state, tags } of now.instances) {
      if (state !== 'terminated' && tags[TAG.fleet] === this.#fleet.name && wrong(instanceId))
        this.#broken(7, `${instanceId} is still running`);
    }
    for (const { name, members } of this.#balancers(now)) {
      for (const { instanceId } of members)
        if (wrong(instanceId)) this.#broken(7, `${instanceId} is still at ${name}`);
      for (const id of launched)
        if (!this.#inService(now, name).has(id)) this.#broken(7, `${id} is not in service at ${name}`);
    }
    const fallen = this.#newHosts(now).length - launched.size;
    if (launched.size + fallen !== fleetSize(this.#fleet))
      this.#broken(7, `${launched.size} new hosts exist`);
    for (const { instanceId, id } of this.#ofRole(now)) {
      if (instanceId && wrong(instanceId) && !this.#owed().has(instanceId))
        this.#broken(7, `Mackerel host ${id} of ${instanceId} is still there`);
    }
    for (const instance of this.#newHosts(now))
      if (!named.has(instance.instanceId) && !this.#isReady(instance, now))
        this.#broken(7, `${instance.instanceId} is not ready`);
  }

  /** Of a fleet without load balancers, whoever runs serves. */
  #servesSomewhere(instanceId: string, now: WorldView): boolean {
    const balancers = this.#balancers(now);
    return balancers.length === 0 || balancers.some(({ name }) => this.#inService(now, name).has(instanceId));
  }

  /** Whom the record says to be not as "deployed" says. */
  #namedAtTheEnd(): ReadonlySet<string> {
    const { artifact, name } = this.#fleet;
    const key = deploymentRecordKey(name, this.#deployment);
    const debts = this.#world.ledger.read(name)?.owed?.debts ?? [];
    const owed = debts.find((debt) => debt.kind === 'record' && debt.deployment === this.#deployment);
    const written: unknown =
      owed?.kind === 'record' ? JSON.parse(owed.record) : this.#world.s3.readRecord(artifact.bucket, key);
    const record = written as Partial<DeploymentRecord> | undefined;
    const { unlisted = [], fallen = [], unwatched = [], notSeen } = record?.atTheEnd ?? {};
    // That nobody could look is told, too: it says of everybody that one has to see.
    if (notSeen !== undefined)
      return new Set(this.#world.view().instances.map(({ instanceId }) => instanceId));
    return new Set([...unlisted, ...fallen, ...unwatched].map((each) => each.name));
  }

  /** A deployment that calls a human leaves enough hosts in service until someone comes, old ones or new ones. */
  #leftServing(now: WorldView): void {
    this.#nobodyMissing(now);
  }

  /** Of whom Mackerel was not told, and somebody makes up for it: instances to retire, hosts whose status is to be set. */
  #owed(): ReadonlySet<string> {
    const debts = this.#world.ledger.read(this.#fleet.name)?.owed?.debts ?? [];
    return new Set(
      debts.flatMap((debt) => {
        if (debt.kind === 'retire') return debt.instances;
        return debt.kind === 'status' ? debt.hosts : [];
      }),
    );
  }

  #isReady(instance: InstanceView, now: WorldView): boolean {
    const registered = this.#ofRole(now).some((host) => host.instanceId === instance.instanceId);
    const balancers = this.#fleet.loadBalancers.map(loadBalancerName);
    return (
      instance.state === 'running' &&
      registered &&
      balancers.every((name) => this.#inService(now, name).has(instance.instanceId))
    );
  }

  #membersAt(view: WorldView, name: string): LoadBalancerView['members'] {
    return view.loadBalancers.find((balancer) => balancer.name === name)?.members ?? [];
  }

  #inService(view: WorldView, name: string): ReadonlySet<string> {
    return new Set(
      this.#membersAt(view, name)
        .filter((member) => member.state === 'in-service')
        .map((member) => member.instanceId),
    );
  }

  #ofRole(view: WorldView): readonly HostView[] {
    const { service, role } = this.#fleet.mackerel;
    return view.hosts.filter((host) =>
      host.roles.some((each) => each.service === service && each.role === role),
    );
  }

  #launched(view: WorldView): readonly InstanceView[] {
    return view.instances.filter((instance) => instance.tags[TAG.deployment] === this.#deployment);
  }

  /** The hosts that should be in service in the end: without replaced stragglers. */
  #newHosts(view: WorldView): readonly InstanceView[] {
    return this.#launched(view).filter(({ instanceId }) => !this.#replaced.has(instanceId));
  }

  /** The fleet's own: other fleets may share the world. */
  #balancers(view: WorldView): readonly LoadBalancerView[] {
    const own = this.#fleet.loadBalancers.map(loadBalancerName);
    return view.loadBalancers.filter(({ name }) => own.includes(name));
  }

  /** Hosts that may be replaced: listed by Mackerel before, alive, with the fleet's tag. */
  #oldIds(): ReadonlySet<string> {
    const listed = new Set(this.#ofRole(this.#before).map((host) => host.instanceId));
    const own = this.#before.instances.filter(
      (instance) =>
        listed.has(instance.instanceId) &&
        instance.tags[TAG.fleet] === this.#fleet.name &&
        !isGoing(instance) &&
        !this.#isSetAside(instance),
    );
    return new Set(own.map((instance) => instance.instanceId));
  }

  /** Kept for debugging by an earlier deployment, and in service nowhere, although Mackerel may list it still. */
  #isSetAside(instance: InstanceView): boolean {
    const isOut = this.#fleet.loadBalancers.length > 0 && instance.memberOf.length === 0;
    return isOut && keptUntil(instance) !== undefined;
  }

  #strangers(): ReadonlySet<string> {
    const old = this.#oldIds();
    // Also a Mackerel host whose instance is long gone: nobody but a person knows that it is.
    const all = [...this.#before.instances, ...this.#before.hosts].flatMap(
      ({ instanceId }) => instanceId ?? [],
    );
    return new Set(all.filter((id) => !old.has(id)));
  }

  #broken(rule: number, what: string): void {
    this.violations.push({ rule, at: this.#world.view().at, what });
  }
}

function withoutMembers(balancer: LoadBalancerView, ids: ReadonlySet<string>): LoadBalancerView {
  const members = balancer.members.filter(({ instanceId }) => !ids.has(instanceId));
  return { ...balancer, members, inService: members.filter(({ state }) => state === 'in-service').length };
}
