/**
 * The clock of a run, for a process of Node: what the time was when somebody last said so, and what has gone by since.
 * Time goes by as usual while functions run; whoever asks one to run says what time it is (`judges/moto/clock.py`).
 */
const Real = globalThis.Date;
let ahead = 0;

/** @param seconds since 1970, in the run */
export const setClock = (seconds: number): void => {
  ahead = seconds * 1000 - Real.now();
};

/** Replaces `Date`. */
export function installClock(): void {
  globalThis.Date = class extends Real {
    constructor(...given: []) {
      super(...((given.length === 0 ? [Real.now() + ahead] : given) as [number]));
    }
    static override now(): number {
      return Math.round(Real.now() + ahead);
    }
  } as DateConstructor;
}
