/**
 * Literal ports: a test names the methods that its step may call, and what they answer. Any other call fails the test;
 * every call is written down in order, so that tests can say what happened before what. The ledger says that the
 * deployment holds its lock, and is not written down, unless a test is about it and names methods of its own.
 */

import { DeploymentError, type FailureName } from '../../lambdas/domain/core/errors.ts';
import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import type { Mackerel } from '../../lambdas/ports/mackerel.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { at, HOLD } from './deployments.ts';
import type { Scene } from './facts.ts';

/** Some methods of some ports. */
export type Methods = { readonly [P in Exclude<keyof Ports, 'clock' | 'log'>]?: Partial<Ports[P]> };

export interface LiteralPorts extends Ports {
  /** What was called, in order: `mackerel.setStatus ["host of i-old1"] "maintenance"`. */
  readonly calls: readonly string[];
  /** The calls that change something. */
  readonly changes: readonly string[];
  /** What was logged beside the step's own line: `warn: …`. */
  readonly lines: readonly string[];
}

const READS =
  /^(ec2\.(describe|listByTag|listByToken|consoleOutput|findImage|matchingImages|templateVersion|subnets)|loadBalancers\.(settings|members)|mackerel\.(hosts|roles|openAlerts|monitors|latestMetric|metrics)|artifacts\.(find|digest|versions|list)|records\.(readRecord|readVersion|writeText)|copies\.look|parameters\.read|ledger\.read|executions\.(status|describe|recent|document|events))\b/;

/** The row of a fleet whose lock the deployment holds, and whose launch, if there was one, is over. */
export const aRow = (held: Partial<NonNullable<LedgerRow['held']>> = {}): LedgerRow => ({
  fleet: 'shop',
  generation: held.generation ?? HOLD.generation,
  held: {
    ...HOLD,
    phase: 'agree',
    since: at(1),
    startedBy: 'Hanako',
    run: { id: 'run-1', until: at(9) },
    ...held,
  },
});

const HOLDING: Methods['ledger'] = { read: async () => aRow(), enter: async () => {}, owe: async () => true };

export function portsWith(methods: Methods, now: Date = at(200)): LiteralPorts {
  const calls: string[] = [];
  const lines: string[] = [];
  const port = <P extends keyof Methods>(name: P): Ports[P] =>
    new Proxy({} as Ports[P] & object, {
      get:
        (_target, method) =>
        async (...args: unknown[]) => {
          const call = `${name}.${String(method)}`;
          calls.push([call, ...args.map((arg) => JSON.stringify(arg))].join(' '));
          const act = (methods[name] as Record<string | symbol, unknown> | undefined)?.[method];
          if (typeof act !== 'function') throw new Error(`unexpected call: ${calls.at(-1)}`);
          return act(...args);
        },
    });
  return {
    clock: { now: () => now, sleep: async () => {} },
    ec2: port('ec2'),
    loadBalancers: port('loadBalancers'),
    mackerel: port('mackerel'),
    artifacts: port('artifacts'),
    records: port('records'),
    copies: port('copies'),
    parameters: port('parameters'),
    ledger: methods.ledger ? port('ledger') : ({ ...HOLDING } as Ports['ledger']),
    executions: port('executions'),
    announcer: port('announcer'),
    log: {
      info: (sentence) => void lines.push(`info: ${sentence}`),
      warn: (sentence) => void lines.push(`warn: ${sentence}`),
    },
    calls,
    lines,
    get changes() {
      return calls.filter((call) => !READS.test(call));
    },
  };
}

/** Reads answer from the scene, writes are accepted and change nothing. */
export function methodsOn({ instances, hosts, members, alerts }: Scene) {
  return {
    ec2: {
      describe: async (ids: readonly string[]) =>
        instances.filter(({ instanceId }) => ids.includes(instanceId)),
      listByTag: async (key: string, value: string) =>
        instances.filter(({ tags, state }) => tags[key] === value && state !== 'terminated'),
      listByToken: async (beginning: string) =>
        instances.filter((each) => each.clientToken?.startsWith(beginning) && each.state !== 'terminated'),
      terminate: async () => ({ refused: [] }),
    },
    loadBalancers: {
      members: async (ref, ids) => only(members[loadBalancerName(ref)] ?? [], ids),
      register: async () => {},
      deregister: async () => {},
    },
    mackerel: {
      hosts: async () => hosts,
      openAlerts: async () => alerts,
      setStatus: async () => {},
      retire: async () => ({ refused: [] }),
      proveWriting: async () => {},
    },
  } satisfies Methods;
}

const only = (members: readonly Member[], ids: readonly string[] | undefined) =>
  members.filter(({ instanceId }) => ids === undefined || ids.includes(instanceId));

/** Ports on a scene; single methods may be given otherwise. */
export function portsOn(scene: Scene, now?: Date, otherwise: Methods = {}): LiteralPorts {
  const methods = methodsOn(scene);
  return portsWith(
    {
      ...otherwise,
      records: { writeText: async () => {}, ...otherwise.records },
      ec2: { ...methods.ec2, ...otherwise.ec2 },
      loadBalancers: { ...methods.loadBalancers, ...otherwise.loadBalancers },
      mackerel: { ...methods.mackerel, ...otherwise.mackerel },
    },
    now,
  );
}

/** The same scene, with some instances in another state. */
export const withStates = (
  scene: Scene,
  states: Readonly<Record<string, Instance['state'] | 'gone'>>,
): Scene => ({
  ...scene,
  instances: scene.instances.flatMap((instance) => {
    const state = states[instance.instanceId] ?? instance.state;
    return state === 'gone' ? [] : [{ ...instance, state }];
  }),
});

/** A method that fails under this name. */
export const failing =
  (name: FailureName, message = 'It did not answer.') =>
  async (): Promise<never> => {
    throw new DeploymentError(name, message);
  };

/** Mackerel's points of any metric of any host: one each minute, all the same. */
export const posting =
  (value: number): Mackerel['metrics'] =>
  async (_host, _name, from, to) =>
    Array.from({ length: (+to - +from + 1000) / 60_000 }, (_, n) => ({
      at: new Date(+from + n * 60_000),
      value,
    }));
