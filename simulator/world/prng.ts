/**
 * The world's only source of chance: mulberry32, a 32-bit generator in the public domain, that can be branched.
 *
 * Each thing in the world draws from its own branch, named after the thing. So what one host draws does not depend on
 * how the calls of other steps interleave, and a scenario that changes one host leaves the others as they were.
 */

/** Smallest and largest value. */
export type Range = readonly [min: number, max: number];

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const HEX = '0123456789abcdef';

export class Random {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** Evenly spread in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Evenly spread between both ends. */
  between([min, max]: Range): number {
    return min + (max - min) * this.next();
  }

  /** A duration drawn from a range of seconds, in whole milliseconds. */
  millis(seconds: Range): number {
    return Math.round(this.between(seconds) * 1000);
  }

  hex(length: number): string {
    return this.#text(HEX, length);
  }

  base58(length: number): string {
    return this.#text(BASE58, length);
  }

  /** An independent generator: the same label on the same seed always gives the same one. */
  branch(label: string): Random {
    // FNV-1a: short labels that differ in one character must not start close together.
    let hash = 0x811c9dc5 ^ this.#seed;
    for (let i = 0; i < label.length; i += 1) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    return new Random(hash ^ (hash >>> 16));
  }

  #text(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet.charAt(Math.floor(this.next() * alphabet.length))).join('');
  }
}
