/**
 * Mackerel over HTTP: the adapter of the port `Mackerel`. Facts about the API are those of its documentation
 * (mackerelio/documents, `api-docs/entry`); where that is silent, the code accepts every answer that it could mean.
 *
 * Retries, the one place: a request is tried `attempts` times, a few seconds in all, which bridges a dropped
 * connection or a single 503. Anything longer (maintenance takes minutes) is left to the state machine, which waits
 * without paying for a running function and is seen doing so. Hence the small defaults; rejected were retries only in
 * the state machine (a lost packet would start the whole step again, single calls of a bulk included) and long ones
 * here. Every request may be repeated: reads, set semantics, and `annotate` looks before it writes.
 */

import { setTimeout as sleepMillis } from 'node:timers/promises';
import * as v from 'valibot';
import { version } from '../../package.json';
import { chunksOf } from '../domain/core/collections.ts';
import { DeploymentError, isFailure } from '../domain/core/errors.ts';
import { keepSecret, masked } from '../domain/core/secrets.ts';
import type { FoundMackerel } from '../ports/account.ts';
import type {
  Annotation,
  Mackerel,
  MackerelAlert,
  MackerelHost,
  MackerelMonitor,
  MackerelStatus,
  MetricPoint,
  ServicePoint,
} from '../ports/mackerel.ts';
import type { Refusal } from '../ports/refusal.ts';
import { jsonIn, textOf } from './wire/answer.ts';
import { mackerelBase } from './wire/endpoint.ts';

export interface MackerelOptions {
  /** Asked before each request; cache it outside. Its own failure (`MackerelKeyUnreadable`) passes through unchanged. */
  readonly apiKey: () => Promise<string>;
  /** Scheme, host and port; default: as the variable `MACKEREL_APIBASE` says. A path is dropped, as in Mackerel's own tools. */
  readonly baseUrl?: string;
  readonly fetch?: typeof fetch;
  /** For one attempt, from connecting to the last byte. */
  readonly timeoutMs?: number;
  /** How often a request is tried in all. */
  readonly attempts?: number;
  /** Wait before the second attempt; doubles each time, shortened at random by up to a half. */
  readonly backoffMs?: number;
  /** How so many milliseconds are waited; for tests. */
  readonly sleep?: (millis: number) => Promise<unknown>;
}

const STATUSES = [
  'working',
  'standby',
  'maintenance',
  'poweroff',
] as const satisfies readonly MackerelStatus[];

/** Mackerel's limit for bulk calls. */
const BULK = 30;
/** Mackerel's largest page of alerts, and how many of them are read before the question is given up. */
const ALERTS_PER_PAGE = 100;
const ALERT_PAGES = 50;
/** Keeps the URL of `tsdb/latest` short, as Mackerel's own command does. */
const HOSTS_PER_METRIC_REQUEST = 100;
/**
 * Metrics that only a living agent posts. AWS Integration posts under `custom.` for hosts without an agent, so "any
 * metric" would prove nothing. Three, because an agent may be told to leave some out.
 */
const AGENT_METRICS = ['loadavg5', 'memory.used', 'cpu.user.percentage'];
/**
 * Metadata has no bulk call: so many requests side by side. Mackerel names no limit; the largest fleet, 500 hosts, takes
 * two seconds. With ten at a time it would be eight, for which the end of the whole deployment would wait.
 */
const METADATA_SIDE_BY_SIDE = 64;
/**
 * Bulk calls, of which half of 500 hosts need nine: one after the other they held up the shift and the end of a deployment.
 * How many Mackerel likes is not known: fewer than of metadata, and who asks to slow down (429) is asked again, as ever.
 */
const BULKS_SIDE_BY_SIDE = 10;
const TITLE_LIMIT = 250;
const DESCRIPTION_LIMIT = 1024;
/** Characters of Mackerel's own words, and of a list of refused hosts, in an error. */
const QUOTE_LIMIT = 200;
const REFUSED_LIMIT = 2000;

