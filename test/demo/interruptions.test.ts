/** The flows *abort* and *two-uploads* of `npm start`: what the audience hears, and that they end as they must. */
import { describe, expect, it } from 'vitest';
import {
  type InterruptionOptions,
  performAbort,
  performTwoUploads,
} from '../../simulator/demo/interruptions.ts';
import { Pace } from '../../simulator/demo/pace.ts';
import { synthesize } from '../synth.ts';
import { Recording } from './recorder.ts';

async function played(perform: (options: InterruptionOptions) => Promise<{ readonly asItMust: boolean }>) {
  const recording = new Recording();
  const { asItMust } = await perform({
    template: synthesize(),
    fleet: 'reactio-production-app',
    seed: 7,
    tarball: Buffer.from('a tarball'),
    audience: recording,
    pace: new Pace('max'),
  });
  const endings: string[] = [];
  recording.showTo({ ends: ({ endedIn, violations }) => endings.push(`${endedIn} ${violations.length}`) });
  return { asItMust, endings, told: recording.lines().join('\n') };
}

describe('The flow abort', () => {
  it('is stopped while the traffic is shifted, and put back from outside', async () => {
    const { asItMust, endings, told } = await played(performAbort);
    expect(asItMust).toBe(true);
    expect(endings).toEqual(['Undone 0']);
    expect(told).toMatch(
      /the execution was stopped[\s\S]*undoing what a dead holder left in the phase shift/,
    );
    expect(told).toMatch(/the old hosts serve\n[\s\S]*2 new instances removed\nthe lock is free$/);
  });
});

describe('The flow two-uploads', () => {
  it('lets the newer upload wait, and deploys it next', async () => {
    const { asItMust, endings, told } = await played(performTwoUploads);
    expect(asItMust).toBe(true);
    expect(endings).toEqual(['Deployed 0', 'Deployed 0']);
    expect(told).toMatch(/Waiting for its turn: .* is waiting and will be deployed next/);
    const [, newest] = /the lock is free; version (\w+) is deployed next/.exec(told) ?? [];
    expect(told).toContain(`version ${newest}, 18 bytes`);
  });
});
