/**
 * The modelled Mackerel: hosts that agents register, statuses, metrics, alerts, annotations. What agents do by
 * themselves (register, post, sign off) is caught up on at every look and action.
 */

import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type {
  Annotation,
  MackerelAlert,
  MackerelHost,
  MackerelMonitor,
  MackerelStatus,
  MetricPoint,
  ServicePoint,
} from '../../lambdas/ports/mackerel.ts';
import type { Refusal } from '../../lambdas/ports/refusal.ts';
import { addressOf, type ModelInstance } from './instance.ts';
import { metBy, type Outage } from './mackerel-outage.ts';
import type { Met } from './outages.ts';
import type { Surroundings } from './surroundings.ts';
import { CONNECTIVITY_MILLIS, METRIC_LATE_MILLIS, METRIC_MILLIS, wholeSeconds } from './timings.ts';

export interface Role {
  readonly service: string;
  readonly role: string;
}

/** `[host_status]` of the agents' configuration. */
export interface AgentSettings {
  readonly onStart: MackerelStatus;
  /** Set when the host shuts down; without it the host just goes silent. */
  readonly onStop?: MackerelStatus;
}

export interface ModelHost {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly instanceId?: string;
  readonly createdAt: number;
  status: MackerelStatus;
  retiredAt?: number;
}

interface HostRecord extends ModelHost {
  /** The instance whose agent posts metrics; without it the host is just an entry. */
  readonly agent?: ModelInstance;
  statusSince: number;
  saidGoodbye: boolean;
  /** Set by the scenario, besides what the agent posts. */
  postedAt?: number;
}

export interface ModelAlert extends Omit<MackerelAlert, 'openedAt'> {
  readonly kind: 'connectivity' | 'scenario';
  readonly openedAt: number;
  closedAt?: number;
}

interface AwaitedAgent {
  readonly instance: ModelInstance;
  readonly roles: readonly Role[];
  readonly status: MackerelStatus;
}

/** A host that a scenario adds: a stranger, or a second entry of one instance. */
export interface HandMadeHost {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly instanceId?: string;
  readonly status?: MackerelStatus;
  readonly createdAt?: Date;
}

/** What an agent posts of its host under some name at a moment; `undefined`: nothing. */
export type AgentMetric = (host: Readonly<ModelHost>, at: Date) => number | undefined;

/** What each agent posts without a plugin, as far as anybody asks. */
const AGENT_METRICS: readonly (readonly [name: string, level: number])[] = [
  ['loadavg5', 0.6],
  ['cpu.user.percentage', 20],
  ['memory.used', 900_000_000],
];

/** The calls for which a key that may only read is enough. */
const READS = ['hosts', 'roles', 'openAlerts', 'monitors', 'latestMetric', 'metrics'];

/** Nobody answers an agent either. */
const UNREACHABLE: readonly Outage[] = ['down', 'answers-503', 'answers-html', 'hangs'];
/** Three tries of five seconds, with pauses. */
const HANG_SECONDS = 16;
const AGENT_RETRY_MILLIS = 3_000;

/** A point of a service metric. */
const METRIC_NAME = /^[a-zA-Z0-9._-]+$/;

/** The agent is stopped about this long after the host began to shut down. */
const GOODBYE_MILLIS = 1000;

export class MackerelModel {
  agent: AgentSettings = { onStart: 'working' };

