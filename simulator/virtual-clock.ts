/**
 * Time that passes only when everything waits for it. Timers and `Date` of the whole process are faked (the interpreter
 * uses the global ones); the clock moves to the next timer after several real turns of the event loop, so that promises
 * can settle. Code under it must therefore wait only for promises and this clock: a handler with real input and output
 * would be overtaken by the time-out of its own task.
 */

/** Real turns of the event loop before time may move: a promise chain of the interpreter takes one or two. */
const TURNS = 3;

/** What the process goes by when no clock is installed; everything real is taken from here. */
const REAL = { setTimeout, clearTimeout, setImmediate, Date };

/** The clock that the process goes by. */
let installed: VirtualClock | undefined;

const turn = () => new Promise<void>((resolve) => REAL.setImmediate(resolve));

/** What the faked `setTimeout` answers: as much of Node's own as anybody asks for. */
class VirtualTimer {
  readonly at: number;
  readonly fire: () => void;

  constructor(at: number, fire: () => void) {
    this.at = at;
    this.fire = fire;
  }

  /** No virtual timer keeps a process alive. */
  unref(): this {
    return this;
  }
}

/** The timers of one clock, with as little around them as can be: a deployment sets thousands. */
class VirtualTimers {
  now: number;
  /** In the order in which they were set. */
  readonly #waiting = new Set<VirtualTimer>();
  #isFiring = false;

  constructor(now: number) {
    this.now = now;
  }

  /** Whole milliseconds, as Node counts them; what a timer sets for "at once" comes after it, not with it. */
  readonly set = (act: (...args: unknown[]) => void, delay = 0, ...args: unknown[]): VirtualTimer => {
    const millis = Math.max(0, Math.trunc(delay)) || (this.#isFiring ? 1 : 0);
    const timer = new VirtualTimer(this.now + millis, () => act(...args));
    this.#waiting.add(timer);
    return timer;
  };

  readonly clear = (timer: unknown): void => {
    // One from before the clock was installed is a real one.
    if (timer instanceof VirtualTimer) this.#waiting.delete(timer);
    else REAL.clearTimeout(timer as NodeJS.Timeout | undefined);
  };

  /** The earliest, and of those of one moment the one that was set first. */
  next(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined;
    for (const timer of this.#waiting) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }

  fire(timer: VirtualTimer): void {
    this.#waiting.delete(timer);
    this.now = timer.at;
    this.#isFiring = true;
    try {
      timer.fire();
    } finally {
      this.#isFiring = false;
    }
  }
}

/** A `Date` that takes the time from these timers. What it makes are real dates. */
function virtualDate(timers: VirtualTimers): DateConstructor {
  function VirtualDate(...args: []): Date | string {
    if (!new.target) return new REAL.Date(timers.now).toString();
    return args.length === 0 ? new REAL.Date(timers.now) : new REAL.Date(...args);
  }
  const { parse, UTC, prototype } = REAL.Date;
  const statics = { now: () => timers.now, parse, UTC, prototype, isFake: true };
  return Object.assign(VirtualDate, statics) as unknown as DateConstructor;
}

export class VirtualClock {
  readonly #timers: VirtualTimers;
  /** Called before time moves: the demo paces itself here, and looks at the world in between. */
  beforeMoving: ((from: Date, to: Date) => Promise<void>) | undefined;

  constructor(start: Date) {
    // A clock left behind, for example by a test that timed out, must not break everything after it.
    VirtualClock.uninstallAny();
    installed = this;
    this.#timers = new VirtualTimers(start.getTime());
    const { set, clear } = this.#timers;
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear, Date: virtualDate(this.#timers) });
  }

  readonly now = (): Date => new REAL.Date(this.#timers.now);

  /** Sleeps virtual seconds. */
  sleep(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
    });
  }

  /** Lets time pass until this is settled, and returns it. */
  async until<T>(outcome: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    outcome.then(settle, settle);
    while (true) {
      for (let count = 0; count < TURNS && !settled; count += 1) await turn();
      if (settled) return outcome;
      await this.#move();
    }
  }

  async #move(): Promise<void> {
    const next = this.#timers.next();
    if (next === undefined) throw new Error('The simulation is stuck: nothing runs and no timer is set.');
    if (!this.beforeMoving) {
      this.#timers.fire(next);
      return;
    }
    await this.beforeMoving(this.now(), new REAL.Date(next.at));
    // Somebody may have set or cleared one meanwhile.
    this.#timers.fire(this.#timers.next() ?? next);
  }

  /** Gives the process its real time back, unless another clock has been installed meanwhile. */
  uninstall(): void {
    if (installed !== this) return;
    installed = undefined;
    Object.assign(globalThis, {
      setTimeout: REAL.setTimeout,
      clearTimeout: REAL.clearTimeout,
      Date: REAL.Date,
    });
  }

  static uninstallAny(): void {
    installed?.uninstall();
  }
}
