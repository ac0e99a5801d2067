/**
 * The world behind the ports of `lambdas/ports`. Each method runs the model's of the same name and says how many requests
 * the real adapter would have sent for it.
 */
import type { Clock } from '../../lambdas/ports/clock.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import type { Service } from './events.ts';
import type { World } from './world.ts';

/** Runs one call: `effect` against the model, counted by `requests` (of an answer, or 1 when it failed). */
export type RunCall = <T>(
  service: Service,
  action: string,
  args: readonly unknown[],
  effect: () => T,
  requests: (answer: T) => number,
) => Promise<T>;

/** A port's methods, all at once. */
type Model<P> = {
  readonly [M in keyof P]: P[M] extends Method<infer A, infer R> ? (...args: A) => R : never;
};
/** Of a call's answer and arguments. */
type Requests<P> = {
  readonly [M in keyof P]: P[M] extends Method<infer A, infer R> ? (answer: R, ...args: A) => number : never;
};
type Method<A extends unknown[], R> = (...args: A) => Promise<R>;

const one = () => 1;
const two = () => 2;
const pieces = (list: readonly unknown[], size: number) => Math.ceil(list.length / size);
const pages = (size: number) => (found: readonly unknown[]) => Math.max(1, pieces(found, size));
/** Counted by the requested ids. */
const chunks = (size: number) => (_answer: unknown, ids: readonly unknown[]) => pieces(ids, size);
const members = (_answer: unknown, _ref: unknown, ids?: readonly unknown[]) =>
  ids === undefined ? 1 : pieces(ids, 100);

const REQUESTS: { readonly [S in Service]: Requests<Ports[S]> } = {
  ec2: {
    describe: chunks(100),
    listByTag: pages(1000),
    listByToken: pages(1000),
    launch: one,
    // After a refusal the adapter looks once and then requests each alone.
    terminate: ({ refused }, ids) =>
      pieces(ids, 1000) + (refused.length === 0 ? 0 : pieces(ids, 100) + ids.length),
    tag: one,
    // Where there is no newest output, the adapter requests what EC2 kept.
    consoleOutput: (text) => (text === '' ? 2 : 1),
    findImage: one,
    matchingImages: pages(1000),
    templateVersion: one,
    subnets: chunks(100),
  },
  // The description and the attributes.
  loadBalancers: { settings: two, members, register: members, deregister: members },
  mackerel: {
    hosts: one,
    roles: one,
    setStatus: chunks(30),
    retire: chunks(30),
    openAlerts: pages(100),
    monitors: () => 1,
    latestMetric: chunks(100),
    metrics: one,
    // It looks for the annotation before it writes one.
    annotate: two,
    postServiceMetrics: one,
    setMetadata: chunks(1),
    proveWriting: one,
  },
  artifacts: { find: one, digest: one, versions: one, list: pages(1000) },
  records: { readRecord: one, readVersion: one, writeRecord: one, writePage: one, writeText: one },
  copies: {
    look: one,
    whole: one,
    begin: one,
    // The list of those that are there, and each part.
    parts: (_left, _request, _id, { most }) => 1 + most,
    finish: two,
    abandon: one,
  },
  parameters: { read: one },
  ledger: {
    read: one,
    take: one,
    takeOver: one,
    enter: one,
    keepForHuman: one,
    release: one,
    pend: one,
    clearPending: one,
    owe: one,
    requestCancel: one,
    putOnHold: one,
    liftHold: one,
    awaitPerson: one,
    letGoOn: one,
  },
  executions: { status: one, describe: one, recent: one, document: one, events: one, start: one },
  announcer: { tellPeople: one, tellMachines: one },
};

export const SERVICES = Object.keys(REQUESTS) as Service[];

type Models = Pick<
  World,
  'ec2' | 'loadBalancers' | 'mackerel' | 's3' | 'parameters' | 'ledger' | 'executions' | 'announcer'
>;

export function worldPorts(models: Models, clock: Clock, run: RunCall): Ports {
  const { s3, announcer } = models;
  const behind: { readonly [S in Service]: Model<Ports[S]> } = {
    ...models,
    artifacts: s3,
    records: s3,
    copies: s3,
  };
  const ports = METHODS.map(([service, methods]): [Service, object] => [
    service,
    portOf(service, methods, behind[service], run),
  ]);
  // Clock and log are no calls: this one is written to the function's own output.
  return { ...(Object.fromEntries(ports) as object as Ports), clock, log: announcer.log };
}

type Methods = readonly (readonly [string, Untyped<number>[string]])[];

/** By service: each method's name, and how many requests it sends. */
const METHODS = SERVICES.map((service): [Service, Methods] => [
  service,
  Object.entries(REQUESTS[service] as object as Untyped<number>),
]);

type Untyped<R> = Readonly<Record<string, (...args: readonly unknown[]) => R>>;

/** The table has every method of every port, as its type requires; the port is made from it, anew for each run of a step. */
const portOf = (service: Service, methods: Methods, model: object, run: RunCall): object =>
  Object.fromEntries(
    methods.map(([action, count]) => [
      action,
      (...args: readonly unknown[]) =>
        run(
          service,
          action,
          args,
          () => (model as Untyped<unknown>)[action]?.(...args),
          (answer) => count(answer, ...args),
        ),
    ]),
  );
