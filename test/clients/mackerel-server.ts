/**
 * Mackerel's HTTP API in memory, on a free port of 127.0.0.1: the wire shapes of its documentation, exact enough for
 * Mackerel's own command and agent to work against it. Where the documentation is silent and the adapter must cope
 * with either answer, the choice is a `Habits` switch. Faults are injected per request; every request is recorded.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';

/** Of letters and digits alone, as Mackerel makes them. */
export const FULL_KEY = 'fullKey4f1d0c2b9a8e7d6c';
export const READ_ONLY_KEY = 'readKey0a9b8c7d6e5f4a3b';

/** What Mackerel does here is documented nowhere. */
export interface Habits {
  /** What acting on a retired host answers. */
  readonly onRetired: 200 | 400 | 404;
  /** Are the valid ids of a bulk call that fails with 404 changed all the same? */
  readonly failedBulk: 'changes-nothing' | 'changes-the-rest';
  /** What becomes of the identifier of a host that is written without one, as `mkr update` does. */
  readonly identifierLeftOut: 'stays' | 'is-gone';
  /** The organization's own setting: the status of a host whose agent has no `on_start`, and before it has set it. */
  readonly registersAs: MackerelStatus;
}

const HABITS: Habits = {
  onRetired: 404,
  failedBulk: 'changes-nothing',
  identifierLeftOut: 'stays',
  registersAs: 'working',
};

/** How an error is dressed: an object today, a string until 2022, a page from whatever stands before Mackerel. */
export type ErrorForm = 'object' | 'string' | 'html';

export interface Recorded {
  readonly method: string;
  /** Path with query, as sent. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface Fault {
  /** Which requests; all when left out. */
  readonly on?: (request: Recorded) => boolean;
  /** How often; once when left out. */
  readonly times?: number;
  /** The request takes effect before the fault shows. */
  readonly afterActing?: boolean;
  /** `reset` cuts the connection, `hang` never answers, `stall` stops after the headers. */
  readonly reply: 'reset' | 'hang' | 'stall' | CannedReply;
}

export interface CannedReply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WireHost {
  readonly id: string;
  name: string;
  displayName?: string;
  customIdentifier: string | null;
  readonly createdAt: number;
  status: MackerelStatus;
  memo: string;
  isRetired: boolean;
  retiredAt?: number;
  readonly size: 'standard';
  roles: Record<string, string[]>;
  meta: Record<string, unknown>;
  interfaces: unknown[];
}

export interface WireAlert {
  readonly id: string;
  readonly status: string;
  readonly monitorId: string;
  readonly type: string;
  readonly hostId?: string;
  readonly value?: number;
  readonly message?: string;
  readonly openedAt: number;
  closedAt?: number;
  reason?: string;
}

export interface WireMonitor {
  readonly id: string;
  readonly type: string;
  /** In lists, that of connectivity may be missing. */
  readonly name?: string;
  readonly isMute?: boolean;
  readonly duration?: number;
  readonly maxCheckAttempts?: number;
}

interface Mark {
  id: string;
  service: string;
  title: string;
  description: string;
  from: number;
  to: number;
  roles?: string[];
}

interface Sample {
  readonly time: number;
  readonly value: number;
}

/** The organization's data, open to tests. */
export interface Organization {
  readonly hosts: Map<string, WireHost>;
  /** Newest first. */
  readonly alerts: WireAlert[];
  readonly monitors: WireMonitor[];
  readonly services: Map<string, Set<string>>;
  readonly marks: Mark[];
  /** Host id, then metric name. */
  readonly metrics: Map<string, Map<string, Sample[]>>;
  /** `service name` → epoch seconds → value. */
  readonly serviceMetrics: Map<string, Map<number, number>>;
  /** `host/namespace` → what stands there. */
  readonly metadata: Map<string, unknown>;
}

