/** `npm start -- --timeline`: the page of what was played. */
import { describe, expect, it } from 'vitest';
import { Pace } from '../../simulator/demo/pace.ts';
import { perform } from '../../simulator/demo/performance.ts';
import type { ScenarioName } from '../../simulator/scenarios.ts';
import { synthesize } from '../synth.ts';
import { Recording } from './recorder.ts';

async function kept(scenario: ScenarioName): Promise<readonly string[]> {
  const pages: string[] = [];
  await perform({
    template: synthesize(),
    fleet: 'reactio-production-app',
    scenario,
    seed: 7,
    tarball: Buffer.from('a tarball'),
    audience: new Recording(),
    pace: new Pace('max'),
    keepPage: (page) => void pages.push(page),
  });
  return pages;
}

describe('The page of what was played', () => {
  it('is the one that the deployment left in its bucket', async () => {
    const [page, ...others] = await kept('app');
    expect(page).toContain('<title>Deployed: reactio-production-app');
    expect(others).toEqual([]);
  });

  it('is none for a dry run, which leaves none', async () => expect(await kept('dry-run')).toEqual([]));
});
