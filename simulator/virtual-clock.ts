/**
 * Time that passes only when everybody waits for it. Timers and `Date` of the whole process are faked (the interpreter
 * uses the global ones); the clock moves to the next timer when several real turns of the event loop have passed, in
 * which promises had the time to settle. So whoever works must not wait for anything but promises and this clock: a
 * handler with real input and output would be overtaken by the time-out of its own task.
 */
import FakeTimers from '@sinonjs/fake-timers';

/** Real turns of the event loop before time may move: a promise chain of the interpreter takes one or two. */
const TURNS = 3;

const realImmediate = setImmediate;
/** The faked one takes thirty times as long to make a date, and everybody in the world asks for the time. */
const RealDate = Date;
/** The clock that the process goes by. */
let installed: VirtualClock | undefined;

const turn = () => new Promise<void>((resolve) => realImmediate(resolve));

export class VirtualClock {
  readonly #timers;
  /** Called before time moves: the demo paces itself here, and looks at the world in between. */
  beforeMoving: ((from: Date, to: Date) => Promise<void>) | undefined;

  constructor(start: Date) {
    // One that was left behind, as by a test that timed out, must not fail everybody who comes after it.
    VirtualClock.uninstallAny();
    installed = this;
    this.#timers = FakeTimers.install({ now: start, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  }

  readonly now = (): Date => new RealDate(this.#timers.now);

  /** Sleeps virtual seconds. */
  sleep(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
    });
  }

  /** Lets time pass until this is settled, and answers it. */
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
    if (this.#timers.countTimers() === 0)
      throw new Error('The simulation is stuck: nothing runs and no timer is set.');
    if (!this.beforeMoving) {
      this.#timers.next();
      return;
    }
    const from = this.now();
    // A timer's moment is not public: step to it on a look-ahead of the clock's own list.
    const to = new Date(from.getTime() + this.#untilNext());
    await this.beforeMoving(from, to);
    this.#timers.next();
  }

  #untilNext(): number {
    const timers = [...(this.#timers.timers as ReadonlyMap<unknown, { callAt: number }>).values()];
    return Math.max(0, Math.min(...timers.map((timer) => timer.callAt)) - this.#timers.now);
  }

  /** Gives the process its real time back, unless it goes by another clock meanwhile. */
  uninstall(): void {
    if (installed !== this) return;
    installed = undefined;
    this.#timers.uninstall();
  }

  static uninstallAny(): void {
    installed?.uninstall();
  }
}
