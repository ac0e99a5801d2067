/**
 * The functions of a fleet's own team, by their ARNs: what they do is no business of ours, so each is played as a scenario
 * says. One of which nothing is said succeeds at its first call.
 */

export interface HookRun {
  /** How long it runs. Default: a second. */
  readonly seconds?: number;
  readonly answer?: unknown;
  /** It throws, or its sandbox dies. */
  readonly error?: Error;
}

/** @param call how many times it was called, this time included */
export type HookPlay = (event: Readonly<Record<string, unknown>>, call: number) => HookRun;

export interface HookCall {
  readonly at: Date;
  readonly arn: string;
  readonly event: Readonly<Record<string, unknown>>;
}

export class HooksModel {
  readonly calls: HookCall[] = [];
  readonly #plays = new Map<string, HookPlay>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  play(arn: string, play: HookPlay): void {
    this.#plays.set(arn, play);
  }

  call(arn: string, given: unknown): HookRun {
    const event = Object(given) as Readonly<Record<string, unknown>>;
    this.calls.push({ at: this.#now(), arn, event });
    const count = this.calls.filter((each) => each.arn === arn).length;
    return (this.#plays.get(arn) ?? succeed)(event, count);
  }
}

const succeed: HookPlay = () => ({ answer: { hookStatus: 'SUCCEEDED' } });