/**
 * Every method throws `ServiceUnavailable` when Mackerel did not answer, asked to slow down or said something that is
 * not understood; `MackerelRefused` for 401, 403 and other 4xx; `MackerelRoleUnknown` where a service or role is
 * missing; `MackerelKeyUnreadable` for a key that no header can carry. No error holds the key or has a `cause`.
 */
export function mackerelClient(options: MackerelOptions): Mackerel {
  const exchange = transport(options);
  return {
    ...reads(exchange),
    setStatus: (hostIds, status) => setStatus(exchange, hostIds, status),
    retire: async (hostIds) => ({
      refused: await inBulks(exchange, hostIds, { bulk: 'bulk-retire', single: 'retire', fields: {} }),
    }),
    annotate: (annotation) => annotate(exchange, annotation),
    postServiceMetrics: (service, points) => postServiceMetrics(exchange, service, points),
    setMetadata: async (hostIds, namespace, value) => ({
      refused: await setMetadata(exchange, hostIds, namespace, value),
    }),
    proveWriting: (service) => proveWriting(exchange, service),
  };
}

type Reads = 'hosts' | 'roles' | 'openAlerts' | 'monitors' | 'latestMetric' | 'metrics';

const reads = (exchange: Exchange): Pick<Mackerel, Reads> => ({
  hosts: (service, role) => hostsOfRole(exchange, service, role),
  roles: (service) => rolesOfService(exchange, service),
  openAlerts: () => openAlerts(exchange),
  monitors: () => allMonitors(exchange),
  latestMetric: (hostIds) => latestMetric(exchange, hostIds),
  metrics: (hostId, name, from, to) => metricsOfHost(exchange, hostId, name, from, to),
});

/** For steps that only read: what would change something is not in their bundles, which are the largest. */
export function mackerelReader(options: MackerelOptions): Mackerel {
  const unused = async (): Promise<never> => {
    throw new DeploymentError('StepCrashed', 'A step that only reads tried to change something in Mackerel.');
  };
  return {
    ...reads(transport(options)),
    setStatus: unused,
    retire: unused,
    annotate: unused,
    postServiceMetrics: unused,
    setMetadata: unused,
    proveWriting: unused,
  };
}

/** Of the whole organisation: its services and roles, and who of EC2 is in which. For the command alone. */
export async function organisation(options: MackerelOptions): Promise<FoundMackerel> {
  const exchange = transport(options);
  const { services } = await ask(exchange, get('services'), ServicesAnswer);
  const { hosts } = await ask(exchange, get('hosts', everyStatus()), HostsAnswer);
  return {
    services,
    hosts: hosts.flatMap((host) => {
      const instanceId = host.isRetired ? undefined : instanceIdOf(host);
      const roles = Object.entries(host.roles).flatMap(([service, all]) =>
        all.map((role) => `${service}:${role}`),
      );
      return instanceId === undefined ? [] : [{ instanceId, roles }];
    }),
  };
}

// ── What the port asks for ─────────────────────────────────────────────────────────────────────────────────────────

async function hostsOfRole(
  exchange: Exchange,
  service: string,
  role: string,
): Promise<readonly MackerelHost[]> {
  // Mackerel ignores `role` without `service`, and a blank one counts as none: the answer would be everybody's hosts.
  if (service.trim() === '' || role.trim() === '') {
    throw new DeploymentError(
      'MackerelRoleUnknown',
      `"${service}:${role}" is no service and role. Name both in the fleet’s settings.`,
    );
  }
  const call = get('hosts', [['service', service], ['role', role], ...everyStatus()]);
  const { hosts } = await ask(exchange, call, HostsAnswer);

  const stranger = hosts.find((host) => !host.roles[service]?.includes(role));
  if (stranger) {
    throw notUnderstood(
      call,
      `it lists host ${stranger.id}, which is not in ${service}:${role} (check the spelling, case included)`,
    );
  }
  return hosts.filter((host) => !host.isRetired).map(toHost);
}

/** From the list of all services: a 404 of one service's page could as well come from a wrong address. */
async function rolesOfService(exchange: Exchange, service: string): Promise<readonly string[] | undefined> {
  const { services } = await ask(exchange, get('services'), ServicesAnswer);
  return services.find(({ name }) => name === service)?.roles;
}

