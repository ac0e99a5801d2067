/**
 * The life of one instance: its moments are drawn when it is launched, and everything that anything may ask about it
 * later follows from these moments and the time. No timers.
 */
import type { InstanceState } from '../../lambdas/ports/ec2.ts';
import type { Random } from './prng.ts';
import type { Timings } from './timings.ts';

/** What happens to a launched instance. A scenario decides it at the launch. */
export type Fate =
  | { readonly kind: 'healthy' }
  /** Boots and registers in Mackerel, but the application never passes a health check. */
  | { readonly kind: 'never-healthy' }
  /** The application works, but the agent never reaches Mackerel. */
  | { readonly kind: 'never-registers' }
  /** The agent registers without the instance id; in a container, with none of the host's addresses either. */
  | { readonly kind: 'nameless'; readonly inContainer?: true }
  /** The boot script fails, writes this line to the console and shuts the host down. */
  | { readonly kind: 'shuts-down'; readonly consoleLine: string }
  /** EC2 loses it this many seconds after the launch: `terminated` at once, with this `code: message`. */
  | { readonly kind: 'dies'; readonly afterSeconds: number; readonly stateReason: string }
  /** Every phase until it is up takes this many times as long. */
  | { readonly kind: 'slow'; readonly factor: number };

/** Moments in epoch milliseconds. `Infinity`: never. */
export interface Life {
  readonly launchedAt: number;
  readonly visibleAt: number;
  readonly runningAt: number;
  /** The operating system is up and the boot script begins. */
  readonly bootedAt: number;
  readonly applicationUpAt: number;
  /** The agent appears in Mackerel. */
  readonly registersAt: number;
  /** How long it will take from the order to shut down to `terminated`. */
  readonly shutdownMillis: number;
  /** How long its tags outlive it. */
  readonly tagsKeptMillis: number;
}

/** How an instance ends: ordered at one moment, complete at another. */
export interface Ending {
  readonly into: 'terminated' | 'stopped';
  readonly at: number;
  readonly doneAt: number;
  /** EC2's `StateReason`, `code: message`. */
  readonly reason: string;
}

/** A stretch of time during which the application answers health checks with 200. The end is not part of it. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** For pictures: what the host is busy with. */
export type Stage = 'launching' | 'booting' | 'starting' | 'up' | 'shutting-down' | 'stopped' | 'gone';

export const SELF_SHUTDOWN = 'Client.InstanceInitiatedShutdown: Instance initiated shutdown';
export const USER_SHUTDOWN = 'Client.UserInitiatedShutdown: User initiated shutdown';

/** Draws a life. Every fate makes the same draws, so that changing one host's fate changes nothing else about it. */
export function drawLife(random: Random, timings: Timings, launchedAt: number, fate: Fate): Life {
  const factor = fate.kind === 'slow' ? fate.factor : 1;
  const visibleAt = launchedAt + random.millis(timings.visibility);
  const runningAt = launchedAt + factor * random.millis(timings.pending);
  const bootedAt = runningAt + factor * random.millis(timings.osBoot);
  const scriptEndsAt = bootedAt + factor * random.millis(timings.bootScript);
  const registersAt = scriptEndsAt + factor * random.millis(timings.agentRegistration);
  const broken = fate.kind === 'shuts-down';
  return {
    launchedAt,
    visibleAt,
    runningAt,
    bootedAt,
    applicationUpAt: broken || fate.kind === 'never-healthy' ? Number.POSITIVE_INFINITY : scriptEndsAt,
    registersAt: broken || fate.kind === 'never-registers' ? Number.POSITIVE_INFINITY : registersAt,
    shutdownMillis: random.millis(timings.shutdown),
    tagsKeptMillis: random.millis(timings.tagsKept),
  };
}

/** The ending that a fate has in store, before anyone terminates the instance. */
export function fatedEnding(random: Random, timings: Timings, life: Life, fate: Fate): Ending | undefined {
  if (fate.kind === 'dies') {
    const at = life.launchedAt + fate.afterSeconds * 1000;
    return { into: 'terminated', at, doneAt: at, reason: fate.stateReason };
  }
  if (fate.kind === 'shuts-down') {
    const at = life.bootedAt + random.millis(timings.bootScript);
    return { into: 'terminated', at, doneAt: at + life.shutdownMillis, reason: SELF_SHUTDOWN };
  }
  return undefined;
}

/** EC2's state at a moment. */
export function stateAt(life: Life, ending: Ending | undefined, at: number): InstanceState {
  if (ending !== undefined && at >= ending.doneAt) return ending.into;
  if (ending !== undefined && at >= ending.at) {
    return ending.into === 'terminated' ? 'shutting-down' : 'stopping';
  }
  return at >= life.runningAt ? 'running' : 'pending';
}

/** The stage at a moment. A host whose application never comes up stays in `starting`. */
export function stageAt(life: Life, ending: Ending | undefined, at: number): Stage {
  const state = stateAt(life, ending, at);
  if (state === 'pending') return 'launching';
  if (state === 'terminated') return 'gone';
  if (state === 'stopped') return 'stopped';
  if (state !== 'running') return 'shutting-down';
  if (at < life.bootedAt) return 'booting';
  return at < life.applicationUpAt ? 'starting' : 'up';
}
