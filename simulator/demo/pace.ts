/** How virtual time passes for the audience: in real pauses, by the clock that is not faked. */
import type { Speed } from './options.ts';

// Taken before any stage exists, as a stage replaces the global one with the virtual clock's.
const realTimeout = setTimeout;
const sleep = (millis: number) => new Promise<void>((resolve) => realTimeout(resolve, millis));

/** Real milliseconds between two pictures. */
const FRAME_MILLIS = 50;
/** The tour's speed where something happens, and after how many quiet virtual seconds it doubles. */
const TOUR_SPEED = 15;
const QUIET_SECONDS = 6;

export class Pace {
  readonly #speed: Speed;
  /** Real milliseconds still to wait: the steps of virtual time are often shorter than a picture. */
  #owed = 0;

  constructor(speed: Speed) {
    this.#speed = speed;
  }

  /**
   * Lets a stretch of virtual time (in milliseconds) pass.
   * @param quietSince when something last happened: the tour speeds up the longer nothing does
   * @param draw called with the moments in between
   */
  async pass(from: number, to: number, quietSince: number, draw: (at: number) => void): Promise<void> {
    if (this.#speed === 'max') return;
    const speed = this.#speed === 'tour' ? tourSpeed((from - quietSince) / 1000) : this.#speed;
    this.#owed += (to - from) / speed;
    const whole = this.#owed;
    while (this.#owed >= FRAME_MILLIS) {
      draw(from + (to - from) * (1 - this.#owed / whole));
      const before = performance.now();
      await sleep(FRAME_MILLIS);
      this.#owed -= performance.now() - before;
    }
  }

  /** Time to read: the tour rests here for this many real seconds. */
  rest(seconds: number): void {
    if (this.#speed === 'tour') this.#owed += seconds * 1000;
  }
}

/** A pause of minutes passes in seconds: time runs faster the longer nothing has happened. */
function tourSpeed(quietSeconds: number): number {
  return TOUR_SPEED * (1 + Math.max(0, quietSeconds) / QUIET_SECONDS);
}
