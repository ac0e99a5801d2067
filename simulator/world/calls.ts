/** The calls that reach the world through its ports: counted as the real adapters would make them, timed, intercepted. */
import type { Service } from './events.ts';

export interface PortCall {
  readonly service: Service;
  /** The port's method: `describe`, `register`, … */
  readonly action: string;
  readonly args: readonly unknown[];
  /** Counted from 1 since the world began. */
  readonly serial: number;
}

/**
 * Stands around every call. It may throw before `proceed` (the call never arrived), after it (the answer was lost), or
 * answer something else (stale, empty); whatever it answers must have the shape of the port's answer.
 */
export type Intercept = (call: PortCall, proceed: () => Promise<unknown>) => Promise<unknown>;

/** Modelled milliseconds of one port call, given how many requests the real adapter would send for it. */
export type Latency = (call: PortCall, requests: number) => number;

export class CallCounter {
  readonly #requests = new Map<string, number>();
  readonly #latency: Latency | undefined;
  #waitedMillis = 0;
  #serial = 0;

  constructor(latency?: Latency) {
    this.#latency = latency;
  }

  /** Requests that the real adapters would have sent so far: in all, of a service, or of one action. */
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

  /** The modelled milliseconds since the last time this was asked; the runner lets so much virtual time pass. */
  takeLatency(): number {
    const millis = this.#waitedMillis;
    this.#waitedMillis = 0;
    return millis;
  }

  /** Forgets the counts, say between two deployments. */
  reset(): void {
    this.#requests.clear();
    this.#waitedMillis = 0;
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
    this.#waitedMillis += this.#latency?.(call, requests) ?? 0;
  }
}