async function setStatus(
  exchange: Exchange,
  hostIds: readonly string[],
  status: MackerelStatus,
): Promise<void> {
  const action = { bulk: 'bulk-update-statuses', single: 'status', fields: { status } };
  const refused = await inBulks(exchange, hostIds, action);
  if (refused.length > 0) {
    const who = refused.map(({ id, reason }) => `${id} (${reason})`).join(', ');
    throw new DeploymentError(
      'MackerelRefused',
      `Mackerel did not set every host to ${status}: ${cut(who, REFUSED_LIMIT)}. ` +
        'Set it by hand, or run the deployment again.',
    );
  }
}

async function openAlerts(exchange: Exchange): Promise<readonly MackerelAlert[]> {
  const alerts: MackerelAlert[] = [];
  let nextId: string | undefined;
  for (let page = 0; page < ALERT_PAGES; page += 1) {
    const query: [string, string][] = [['limit', String(ALERTS_PER_PAGE)]];
    if (nextId) query.push(['nextId', nextId]);
    const answer = await ask(exchange, get('alerts', query), AlertsAnswer);
    alerts.push(...answer.alerts.flatMap(toOpenAlert));
    nextId = answer.nextId ?? undefined;
    if (!nextId) return alerts;
  }
  // A list cut off here would say "no alert" of a host whose alert stands further down.
  throw new DeploymentError(
    'ServiceUnavailable',
    `Mackerel has more than ${ALERT_PAGES * ALERTS_PER_PAGE} open alerts, so whether the fleet has one is unknown. ` +
      'Close the stale ones, then run the deployment again.',
  );
}

async function allMonitors(exchange: Exchange): Promise<readonly MackerelMonitor[]> {
  const { monitors } = await ask(exchange, get('monitors'), MonitorsAnswer);
  return monitors.map(({ id, type, name, isMute, duration, maxCheckAttempts }) => ({
    id,
    type,
    // Only that of connectivity may have none.
    name: name ?? type,
    isMute: isMute ?? false,
    ...(typeof duration === 'number' && { durationMinutes: duration }),
    ...(typeof maxCheckAttempts === 'number' && { maxCheckAttempts }),
  }));
}

async function latestMetric(
  exchange: Exchange,
  hostIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const latest = new Map<string, Date>();
  for (const ids of chunksOf(hostIds, HOSTS_PER_METRIC_REQUEST)) {
    const call = get('tsdb/latest', [
      ...ids.map((id) => ['hostId', id] as const),
      ...AGENT_METRICS.map((name) => ['name', name] as const),
    ]);
    const { tsdbLatest } = await ask(exchange, call, LatestMetricsAnswer);
    for (const id of ids) {
      const times = Object.values(tsdbLatest[id] ?? {}).flatMap((point) => (point ? [point.time] : []));
      if (times.length > 0) latest.set(id, fromSeconds(Math.max(...times)));
    }
  }
  return latest;
}

async function metricsOfHost(
  exchange: Exchange,
  hostId: string,
  name: string,
  from: Date,
  to: Date,
): Promise<readonly MetricPoint[]> {
  const call = get(`hosts/${encodeURIComponent(hostId)}/metrics`, [
    ['name', name],
    ['from', String(toSeconds(from))],
    ['to', String(toSeconds(to))],
  ]);
  const answer = await exchange(call);
  // No such host or no such metric: either way there are no points, and nothing is concluded from that.
  if (answer.status === 404) return [];
  if (!answer.ok) throw refused(call, answer);
  const { metrics } = parse(call, answer, MetricsAnswer);
  // A minute without a value is unknown, and no reason to know nothing of the others.
  return metrics.flatMap(({ time, value }) =>
    typeof value === 'number' ? [{ at: fromSeconds(time), value }] : [],
  );
}

