/** Decisions of a promotion: which version, whether it may go, whether it is there already, and whether the copy is right. */
import { describe, expect, it } from 'vitest';
import {
  copyRequest,
  decideCopy,
  fitsIntoOneRequest,
  isCopy,
  partSize,
  verifiedCopy,
} from '../../lambdas/domain/promotion/copying.ts';
import { parsePromotionInput } from '../../lambdas/domain/promotion/input.ts';
import {
  assertVersionExists,
  candidateVersion,
  decidePromotion,
  proveVersion,
} from '../../lambdas/domain/promotion/promoting.ts';
import type { Ran } from '../../lambdas/domain/promotion/provenance.ts';
import type { Held } from '../../lambdas/ports/s3.ts';
import { failure } from '../support/failures.ts';
import { ARTIFACT, aCandidate, aPlan, at, DIGEST, ran } from './promotions.ts';

const histories = (...rows: readonly Ran[]) => new Map([['staging', rows]]);

describe('The candidate', () => {
  it('is what the source runs', () =>
    expect(candidateVersion('staging', {}, histories(ran('v3', 1), ran('v2', 9)))).toBe('v3'));
  it('is the version asked for', () =>
    expect(candidateVersion('staging', { versionId: 'v2' }, histories(ran('v3', 1)))).toBe('v2'));
  it('is nothing where nothing was ever deployed', () =>
    expect(() => candidateVersion('staging', {}, new Map())).toThrow(
      failure('NotProven', 'staging was never deployed, so there is nothing to promote'),
    ));
  it('is nothing that is uncertain: after a bad ending a version must be named', () =>
    expect(() =>
      candidateVersion(
        'staging',
        { override: ['provenance'], reason: 'x' },
        histories(ran('v3', 1, { outcome: 'StoppedHalfway' })),
      ),
    ).toThrow(failure('NotProven', 'ended as StoppedHalfway')));
  it('must exist at the source', () => {
    expect(() => assertVersionExists(aPlan(), 'v9', ['v3'], 1_000)).toThrow(
      failure('ArtifactNotFound', 'no version v9'),
    );
    expect(() => assertVersionExists(aPlan(), 'v3', ['v3'], 1_000)).not.toThrow();
  });
  it('is not called missing when the list of versions may go on', () =>
    expect(() => assertVersionExists(aPlan(), 'v9', ['v3', 'v2'], 2)).not.toThrow());
});

describe('A promotion', () => {
  const facts = { histories: histories(ran('v3', 10)), newestFirst: ['v3'], now: at(0) };
  const plan = aPlan({
    fed: [
      { fleet: 'app', from: 'staging', soakMinutes: 5 },
      { fleet: 'worker', from: 'staging', soakMinutes: 30 },
    ],
  });

  it('must be proven for every fleet that is fed, each by its own measure', () => {
    expect(() => proveVersion(plan, {}, 'v3', facts)).toThrow(
      failure('NotProven', 'Version v3 may not be promoted: staging has run it for 10 min of the 30 min'),
    );
    expect(proveVersion(aPlan(), {}, 'v3', facts)).toEqual({
      provenBy: { app: 'v3-10' },
      tested: { app: { runtimes: [] } },
      waived: [],
    });
  });

  it('says how to go ahead all the same, with exactly the overrides that it takes', () =>
    expect(() => proveVersion(plan, {}, 'v3', facts)).toThrow(
      failure('NotProven', '{"versionId":"v3","override":["soak"],"reason":"…"}'),
    ));

  it('goes ahead when what stands against it is overridden, and says what was', () => {
    const { provenBy, waived } = proveVersion(plan, { override: ['soak'], reason: 'outage' }, 'v3', facts);
    expect(provenBy).toEqual({ app: 'v3-10', worker: 'v3-10' });
    expect(waived).toEqual([expect.stringContaining('10 min of the 30 min')]);
  });

  it('is not helped by another override', () =>
    expect(() => proveVersion(plan, { override: ['provenance'], reason: 'x' }, 'v3', facts)).toThrow(
      failure('NotProven'),
    ));

  it('of what was never deployed has nothing that proves it', () =>
    expect(proveVersion(aPlan(), { override: ['provenance'], reason: 'x' }, 'v9', facts).provenBy).toEqual(
      {},
    ));

  it('tells what stands against several fleets of one source once', () => {
    const both = plan.fed.map((each) => ({ ...each, soakMinutes: 30 }));
    expect(() => proveVersion({ ...plan, fed: both }, {}, 'v3', facts)).toThrow(
      failure('NotProven', /may not be promoted: staging has run it for (?!.*staging has run)/),
    );
  });
});

