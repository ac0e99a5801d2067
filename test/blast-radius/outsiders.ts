/** Hosts that are none of the fleet's, and a watch over them: no call of a deployment may name them, let alone change them. */
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import type { WorldEvent } from '../../simulator/world/events.ts';
import { synthesize } from '../synth.ts';

export const stageOf = (options: Partial<StageOptions> = {}): Stage =>
  new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 5, ...options });

/** Serves the whole company at a load balancer of its own. */
export interface Database {
  readonly instanceId: string;
  readonly hostId: string;
}

const DATABASE = { kind: 'classic', name: 'database' } as const;

/** @param tags e.g. those of another fleet */
export function addDatabase({ world, fleet }: Stage, tags: Readonly<Record<string, string>> = {}): Database {
  const [subnet] = world.ec2.subnets(fleet.subnets);
  if (subnet === undefined) throw new Error('the fleet has no subnet');
  const { vpcId, zone, subnetId } = subnet;
  world.loadBalancers.addClassic({ name: DATABASE.name, vpcId, zones: [zone] });
  const role = { service: 'company', role: 'database' };
  const instanceId = world.addRunningHost({ ...role, subnetId, loadBalancers: [DATABASE], tags });
  const host = world.mackerel.live().find((each) => each.instanceId === instanceId);
  return { instanceId, hostId: host?.id ?? '' };
}

/** Everything that a deployment could do to it. */
export function conditionOf({ world }: Stage, { instanceId, hostId }: Database) {
  const { state, tags, memberOf } =
    world.view().instances.find((instance) => instance.instanceId === instanceId) ?? {};
  const { status, retiredAt } = world.mackerel.host(hostId) ?? {};
  return { state, tags, memberOf, status, retiredAt };
}

/** Fills with what the deployment's calls name although they must not. */
export function watchOver({ world }: Stage, outsiders: readonly string[]): string[] {
  const ids = new Set(outsiders);
  const touched: string[] = [];
  world.on((event: WorldEvent) => {
    if (event.by === 'scenario') return;
    touched.push(...event.ids.filter((id) => ids.has(id)).map((id) => `${event.kind}: ${id}`));
  });
  return touched;
}

/** Deploys beside outsiders, and lists which of them were touched and which rules were bent. */
export async function deployBeside(
  stage: Stage,
  outsiders: readonly string[],
  input: unknown = {},
): Promise<{ result: ExecutionResult; touched: string[]; violations: unknown[] }> {
  const touched = watchOver(stage, outsiders);
  const strangers = strangersInMackerel(stage);
  const rules = new Rules(stage.world, stage.fleet, 'the-deployment');
  const result = await stage.deploy(input, 'the-deployment');
  rules.ended(result);
  // The rules take every load balancer of the world for the fleet's, and every entry of an unknown instance for a
  // leftover: that it was there before, and stays, is what is meant here.
  const violations = rules.violations.filter(
    ({ what }) =>
      !what.endsWith(` at ${DATABASE.name}`) &&
      !strangers.some((id) => what.startsWith(`Mackerel host ${id} `)),
  );
  return { result, touched, violations };
}

function strangersInMackerel({ world, oldInstances }: Stage): string[] {
  const hosts = world.mackerel.live();
  return hosts.filter(({ instanceId }) => !oldInstances.includes(instanceId ?? '')).map(({ id }) => id);
}

/** The living instances that a deployment launched. */
export const newHostsOf = ({ world }: Stage): string[] =>
  world
    .view()
    .instances.filter(({ state, tags }) => TAG.deployment in tags && state === 'running')
    .map(({ instanceId }) => instanceId);

/** What is no ink on a terminal: control characters but line ends, and what turns the direction of writing. */
export const UNPRINTABLE = /[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u;

/** Every text in a value, keys included. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Error) return [value.message];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, each]) => [key, ...textsIn(each)]);
}