async function annotate(exchange: Exchange, annotation: Annotation): Promise<void> {
  const { service, role } = annotation;
  const title = cut(annotation.title, TITLE_LIMIT);
  const from = toSeconds(annotation.from);
  const to = toSeconds(annotation.to);

  const span: [string, string][] = [
    ['service', service],
    ['from', String(from)],
    ['to', String(to)],
  ];
  const { graphAnnotations } = await ask(
    exchange,
    get('graph-annotations', span),
    AnnotationsAnswer,
    roleUnknown(service, role),
  );
  // A step may run twice, and Mackerel keeps every mark that it is given.
  if (
    graphAnnotations.some((mark) => mark.title === title && mark.from === from && mark.roles?.includes(role))
  ) {
    return;
  }
  const description = cut(annotation.description, DESCRIPTION_LIMIT);
  const mark = { service, roles: [role], title, description, from, to };
  await ask(exchange, post('graph-annotations', mark), CreatedAnswer, roleUnknown(service, role));
}

async function postServiceMetrics(
  exchange: Exchange,
  service: string,
  points: readonly ServicePoint[],
): Promise<void> {
  if (points.length === 0) return;
  const body = points.map(({ name, value, at }) => ({ name, value, time: toSeconds(at) }));
  const call = post(`services/${encodeURIComponent(service)}/tsdb`, body);
  await ask(exchange, call, SuccessAnswer, serviceUnknown(service));
}

async function setMetadata(
  exchange: Exchange,
  hostIds: readonly string[],
  namespace: string,
  value: unknown,
): Promise<readonly Refusal[]> {
  const put = async (id: string): Promise<Refusal[]> => {
    const path = `hosts/${encodeURIComponent(id)}/metadata/${encodeURIComponent(namespace)}`;
    const call: Call = { method: 'PUT', path, query: [], body: value };
    const answer = await exchange(call);
    if (!answer.ok) return [{ id, reason: `${answer.status}: ${quote(answer)}` }];
    parse(call, answer, SuccessAnswer);
    return [];
  };
  return sideBySide([...new Set(hostIds)], METADATA_SIDE_BY_SIDE, put);
}

async function proveWriting(exchange: Exchange, service: string): Promise<void> {
  const path = `services/${encodeURIComponent(service)}/metadata/irekae`;
  const call: Call = { method: 'PUT', path, query: [], body: { deploys: true } };
  await ask(exchange, call, SuccessAnswer, serviceUnknown(service));
}

// ── Bulk calls ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface BulkAction {
  /** `/hosts/<bulk>` takes many ids, `/hosts/<id>/<single>` one; both take the fields. */
  readonly bulk: string;
  readonly single: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Acts on all hosts, 30 at a time, and answers whom Mackerel refused although it still has them. */
async function inBulks(
  exchange: Exchange,
  hostIds: readonly string[],
  action: BulkAction,
): Promise<readonly Refusal[]> {
  return sideBySide(chunksOf(hostIds, BULK), BULKS_SIDE_BY_SIDE, async (ids) => {
    const call = post(`hosts/${action.bulk}`, { ids, ...action.fields });
    const answer = await exchange(call);
    if (!answer.ok) return oneByOne(exchange, ids, action);
    parse(call, answer, SuccessAnswer);
    return [];
  });
}

/**
 * So many at a time. Fails only when none is under way anymore: a function that has answered is stopped in the middle of
 * what it still does, and goes on with it in its next run.
 */
async function sideBySide<T>(
  all: readonly T[],
  most: number,
  act: (one: T) => Promise<readonly Refusal[]>,
): Promise<readonly Refusal[]> {
  const refused: Refusal[] = [];
  for (const some of chunksOf(all, most)) {
    const outcomes = await Promise.allSettled(some.map(act));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
      refused.push(...outcome.value);
    }
  }
  return refused;
}

/**
 * One unknown id fails a whole bulk call, and whether the other ids were done is not documented. So: who is still
 * there, then each alone. Who is gone is read from a complete list, never from a 404, which a wrong address gives too.
 */