describe('What the destination has', () => {
  const proven = { provenBy: {}, tested: { app: { runtimes: [], imageId: 'ami-1' } }, waived: [] };
  const PROOF = {
    fleet: 'app',
    sha256: DIGEST,
    promotedAt: at(-9).toISOString(),
    versionId: 'p7',
    tested: { runtimes: [], imageId: 'ami-1' },
  };
  const FOUND = { ...ARTIFACT, uploadedAt: at(0) };
  const held = (changes: Partial<Held> = {}): Held => ({
    versionId: 'p7',
    etag: '"e"',
    sizeBytes: ARTIFACT.sizeBytes,
    claimed: DIGEST,
    computed: DIGEST,
    ...changes,
  });
  /** As a bare PutObject leaves it, whatever it claims. */
  const claiming = (changes: Partial<Held> = {}): Held => {
    const { computed: _, ...rest } = held(changes);
    return rest;
  };
  const decide = (newest: Held | undefined, proof: unknown = PROOF, plan = aPlan()) =>
    decidePromotion(plan, ARTIFACT, proven, { newest, proofs: { app: proof }, found: FOUND, now: at(0) });
  const { versionId: _, ...unfinished } = PROOF;
  const onItsWay = (changes: object = {}) => ({ ...unfinished, until: at(5).toISOString(), ...changes });

  it.each<[string, Held | undefined, unknown, string]>([
    ['nothing', undefined, undefined, 'promote'],
    ['something else', held({ computed: 'b'.repeat(64) }), PROOF, 'promote'],
    ['something of unknown digest', claiming(), PROOF, 'promote'],
    ['the artifact, with a proof', held(), PROOF, 'already-promoted'],
    ['the artifact, put there by another way', held(), null, 'promote'],
    ['the artifact, proven for another fleet', held(), { ...PROOF, fleet: 'worker' }, 'promote'],
    ['the artifact, which was proven as another upload', held(), { ...PROOF, versionId: 'p6' }, 'promote'],
    ['the artifact, tested with nobody knows what', held(), { ...PROOF, tested: undefined }, 'promote'],
    [
      'the artifact, tested since with another runtime',
      held(),
      { ...PROOF, tested: { runtimes: [{ directory: '/opt/perl', sha256: 'c'.repeat(64) }] } },
      'promote',
    ],
    [
      'the artifact, tested since on another image',
      held(),
      { ...PROOF, tested: { ...PROOF.tested, imageId: 'ami-0' } },
      'already-promoted',
    ],
  ])('is %s', (_, newest, proof, verdict) => {
    expect(decide(newest, proof).verdict).toBe(verdict);
  });

  it('is promoted anew when it was tested since on another image, and that matters', () => {
    const plan = aPlan({ fed: [{ fleet: 'app', from: 'staging', soakMinutes: 5, testedImage: true }] });
    expect(decide(held(), PROOF, plan).verdict).toBe('already-promoted');
    const before = { ...PROOF, tested: { ...PROOF.tested, imageId: 'ami-0' } };
    expect(decide(held(), before, plan).verdict).toBe('promote');
  });

  it.each<[string, unknown, { versionId: string } | undefined]>([
    ['is only proven, of a promotion that ended before it could say so', onItsWay(), undefined],
    [
      'is copied onto, when it was there before that promotion',
      onItsWay({ onto: { versionId: 'p7', etag: '"e"' } }),
      { versionId: 'p7' },
    ],
    [
      'is copied onto, when that promotion is long over',
      onItsWay({ until: at(0).toISOString() }),
      { versionId: 'p7' },
    ],
  ])('%s', (_, proof, onto) => {
    const { verdict, onto: found } = decide(held(), proof);
    expect(verdict).toBe('promote');
    expect(found?.versionId).toBe(onto?.versionId);
  });

  it('is remembered, so that nothing is copied onto something newer', () =>
    expect(decide(held({ computed: 'b'.repeat(64) })).onto).toEqual({ versionId: 'p7', etag: '"e"' }));

  it('says what was overridden', () =>
    expect(
      decidePromotion(
        aPlan(),
        ARTIFACT,
        { provenBy: {}, tested: {}, waived: ['it is young'] },
        { newest: undefined, proofs: {}, found: FOUND, now: at(0) },
      ).reason,
    ).toMatch(/is promoted to s3:\/\/production\/app\.tar\.gz, although it is young$/));

  describe('when it is copied', () => {
    const to = aPlan().to;
    it.each<[string, Held | undefined, Held | undefined, string]>([
      ['nothing, as before', undefined, undefined, 'make'],
      ['the same as before', held({ versionId: 'p6' }), held({ versionId: 'p6' }), 'make'],
      ['the copy', undefined, held(), 'made'],
      ['the copy, onto something', held({ versionId: 'p6' }), held(), 'made'],
      ['the copy, onto the same bytes', held({ versionId: 'p6' }), held(), 'made'],
    ])('may be %s', (_, onto, newest, decision) => {
      expect(decideCopy(to, aCandidate({ onto }), newest)).toBe(decision);
    });

    it.each<[string, Held | undefined, Held | undefined, RegExp]>([
      [
        'a newer upload of somebody’s',
        undefined,
        held({ computed: 'b'.repeat(64) }),
        /Somebody else made version p7/,
      ],
      ['what claims to be the copy', undefined, claiming(), /Somebody else made version p7/],
      ['nothing anymore', held(), undefined, /was deleted while the promotion ran/],
    ])('must not be %s', (_, onto, newest, says) => {
      expect(() => decideCopy(to, aCandidate({ onto }), newest)).toThrow(failure('CopyFailed', says));
    });

    it.each<[string, Partial<Held>, boolean]>([
      ['the same bytes, by S3’s computation', { computed: DIGEST }, true],
      ['the same bytes, described', {}, true],
      ['of another size', { sizeBytes: 1 }, false],
      ['of another digest', { computed: 'b'.repeat(64) }, false],
      ['the same, but described as something else', { computed: DIGEST, claimed: 'b'.repeat(64) }, false],
    ])('is right or wrong: %s', (_, changes, right) => {
      expect(isCopy(held(changes), ARTIFACT)).toBe(right);
      const verify = () => verifiedCopy(to, aCandidate(), held(changes));
      if (right) expect(verify()).toBe('p7');
      else expect(verify).toThrow(failure('CopyFailed', 'No host runs it'));
    });

    it('is what it says, of what is too large for S3 to know', () => {
      const sizeBytes = 6 * 1024 ** 3;
      expect(isCopy(claiming({ sizeBytes }), { ...ARTIFACT, sizeBytes })).toBe(true);
    });

    it('is wrong when only its uploader claims a digest', () =>
      expect(isCopy(claiming(), ARTIFACT)).toBe(false));

    it('is wrong when it is gone', () =>
      expect(() => verifiedCopy(to, aCandidate(), undefined)).toThrow(
        failure('CopyFailed', 'deleted right after'),
      ));
  });
});

