/** Is a version proven at the source? As a table of histories, newest first. */
import { describe, expect, it } from 'vitest';
import { judge, parseHistory, type Ran, runsNow } from '../../lambdas/domain/promotion/provenance.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();

/** Finished so many minutes ago. */
const ran = (versionId: string, minutes: number, changes: Partial<Ran> = {}): Ran => ({
  outcome: 'Deployed',
  deployment: `${versionId}-${minutes}`,
  artifact: { key: 'app.tar.gz', versionId, sha256: 'a'.repeat(64), sizeBytes: 9 },
  finishedAt: minutesAgo(minutes),
  ...changes,
});

const PERL = { key: 'perl', versionId: 'r', sha256: 'c'.repeat(64), sizeBytes: 9, directory: '/opt/perl' };

const NEWEST_FIRST = ['v4', 'v3', 'v2', 'v1'];
const ask = (history: readonly Ran[], versionId = 'v3', soakMinutes = 30) =>
  judge({ source: 'staging', versionId, soakMinutes, history, newestFirst: NEWEST_FIRST, now: NOW });
const against = (history: readonly Ran[], versionId?: string, soakMinutes?: number) =>
  ask(history, versionId, soakMinutes).objections.map((each) => `${each.against}: ${each.reason}`);

describe('A version is proven', () => {
  it.each<[string, readonly Ran[], string]>([
    ['that runs there for long enough', [ran('v3', 30)], 'v3-30'],
    ['that another one has replaced since', [ran('v4', 5), ran('v3', 60)], 'v3-60'],
    [
      'that another one was deployed after, which ended badly',
      [ran('v4', 5, { outcome: 'StoppedHalfway' }), ran('v3', 60)],
      'v3-60',
    ],
    ['that was deployed again since, whose soak goes on', [ran('v3', 1), ran('v3', 60)], 'v3-1'],
    ['whose record was written twice', [ran('v3', 40), ran('v3', 40)], 'v3-40'],
    [
      'that is back after it was gone back from',
      [ran('v3', 40), ran('v2', 90, { rolledBackTo: 'd' }), ran('v3', 99)],
      'v3-40',
    ],
    [
      'that was rolled back to',
      [ran('v3', 40, { rolledBackTo: 'v3-99' }), ran('v4', 60), ran('v3', 99)],
      'v3-40',
    ],
  ])('%s', (_, history, deployment) => {
    expect(ask(history)).toEqual({ deployment, objections: [], tested: { runtimes: [] } });
  });

  it('at once, where no soak is asked for', () => expect(against([ran('v3', 0)], 'v3', 0)).toEqual([]));
});

describe('A version is not proven', () => {
  it.each<[string, readonly Ran[], readonly string[]]>([
    ['where nothing was ever deployed', [], ['provenance: staging was never deployed']],
    [
      'that was never deployed there',
      [ran('v4', 60), ran('v2', 90)],
      ['provenance: version v3 is not among the last 2 releases that were deployed on staging'],
    ],
    [
      'whose deployment ended badly',
      [ran('v3', 60, { outcome: 'StoppedHalfway' }), ran('v2', 90)],
      ['provenance: the deployment v3-60 of staging ended as StoppedHalfway'],
    ],
    [
      'that was deployed again since, which ended badly',
      [ran('v3', 10, { outcome: 'StoppedHalfway' }), ran('v3', 90)],
      ['provenance: staging was deployed with it again since, which ended as StoppedHalfway'],
    ],
    [
      'that was rolled back from',
      [ran('v2', 10, { rolledBackTo: 'v2-90' }), ran('v3', 60), ran('v2', 90)],
      [`provenance: staging was rolled back from it at ${minutesAgo(10)}, to the deployment v2-90`],
    ],
    [
      'that somebody went back from by naming an older version',
      [ran('v2', 10), ran('v3', 60), ran('v2', 90)],
      [`provenance: staging went back from it at ${minutesAgo(10)}, to the older version v2`],
    ],
    [
      'that has not run there for long enough',
      [ran('v3', 12)],
      [
        'soak: staging has run it for 12 min of the 30 min that promotion.soakMinutes asks for; try again in 18 min',
      ],
    ],
    [
      'that was replaced before it had run for long enough',
      [ran('v4', 5), ran('v3', 15)],
      [
        'soak: staging ran it for only 10 min of the 30 min that promotion.soakMinutes asks for, until the deployment v4-5',
      ],
    ],
    [
      'that was gone back from, and early at that',
      [ran('v2', 10, { rolledBackTo: 'v2-90' }), ran('v3', 15), ran('v2', 90)],
      [
        `provenance: staging was rolled back from it at ${minutesAgo(10)}, to the deployment v2-90`,
        'soak: staging ran it for only 5 min of the 30 min that promotion.soakMinutes asks for, until the deployment v2-10',
      ],
    ],
    [
      'whose soak another release has interrupted',
      [ran('v3', 10), ran('v4', 20), ran('v3', 90)],
      [
        'soak: staging has run it for 10 min of the 30 min that promotion.soakMinutes asks for; try again in 20 min',
      ],
    ],
    [
      'that was deployed again with another runtime since',
      [
        ran('v3', 1, { runtimes: [PERL] }),
        ran('v3', 60, { runtimes: [{ ...PERL, sha256: 'b'.repeat(64) }] }),
      ],
      [
        'soak: staging has run it for 60 s of the 30 min that promotion.soakMinutes asks for; try again in 29 min',
      ],
    ],
  ])('%s', (_, history, objections) => {
    expect(against(history)).toEqual(objections);
  });

  it('that has not run for long enough on this image, where that counts', () => {
    const history = [ran('v3', 1, { imageId: 'ami-2' }), ran('v3', 60, { imageId: 'ami-1' })];
    const asked = {
      source: 'staging',
      versionId: 'v3',
      soakMinutes: 30,
      history,
      newestFirst: NEWEST_FIRST,
      now: NOW,
    };
    expect(judge(asked)).toMatchObject({ objections: [], tested: { imageId: 'ami-2' } });
    expect(judge({ ...asked, testedImage: true }).objections).toMatchObject([{ against: 'soak' }]);
  });

  it('by a record from the future of a clock that is off: its time counts as none', () =>
    expect(against([ran('v3', -5)])).toEqual([
      'soak: staging has run it for 0 s of the 30 min that promotion.soakMinutes asks for; try again in 30 min',
    ]));
});

describe('What the source runs now', () => {
  it('is what was deployed last', () =>
    expect(runsNow([ran('v3', 1), ran('v2', 9)])?.artifact?.versionId).toBe('v3'));
  it('is not known after a deployment that ended badly', () =>
    expect(runsNow([ran('v3', 1, { outcome: 'RollbackFailed' }), ran('v2', 9)])).toBeUndefined());
});

describe('A history', () => {
  it('leaves out what cannot be read, and what has expired', () => {
    const good = { ...ran('v3', 1), phases: { agree: 3 }, previous: 'v2-9' };
    expect(parseHistory([undefined, 'x', {}, good, { ...good, finishedAt: 'yesterday' }])).toEqual([
      ran('v3', 1),
    ]);
  });
});