  readonly #world: Surroundings;
  readonly #services = new Map<string, Set<string>>();
  readonly #hosts = new Map<string, HostRecord>();
  /** Not retired, in order of registration. */
  readonly #live = new Map<string, HostRecord>();
  readonly #alerts: ModelAlert[] = [];
  readonly #monitors = new Map<string, MackerelMonitor>();
  readonly #annotations: Annotation[] = [];
  /** Service → name → epoch seconds → value. */
  readonly #points = new Map<string, Map<string, Map<number, number>>>();
  readonly #agentMetrics = new Map<string, AgentMetric>(
    AGENT_METRICS.map(([name, level]) => [
      name,
      (host, at) => level * this.#wobble(`${host.id} ${name}`, at),
    ]),
  );
  /** `host/name` → points of hosts without an agent. */
  readonly #hostPoints = new Map<string, MetricPoint[]>();
  /** `host/namespace` → JSON. */
  readonly #metadata = new Map<string, string>();
  #awaited: AwaitedAgent[] = [];
  #serial = 0;
  readonly #outages: { readonly kind: Outage; readonly from: number; until: number }[] = [];

  constructor(world: Surroundings) {
    this.#world = world;
  }

  // ── What a scenario sets up and does ──

  addService(service: string, roles: readonly string[]): void {
    this.#services.set(service, new Set([...(this.#services.get(service) ?? []), ...roles]));
  }

  addHost({ name, roles, instanceId, status = 'working', createdAt }: HandMadeHost): string {
    const at = createdAt?.getTime() ?? this.#world.now();
    const record = this.#record(name, at, status, roles);
    this.#keep(instanceId === undefined ? record : { ...record, instanceId });
    return record.id;
  }

  /** For a host without an agent of the world; the newest counts. */
  postMetric(hostId: string, at: Date, name = 'loadavg5', value = 0.5): void {
    const host = this.#live.get(hostId);
    if (host === undefined) throw new Error(`Mackerel has no host ${hostId}`);
    host.postedAt = Math.max(host.postedAt ?? 0, at.getTime());
    const key = `${hostId}/${name}`;
    this.#hostPoints.set(key, [...(this.#hostPoints.get(key) ?? []), { at, value }]);
  }

  /** From now on each agent posts this once a minute, too; and has done so before. */
  addAgentMetric(name: string, metric: AgentMetric): void {
    this.#agentMetrics.set(name, metric);
  }

  /** Between 0.9 and 1.1, the same for the same moment. */
  #wobble(label: string, at: Date): number {
    return this.#world.random.branch(`${label} ${at.getTime()}`).between([0.9, 1.1]);
  }

  /** @returns its id */
  addMonitor(monitor: Omit<MackerelMonitor, 'id' | 'isMute'> & { readonly isMute?: boolean }): string {
    const id = this.#world.random.branch(`monitor ${this.#monitors.size}`).base58(11);
    this.#monitors.set(id, { isMute: false, ...monitor, id });
    return id;
  }

  openAlert(
    alert: Pick<MackerelAlert, 'status' | 'message'> &
      Partial<Pick<MackerelAlert, 'hostId' | 'monitorId' | 'value'>>,
  ): string {
    this.#catchUp();
    const id = this.#open({ ...alert, kind: 'scenario' }, this.#world.now());
    const host = alert.hostId === undefined ? {} : { hostId: alert.hostId };
    this.#world.emit({ kind: 'alert-opened', ...host, ids: [id], changed: [id] });
    return id;
  }

  closeAlert(id: string): void {
    const alert = this.#alerts.find((candidate) => candidate.id === id && candidate.closedAt === undefined);
    if (alert !== undefined) alert.closedAt = this.#world.now();
    this.#world.emit({ kind: 'alert-closed', ids: [id], changed: alert === undefined ? [] : [id] });
  }

  /** Every call meets this from now on, for so many minutes. Agents register when Mackerel is back: they try until they may. */
  suffer(kind: Outage, minutes = Number.POSITIVE_INFINITY): void {
    const from = this.#world.now();
    this.#outages.push({ kind, from, until: from + minutes * 60_000 });
  }

  recover(): void {
    const now = this.#world.now();
    for (const outage of this.#outages) outage.until = Math.min(outage.until, now);
  }

  // ── For the other parts of the world ──

  /** What a call from outside meets on its way, and after how many seconds of tries. */
  meets(action: string): Met | undefined {
    const now = this.#world.now();
    const outage = this.#outages.findLast(({ from, until }) => from <= now && now < until);
    const error = outage && metBy(outage.kind, !READS.includes(action));
    return error && { error, seconds: outage.kind === 'hangs' ? HANG_SECONDS : 0 };
  }

  /** While nobody reaches Mackerel, no agent does either. A key that is refused is ours alone. */
  #registersAt({ life }: ModelInstance): number {
    return this.#outages.reduce(
      (at, { kind, from, until }) =>
        UNREACHABLE.includes(kind) && from <= at && at < until ? until + AGENT_RETRY_MILLIS : at,
      life.registersAt,
    );
  }

  /** This instance's agent will register at its moment, under this role. */
  expectAgent(instance: ModelInstance, role: Role | undefined, status = this.agent.onStart): void {
    if (instance.life.registersAt === Number.POSITIVE_INFINITY) return;
    this.#awaited.push({ instance, roles: role === undefined ? [] : [role], status });
  }

  /** Every host that is not retired, with its true state. */
  live(): readonly Readonly<ModelHost>[] {
    this.#catchUp();
    return [...this.#live.values()];
  }

  /** Every host that ever existed. */
  host(id: string): Readonly<ModelHost> | undefined {
    this.#catchUp();
    return this.#hosts.get(id);
  }

  alerts(): readonly Readonly<ModelAlert>[] {
    this.#catchUp();
    return this.#alerts;
  }

  annotations(): readonly Annotation[] {
    return this.#annotations;
  }

  /** The values of a service metric, oldest first. */
  servicePoints(service: string, name: string): readonly { readonly at: Date; readonly value: number }[] {
    const points = [...(this.#points.get(service)?.get(name) ?? [])];
    return points.sort(([a], [b]) => a - b).map(([time, value]) => ({ at: new Date(time * 1_000), value }));
  }

  serviceMetricNames(service: string): readonly string[] {
    return [...(this.#points.get(service)?.keys() ?? [])];
  }

  metadata(hostId: string, namespace: string): unknown {
    const json = this.#metadata.get(`${hostId}/${namespace}`);
    return json === undefined ? undefined : JSON.parse(json);
  }

  // ── The port ──

  hosts(service: string, role: string): readonly MackerelHost[] {
    if (service.trim() === '' || role.trim() === '') throw unknownRole(service, role);
    this.#catchUp();
    return [...this.#live.values()]
      .filter((host) => host.roles.some((one) => one.service === service && one.role === role))
      .map(toHost);
  }

  roles(service: string): readonly string[] | undefined {
    this.#catchUp();
    const roles = this.#services.get(service);
    return roles && [...roles];
  }

  setStatus(hostIds: readonly string[], status: MackerelStatus): void {
    this.#catchUp();
    const changed: string[] = [];
    for (const id of new Set(hostIds)) {
      const host = this.#live.get(id);
      if (host === undefined || host.status === status) continue;
      changeStatus(host, status, this.#world.now());
      changed.push(id);
    }
    this.#world.emit({ kind: 'host-status-set', status, ids: [...hostIds], changed });
  }

  retire(hostIds: readonly string[]): { readonly refused: readonly Refusal[] } {
    this.#catchUp();
    const changed = [...new Set(hostIds)].filter((id) => this.#live.has(id));
    for (const id of changed) this.#retireOne(id);
    this.#world.emit({ kind: 'hosts-retired', ids: [...hostIds], changed });
    return { refused: [] };
  }

  openAlerts(): readonly MackerelAlert[] {
    this.#catchUp();
    return this.#alerts
      .filter((alert) => alert.closedAt === undefined)
      .reverse()
      .sort((a, b) => b.openedAt - a.openedAt)
      .map(({ id, status, monitorId, hostId, value, message, openedAt }) => ({
        id,
        status,
        ...(monitorId !== undefined && { monitorId }),
        ...(hostId !== undefined && { hostId }),
        ...(value !== undefined && { value }),
        message,
        openedAt: wholeSeconds(openedAt),
      }));
  }

  monitors(): readonly MackerelMonitor[] {
    return [...this.#monitors.values()];
  }

  latestMetric(hostIds: readonly string[]): ReadonlyMap<string, Date> {
    this.#catchUp();
    const latest = new Map<string, Date>();
    for (const id of hostIds) {
      const host = this.#live.get(id);
      const at = host && lastPost(host, this.#world.now());
      if (at !== undefined) latest.set(id, wholeSeconds(at));
    }
    return latest;
  }

  metrics(hostId: string, name: string, from: Date, to: Date): readonly MetricPoint[] {
    this.#catchUp();
    const host = this.#live.get(hostId);
    if (host === undefined) return [];
    const isAsked = ({ at }: MetricPoint) => at >= from && at <= to;
    if (host.agent === undefined) return (this.#hostPoints.get(`${hostId}/${name}`) ?? []).filter(isAsked);
    const metric = this.#agentMetrics.get(name);
    const until = Math.min(to.getTime(), host.agent.downAt, this.#world.now() - METRIC_LATE_MILLIS);
    const first = Math.max(1, Math.ceil((from.getTime() - host.createdAt) / METRIC_MILLIS));
    const points: MetricPoint[] = [];
    for (let post = first; host.createdAt + post * METRIC_MILLIS <= until; post += 1) {
      const at = wholeSeconds(host.createdAt + post * METRIC_MILLIS);
      const value = metric?.(host, at);
      if (value !== undefined) points.push({ at, value });
    }
    return points.filter(isAsked);
  }

  /** The same annotation twice is one annotation: the adapter looks before it writes. */
  annotate(annotation: Annotation): void {
    const { service, role, title, from } = annotation;
    this.#catchUp();
    if (!this.#services.get(service)?.has(role)) throw unknownRole(service, role);
    const kept = {
      ...annotation,
      title: title.slice(0, 250),
      description: annotation.description.slice(0, 1024),
    };
    const second = (date: Date) => Math.floor(date.getTime() / 1000);
    const isThere = this.#annotations.some(
      (mark) =>
        mark.service === service &&
        mark.role === role &&
        mark.title === kept.title &&
        second(mark.from) === second(from),
    );
    if (!isThere) this.#annotations.push(kept);
    const ids = [`${service}:${role}`];
    this.#world.emit({ kind: 'annotated', title: kept.title, ids, changed: isThere ? [] : ids });
  }

  /** Points of one name and second: the last one stays. */
  postServiceMetrics(service: string, points: readonly ServicePoint[]): void {
    this.#catchUp();
    if (points.length === 0) return;
    if (!this.#services.has(service)) throw unknownRole(service, '*');
    const wrong = points.find(({ name }) => !METRIC_NAME.test(name));
    if (wrong)
      throw new DeploymentError('MackerelRefused', `Mackerel accepts no metric named "${wrong.name}".`);
    const ofService = this.#points.get(service) ?? new Map<string, Map<number, number>>();
    this.#points.set(service, ofService);
    for (const { name, value, at } of points) {
      const ofName = ofService.get(name) ?? new Map<number, number>();
      ofService.set(name, ofName.set(Math.floor(at.getTime() / 1_000), value));
    }
  }

  setMetadata(
    hostIds: readonly string[],
    namespace: string,
    value: unknown,
  ): { readonly refused: readonly Refusal[] } {
    this.#catchUp();
    const ids = [...new Set(hostIds)];
    const changed = ids.filter((id) => this.#live.has(id));
    for (const id of changed) this.#metadata.set(`${id}/${namespace}`, JSON.stringify(value));
    this.#world.emit({ kind: 'host-metadata-set', ids, changed });
    const gone = ids.filter((id) => !changed.includes(id));
    return {
      refused: gone.map((id) => ({ id, reason: this.#hosts.has(id) ? '400: retired' : '404: unknown' })),
    };
  }

  proveWriting(service: string): void {
    this.#catchUp();
    if (!this.#services.has(service)) throw unknownRole(service, '*');
  }

  // ── Inside ──

  /** Applies what agents and the connectivity monitor have done by themselves so far. */
  #catchUp(): void {
    const now = this.#world.now();
    this.#registerAgents(now);
    for (const host of this.#live.values()) {
      if (host.agent === undefined || host.agent.downAt > now) continue;
      this.#sayGoodbye(host, host.agent, now);
      this.#noticeSilence(host, host.agent, now);
    }
  }

  #registerAgents(now: number): void {
    const due = this.#awaited.filter(({ instance }) => this.#registersAt(instance) <= now);
    if (due.length === 0) return;
    this.#awaited = this.#awaited.filter(({ instance }) => !due.some((each) => each.instance === instance));
    due.sort((a, b) => this.#registersAt(a.instance) - this.#registersAt(b.instance));
    for (const { instance, roles, status } of due) {
      const registersAt = this.#registersAt(instance);
      if (instance.downAt <= registersAt) continue;
      const record = this.#record(instance.facts.hostName, registersAt, status, roles);
      // Whose a container's entry is, nothing in the world tells.
      const isKnowable = instance.facts.namelessAt?.includes(addressOf(instance.facts)) ?? true;
      this.#keep({ ...record, ...(isKnowable && { instanceId: instance.id }), agent: instance });
    }
  }

  #sayGoodbye(host: HostRecord, agent: ModelInstance, now: number): void {
    const at = agent.downAt + GOODBYE_MILLIS;
    // A host that was lost at once had no time to sign off.
    if (host.saidGoodbye || this.agent.onStop === undefined || at > now || isSudden(agent)) return;
    host.saidGoodbye = true;
    changeStatus(host, this.agent.onStop, at);
  }

  /** A host that is not monitored (maintenance, poweroff) raises no alert; once monitored again, it does at once. */
  #noticeSilence(host: HostRecord, agent: ModelInstance, now: number): void {
    if (host.status !== 'working' && host.status !== 'standby') return;
    const silentSince = lastPost(host, agent.downAt) ?? host.createdAt;
    const openedAt = Math.max(silentSince + CONNECTIVITY_MILLIS, host.statusSince);
    if (openedAt > now) return;
    const isOpen = this.#alerts.some(
      (alert) => alert.hostId === host.id && alert.kind === 'connectivity' && alert.closedAt === undefined,
    );
    if (isOpen) return;
    this.#open(
      { kind: 'connectivity', status: 'CRITICAL', hostId: host.id, message: 'connectivity' },
      openedAt,
    );
  }

  #open(alert: Omit<ModelAlert, 'id' | 'openedAt'>, openedAt: number): string {
    this.#serial += 1;
    const id = this.#world.random.branch(`alert ${this.#serial}`).base58(11);
    this.#alerts.push({ ...alert, id, openedAt });
    return id;
  }

  /** The registration creates roles that do not exist yet, as in Mackerel. */
  #record(name: string, createdAt: number, status: MackerelStatus, roles: readonly Role[]): HostRecord {
    this.#serial += 1;
    const id = this.#world.random.branch(`host ${this.#serial}`).base58(11);
    for (const { service, role } of roles) this.addService(service, [role]);
    return { id, name, roles, createdAt, status, statusSince: createdAt, saidGoodbye: false };
  }

  #keep(host: HostRecord): void {
    this.#hosts.set(host.id, host);
    this.#live.set(host.id, host);
  }

  #retireOne(id: string): void {
    const now = this.#world.now();
    const host = this.#live.get(id);
    if (host === undefined) return;
    host.retiredAt = now;
    this.#live.delete(id);
    for (const alert of this.#alerts) if (alert.hostId === id) alert.closedAt ??= now;
  }
}

function toHost({ id, name, status, instanceId, createdAt, agent }: HostRecord): MackerelHost {
  const addresses = agent?.facts.namelessAt ?? [];
  return {
    id,
    name,
    status,
    ...(instanceId === undefined || addresses.length > 0 ? { addresses } : { instanceId }),
    createdAt: wholeSeconds(createdAt),
  };
}

function changeStatus(host: HostRecord, status: MackerelStatus, at: number): void {
  host.status = status;
  host.statusSince = at;
}

/** The last metric up to a moment, as long as the host runs; `undefined` before the first. */
function lastPost({ agent, createdAt, postedAt }: HostRecord, at: number): number | undefined {
  if (agent === undefined) return postedAt;
  const posts = Math.floor((Math.min(at, agent.downAt) - createdAt) / METRIC_MILLIS);
  return posts < 1 ? postedAt : createdAt + posts * METRIC_MILLIS;
}

function isSudden({ ending }: ModelInstance): boolean {
  return ending !== undefined && ending.at === ending.doneAt;
}

function unknownRole(service: string, role: string): DeploymentError {
  return new DeploymentError(
    'MackerelRoleUnknown',
    `Mackerel has no role "${role}" in a service "${service}". Correct the fleet’s service and role in the fleets file.`,
  );
}
