/**
 * The sandboxes that Lambda runs an environment's functions in. A run takes one that is idle, else it waits for a new
 * one; a run beside another one needs a sandbox of its own, whoever's deployment it is. Who is idle for long is given up.
 */
import {
  CONNECT_SECONDS,
  INIT_SECONDS,
  KEPT_SECONDS,
  SANDBOX_SECONDS,
  TRANSITION_SECONDS,
} from './latency.ts';
import type { StartUp } from './run-definition.ts';
import type { AnyStepName } from './steps.ts';

interface Sandbox {
  readonly idleSince: number;
  readonly isConnected: boolean;
}

export class Sandboxes {
  readonly #idle = new Map<AnyStepName, Sandbox[]>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param isWake it opens no connection, and its sandbox waits for the run that does */
  startUp(step: AnyStepName, isWake: boolean): StartUp {
    const found = this.#take(step);
    const init = found ? 0 : INIT_SECONDS;
    const connect = isWake || found?.isConnected ? 0 : CONNECT_SECONDS;
    return {
      unbilledSeconds: TRANSITION_SECONDS + (found ? 0 : SANDBOX_SECONDS),
      billedSeconds: init + connect,
      ended: () => {
        const isConnected = !isWake || (found?.isConnected ?? false);
        this.#idle.set(step, [...(this.#idle.get(step) ?? []), { idleSince: this.#now(), isConnected }]);
      },
    };
  }

  /** The one that ran last. */
  #take(step: AnyStepName): Sandbox | undefined {
    const since = this.#now() - KEPT_SECONDS * 1_000;
    const kept = (this.#idle.get(step) ?? []).filter(({ idleSince }) => idleSince >= since);
    const taken = kept.pop();
    this.#idle.set(step, kept);
    return taken;
  }
}