export interface MackerelServer {
  readonly url: string;
  readonly requests: Recorded[];
  readonly organization: Organization;
  errorForm: ErrorForm;
  /** Creates services and roles that are missing, as registration does. */
  addHost(input: HostInput & { status?: MackerelStatus; createdAt?: number }): WireHost;
  addAlert(alert: Pick<WireAlert, 'type' | 'status'> & Partial<WireAlert>): WireAlert;
  addSample(hostId: string, name: string, sample: Sample): void;
  addService(name: string, roles: readonly string[]): void;
  fault(fault: Fault): void;
  stop(): Promise<void>;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

export async function startMackerelServer(habits: Partial<Habits> = {}): Promise<MackerelServer> {
  const api = organizationApi({ ...HABITS, ...habits });
  const faults: { fault: Fault; left: number }[] = [];
  const requests: Recorded[] = [];

  const http = createServer((request, response) => {
    void serve(request, response);
  });
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const raw = await text(request);
    const recorded = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: parseOr(raw, undefined),
    };
    requests.push(recorded);
    const armed = faults.find(({ fault, left }) => left > 0 && (fault.on?.(recorded) ?? true));
    if (armed) armed.left -= 1;
    const answer = armed && !armed.fault.afterActing ? undefined : answerTo(api, recorded, raw);
    if (armed) return showFault(armed.fault.reply, request, response);
    if (answer) send(response, answer, server.errorForm);
  };

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: MackerelServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    organization: api.organization,
    errorForm: 'object',
    addHost: api.addHost,
    addAlert: api.addAlert,
    addSample: api.addSample,
    addService: api.addService,
    fault: (fault) => faults.push({ fault, left: fault.times ?? 1 }),
    stop: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
}

// ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────────────

class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Reply {
  readonly status: number;
  readonly json?: unknown;
  readonly error?: string;
  readonly lastModified?: Date;
}

