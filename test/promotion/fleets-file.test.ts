/** The release flow in the fleets file: who is promoted to from whom, who is deployed after whom, and what is refused. */
import { describe, expect, it } from 'vitest';
import { readFleets } from '../../lib/read-fleets.ts';
import { toRuntimeFleet } from '../../lib/runtime-fleet.ts';
import { type LooseFile, looseExample, problemsOf } from '../lib/fleets.ts';
import { exampleEnvironments } from '../synth.ts';

const NAMES = ['staging-app', 'staging-worker', 'production-app', 'production-worker'] as const;
type Short = (typeof NAMES)[number];
type Change = Record<string, unknown>;

/** The example with changes to its fleets, by the end of their names, and to its environments. */
function problemsWith(changes: Partial<Record<Short, Change>>, environments: Change = {}): readonly string[] {
  const file = looseExample();
  file.fleets = file.fleets.map((fleet, index) => {
    const merged: Change = { ...fleet, ...changes[NAMES[index] as Short] };
    for (const [field, value] of Object.entries(merged)) if (value === undefined) delete merged[field];
    return merged as LooseFile['fleets'][number];
  });
  file.environments = file.environments.map((each) => ({ ...each, ...environments }));
  return problemsOf(file);
}
const from = (fleet: string) => ({ promotion: { from: `reactio-${fleet}` } });
const NO_PROMOTION = { promotion: undefined };

describe('A promotion', () => {
  it('is refused where the source has no artifact, in one sentence', () => {
    const imageOnly = { artifact: undefined, runtimes: [], ...NO_PROMOTION };
    const problems = problemsWith({
      'staging-app': imageOnly,
      'staging-worker': imageOnly,
      'production-app': from('staging-app'),
      'production-worker': from('staging-app'),
    });
    expect(problems.join('\n')).toMatch(
      /promotion\.from: given "reactio-staging-app", allowed: a fleet with an artifact: artifacts are promoted, and the release of that one is its image/,
    );
  });

  it('is required and without soak unless it says otherwise', () => {
    const file = looseExample();
    Object.assign(file.fleets[2] ?? {}, from('staging-app'));
    expect(readFleets(file)[1]?.fleets[0]?.promotion).toEqual({
      from: 'reactio-staging-app',
      required: true,
      testedImage: false,
      soakMinutes: 0,
    });
  });

  it.each<[string, Parameters<typeof problemsWith>, readonly (string | RegExp)[]]>([
    [
      'from a fleet that does not exist, with the nearest names',
      [{ 'production-app': from('stagin-app'), 'production-worker': from('staging-app') }],
      [
        'fleet reactio-production-app: promotion.from: given "reactio-stagin-app", allowed: the name of a fleet; did you mean reactio-staging-app?',
      ],
    ],
    [
      'from itself',
      [{ 'production-app': from('production-app') }],
      [
        /production-app: promotion\.from: given "reactio-production-app", allowed: another fleet$/,
        /production-worker: promotion\.from/,
      ],
    ],
    [
      'onto the artifact that it copies',
      [{ 'staging-worker': from('staging-app'), 'staging-app': from('staging-worker') }],
      [
        /staging-app: promotion\.from: .*both have s3:\/\/irekae-staging-111111111111-ap-northeast-1\/reactio\/app\.tar\.gz, which would be copied onto itself/,
        /staging-worker: promotion\.from: .*copied onto itself/,
      ],
    ],
    [
      'in a bucket of both environments, onto the same key',
      [{}, { existingBucket: 'artifacts' }],
      [
        /^fleets .*-app and .*-worker: .*copied onto itself/,
        /^fleets .*-app and .*-worker: promotion: missing/,
      ],
    ],
    [
      'in a circle',
      [{ 'staging-app': from('production-app'), 'staging-worker': from('production-app') }],
      [/^fleets .*-app and .*-worker: .*from this one: .* ← .* ← /, /^fleets .*from this one/],
    ],
    [
      'to one of two fleets that one tarball feeds',
      [{ 'production-worker': NO_PROMOTION }],
      [
        'fleet reactio-production-worker: promotion: missing, but required: reactio-production-app has one, and ' +
          's3://irekae-production-222222222222-ap-northeast-1/reactio/app.tar.gz feeds both',
      ],
    ],
    [
      'to two fleets of one tarball from different tarballs',
      [
        {
          'staging-worker': { artifact: 'reactio/worker.tar.gz' },
          'production-worker': from('staging-worker'),
        },
      ],
      [
        /production-worker: promotion\.from: given "reactio-staging-worker", allowed: a fleet fed by s3:\/\/irekae-staging-111111111111-ap-northeast-1\/reactio\/app\.tar\.gz, as that of reactio-production-app is/,
      ],
    ],
    [
      'with a soak that is none',
      [{ 'production-app': { promotion: { from: 'reactio-staging-app', soakMinutes: -1 } } }],
      [
        'fleet reactio-production-app: promotion.soakMinutes: given -1, allowed: a whole number from 0 to 43200 minutes',
      ],
    ],
    [
      'of the tested image alone, beside new ones by themselves',
      [
        {
          'production-app': {
            promotion: { from: 'reactio-staging-app', testedImage: true },
            redeployOnNewImage: true,
          },
        },
      ],
      [/redeployOnNewImage: given true, allowed: false beside promotion\.testedImage: a new image/],
    ],
    [
      'of the tested image alone, where it need not be promoted',
      [
        {
          'production-app': {
            promotion: { from: 'reactio-staging-app', required: false, testedImage: true },
          },
        },
      ],
      [/promotion\.testedImage: given true, allowed: false where promotion\.required is false/],
    ],
    [
      'with a field that does not exist',
      [{ 'production-app': { promotion: { from: 'reactio-staging-app', soak: 5 } } }],
      [/promotion\.soak: unknown field; did you mean soakMinutes\?/],
    ],
  ])('is refused %s', (_, [changes, environments], problems) => {
    expect(problemsWith(changes, environments)).toEqual(
      problems.map((problem) => (typeof problem === 'string' ? problem : expect.stringMatching(problem))),
    );
  });

  it('is refused between partitions of AWS', () => {
    const file = looseExample();
    Object.assign(file.environments[0] ?? {}, { region: 'cn-north-1' });
    expect(() => readFleets(file)).toThrow(/of the same AWS partition, aws; that one is in aws-cn/);
  });

  it('may lead from key to key in one bucket', () => {
    const keys = { artifact: 'reactio/staging.tar.gz' };
    expect(
      problemsWith({ 'staging-app': keys, 'staging-worker': keys }, { existingBucket: 'artifacts' }),
    ).toEqual([]);
  });

  it('may name a source for each fleet of a tarball', () =>
    expect(problemsWith({ 'production-worker': from('staging-worker') })).toEqual([]));
});

