/** The flow *promote* of `npm start`: who plays, what the audience hears, and that it ends as it must. */
import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { castOf } from '../../simulator/demo/cast.ts';
import { packedByCi } from '../../simulator/demo/ci-tarball.ts';
import { JsonLines } from '../../simulator/demo/json-lines.ts';
import { Pace } from '../../simulator/demo/pace.ts';
import { PlainLines } from '../../simulator/demo/plain-lines.ts';
import { performPromotion } from '../../simulator/demo/promotion.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';
import { Recording } from './recorder.ts';

async function played(soakMinutes = 30, seed = 7) {
  const recording = new Recording();
  const { asItMust } = await performPromotion({
    source: { fleet: 'reactio-staging-app', template: synthesize('staging') },
    destination: { fleet: 'reactio-production-app', template: synthesize('production') },
    soakMinutes,
    seed,
    tarball: Buffer.from('a tarball'),
    audience: recording,
    pace: new Pace('max'),
  });
  return { recording, asItMust };
}
let first: ReturnType<typeof played> | undefined;
const once = () => {
  first ??= played();
  return first;
};

describe('The cast of a promotion', () => {
  it('is the last fleet that something is promoted to and that follows nobody, and its source', () =>
    expect(castOf(['promote'], exampleEnvironments).parts).toEqual([
      {
        scenario: 'promote',
        environment: 'production',
        fleet: 'reactio-production-app',
        source: { environment: 'staging', fleet: 'reactio-staging-app', soakMinutes: 30 },
      },
    ]));

  it('is missed where nothing is promoted', () =>
    expect(castOf(['promote'], exampleEnvironments.slice(0, 1))).toEqual({
      parts: [],
      problems: ['--scenario promote: needs a fleet with a promotion; the fleets file has none'],
    }));
});

describe('The tarball of a promotion', () => {
  it('is packed by the script that CI uses, or not there where that cannot pack', () => {
    const packed = packedByCi();
    if (packed) expect(gunzipSync(packed).toString('latin1')).toContain('./bin/start');
    else expect(spawnSync('bash', ['-c', 'git rev-parse && tar --version | grep GNU']).status).not.toBe(0);
  });
});

describe('The flow promote', () => {
  it('deploys on staging, promotes, deploys in production, and then the worker', async () => {
    const { recording, asItMust } = await once();
    expect(asItMust).toBe(true);
    const fleets: string[] = [];
    const endings: string[] = [];
    recording.showTo({
      begins: ({ fleet }) => fleets.push(fleet),
      ends: ({ endedIn, violations }) => endings.push(`${endedIn} ${violations.length}`),
    });
    expect(fleets).toEqual(['reactio-staging-app', 'reactio-production-app', 'reactio-production-worker']);
    expect(endings).toEqual(['Deployed 0', 'Deployed 0', 'Deployed 0']);
  });

  it('tells in plain lines what a promotion does', async () => {
    const { recording } = await once();
    const written: string[] = [];
    recording.showTo(new PlainLines({ write: (text) => written.push(text), inColour: false }));
    const text = written.join('');
    expect(text).toMatch(/━━ promote: 1 of 3, reactio-staging-app: the upload is deployed there\./);
    expect(text).toMatch(
      /30 min pass while people look at .*\n\n\d\d:\d\d +someone promotes to reactio-production-app\n.* Choose the candidate: .* is promoted to .*\n.* Write the proof: .* is proven for 2 fleets: .*\n.* Copy the artifact: copied and verified as version .*\n.* Record the promotion: .*\n\n\d\d:\d\d +Promoted\n\n━━ promote: 2 of 3, reactio-production-app/,
    );
    expect(text).toMatch(
      /reactio-production-app was deployed; reactio-production-worker follows with the same version/,
    );
  });

  it('tells the same to machines', async () => {
    const { recording } = await once();
    const written: string[] = [];
    recording.showTo(new JsonLines((text) => written.push(text)));
    const objects = written.map((line) => JSON.parse(line));
    expect(objects.filter(({ type }) => type === 'result').map(({ fleet }) => fleet)).toHaveLength(3);
    expect(objects).toContainEqual(
      expect.objectContaining({ type: 'line', state: 'Copy the artifact', kind: 'says' }),
    );
  });

  it('does not end as it must when the promotion is refused', async () => {
    const { recording, asItMust } = await played(0);
    expect(asItMust).toBe(false);
    const endings: string[] = [];
    recording.showTo({ ends: ({ fleet }) => endings.push(fleet) });
    expect(endings).toEqual(['reactio-staging-app']);
  });
});