function send(response: ServerResponse, reply: Reply, form: ErrorForm): void {
  response.statusCode = reply.status;
  if (reply.lastModified) response.setHeader('Last-Modified', reply.lastModified.toUTCString());
  if (reply.error !== undefined && form === 'html') {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<html><body><h1>${reply.status}</h1>\n<p>${reply.error}</p></body></html>`);
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  const error = form === 'string' ? reply.error : { message: reply.error };
  response.end(JSON.stringify(reply.error === undefined ? reply.json : { error }));
}

function showFault(reply: Fault['reply'], request: IncomingMessage, response: ServerResponse): void {
  if (reply === 'hang') return;
  if (reply === 'reset') {
    request.socket.resetAndDestroy();
  } else if (reply === 'stall') {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.write('{"hosts":');
  } else {
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  }
}

function parseOr<T>(raw: string, otherwise: T): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return otherwise;
  }
}

// ── Routing ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Context {
  readonly query: URLSearchParams;
  /** Decoded path parts, in the order of the route's `:names`. */
  readonly parts: readonly string[];
  /** The raw request body; read it with `bodyAs`. */
  readonly raw: string;
}

/** What a route answers with 200, or with headers too. */
type Handler = (context: Context) => unknown;
type Route = readonly [method: string, path: string, handler: Handler];

function answerTo(api: OrganizationApi, request: Recorded, raw: string): Reply {
  const { pathname, searchParams } = new URL(request.url, 'http://mackerel.test');
  const found = match(api.routes, request.method, pathname);
  // An unknown path is 404 before the key is looked at.
  if (!found) return { status: 404, error: 'Not found.' };
  const refusal = keyProblem(request);
  if (refusal) return refusal;
  try {
    const json = found.handler({ query: searchParams, parts: found.parts, raw });
    return json instanceof Stored
      ? { status: 200, json: json.value, lastModified: json.at }
      : { status: 200, json };
  } catch (error) {
    if (error instanceof HttpError) return { status: error.status, error: error.message };
    throw error;
  }
}

function match(routes: readonly Route[], method: string, pathname: string) {
  const parts = pathname.split('/').slice(1);
  for (const [routeMethod, path, handler] of routes) {
    const pattern = `api/v0/${path}`.split('/');
    const fits =
      routeMethod === method &&
      pattern.length === parts.length &&
      pattern.every((each, index) => each.startsWith(':') || each === parts[index]);
    if (fits) {
      const named = parts.filter((_, index) => pattern[index]?.startsWith(':'));
      return { handler, parts: named.map(decodeURIComponent) };
    }
  }
  return undefined;
}

function keyProblem({ method, headers }: Recorded): Reply | undefined {
  const key = headers['x-api-key'];
  if (key === FULL_KEY || (key === READ_ONLY_KEY && method === 'GET')) return undefined;
  if (key === READ_ONLY_KEY) return { status: 403, error: 'Forbidden' };
  return { status: 401, error: 'Authentication failed. Please try with valid Api Key.' };
}

function bodyAs<S extends v.GenericSchema>(schema: S, raw: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, parseOr(raw, undefined));
  if (!parsed.success) throw new HttpError(400, 'Invalid JSON format.');
  return parsed.output;
}

/** A metadata value with its time, which goes into a header. */
class Stored {
  readonly value: unknown;
  readonly at: Date;
  constructor(value: unknown, at: Date) {
    this.value = value;
    this.at = at;
  }
}

// ── Request bodies ─────────────────────────────────────────────────────────────────────────────────────────────────

const Name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{1,62}$/));
const RoleFullname = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]+:\s*[A-Za-z0-9][A-Za-z0-9_-]+$/));
const Seconds = v.pipe(v.number(), v.integer());
const Status = v.picklist(['working', 'standby', 'maintenance', 'poweroff']);
const Ids = v.pipe(v.array(v.string()), v.maxLength(30));

const HostBody = v.object({
  name: v.string(),
  meta: v.record(v.string(), v.unknown()),
  displayName: v.nullish(v.string()),
  memo: v.nullish(v.string()),
  customIdentifier: v.nullish(v.string()),
  interfaces: v.nullish(v.array(v.unknown())),
  roleFullnames: v.nullish(v.array(RoleFullname)),
});
type HostInput = v.InferInput<typeof HostBody>;

const MarkBody = v.pipe(
  v.object({
    service: v.string(),
    title: v.pipe(v.string(), v.minLength(1), v.maxLength(250)),
    description: v.optional(v.pipe(v.string(), v.maxLength(1024)), ''),
    from: Seconds,
    to: Seconds,
    roles: v.nullish(v.array(v.string())),
  }),
  v.check(({ from, to }) => from <= to),
);

// ── The organization ───────────────────────────────────────────────────────────────────────────────────────────────

type OrganizationApi = ReturnType<typeof organizationApi>;

function organizationApi(habits: Habits) {
  const organization: Organization = {
    hosts: new Map(),
    alerts: [],
    monitors: [{ id: 'mon1', type: 'connectivity' }],
    services: new Map(),
    marks: [],
    metrics: new Map(),
    serviceMetrics: new Map(),
    metadata: new Map(),
  };
  const control = controls(organization);
  const routes: readonly Route[] = [
    ...hostRoutes(organization, control.addHost, habits),
    ...serviceRoutes(organization),
    ...markRoutes(organization),
    ...alertRoutes(organization),
    ...metricRoutes(organization, control.addSample),
    ...serviceMetricRoutes(organization),
    ...metadataRoutes(organization),
    ...agentRoutes(),
  ];
  return { organization, routes, ...control };
}

let lastId = 0;
/** 11 characters, as Mackerel's own ids. */
const newId = () => `4${(++lastId).toString(36).padStart(10, 'H')}`;

function controls(organization: Organization) {
  return {
    addHost(input: HostInput & { status?: MackerelStatus; createdAt?: number }): WireHost {
      const host: WireHost = {
        id: newId(),
        name: input.name,
        ...(input.displayName && { displayName: input.displayName }),
        customIdentifier: input.customIdentifier || null,
        createdAt: input.createdAt ?? nowSeconds(),
        status: input.status ?? 'working',
        memo: input.memo ?? '',
        isRetired: false,
        size: 'standard',
        roles: {},
        meta: input.meta,
        interfaces: input.interfaces ?? [],
      };
      addRoles(organization, host, input.roleFullnames ?? []);
      organization.hosts.set(host.id, host);
      return host;
    },
    addAlert(alert: Pick<WireAlert, 'type' | 'status'> & Partial<WireAlert>): WireAlert {
      const opened: WireAlert = { id: newId(), monitorId: 'mon1', openedAt: nowSeconds(), ...alert };
      organization.alerts.unshift(opened);
      return opened;
    },
    addSample(hostId: string, name: string, sample: Sample): void {
      const ofHost = organization.metrics.get(hostId) ?? new Map<string, Sample[]>();
      organization.metrics.set(hostId, ofHost);
      ofHost.set(name, [...(ofHost.get(name) ?? []), sample]);
    },
    addService(name: string, roles: readonly string[]): void {
      organization.services.set(name, new Set([...(organization.services.get(name) ?? []), ...roles]));
    },
  };
}

function addRoles(organization: Organization, host: WireHost, fullnames: readonly string[]): void {
  for (const fullname of fullnames) {
    const [service = '', role = ''] = fullname.split(/:\s*/);
    host.roles[service] = [...new Set([...(host.roles[service] ?? []), role])];
    organization.services.set(service, new Set([...(organization.services.get(service) ?? []), role]));
  }
}

// ── Hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function hostRoutes(
  organization: Organization,
  addHost: (input: HostInput & { status: MackerelStatus }) => WireHost,
  habits: Habits,
): readonly Route[] {
  const known = (id: string | undefined) => knownHost(organization, id);
  return [
    [
      'POST',
      'hosts',
      ({ raw }) => ({ id: addHost({ ...bodyAs(HostBody, raw), status: habits.registersAs }).id }),
    ],
    ['GET', 'hosts', ({ query }) => ({ hosts: listHosts(organization, query) })],
    ['GET', 'hosts.json', ({ query }) => ({ hosts: listHosts(organization, query) })],
    ['GET', 'hosts/:id', ({ parts: [id] }) => ({ host: known(id) })],
    ['PUT', 'hosts/:id', ({ parts: [id], raw }) => updateHost(organization, habits, known(id), raw)],
    [
      'PUT',
      'hosts/:id/role-fullnames',
      ({ parts: [id], raw }) => {
        const { roleFullnames } = bodyAs(v.object({ roleFullnames: v.array(RoleFullname) }), raw);
        const host = known(id);
        host.roles = {};
        addRoles(organization, host, roleFullnames);
        return { success: true };
      },
    ],
    [
      'GET',
      'hosts-by-custom-identifier/:cid',
      ({ parts: [cid], query }) => ({ host: hostByIdentifier(organization, cid, query) }),
    ],
    ...statusRoutes(organization, habits),
    ...retireRoutes(organization, habits),
  ];
}

function knownHost(organization: Organization, id: string | undefined): WireHost {
  const host = organization.hosts.get(id ?? '');
  if (!host) throw new HttpError(404, 'Host Not Found.');
  return host;
}

function listHosts(organization: Organization, query: URLSearchParams): WireHost[] {
  const service = query.get('service');
  const roles = query.getAll('role');
  const statuses = query.getAll('status');
  const wanted = statuses.length > 0 ? statuses : ['working', 'standby'];
  return [...organization.hosts.values()].filter(
    (host) =>
      !host.isRetired &&
      wanted.includes(host.status) &&
      // `role` without `service` is ignored.
      (service === null || inService(host, service, roles)) &&
      [null, host.name].includes(query.get('name')) &&
      [null, host.customIdentifier].includes(query.get('customIdentifier')),
  );
}

function inService(host: WireHost, service: string, roles: readonly string[]): boolean {
  const has = host.roles[service] ?? [];
  return roles.length === 0 ? has.length > 0 : roles.some((role) => has.includes(role));
}

function hostByIdentifier(
  organization: Organization,
  identifier: string | undefined,
  query: URLSearchParams,
): WireHost {
  const fold = (text: string | null | undefined) =>
    query.get('caseInsensitive') === 'true' ? text?.toLowerCase() : text;
  const host = [...organization.hosts.values()].find(
    (each) => !each.isRetired && fold(each.customIdentifier) === fold(identifier),
  );
  if (!host) throw new HttpError(404, 'Host Not Found.');
  return host;
}

/** Only adds roles; an identifier that is named, even as null, replaces the old one. */
function updateHost(organization: Organization, habits: Habits, host: WireHost, raw: string) {
  const input = bodyAs(HostBody, raw);
  host.name = input.name;
  host.meta = input.meta;
  host.memo = input.memo ?? host.memo;
  host.interfaces = input.interfaces ?? host.interfaces;
  if (input.displayName) host.displayName = input.displayName;
  if (input.customIdentifier !== undefined || habits.identifierLeftOut === 'is-gone')
    host.customIdentifier = input.customIdentifier || null;
  addRoles(organization, host, input.roleFullnames ?? []);
  return { id: host.id };
}

function statusRoutes(organization: Organization, habits: Habits): readonly Route[] {
  const setTo = (status: MackerelStatus) => (host: WireHost) => {
    host.status = status;
  };
  return [
    [
      'POST',
      'hosts/:id/status',
      ({ parts: [id], raw }) => {
        const { status } = bodyAs(v.object({ status: Status }), raw);
        return actOn(habits, knownHost(organization, id), setTo(status));
      },
    ],
    [
      'POST',
      'hosts/bulk-update-statuses',
      ({ raw }) => {
        const { ids, status } = bodyAs(v.object({ ids: Ids, status: Status }), raw);
        return actOnAll(organization, habits, ids, setTo(status));
      },
    ],
  ];
}

function retireRoutes(organization: Organization, habits: Habits): readonly Route[] {
  const retire = (host: WireHost) => {
    host.isRetired = true;
    host.retiredAt = nowSeconds();
    for (const alert of organization.alerts) if (alert.hostId === host.id) alert.closedAt ??= nowSeconds();
  };
  return [
    // The body is not read: Mackerel's own tools send `null`.
    ['POST', 'hosts/:id/retire', ({ parts: [id] }) => actOn(habits, knownHost(organization, id), retire)],
    [
      'POST',
      'hosts/bulk-retire',
      ({ raw }) => actOnAll(organization, habits, bodyAs(v.object({ ids: Ids }), raw).ids, retire),
    ],
  ];
}

function actOn({ onRetired }: Habits, host: WireHost, act: (host: WireHost) => void) {
  if (!host.isRetired) act(host);
  else if (onRetired !== 200) throw new HttpError(onRetired, 'Host Not Found.');
  return { success: true };
}

function actOnAll(
  organization: Organization,
  habits: Habits,
  ids: readonly string[],
  act: (host: WireHost) => void,
) {
  const hosts = ids.flatMap((id) => organization.hosts.get(id) ?? []);
  const live = hosts.filter((host) => !host.isRetired);
  const allKnown = hosts.length === ids.length;
  const fails = !allKnown || (live.length < hosts.length && habits.onRetired !== 200);
  if (!fails || habits.failedBulk === 'changes-the-rest') for (const host of live) act(host);
  if (fails) throw new HttpError(allKnown && habits.onRetired === 400 ? 400 : 404, 'Hosts Not Found.');
  return { success: true };
}

// ── Services, annotations, alerts ──────────────────────────────────────────────────────────────────────────────────

function knownService(organization: Organization, name: string | undefined): Set<string> {
  const roles = organization.services.get(name ?? '');
  if (!roles) throw new HttpError(404, 'Service not found.');
  return roles;
}

function serviceRoutes(organization: Organization): readonly Route[] {
  const { services } = organization;
  const create = (names: { has(name: string): boolean }, raw: string) => {
    const input = bodyAs(v.object({ name: Name, memo: v.optional(v.string(), '') }), raw);
    if (names.has(input.name)) throw new HttpError(400, 'Name is already used.');
    return input;
  };
  return [
    [
      'GET',
      'services',
      () => ({ services: [...services].map(([name, roles]) => ({ name, memo: '', roles: [...roles] })) }),
    ],
    [
      'POST',
      'services',
      ({ raw }) => {
        const input = create(services, raw);
        services.set(input.name, new Set());
        return { ...input, roles: [] };
      },
    ],
    [
      'GET',
      'services/:service/roles',
      ({ parts: [service] }) => ({
        roles: [...knownService(organization, service)].map((name) => ({ name, memo: '' })),
      }),
    ],
    [
      'POST',
      'services/:service/roles',
      ({ parts: [service], raw }) => {
        const roles = knownService(organization, service);
        const input = create(roles, raw);
        roles.add(input.name);
        return input;
      },
    ],
  ];
}

function markRoutes(organization: Organization): readonly Route[] {
  const { marks } = organization;
  const read = (raw: string) => {
    const { roles, ...input } = bodyAs(MarkBody, raw);
    const known = knownService(organization, input.service);
    if (roles?.some((role) => !known.has(role))) throw new HttpError(404, 'Role not found.');
    return { ...input, ...(roles && { roles }) };
  };
  const indexOf = (id: string | undefined) => {
    const index = marks.findIndex((mark) => mark.id === id);
    if (index < 0) throw new HttpError(404, 'Graph annotation not found');
    return index;
  };
  return [
    ['GET', 'graph-annotations', ({ query }) => ({ graphAnnotations: listMarks(organization, query) })],
    [
      'POST',
      'graph-annotations',
      ({ raw }) => {
        const mark = { id: newId(), ...read(raw) };
        marks.push(mark);
        return mark;
      },
    ],
    [
      'PUT',
      'graph-annotations/:id',
      ({ parts: [id = ''], raw }) => {
        const mark = { id, ...read(raw) };
        marks[indexOf(id)] = mark;
        return mark;
      },
    ],
    ['DELETE', 'graph-annotations/:id', ({ parts: [id] }) => marks.splice(indexOf(id), 1)[0]],
  ];
}

function listMarks({ marks, services }: Organization, query: URLSearchParams): Mark[] {
  const service = query.get('service');
  const [from, to] = [query.get('from'), query.get('to')];
  if (!service || !from || !to) throw new HttpError(400, 'service, from and to are required.');
  if (!services.has(service)) throw new HttpError(404, 'Service not found.');
  return marks.filter(
    (mark) => mark.service === service && mark.from <= Number(to) && mark.to >= Number(from),
  );
}

function alertRoutes({ alerts, monitors }: Organization): readonly Route[] {
  const known = (id: string | undefined) => {
    const alert = alerts.find((each) => each.id === id);
    if (!alert) throw new HttpError(404, 'Alert Not Found.');
    return alert;
  };
  return [
    ['GET', 'alerts', ({ query }) => alertPage(alerts, query)],
    ['GET', 'alerts/:id', ({ parts: [id] }) => known(id)],
    [
      'POST',
      'alerts/:id/close',
      ({ parts: [id], raw }) => {
        const alert = known(id);
        alert.reason = bodyAs(v.object({ reason: v.string() }), raw).reason;
        alert.closedAt ??= nowSeconds();
        return alert;
      },
    ],
    ['GET', 'monitors', () => ({ monitors })],
  ];
}

/** `nextId` is the first alert of the next page, and absent on the last. */
function alertPage(alerts: readonly WireAlert[], query: URLSearchParams) {
  const limit = Number(query.get('limit') ?? 100);
  if (!(limit >= 1 && limit <= 100)) throw new HttpError(400, 'limit must be between 1 and 100.');
  const shown = alerts.filter((each) => query.get('withClosed') === 'true' || each.closedAt === undefined);
  const start = query.has('nextId') ? shown.findIndex(({ id }) => id === query.get('nextId')) : 0;
  if (start < 0) throw new HttpError(400, 'Invalid nextId.');
  const next = shown[start + limit];
  return { alerts: shown.slice(start, start + limit), ...(next && { nextId: next.id }) };
}

// ── Metrics, metadata, and what only the agent and the command ask for ─────────────────────────────────────────────

const Samples = v.array(v.object({ hostId: v.string(), name: v.string(), time: Seconds, value: v.number() }));

function metricRoutes(
  organization: Organization,
  addSample: (hostId: string, name: string, sample: Sample) => void,
): readonly Route[] {
  const ofHost = (id = '') => organization.metrics.get(id) ?? new Map<string, Sample[]>();
  return [
    [
      'POST',
      'tsdb',
      ({ raw }) => {
        for (const { hostId, name, ...sample } of bodyAs(Samples, raw)) addSample(hostId, name, sample);
        return { success: true };
      },
    ],
    [
      'GET',
      'tsdb/latest',
      ({ query }) => {
        const names = query.getAll('name');
        const latest = (id: string) =>
          names.flatMap((name) => {
            const newest = ofHost(id)
              .get(name)
              ?.toSorted((a, b) => b.time - a.time)[0];
            return newest ? [[name, newest] as const] : [];
          });
        const hosts = query.getAll('hostId').map((id) => [id, Object.fromEntries(latest(id))] as const);
        return { tsdbLatest: Object.fromEntries(hosts) };
      },
    ],
    [
      'GET',
      'hosts/:id/metric-names',
      ({ parts: [id] }) => {
        knownHost(organization, id);
        return { names: [...ofHost(id).keys()] };
      },
    ],
    ['GET', 'hosts/:id/metrics', ({ parts: [id], query }) => ({ metrics: history(ofHost(id), query) })],
  ];
}

function history(ofHost: ReadonlyMap<string, Sample[]>, query: URLSearchParams): Sample[] {
  const samples = ofHost.get(query.get('name') ?? '');
  if (!samples) throw new HttpError(404, 'Metric not found.');
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
  return samples.filter(({ time }) => time >= from && time <= to);
}

const ServiceSamples = v.array(
  v.object({
    name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9._-]+$/)),
    time: Seconds,
    value: v.number(),
  }),
);

function serviceMetricRoutes(organization: Organization): readonly Route[] {
  return [
    [
      'POST',
      'services/:service/tsdb',
      ({ parts: [service = ''], raw }) => {
        knownService(organization, service);
        for (const { name, time, value } of bodyAs(ServiceSamples, raw)) {
          const key = `${service} ${name}`;
          const known = organization.serviceMetrics.get(key) ?? new Map<number, number>();
          organization.serviceMetrics.set(key, known.set(time, value));
        }
        return { success: true };
      },
    ],
  ];
}

/** In bytes, of one namespace. */
const LARGEST_METADATA = 100 * 1024;

function metadataRoutes(organization: Organization): readonly Route[] {
  const values = new Map<string, Stored>();
  const keyOf = ([id, namespace]: readonly string[]) => `${knownHost(organization, id).id}/${namespace}`;
  return [
    [
      'PUT',
      'services/:name/metadata/:namespace',
      ({ parts: [name = ''], raw }) => {
        if (!organization.services.has(name)) throw new HttpError(404, 'Service not found.');
        bodyAs(v.unknown(), raw);
        return { success: true };
      },
    ],
    [
      'GET',
      'hosts/:id/metadata/:namespace',
      ({ parts }) => {
        const stored = values.get(keyOf(parts));
        if (!stored) throw new HttpError(404, 'Metadata not found.');
        return stored;
      },
    ],
    [
      'PUT',
      'hosts/:id/metadata/:namespace',
      ({ parts, raw }) => {
        const key = keyOf(parts);
        if (knownHost(organization, parts[0]).isRetired) throw new HttpError(400, 'Host is retired.');
        if (Buffer.byteLength(raw) > LARGEST_METADATA) throw new HttpError(413, 'Metadata is too large.');
        const value = bodyAs(v.unknown(), raw);
        values.set(key, new Stored(value, new Date()));
        organization.metadata.set(key, value);
        return { success: true };
      },
    ],
  ];
}

function agentRoutes(): readonly Route[] {
  return [
    ['GET', 'org', () => ({ name: 'irekae-test', displayName: null })],
    ['POST', 'graph-defs/create', () => ({ success: true })],
    ['POST', 'monitoring/checks/report', () => ({ success: true })],
  ];
}