describe('A fleet that is deployed after another one', () => {
  const follows = (fleet: string) => ({ after: `reactio-${fleet}` });
  it.each<[string, Parameters<typeof problemsWith>[0], string]>([
    [
      'after itself',
      { 'production-app': follows('production-app') },
      'after: given "reactio-production-app", allowed: another fleet',
    ],
    [
      'after nobody',
      { 'production-worker': follows('production-ap') },
      'allowed: the name of a fleet; did you mean reactio-production-app?',
    ],
    [
      'in another environment',
      { 'production-worker': follows('staging-app') },
      'allowed: a fleet of the same environment; that one is of staging',
    ],
    [
      'of another tarball',
      { 'staging-worker': { artifact: 'other.tar.gz', ...follows('staging-app') } },
      'allowed: a fleet with the same artifact, other.tar.gz; that one has reactio/app.tar.gz',
    ],
    [
      'without an artifact, on images of another kind',
      {
        'staging-app': { artifact: undefined, runtimes: [] },
        'staging-worker': {
          artifact: undefined,
          runtimes: [],
          image: { from: 'search', owner: 'self', namePattern: 'worker-*' },
          ...follows('staging-app'),
        },
      },
      'allowed: a fleet with the same image, because the image is the release; that one has another',
    ],
    [
      'in a circle',
      { 'staging-app': follows('staging-worker'), 'staging-worker': follows('staging-app') },
      'allowed: a fleet that does not wait for this one: reactio-staging-app → reactio-staging-worker → reactio-staging-app',
    ],
  ])('is refused %s', (_, changes, problem) => {
    expect(problemsWith(changes).join('\n')).toContain(problem);
  });

  it('stands in the fleet that the steps see, and in the one that it follows', () => {
    const [, production] = exampleEnvironments;
    if (production === undefined) throw new Error('the example has lost its production');
    const made = { bucketName: 'b', launchTemplateId: 'lt-1', launchTemplateVersion: '7' };
    const [app, worker] = production.fleets.map((fleet) => toRuntimeFleet(fleet, production, made));
    expect(app).toMatchObject({
      wantsProvenance: true,
      followers: ['reactio-production-worker'],
    });
    expect(app).not.toHaveProperty('after');
    expect(worker).toMatchObject({ after: 'reactio-production-app', followers: [] });
  });
});

describe('A fleet’s name', () => {
  it('does not end as the machine of another one could', () =>
    expect(problemsWith({ 'staging-worker': { name: 'reactio-production-app-promote' } }).join()).toContain(
      'not ending in -clean-up, -override or -promote',
    ));
});
