/** Measures one deployment: its time compared with what would have been possible, and everything that it used. */

import { currentReleaseKey, machineName } from '../../lambdas/domain/core/names.ts';
import { watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult } from '../run-definition.ts';
import { type BalancerTuning, Stage, TUNED, UNTUNED } from '../stage.ts';
import type { Service } from '../world/events.ts';
import type { LowerBound } from '../world/lower-bound.ts';
import { SERVICES } from '../world/world-ports.ts';
import { logsDataOf } from './costs.ts';
import { fleetName, type Kind, newInstancesOf, type Size } from './fleets.ts';
import { followLooks, type Looks } from './looks.ts';
import { followTrueMoments, type TrueMoments } from './true-moments.ts';
import { followUsage, type Usage } from './usage.ts';

export type Tuning = 'tuned' | 'default';
export const BALANCERS: Record<Tuning, BalancerTuning> = { tuned: TUNED, default: UNTUNED };

/** What is deployed where. */
export interface Scene {
  readonly template: TemplateJson;
  readonly kind: Kind;
  readonly size: Size;
  readonly tuning: Tuning;
  readonly seed: number;
  /** Default: the fleet's. */
  readonly bakeSeconds?: number;
  /** What an earlier deployment of the fleet has recorded. */
  readonly record?: string;
  /** What else the fleets file says. */
  readonly arrange?: ((stage: Stage) => void) | undefined;
}

/** The fewest seconds possible, from the launch until the last old instance is terminated. */
export interface Bounds {
  /** Every decision at its best moment, by someone who knows the future; calls take no time (`lower-bound.ts`). */
  readonly exact: number;
  /** Boot + registration in Mackerel + health threshold × interval + drain, and the bake and the shutdown. */
  readonly sum: number;
}

/** Where the seconds beyond the exact bound went: the parts add up to the total. */
export interface Overhead {
  /** From the start to the launch: resolving and agreeing. */
  readonly agree: number;
  /** The new hosts were ready later than possible: checks failed while they booted, so more of them had to pass. */
  readonly join: number;
  /** Ready, until the old hosts were out of service: noticed, checked once more, taken out. */
  readonly shift: number;
  /** Drained, until that was noticed. */
  readonly drain: number;
  /** From there to the first termination, beyond the bake itself. */
  readonly bake: number;
  /** Terminated, until that was noticed. */
  readonly terminate: number;
  /** Retiring and recording. */
  readonly record: number;
}

/** From the true moment to the end of the look that saw it, in seconds. */
export interface Delays {
  readonly ready: number;
  readonly drained: number;
  readonly terminated: number;
}

export interface Measured
  extends Pick<
    ExecutionResult,
    'seconds' | 'transitions' | 'historyEvents' | 'largestPayload' | 'runs' | 'logged'
  > {
  readonly usage: Usage;
  readonly logsData: boolean;
  readonly bounds: Bounds;
  readonly overhead: Overhead;
  /** From the start until all traffic is on the new release, and the fewest seconds possible for that. */
  readonly traffic: { readonly seconds: number; readonly bound: number };
  readonly delays: Delays;
  readonly requests: Readonly<Record<Service, number>>;
  /** To EC2, the load balancers and Mackerel, in one poll of *New hosts are ready*. */
  readonly callsPerLook: { readonly mean: number; readonly most: number };
}

/** @throws Error when the deployment does not succeed: there would be nothing to compare. */
export async function measure(scene: Scene): Promise<Measured> {
  const balancers = BALANCERS[scene.tuning];
  const fleet = fleetName(scene.kind, scene.size);
  const stage = new Stage({ template: scene.template, fleet, seed: scene.seed, balancers });
  try {
    const { limits } = stage.fleet;
    stage.configure({ limits: { ...limits, bakeSeconds: scene.bakeSeconds ?? limits.bakeSeconds } });
    scene.arrange?.(stage);
    const { bucket } = stage.fleet.artifact;
    if (scene.record) stage.world.s3.put(bucket, currentReleaseKey(fleet), scene.record);
    stage.upload();
    const moments = followTrueMoments(stage);
    const looks = followLooks(stage);
    const usage = followUsage(stage);
    const startedAt = stage.clock.now().getTime();
    const result = await stage.deploy();
    if (result.endedIn !== 'Deployed')
      throw new Error(`${fleet}, seed ${scene.seed}: ${result.endedIn}: ${result.cause}`);
    const truth = { ...(moments as TrueMoments), startedAt };
    const bound = boundOf(stage);
    return {
      ...result,
      runs: await stage.runsWithWakes(result),
      usage: usage(),
      logsData: logsDataOf(scene.template, machineName(fleet, 'deploy')),
      bounds: {
        exact: secondsBetween(bound.launched, bound.terminated),
        sum: sumOf(bound, stage, balancers),
      },
      overhead: overheadOf(truth, bound, looks, stage),
      traffic: {
        seconds: (truth.shifted - startedAt) / 1000,
        bound: secondsBetween(bound.launched, bound.ready),
      },
      delays: {
        ready: (looks.seen.ready - truth.ready) / 1000,
        drained: (looks.seen.drained - truth.drained) / 1000,
        terminated: (looks.seen.terminated - truth.terminated) / 1000,
      },
      requests: requestsOf(stage),
      callsPerLook: looks.callsPerLook,
    };
  } finally {
    stage.close();
  }
}

function boundOf(stage: Stage): LowerBound {
  const { world, fleet, oldInstances } = stage;
  return world.lowerBound({
    newInstances: newInstancesOf(stage),
    oldInstances,
    loadBalancers: fleet.loadBalancers,
    bakeSeconds: fleet.limits.bakeSeconds,
  });
}

/**
 * Boot and registration are those of the host that was last in Mackerel. What a load balancer needs to register a
 * host overlaps with the boot and is left out, which makes the bound smaller and the ratio larger.
 */
function sumOf(bound: LowerBound, { fleet }: Stage, balancers: BalancerTuning): number {
  const registered = Math.max(...bound.hosts.map((host) => secondsBetween(bound.launched, host.inMackerel)));
  const checks = fleet.loadBalancers.length > 0 ? balancers.healthyThreshold * balancers.intervalSeconds : 0;
  return registered + checks + bound.drainSeconds + watchSeconds(bound.watch) + bound.shutdownSeconds;
}

function overheadOf(
  truth: TrueMoments & { readonly startedAt: number },
  bound: LowerBound,
  { seen }: Looks,
  { clock }: Stage,
): Overhead {
  const seconds = (from: number, to: number) => (to - from) / 1000;
  return {
    agree: seconds(truth.startedAt, truth.launched),
    join: seconds(bound.ready?.getTime() ?? 0, truth.ready),
    shift: seconds(truth.ready, truth.shifted),
    drain: seconds(truth.drained, seen.drained),
    bake: seconds(seen.drained, truth.terminating) - watchSeconds(bound.watch),
    terminate: seconds(truth.terminated, seen.terminated),
    record: seconds(seen.terminated, clock.now().getTime()),
  };
}

const requestsOf = ({ world: { calls } }: Stage): Measured['requests'] =>
  Object.fromEntries(SERVICES.map((service) => [service, calls.requests(service)])) as Measured['requests'];

function secondsBetween(from: Date, to: Date | undefined): number {
  return ((to?.getTime() ?? Number.POSITIVE_INFINITY) - from.getTime()) / 1000;
}