async function oneByOne(
  exchange: Exchange,
  ids: readonly string[],
  action: BulkAction,
): Promise<readonly Refusal[]> {
  const present = await liveHostIds(exchange);
  const refused: Refusal[] = [];
  for (const id of ids.filter((each) => present.has(each))) {
    const call = post(`hosts/${encodeURIComponent(id)}/${action.single}`, action.fields);
    const answer = await exchange(call);
    if (answer.ok) parse(call, answer, SuccessAnswer);
    else refused.push({ id, reason: `${answer.status}: ${quote(answer)}` });
  }
  if (refused.length === 0) return [];
  const stillPresent = await liveHostIds(exchange);
  return refused.filter(({ id }) => stillPresent.has(id));
}

async function liveHostIds(exchange: Exchange): Promise<ReadonlySet<string>> {
  const { hosts } = await ask(exchange, get('hosts', everyStatus()), HostIdsAnswer);
  return new Set(hosts.filter((host) => !host.isRetired).map((host) => host.id));
}

// ── Wire types and converters ──────────────────────────────────────────────────────────────────────────────────────

const EpochSeconds = v.pipe(v.number(), v.finite());

const WireHost = v.object({
  id: v.string(),
  name: v.string(),
  status: v.picklist(STATUSES),
  isRetired: v.boolean(),
  createdAt: EpochSeconds,
  roles: v.record(v.string(), v.array(v.string())),
  customIdentifier: v.nullish(v.string()),
  interfaces: v.optional(v.unknown()),
  meta: v.nullish(
    v.object({ cloud: v.nullish(v.object({ metadata: v.nullish(v.record(v.string(), v.unknown())) })) }),
  ),
});

const WireAlert = v.object({
  id: v.string(),
  status: v.picklist(['OK', 'CRITICAL', 'WARNING', 'UNKNOWN']),
  type: v.string(),
  monitorId: v.nullish(v.string()),
  hostId: v.nullish(v.string()),
  value: v.nullish(v.number()),
  message: v.nullish(v.string()),
  openedAt: EpochSeconds,
  closedAt: v.nullish(EpochSeconds),
});

/** What a host or metric without data looks like is not documented: absent, empty and null are all taken as none. */
const WireLatest = v.record(
  v.string(),
  v.nullish(v.record(v.string(), v.nullish(v.object({ time: EpochSeconds })))),
);

const HostsAnswer = v.object({ hosts: v.array(WireHost) });
const HostIdsAnswer = v.object({ hosts: v.array(v.object({ id: v.string(), isRetired: v.boolean() })) });
const ServicesAnswer = v.object({
  services: v.array(v.object({ name: v.string(), roles: v.array(v.string()) })),
});
const AlertsAnswer = v.object({ alerts: v.array(WireAlert), nextId: v.nullish(v.string()) });
const MonitorsAnswer = v.object({
  monitors: v.array(
    v.object({
      id: v.string(),
      type: v.string(),
      name: v.nullish(v.string()),
      isMute: v.nullish(v.boolean()),
      duration: v.nullish(v.number()),
      maxCheckAttempts: v.nullish(v.number()),
    }),
  ),
});
const LatestMetricsAnswer = v.object({ tsdbLatest: WireLatest });
const MetricsAnswer = v.object({
  metrics: v.array(v.object({ time: EpochSeconds, value: v.nullish(v.pipe(v.number(), v.finite())) })),
});
const AnnotationsAnswer = v.object({
  graphAnnotations: v.array(
    v.object({ title: v.string(), from: EpochSeconds, roles: v.nullish(v.array(v.string())) }),
  ),
});
const CreatedAnswer = v.object({ id: v.string() });
const SuccessAnswer = v.object({ success: v.literal(true) });

function toHost(wire: v.InferOutput<typeof WireHost>): MackerelHost {
  const instanceId = instanceIdOf(wire);
  return {
    id: wire.id,
    name: wire.name,
    status: wire.status,
    ...(instanceId ? { instanceId } : { addresses: addressesIn(wire.interfaces) }),
    createdAt: fromSeconds(wire.createdAt),
  };
}

/** Agents of today and of former times write them under different names. */
const addressesIn = (interfaces: unknown): string[] => [
  ...new Set(JSON.stringify(interfaces ?? '').match(/(?<=")\d+(\.\d+){3}(?=")/g)),
];

