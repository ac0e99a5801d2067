/** EC2's bucket of launches, which all fleets of an account share: everybody gets a turn, and nobody asks twice. */
import { describe, expect, it } from 'vitest';
import { CROWD, measureCrowd, WIDE } from '../../simulator/bench/crowd.ts';

describe('Launches in an account that launches much', () => {
  it('all come about when ten fleets of six zones are uploaded in the same second', async () => {
    const { launchSeconds, leastSeconds, ...crowd } = await measureCrowd(CROWD, 7);
    expect(crowd).toMatchObject({ deployed: 10, launched: 60, askedTwice: 0 });
    expect(crowd.turnedAway).toBeGreaterThan(10);
    expect(launchSeconds).toBeGreaterThan(leastSeconds);
    expect(launchSeconds).toBeLessThan(3 * leastSeconds);
  });

  it('come about in a fleet of twelve subnets', async () => {
    const { deployed, launched, askedTwice } = await measureCrowd(WIDE, 7);
    expect({ deployed, launched, askedTwice }).toEqual({ deployed: 1, launched: 12, askedTwice: 0 });
  });
});
