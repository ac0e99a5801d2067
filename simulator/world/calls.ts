/** The calls that reach the world through its ports: counted as the real adapters would make them, delayed, intercepted. */
import type { Service } from './events.ts';

export interface PortCall {
  readonly service: Service;
  /** The port's method: `describe`, `register`, … */
  readonly action: string;
  readonly args: readonly unknown[];
  /** Counted from 1 since the world was created. */
  readonly serial: number;
}

/**
 * Wraps every call. It may throw before `proceed` (the call never arrived), after it (the answer was lost), or
 * answer something else (stale, empty); whatever it answers must have the shape of the port's answer.
 */
export type Intercept = (call: PortCall, proceed: () => Promise<unknown>) => Promise<unknown>;

/** How long port calls take. Calls in parallel take as long as the longest of them. */
export interface Latency {
  /** Modelled milliseconds of one port call, given how many requests the real adapter would send for it. */
  readonly millis: (call: PortCall, requests: number) => number;
  /** Lets virtual time pass. */
  readonly sleep: (millis: number) => Promise<void>;
}

export class CallCounter {
  readonly #requests = new Map<string, number>();
  #serial = 0;

  /** Requests that the real adapters would have sent so far: in total, of a service, or of one action. */
  requests(service?: Service, action?: string): number {
    const prefix = service === undefined ? '' : `${service}.`;
    let sum = 0;
    for (const [name, count] of this.#requests) {
      if (action === undefined ? name.startsWith(prefix) : name === `${prefix}${action}`) sum += count;
    }
    return sum;
  }

  /** `ec2.describe` → requests. */
  byAction(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#requests);
  }

  /** Forgets the counts, for example between two deployments. */
  reset(): void {
    this.#requests.clear();
  }

  /** For the ports: a new call. */
  begin(service: Service, action: string, args: readonly unknown[]): PortCall {
    this.#serial += 1;
    return { service, action, args, serial: this.#serial };
  }

  /** For the ports: what a call took. */
  add(call: PortCall, requests: number): void {
    const name = `${call.service}.${call.action}`;
    this.#requests.set(name, (this.#requests.get(name) ?? 0) + requests);
  }
}