/** Never from the name. The pattern matters: other clouds have an `instance-id` of their own. */
function instanceIdOf({ customIdentifier, meta }: v.InferOutput<typeof WireHost>): string | undefined {
  const identified = /^(i-[0-9a-f]+)\.ec2\.amazonaws\.com$/.exec(customIdentifier ?? '')?.[1];
  const seen = meta?.cloud?.metadata?.['instance-id'];
  return identified ?? (typeof seen === 'string' && /^i-[0-9a-f]+$/.test(seen) ? seen : undefined);
}

function toOpenAlert(wire: v.InferOutput<typeof WireAlert>): MackerelAlert[] {
  if (wire.status === 'OK' || typeof wire.closedAt === 'number') return [];
  return [
    {
      id: wire.id,
      status: wire.status,
      ...(wire.monitorId && { monitorId: wire.monitorId }),
      ...(wire.hostId && { hostId: wire.hostId }),
      ...(typeof wire.value === 'number' && { value: wire.value }),
      // A connectivity alert says nothing but its type.
      message: wire.message || wire.type,
      openedAt: fromSeconds(wire.openedAt),
    },
  ];
}

// ── Requests and answers ───────────────────────────────────────────────────────────────────────────────────────────

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below `/api/v0/`, each part URL-encoded. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly body?: unknown;
}

/** What Mackerel finally said: 2xx, or a 4xx other than the ones that concern the key. */
interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly text: string;
}

type Exchange = (call: Call) => Promise<Answer>;

const get = (path: string, query: Call['query'] = []): Call => ({ method: 'GET', path, query });
const post = (path: string, body: unknown): Call => ({ method: 'POST', path, query: [], body });

/** Mackerel leaves out maintenance and poweroff unless it is asked for each status by name. */
const everyStatus = () => STATUSES.map((status) => ['status', status] as const);

/** The answer of the expected shape. A 404 is `whenMissing`, where given. */
async function ask<S extends v.GenericSchema>(
  exchange: Exchange,
  call: Call,
  schema: S,
  whenMissing?: (said: string) => DeploymentError,
): Promise<v.InferOutput<S>> {
  const answer = await exchange(call);
  if (answer.ok) return parse(call, answer, schema);
  if (answer.status === 404 && whenMissing) throw whenMissing(quote(answer));
  throw refused(call, answer);
}

const refused = (call: Call, answer: Answer): DeploymentError =>
  new DeploymentError(
    'MackerelRefused',
    `Mackerel refused ${nameOf(call)} with ${answer.status}: ${quote(answer)}. Compare the fleet’s settings with Mackerel.`,
  );

function parse<S extends v.GenericSchema>(call: Call, answer: Answer, schema: S): v.InferOutput<S> {
  let json: unknown;
  try {
    json = jsonIn(answer.text);
  } catch (error) {
    throw notUnderstood(call, `it is ${(error as Error).message}`);
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw notUnderstood(call, `${v.getDotPath(issue) ?? 'the whole'} should be ${issue.expected}`);
}

/** "Unknown", never "none": an answer of another shape must not read as an empty list. */
function notUnderstood(call: Call, why: string): DeploymentError {
  return new DeploymentError(
    'ServiceUnavailable',
    `Mackerel’s answer to ${nameOf(call)} is not understood: ${why}. Nothing was concluded from it; run the deployment again.`,
  );
}

function roleUnknown(service: string, role: string): (said: string) => DeploymentError {
  return (said) =>
    new DeploymentError(
      'MackerelRoleUnknown',
      `Mackerel does not know ${service}:${role} (${said}). Create the role in Mackerel or correct the fleet’s settings.`,
    );
}

function serviceUnknown(service: string): (said: string) => DeploymentError {
  return (said) =>
    new DeploymentError(
      'MackerelRoleUnknown',
      `Mackerel does not know the service ${service} (${said}). Create it in Mackerel or correct the fleet’s settings.`,
    );
}

// ── Transport ──────────────────────────────────────────────────────────────────────────────────────────────────────

function transport(options: MackerelOptions): Exchange {
  const { apiKey, attempts = 3, backoffMs = 300, sleep = sleepMillis } = options;
  return async (call) => {
    const key = keepSecret(usable(await apiKey()));
    let trouble = '';
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      if (attempt > 1) await sleep(backoffMs * 2 ** (attempt - 2) * (1 - Math.random() / 2));
      const outcome = await tryOnce(call, key, options);
      if ('trouble' in outcome) trouble = outcome.trouble;
      else if (outcome.status === 401 || outcome.status === 403) throw keyRefused(call, outcome);
      else return outcome;
    }
    throw new DeploymentError(
      'ServiceUnavailable',
      `Mackerel did not answer ${nameOf(call)} in ${attempts} attempts (last: ${trouble}). ` +
        'If Mackerel is not under maintenance, check the function’s way to the internet; then run the deployment again.',
    );
  };
}