describe('A copy', () => {
  it('is pinned to the version, describes itself, and names the buckets’ owners where they are known', () => {
    const plan = aPlan({ from: { ...aPlan().from, owner: '111111111111' } });
    expect(copyRequest(plan, aCandidate({ onto: { versionId: 'p6', etag: '"e"' } }))).toEqual({
      from: { bucket: 'staging', key: 'app.tar.gz', owner: '111111111111', versionId: 'v3' },
      to: { bucket: 'production', key: 'app.tar.gz' },
      sha256: DIGEST,
      sizeBytes: 9,
      onto: { versionId: 'p6', etag: '"e"' },
    });
  });

  const GIB = 1024 ** 3;
  it.each([
    ['5 GB', 5 * GIB, true],
    ['a byte more', 5 * GIB + 1, false],
  ])('of %s fits into one request or not', (_, bytes, fits) => expect(fitsIntoOneRequest(bytes)).toBe(fits));

  it.each([
    ['a little more than 5 GB', 5 * GIB + 1],
    ['1 TB', 1024 * GIB],
    ['50 TB, the largest that S3 has', 50e12],
  ])('of %s has parts that S3 takes, and looks that fit into a history', (_, sizeBytes) => {
    const { bytes, most } = partSize(sizeBytes);
    const parts = Math.ceil(sizeBytes / bytes);
    expect(bytes).toBeGreaterThanOrEqual(5 * 1024 ** 2);
    expect(bytes).toBeLessThanOrEqual(5 * GIB);
    expect(parts).toBeLessThanOrEqual(10_000);
    expect(Math.ceil(parts / most) * 9).toBeLessThan(12_000);
  });
});

describe('The input of a promotion', () => {
  it('may be empty, and may say all that there is', () => {
    expect(parsePromotionInput({})).toEqual({});
    const all = {
      versionId: 'v3',
      reason: 'release',
      startedBy: 's',
      override: ['soak', 'provenance'],
      dryRun: true,
    };
    expect(parsePromotionInput(all)).toEqual(all);
  });

  it('tells all its problems at once', () =>
    expect(() =>
      parsePromotionInput({ versionId: '', override: ['freeze'], dryRun: 'no', colour: 'red' }),
    ).toThrow(
      failure(
        'InvalidInput',
        /^5 problems .*versionId: .*override\.0: .*dryRun: .*colour: unknown field.*reason: missing/,
      ),
    ));

  it.each([[[]], ['{}'], [5], [null]])('is refused when it is %j', (input) =>
    expect(() => parsePromotionInput(input)).toThrow(failure('InvalidInput')),
  );

  it.each(['', '  ', '-', 'x', 'xxxx', '...!', '1234', '\u001b[2Jabcd', '\u200b\u200b\u200b\u200b'])(
    'wants words as a reason: %j',
    (reason) =>
      expect(() => parsePromotionInput({ override: ['soak'], reason })).toThrow(
        failure('InvalidInput', 'allowed: words: four letters or more'),
      ),
  );

  it.each([{ override: ['soak'] }])('wants a reason: %j', (input) =>
    expect(() => parsePromotionInput(input)).toThrow(
      failure('InvalidInput', 'reason: missing, but required with an override'),
    ),
  );

  it('keeps nothing that would move a terminal’s cursor', () =>
    expect(parsePromotionInput({ reason: 'a\u001b[2Jb\nc' }).reason).toBe('a\uFFFD[2Jb c'));
});
