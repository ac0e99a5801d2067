/**
 * The modelled world behind the doctor's port. What the world models is read from it; the rest (a bucket's settings,
 * rules, the stack) is as irekae deploys it, unless a test changes it.
 */

import { machineIn } from '../../lambdas/domain/core/aws.ts';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import type { Remover } from '../../lambdas/ports/command.ts';
import type {
  BucketSettings,
  EventRule,
  HookFunction,
  Inspector,
  Offering,
} from '../../lambdas/ports/inspector.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { World } from './world.ts';

export interface InspectedWorld {
  /** State machine → its definition. A missing one is not deployed. */
  readonly definitions: Readonly<Record<string, unknown>>;
  /** Of the environment's, and of the fleet's. */
  readonly stackStatus: string | undefined;
  readonly fleetStackStatus: string | undefined;
  /** `undefined`: there is no such bucket. */
  readonly bucket: BucketSettings | undefined;
  readonly rules: readonly EventRule[];
  readonly crossZone: boolean;
  /** Instance type in a zone → is it offered? */
  readonly isOffered: (offering: Offering) => boolean;
  /** Of the account's EBS encryption and of the image. */
  readonly volumeKeys: readonly string[];
  /** ARN of a hook → is there such a function? */
  readonly hooks: (arn: string) => HookFunction | undefined;
  /** AWS's clock minus the world's. */
  readonly skewSeconds: number;
}

/** State machine → its definition, of all that a template has. */
export function definitionsIn(template: TemplateJson): InspectedWorld['definitions'] {
  const machines = Object.entries(template.Resources).filter(
    ([, { Type }]) => Type === 'AWS::StepFunctions::StateMachine',
  );
  return Object.fromEntries(
    machines.map(([id, { Properties }]) => [
      String(Properties?.StateMachineName),
      definitionOf(template, id).definition,
    ]),
  );
}

/** A stack as it is right after its deployment. */
export function asDeployed(
  { name, artifact }: Fleet,
  definitions: InspectedWorld['definitions'],
): InspectedWorld {
  const EventBridgeConfiguration = {};
  const upload = {
    source: ['aws.s3'],
    'detail-type': ['Object Created'],
    detail: { bucket: { name: [artifact.bucket] }, object: { key: [artifact.key] } },
  };
  return {
    definitions,
    stackStatus: 'UPDATE_COMPLETE',
    fleetStackStatus: 'CREATE_COMPLETE',
    bucket: { versioned: true, eventBridge: true, notifications: { EventBridgeConfiguration } },
    rules: [{ name: `${name}-upload`, enabled: true, pattern: upload }],
    crossZone: true,
    isOffered: () => true,
    volumeKeys: [],
    hooks: () => ({ state: 'Active', timeoutSeconds: 60 }),
    skewSeconds: 0,
  };
}

/** The target of the world's health checks, which the model does not need. */
const TARGET = 'HTTP:80/';

/** The stacks of the world: to be looked at, and to be deleted. */
export function worldInspector(
  world: World,
  fleet: Fleet,
  definitions: InspectedWorld['definitions'],
  changes: Partial<InspectedWorld> = {},
): Inspector & Remover {
  const state = { ...asDeployed(fleet, definitions), ...changes };
  const deleted = new Set<string>();
  return {
    offerings: async (types, zones) =>
      types
        .flatMap((instanceType) => zones.map((zone) => ({ instanceType, zone })))
        .filter((offering) => state.isOffered(offering)),
    volumeKeys: async () => state.volumeKeys,
    balancer: async (ref) => {
      const { settings } = world.loadBalancers.balancer(ref);
      return {
        ...(ref.kind === 'classic' && { target: TARGET }),
        crossZone: state.crossZone,
        zones: settings.zones.length > 0 ? settings.zones : zonesOf(world, fleet),
        inUse: settings.attached,
      };
    },
    bucket: async () => state.bucket,
    stackStatus: async (name) => {
      if (deleted.has(name)) return undefined;
      return name.includes('-fleet-') ? state.fleetStackStatus : state.stackStatus;
    },
    deleteStack: async (name) => void deleted.add(name),
    machine: async (arn) => {
      const definition = state.definitions[machineIn(arn)];
      return definition === undefined ? undefined : { definition };
    },
    rulesThatStart: async () => state.rules,
    lambda: async (arn) => state.hooks(arn),
    // Whole seconds, as in HTTP.
    awsTime: async () =>
      new Date(Math.floor((world.ports.clock.now().getTime() + state.skewSeconds * 1000) / 1000) * 1000),
  };
}

/** A model's balancer without zones serves all of them. */
const zonesOf = (world: World, { subnets }: Fleet): string[] =>
  world.ec2.subnets(subnets).map(({ zone }) => zone);
