/** The gates between a wanted release and the fleet, and what can be gone back to: as tables. */
import { describe, expect, it } from 'vitest';
import { assertGatesOpen } from '../../lambdas/domain/core/errors.ts';
import type { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import { askGates, type GateFacts } from '../../lambdas/domain/release/gates.ts';
import { holdAt, holdSentence } from '../../lambdas/domain/release/hold.ts';
import {
  type CurrentRelease,
  nothingToRedeploy,
  recipe,
} from '../../lambdas/domain/release/release-choice.ts';
import { decideRollback, decideTarget } from '../../lambdas/domain/release/rollback.ts';
import { at, RELEASE } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

const SHA = RELEASE.artifact.sha256;
const DAY = (day: number) => `2026-11-${String(day).padStart(2, '0')}T00:00:00.000Z`;

const current = (changes: Partial<CurrentRelease> = {}): CurrentRelease => ({
  outcome: 'Deployed',
  deployment: 'deploy-1',
  artifact: { ...RELEASE.artifact, versionId: 'v1' },
  runtimes: [],
  imageId: 'ami-1',
  imageCreatedAt: DAY(10),
  recipe: recipe(aFleet()),
  previous: 'deploy-0',
  ...changes,
});
const facts = (changes: Partial<GateFacts> = {}): GateFacts => ({
  now: at(0),
  artifact: RELEASE.artifact,
  runtimes: [],
  image: { imageId: 'ami-2', name: 'shop-2', createdAt: DAY(20) },
  current: current(),
  onHold: undefined,
  promotion: undefined,
  ...changes,
});
const OLDER = { imageId: 'ami-0', name: 'shop-0', createdAt: DAY(1) };

/** It is Sunday. */
const FROZEN = aFleet({
  freezes: [
    { kind: 'weekly', label: 'weekend', timeZone: 'UTC', days: ['sat', 'sun'], from: '00:00', to: '24:00' },
  ],
});
const PROVEN = aFleet({ wantsProvenance: true });
const names = (fleet = aFleet(), input: DeploymentInput = {}, changes: Partial<GateFacts> = {}) =>
  askGates(fleet, input, facts(changes)).refusals.map(({ name }) => name);

describe('The gate for freezes', () => {
  const reason = 'the site is down';
  it.each<[string, DeploymentInput, readonly string[]]>([
    ['refuses an upload', { upload: { eventId: 'e' } }, ['Frozen']],
    ['refuses a person', { versionId: 'v2' }, ['Frozen']],
    ['refuses a rollback', { rollbackTo: 'previous' }, ['Frozen']],
    ['refuses a new image', { newImage: { eventId: 'e' } }, ['Frozen']],
    ['lets through who insists, with a reason', { override: ['freeze'], reason }, []],
    ['is not opened by the override of another gate', { override: ['provenance'], reason }, ['Frozen']],
  ])('%s', (_what, input, refused) => expect(names(FROZEN, input)).toEqual(refused));

  it('says when it ends, and both ways on', () =>
    expect(() => assertGatesOpen(askGates(FROZEN, {}, facts()).refusals)).toThrow(
      failure(
        'Frozen',
        'shop is frozen: weekend, until Mon 2026-03-02 00:00 in UTC (2026-03-02T00:00Z). Start the deployment again then ' +
          '(nothing starts it automatically), or at once by irekae-shop-override with {"override": ["freeze"], "reason": "…"}.',
      ),
    ));

  it('tells what was overridden, and nothing when there was nothing to override', () => {
    const input: DeploymentInput = { override: ['freeze', 'provenance'], reason };
    expect(askGates(FROZEN, input, facts()).overridden).toEqual(['although shop is frozen']);
    expect(askGates(aFleet(), input, facts()).overridden).toEqual([]);
  });
});

describe('The gate for holds', () => {
  const reason = 'the site is down';
  const onHold = { reason: 'the database moves', by: 'Operator/hanako', since: at(0) };
  const HELD = { onHold };
  it.each<[string, DeploymentInput, readonly string[]]>([
    ['refuses an upload', { upload: { eventId: 'e' } }, ['OnHold']],
    ['refuses a rollback', { rollbackTo: 'previous' }, ['OnHold']],
    ['refuses a new image', { newImage: { eventId: 'e' } }, ['OnHold']],
    ['lets through who insists, with a reason', { override: ['hold'], reason }, []],
    ['is not opened by the override of another gate', { override: ['freeze'], reason }, ['OnHold']],
  ])('%s', (_what, input, refused) => expect(names(aFleet(), input, HELD)).toEqual(refused));

  it('is asked beside the others', () => expect(names(FROZEN, {}, HELD)).toEqual(['Frozen', 'OnHold']));

  it('says who, why, until when, and all ways on', () =>
    expect(() => assertGatesOpen(askGates(aFleet(), {}, facts(HELD)).refusals)).toThrow(
      failure(
        'OnHold',
        'shop is on hold: the database moves (by Operator/hanako, 2026-03-01 09:00 UTC), until somebody lifts it. Start the ' +
          'deployment again then (nothing starts it automatically); to lift the hold: in your clone of irekae, ' +
          'npx --no -- irekae release shop; or at once, beside it, by irekae-shop-override with {"override": ["hold"], "reason": "…"}.',
      ),
    ));

  it('tells what was overridden', () =>
    expect(askGates(aFleet(), { override: ['hold'], reason }, facts(HELD)).overridden).toEqual([
      'although shop is on hold',
    ]));

  it.each<[string, number | undefined, boolean]>([
    ['lasts until it is lifted', undefined, true],
    ['lasts until the moment that was given', 61, true],
    ['is over at that moment', 60, false],
    ['is over afterwards', 0, false],
  ])('a hold %s', (_what, until, stands) => {
    const given = { ...onHold, ...(until !== undefined && { until: at(until) }) };
    expect(holdAt({ onHold: given }, at(60))).toEqual(stands ? given : undefined);
  });

  it('a row without one, and no row, hold nothing', () =>
    expect([holdAt({}, at(0)), holdAt(undefined, at(0))]).toEqual([undefined, undefined]));

  it('shows what somebody has typed on one line, without what moves a cursor, and says when it ends', () =>
    expect(holdSentence({ ...onHold, reason: 'a\u001B[2J\nb', until: at(3_600) })).toBe(
      'a\uFFFD[2J b (by Operator/hanako, 2026-03-01 09:00 UTC), until 2026-03-01 10:00 UTC',
    ));
});

describe('The gate for provenance', () => {
  const proof = (changes: object = {}) => ({
    fleet: 'shop',
    sha256: SHA,
    promotedAt: DAY(20),
    versionId: RELEASE.artifact.versionId,
    ...changes,
  });
  const onItsWay = (changes: object = {}) =>
    proof({ versionId: undefined, until: at(60).toISOString(), ...changes });
  it.each<[string, unknown, readonly string[]]>([
    ['opens for a promotion of this version to this fleet', proof(), []],
    ['takes no absence for proof', undefined, ['NotProven']],
    ['takes no other checksum', proof({ sha256: 'b'.repeat(64) }), ['NotProven']],
    ['takes no other fleet', proof({ fleet: 'shop-2' }), ['NotProven']],
    ['takes no text', JSON.stringify(proof()), ['NotProven']],
    ['takes nothing without a date', proof({ promotedAt: undefined }), ['NotProven']],
    ['takes the same bytes in no other upload', proof({ versionId: 'v0' }), ['NotProven']],
    ['takes no proof that is for no upload', proof({ versionId: undefined }), ['NotProven']],
    ['opens for the copy of a promotion on its way', onItsWay(), []],
    ['takes nothing that comes too late for it', onItsWay({ until: at(0).toISOString() }), ['NotProven']],
    ['takes no date that is none', onItsWay({ until: 'for ever' }), ['NotProven']],
    [
      'takes not what was there before it',
      onItsWay({ onto: { versionId: RELEASE.artifact.versionId, etag: '"e"' } }),
      ['NotProven'],
    ],
  ])('%s', (_what, promotion, refused) => {
    expect(names(PROVEN, {}, { promotion })).toEqual(refused);
    expect(names(aFleet(), {}, { promotion })).toEqual([]);
  });

  it('says that the bytes are known, as another upload', () =>
    expect(
      askGates(PROVEN, {}, facts({ promotion: proof({ versionId: 'v0' }) })).refusals[0]?.sentence,
    ).toContain(
      'was not promoted to shop (the same bytes were, as version v0; a proof is for one upload), which accepts only',
    ));

  describe('over the runtimes', () => {
    const PERL = {
      key: 'perl.tar.gz',
      versionId: 'r2',
      sha256: 'c'.repeat(64),
      sizeBytes: 9,
      directory: '/opt/perl',
    };
    const tested = (...runtimes: { directory: string; sha256: string }[]) => proof({ tested: { runtimes } });
    const { directory, sha256 } = PERL;
    it.each<[string, unknown, readonly string[]]>([
      ['opens for the one that was tested', tested({ directory, sha256 }), []],
      ['takes no other bytes', tested({ directory, sha256: 'd'.repeat(64) }), ['NotProven']],
      ['takes no other place', tested({ directory: '/opt/ruby', sha256 }), ['NotProven']],
      ['takes none where none was tested', tested(), ['NotProven']],
      ['takes none where nobody knows', proof(), ['NotProven']],
      ['takes none where only the soak was overridden', proof({ override: ['soak'] }), ['NotProven']],
      ['opens where provenance was overridden at the promotion', proof({ override: ['provenance'] }), []],
      [
        'takes no others than tested, whatever was overridden',
        proof({ override: ['provenance'], tested: { runtimes: [] } }),
        ['NotProven'],
      ],
    ])('%s', (_what, promotion, refused) => {
      expect(names(PROVEN, {}, { promotion, runtimes: [PERL] })).toEqual(refused);
      expect(names(aFleet(), {}, { promotion, runtimes: [PERL] })).toEqual([]);
    });

    it('names each, and is opened by who insists, which is told', () => {
      const asked = facts({ promotion: tested(), runtimes: [PERL] });
      expect(askGates(PROVEN, {}, asked).refusals[0]?.sentence).toContain(
        'but perl.tar.gz version r2 was not tested with it in /opt/perl. Upload the runtimes that its source ran',
      );
      const insist: DeploymentInput = { override: ['provenance'], reason: 'a hotfix' };
      expect(askGates(PROVEN, insist, asked)).toEqual({
        refusals: [],
        overridden: ['although its runtimes are not those that it was tested with'],
      });
    });

    it('lets the new-image rule redeploy what runs', () =>
      expect(
        names(PROVEN, { newImage: { eventId: 'e' } }, { promotion: tested(), runtimes: [PERL] }),
      ).toEqual([]));
  });

  describe('over the image', () => {
    const DEMANDING = aFleet({ wantsProvenance: true, wantsTestedImage: true });
    const on = (imageId?: string, imageCopyOf?: string) =>
      proof({ tested: { runtimes: [], imageId, imageCopyOf } });
    const image = (copyOf?: string) => ({ imageId: 'ami-2', name: 'shop-2', createdAt: DAY(20), copyOf });
    it.each<[string, unknown, string | undefined, boolean]>([
      ['the one that was tested', on('ami-2'), undefined, true],
      ['a copy of it', on('ami-1'), 'ami-1', true],
      ['what the tested one is a copy of', on('ami-1', 'ami-2'), undefined, true],
      ['another copy of the same', on('ami-1', 'ami-0'), 'ami-0', true],
      ['another', on('ami-1'), undefined, false],
      ['a copy of another', on('ami-1', 'ami-0'), 'ami-9', false],
    ])('knows %s', (_what, promotion, copyOf, isSame) => {
      const asked = facts({ promotion, image: image(copyOf) });
      const told = isSame ? [] : ['on ami-2, although it was tested on ami-1'];
      expect(askGates(PROVEN, {}, asked)).toEqual({
        refusals: [],
        overridden: told,
        ...(!isSame && { testedImage: 'ami-1' }),
      });
      expect(names(DEMANDING, {}, asked)).toEqual(isSame ? [] : ['NotProven']);
      const insist: DeploymentInput = { override: ['provenance'], reason: 'a hotfix' };
      expect(askGates(DEMANDING, insist, asked)).toMatchObject({ refusals: [], overridden: told });
    });

    it.each<[string, DeploymentInput, unknown, readonly string[]]>([
      ['takes none where the tested one is not known', {}, on(), ['NotProven']],
      [
        'takes none by the override for images',
        { override: ['image'], reason: 'x' },
        on('ami-1'),
        ['NotProven'],
      ],
      [
        'takes no new image by the rule for those',
        { newImage: { eventId: 'e' } },
        on('ami-1'),
        ['NotProven'],
      ],
      ['opens where nothing was tested, by an override', {}, proof({ override: ['provenance'] }), []],
    ])('that demands it, %s', (_what, input, promotion, refused) =>
      expect(names(DEMANDING, input, { promotion, image: image() })).toEqual(refused),
    );
  });

  it.each<[string, DeploymentInput, CurrentRelease | undefined, readonly string[]]>([
    ['opens for who insists', { override: ['provenance'], reason: 'a hotfix' }, undefined, []],
    ['refuses a rollback to what was never promoted', { rollbackTo: 'deploy-0' }, current(), ['NotProven']],
    ['refuses a redeployment by hand', { redeploy: true }, current(), ['NotProven']],
    ['lets the new-image rule redeploy what runs', { newImage: { eventId: 'e' } }, current(), []],
    [
      'lets the new-image rule bring nothing else',
      { newImage: { eventId: 'e' } },
      current({ artifact: { ...RELEASE.artifact, sha256: 'b'.repeat(64) } }),
      ['NotProven'],
    ],
  ])('%s', (_what, input, runs, refused) => expect(names(PROVEN, input, { current: runs })).toEqual(refused));
});

describe('The gate for older images', () => {
  it.each<[string, DeploymentInput, Partial<GateFacts>, readonly string[]]>([
    ['opens for a newer image', {}, {}, []],
    ['opens for the same image', {}, { image: { imageId: 'ami-1', name: 'x', createdAt: DAY(1) } }, []],
    ['opens for an image of the same moment', {}, { image: { ...OLDER, createdAt: DAY(10) } }, []],
    ['refuses an older one', {}, { image: OLDER }, ['OlderImage']],
    [
      'lets an older one through where the newer one was withdrawn',
      {},
      { image: { ...OLDER, withdrawn: ['ami-other', 'ami-1'] } },
      [],
    ],
    ['refuses it to an upload too', { upload: { eventId: 'e' } }, { image: OLDER }, ['OlderImage']],
    ['opens for who names it', { amiId: 'ami-0' }, { image: OLDER }, []],
    ['opens for a rollback', { rollbackTo: 'deploy-0' }, { image: OLDER }, []],
    ['says nothing of an image without a date', {}, { image: { imageId: 'ami-0', name: 'x' } }, []],
    [
      'says nothing when the record has no date',
      {},
      { image: OLDER, current: { ...current(), imageCreatedAt: undefined } as unknown as CurrentRelease },
      [],
    ],
    ['says nothing of a first deployment', {}, { image: OLDER, current: undefined }, []],
  ])('%s', (_what, input, changes, refused) => expect(names(aFleet(), input, changes)).toEqual(refused));
});

describe('The gates of a rollback', () => {
  const SAME = {
    artifact: current().artifact,
    image: { imageId: 'ami-1', name: 'shop-1', createdAt: DAY(10) },
  };
  it.each<[string, Partial<GateFacts>, readonly string[]]>([
    ['assertGatesOpen what runs already', SAME, ['NothingToRollBackTo']],
    ['let another artifact through', { ...SAME, artifact: RELEASE.artifact }, []],
    ['let another image through', { ...SAME, image: OLDER }, []],
    [
      'let another runtime through',
      { ...SAME, runtimes: [{ ...RELEASE.artifact, directory: '/opt/perl' }] },
      [],
    ],
    ['let it through when nobody knows what runs', { ...SAME, current: undefined }, []],
  ])('%s', (_what, changes, refused) =>
    expect(names(aFleet(), { rollbackTo: 'deploy-0' }, changes)).toEqual(refused),
  );

  it('are all asked, and all tell', () => {
    const fleet = { ...FROZEN, wantsProvenance: true };
    const { refusals } = askGates(fleet, { rollbackTo: 'deploy-0' }, facts(SAME));
    expect(refusals.map(({ name }) => name)).toEqual(['NothingToRollBackTo', 'NotProven', 'Frozen']);
    expect(() => assertGatesOpen(refusals)).toThrow(
      failure('NothingToRollBackTo', /runs exactly this.* Also NotProven: .* Also Frozen: shop is frozen/),
    );
  });
});

describe('A new image is nothing to redeploy on', () => {
  it.each<[string, GateFacts['image'], CurrentRelease | undefined, string | undefined]>([
    ['when nothing runs', facts().image, undefined, 'no release of shop is on record as running'],
    [
      'when it is the one that runs',
      { imageId: 'ami-1', name: 'x' },
      current(),
      'shop runs on ami-1 since deploy-1',
    ],
    ['when it is older than that', OLDER, current(), 'ami-0, is older than ami-1'],
    ['but a newer one is', facts().image, current(), undefined],
    ['but one of which nobody knows the age is', { imageId: 'ami-2', name: 'x' }, current(), undefined],
  ])('%s', (_when, image, runs, says) => {
    const told = nothingToRedeploy(aFleet(), image, runs);
    if (says === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(says);
  });
});

// ── Going back ─────────────────────────────────────────────────────────────────────────────────────────────────────

const record = (changes: object = {}) => ({ ...current(), fleet: 'shop', ...changes });

describe('decideTarget', () => {
  it('takes an id for what it is', () =>
    expect(decideTarget(aFleet(), 'deploy-7', undefined)).toBe('deploy-7'));
  it('knows what ran before', () => expect(decideTarget(aFleet(), 'previous', record())).toBe('deploy-0'));

  it.each<[string, unknown, string]>([
    [
      'was never deployed',
      undefined,
      'shop has no record of a deployment: there is nothing to roll back to.',
    ],
    [
      'was deployed once',
      record({ previous: undefined }),
      'shop runs the release of deploy-1, and no deployment before it is on record. `aws s3 ls',
    ],
    [
      'was left halfway',
      record({ outcome: 'StoppedHalfway' }),
      'The last deployment of shop, deploy-1, ended as StoppedHalfway, so that nobody can say what was there before what ' +
        'runs now. Before it, the release of deploy-0 ran. Name the deployment to go back to: {"rollbackTo": "ID"}.',
    ],
  ])('refuses to guess what ran before in a fleet that %s', (_what, last, says) =>
    expect(() => decideTarget(aFleet(), 'previous', last)).toThrow(failure('NothingToRollBackTo', says)),
  );
});

describe('decideRollback', () => {
  const target = record({ deployment: 'deploy-0', previous: undefined });

  it('gives the release that was deployed then', () =>
    expect(decideRollback(aFleet(), 'deploy-0', target, record())).toMatchObject({
      artifact: { versionId: 'v1' },
      imageId: 'ami-1',
    }));

  const RUNS = 'it runs v1 since deploy-1, and before that it ran the release of deploy-0';
  it.each<[string, unknown, string]>([
    [
      'that is unknown',
      undefined,
      `shop has no deployment deploy-0 on record; ${RUNS}. \`aws s3 ls s3://artifacts/irekae/shop/deployments/\``,
    ],
    ['of another fleet', { ...target, fleet: 'blog' }, 'shop has no deployment deploy-0 on record'],
    ['of another name', { ...target, deployment: 'deploy-9' }, 'shop has no deployment deploy-0 on record'],
    [
      'that was undone',
      { ...target, outcome: 'RolledBack' },
      `shop cannot go back to deploy-0: it ended as RolledBack and never ran; ${RUNS}`,
    ],
    [
      'whose record is damaged',
      { ...target, imageId: 5 },
      'shop cannot go back to deploy-0: its record cannot be read',
    ],
    [
      'of other files',
      {
        ...target,
        artifact: { ...target.artifact, key: 'old.tar.gz' },
        runtimes: [{ ...RELEASE.artifact, key: 'perl.tar.gz', directory: '/opt/perl' }],
      },
      'its hosts may not read old.tar.gz, perl.tar.gz anymore, because the fleets file names other files',
    ],
  ])('refuses a deployment %s', (_what, found, says) =>
    expect(() => decideRollback(aFleet(), 'deploy-0', found, record())).toThrow(
      failure('NothingToRollBackTo', says),
    ),
  );
});
