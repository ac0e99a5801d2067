/** The process's time is given back, also when somebody has left his clock behind. */
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../simulator/virtual-clock.ts';

const isFake = () => 'isFake' in Date;
const LEFT = new Date('2026-01-01T00:00:00Z');
const NEXT = new Date('2027-01-01T00:00:00Z');

describe('A clock that was left installed', () => {
  afterEach(() => VirtualClock.uninstallAny());

  it('gives way to the next one', async () => {
    new VirtualClock(LEFT);
    const clock = new VirtualClock(NEXT);
    expect(new Date()).toEqual(NEXT);
    await clock.until(clock.sleep(5));
    expect(Date.now() - NEXT.getTime()).toBe(5_000);
  });

  it('cannot end the time of the next one, when its test comes to its end after all', () => {
    const left = new VirtualClock(LEFT);
    const clock = new VirtualClock(NEXT);
    left.uninstall();
    expect(new Date()).toEqual(NEXT);
    expect(clock.now()).toEqual(NEXT);
    VirtualClock.uninstallAny();
    expect(isFake()).toBe(false);
  });

  it('is uninstalled by whoever does not know it', () => {
    new VirtualClock(LEFT);
    expect(isFake()).toBe(true);
    VirtualClock.uninstallAny();
    expect(isFake()).toBe(false);
    VirtualClock.uninstallAny();
  });
});