/** An answer, or what stood in its way and may pass. */
async function tryOnce(
  call: Call,
  key: string,
  options: MackerelOptions,
): Promise<Answer | { trouble: string }> {
  const { fetch = globalThis.fetch, baseUrl = mackerelBase(), timeoutMs = 5000 } = options;
  const url = new URL(`/api/v0/${call.path}`, baseUrl);
  for (const [name, value] of call.query) url.searchParams.append(name, value);
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: {
        'X-Api-Key': key,
        'User-Agent': `irekae/${version}`,
        ...(call.method !== 'GET' && { 'Content-Type': 'application/json' }),
      },
      ...(call.method !== 'GET' && { body: JSON.stringify(call.body) }),
      // Followed, a redirect would carry the key to another host.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await textOf(response, 'Mackerel');
    if (response.status === 408 || response.status === 429 || response.status >= 500) {
      return { trouble: `status ${response.status}` };
    }
    // An error text may echo the request.
    return {
      status: response.status,
      ok: response.ok,
      text: response.ok ? text : masked(text),
    };
  } catch (error) {
    if (isFailure(error)) throw error;
    return { trouble: nameOfTrouble(error, timeoutMs) };
  }
}

/** Only the name and code: messages and causes of `fetch` may quote headers. */
function nameOfTrouble(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'an unknown error';
  if (error.name === 'TimeoutError') return `no whole answer within ${timeoutMs} ms`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}

/** Line ends around a stored key are common and harmless; anything else would make `fetch` quote it in an error. */
function usable(key: string): string {
  const trimmed = key.trim();
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw new DeploymentError(
    'MackerelKeyUnreadable',
    'The stored Mackerel API key is empty or has characters that no key has. Store it again, as copied from Mackerel.',
  );
}

function keyRefused(call: Call, answer: Answer): DeploymentError {
  return new DeploymentError(
    'MackerelRefused',
    `Mackerel refused the API key for ${nameOf(call)} with ${answer.status}: ${quote(answer)}. ` +
      'Check in Mackerel that the key exists, has both Read and Write switched on, and that the organization’s ' +
      'IP address restriction lets this function in.',
  );
}

/** Method and path; the query could be long. */
const nameOf = (call: Call) => `${call.method} /api/v0/${call.path}`;

/** Mackerel's own words: `{"error":{"message"}}` today, `{"error":"…"}` before 2023, a page from what stands before it. */
function quote(answer: Answer): string {
  const known = v.safeParse(ErrorText, answer.text);
  const said = known.success ? known.output : answer.text.replace(/<[^<>]*>/g, ' ');
  return cut(said.replace(/\s+/g, ' ').trim() || 'no reason given', QUOTE_LIMIT);
}

const ErrorText = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: v.union([v.string(), v.object({ message: v.string() })]) }),
  v.transform(({ error }) => (typeof error === 'string' ? error : error.message)),
);

// ── Small things ───────────────────────────────────────────────────────────────────────────────────────────────────

const fromSeconds = (seconds: number) => new Date(seconds * 1000);
const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000);

/**
 * At most `limit` characters, the last one an ellipsis if something is missing. Counted in UTF-16 units, so that it
 * fits however Mackerel counts; a character of two units is never cut through.
 */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
