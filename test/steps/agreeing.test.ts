/** The steps of the first act, *Agree*: they only read, and what is wrong is said before anything is changed. */

import { describe, expect, it } from 'vitest';
import { recordOf } from '../../lambdas/domain/record/record.ts';
import type { Image } from '../../lambdas/ports/ec2.ts';
import type { Ledger } from '../../lambdas/ports/ledger.ts';
import type { Artifacts, ArtifactVersion, Records } from '../../lambdas/ports/s3.ts';
import { resolveTheImage } from '../../lambdas/resolve-the-image.ts';
import { resolveTheRelease } from '../../lambdas/resolve-the-release.ts';
import { snapshotOldHosts } from '../../lambdas/snapshot-old-hosts.ts';
import { writeThePlan } from '../../lambdas/write-the-plan.ts';
import { aDeployment, agreed, at, baked, IMAGE, LOCK, OLD, RELEASE } from '../support/deployments.ts';
import {
  aHost,
  aHostElsewhere,
  anImage,
  anInstance,
  inService,
  type Scene,
  someSettings,
} from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, type Methods, portsOn, portsWith } from '../support/ports.ts';

const FROM_PARAMETER = aFleet({ image: { from: 'parameter', parameter: '/shop/ami' } });
const findImage = async () => anImage();

const resolveImage = (changes: object, methods: Methods) =>
  resolveTheImage.run(aDeployment(changes), portsWith(methods));

describe('Resolve the image', () => {
  it('takes the newest image of the fleet’s kind', async () => {
    const ports = portsWith({ ec2: { matchingImages: async () => [anImage()] } });
    expect(await resolveTheImage.run(aDeployment(), ports)).toMatchObject({ imageId: 'ami-0abc' });
    expect(ports.calls).toEqual([
      'ec2.matchingImages {"from":"search","owner":"self","namePattern":"shop-*","tags":{},"architecture":"arm64"}',
    ]);
  });

  it('takes the newest that is not deprecated, and refuses when all are', async () => {
    const deprecated = anImage({ imageId: 'ami-9', createdAt: at(99), deprecatedAt: at(100) });
    const search = (...images: Image[]) => resolveImage({}, { ec2: { matchingImages: async () => images } });
    expect(await search(deprecated, anImage())).toMatchObject({ imageId: 'ami-0abc', withdrawn: ['ami-9'] });
    await expect(search(deprecated)).rejects.toThrow(
      failure('ImageUnusable', 'start with {"amiId": "ami-9"}'),
    );
  });

  it.each<[string, object, string | undefined]>([
    ['a parameter names', {}, 'ImageUnusable'],
    ['a person names', { amiId: 'ami-0123456789abcdef0', override: ['image'], reason: 'a test' }, undefined],
  ])('knows a deprecated image that %s', async (_title, input, refused) => {
    const methods = {
      parameters: { read: async () => 'ami-0abc' },
      ec2: { findImage: async () => anImage({ deprecatedAt: at(100) }) },
    };
    const resolving = resolveImage({ fleet: FROM_PARAMETER, input }, methods);
    if (refused)
      await expect(resolving).rejects.toThrow(failure('ImageUnusable', 'is deprecated by its owner'));
    else expect(await resolving).toMatchObject({ deprecatedAt: at(100).toISOString() });
  });

  it('takes the image that the fleet’s parameter names', async () =>
    expect(
      await resolveImage(
        { fleet: FROM_PARAMETER },
        { parameters: { read: async () => 'ami-0abc\n' }, ec2: { findImage } },
      ),
    ).toMatchObject({ reason: 'ami-0abc (shop-1) from the SSM parameter /shop/ami' }));

  it('takes the image that was asked for, and asks for no other', async () =>
    expect(
      await resolveImage(
        { fleet: aFleet(), input: { amiId: 'ami-0123456789abcdef0' } },
        { ec2: { findImage } },
      ),
    ).toMatchObject({
      reason: 'ami-0abc (shop-1) from the execution input',
    }));

  it.each([
    ['does not exist', undefined, 'does not exist or is empty'],
    ['is empty', ' ', 'does not exist or is empty'],
    ['holds something else', '{"ami":1}', 'does not hold an image id'],
  ])('refuses when the parameter %s, without showing its value', async (_title, value, says) =>
    expect(
      resolveImage({ fleet: FROM_PARAMETER }, { parameters: { read: async () => value } }),
    ).rejects.toThrow(
      failure(
        'ImageNotFound',
        new RegExp(`^The SSM parameter /shop/ami ${says}\\. Let the image build write`),
      ),
    ),
  );

  it('refuses when there is no such image', async () =>
    expect(resolveImage({}, { ec2: { matchingImages: async () => [] } })).rejects.toThrow(
      failure('ImageNotFound'),
    ));

  it('does not take silence for absence', async () =>
    expect(resolveImage({}, { ec2: { matchingImages: failing('ServiceUnavailable') } })).rejects.toThrow(
      failure('ServiceUnavailable'),
    ));
});

describe('Resolve the image, to go back', () => {
  const record = (deployment: string, changes: object = {}) => ({
    ...recordOf(baked({ fleet: FROM_PARAMETER }), at(0)),
    deployment,
    previous: 'deploy-0',
    ...changes,
  });
  const records = (found: Readonly<Record<string, unknown>>): Methods => ({
    records: { readRecord: async (_bucket, key) => found[key.split('/').at(-1) ?? ''] },
    ec2: { findImage: async (imageId) => anImage({ imageId }) },
  });
  const back = (input: object, methods: Methods) => resolveImage({ fleet: FROM_PARAMETER, input }, methods);
  const BOTH = records({
    'current.json': record('deploy-1'),
    'deploy-0.json': record('deploy-0', { imageId: 'ami-0old' }),
  });

  it('takes the image of that deployment’s record, and pins which deployment it is', async () =>
    expect(await back({ rollbackTo: 'previous' }, BOTH)).toMatchObject({
      imageId: 'ami-0old',
      rollbackTo: 'deploy-0',
      reason: 'ami-0old (shop-1) from the record of deploy-0',
    }));

  it('takes that image, deprecated or not: the release is meant', async () => {
    const methods = { ...BOTH, ec2: { findImage: async () => anImage({ deprecatedAt: at(100) }) } };
    expect(await back({ rollbackTo: 'previous' }, methods)).toMatchObject({
      deprecatedAt: at(100).toISOString(),
    });
  });

  it('takes another image beside it, because the old one may be gone', async () =>
    expect(
      await back(
        { rollbackTo: 'deploy-0', amiId: 'ami-0123456789abcdef0' },
        { ...BOTH, parameters: { read: async () => 'ami-0123456789abcdef0' } },
      ),
    ).toMatchObject({
      imageId: 'ami-0123456789abcdef0',
      rollbackTo: 'deploy-0',
      reason: 'ami-0123456789abcdef0 (shop-1) from the execution input',
    }));

  it('says how to go on when the image of then is gone', async () =>
    expect(
      back({ rollbackTo: 'deploy-0' }, { ...BOTH, ec2: { findImage: async () => undefined } }),
    ).rejects.toThrow(
      failure(
        'ImageNotFound',
        'EC2 knows no image ami-0old from the record of deploy-0. Name another image beside rollbackTo: {"amiId": "ami-…"}.',
      ),
    ));

  it('refuses a deployment that is not on record, and asks EC2 for nothing', async () => {
    const ports = portsWith({ records: { readRecord: async () => undefined } });
    await expect(
      resolveTheImage.run(aDeployment({ input: { rollbackTo: 'deploy-9' } }), ports),
    ).rejects.toThrow(failure('NothingToRollBackTo', 'shop has no deployment deploy-9 on record'));
    expect(ports.calls.map((call) => call.split(' ')[0])).toEqual([
      'records.readRecord',
      'records.readRecord',
    ]);
  });

  it('does not take silence for a missing record', async () =>
    expect(
      back({ rollbackTo: 'deploy-0' }, { records: { readRecord: failing('ServiceUnavailable') } }),
    ).rejects.toThrow(failure('ServiceUnavailable')));
});

// ── Release ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const SHA = 'a'.repeat(64);
const version = (
  key: string,
  versionId: string,
  changes: Partial<ArtifactVersion> = {},
): ArtifactVersion => ({
  key,
  versionId,
  sizeBytes: 1_000,
  sha256: SHA,
  uploadedAt: at(0),
  ...changes,
});

type Bucket = Artifacts & Pick<Records, 'readRecord'>;

/** A bucket in which `v2` is the newest of every key. */
const bucket = ({ readRecord = async () => undefined, ...artifacts }: Partial<Bucket> = {}) =>
  portsWith({
    artifacts: {
      find: async (_bucket, key, versionId = 'v2') => version(key, versionId),
      versions: async () => ['v2', 'v1'],
      ...artifacts,
    },
    records: { readRecord },
  });
const resolveRelease = (changes: object = {}, ports = bucket()) =>
  resolveTheRelease.run(aDeployment({ image: IMAGE, ...changes }), ports);

describe('Resolve the release', () => {
  it('pins the newest version, with its checksum', async () =>
    expect(await resolveRelease()).toEqual({
      verdict: 'deploy',
      reason: `shop/app.tar.gz version v2, 1000 bytes, SHA-256 ${SHA.slice(0, 12)}…`,
      dryRun: false,
      artifact: { key: 'shop/app.tar.gz', versionId: 'v2', sha256: SHA, sizeBytes: 1_000 },
      runtimes: [],
    }));

  it('pins the runtimes that ride along', async () =>
    expect(
      await resolveRelease({ fleet: aFleet({ runtimes: [{ key: 'perl.tar.gz', directory: '/opt/perl' }] }) }),
    ).toMatchObject({
      runtimes: [{ key: 'perl.tar.gz', versionId: 'v2', directory: '/opt/perl' }],
    }));

  it('deploys an older version when asked to', async () =>
    expect(await resolveRelease({ input: { versionId: 'v1' } })).toMatchObject({
      verdict: 'deploy',
      artifact: { versionId: 'v1' },
    }));

  it('ends an upload that a newer one has overtaken', async () =>
    expect(await resolveRelease({ input: { versionId: 'v1', upload: { eventId: 'e' } } })).toMatchObject({
      verdict: 'superseded',
    }));

  it('ends when the fleet runs this release already, by the last record', async () => {
    const ports = bucket({ readRecord: async () => recordOf(baked(), at(0)) });
    expect(await resolveRelease({}, ports)).toMatchObject({ verdict: 'already-deployed' });
    expect(ports.calls).toContain('records.readRecord "artifacts" "irekae/shop/current.json"');
  });

  it('deploys again what ran before a deployment that stopped halfway', async () => {
    const halfway = recordOf(baked(), at(0), { error: 'StoppedHalfway', cause: 'x' });
    expect(await resolveRelease({}, bucket({ readRecord: async () => halfway }))).toMatchObject({
      verdict: 'deploy',
    });
  });

  it.each<[string, Partial<ArtifactVersion>, string]>([
    [
      'empty',
      { sizeBytes: 0 },
      'version v2 is empty (0 bytes): its upload wrote nothing. Upload the tarball again.',
    ],
    [
      'archived',
      { archive: { name: 'DEEP_ARCHIVE', isRestoring: false } },
      'version v2 is archived (DEEP_ARCHIVE): no host can read it. Restore it (aws s3api restore-object --bucket artifacts ',
    ],
    [
      'being restored',
      { archive: { name: 'GLACIER', isRestoring: true } },
      'version v2 is still being restored from GLACIER. Start again when S3 has restored it',
    ],
  ])('refuses an artifact, or a runtime, that is %s', async (_title, changes, says) => {
    const fleet = aFleet({ runtimes: [{ key: 'perl.tar.gz', directory: '/opt/perl' }] });
    for (const ill of ['shop/app.tar.gz', 'perl.tar.gz']) {
      const find = async (_bucket: string, key: string) => version(key, 'v2', key === ill ? changes : {});
      await expect(resolveRelease({ fleet }, bucket({ find }))).rejects.toThrow(
        failure('ArtifactUnusable', `s3://artifacts/${ill} ${says}`),
      );
    }
  });

  it('does not mind an archived newest version when another one is asked for', async () => {
    const archive = { name: 'GLACIER', isRestoring: false };
    const find = async (_bucket: string, key: string, id = 'v2') =>
      version(key, id, id === 'v2' ? { archive } : {});
    const input = { versionId: 'v1' };
    expect(await resolveRelease({ input }, bucket({ find }))).toMatchObject({ verdict: 'deploy' });
  });

  it('computes a checksum that nobody else knows', async () => {
    const find = async (_bucket: string, key: string) => {
      const { sha256: _unknown, ...known } = version(key, 'v2');
      return known;
    };
    expect(await resolveRelease({}, bucket({ find, digest: async () => 'b'.repeat(64) }))).toMatchObject({
      artifact: { sha256: 'b'.repeat(64) },
    });
    const huge = async (...args: [string, string]) => ({
      ...(await find(...args)),
      sizeBytes: 5 * 1024 ** 3,
    });
    await expect(resolveRelease({}, bucket({ find: huge }))).rejects.toThrow(
      failure('ArtifactUnusable', 'has 5368709120 bytes and no SHA-256 of the whole object. Upload it again'),
    );
  });

  it('refuses a key of somebody else before it reads anything', async () => {
    const ports = portsWith({});
    await expect(resolveRelease({ input: { key: 'blog/app.tar.gz' } }, ports)).rejects.toThrow(
      failure('InvalidInput'),
    );
    expect(ports.calls).toEqual([]);
  });

  it('says what is missing', async () => {
    const nothing = bucket({ find: async () => undefined });
    await expect(resolveRelease({}, nothing)).rejects.toThrow(
      failure('ArtifactNotFound', 's3://artifacts/shop/app.tar.gz does not exist'),
    );
    await expect(resolveRelease({ input: { versionId: 'v9' } }, nothing)).rejects.toThrow(
      failure('ArtifactNotFound'),
    );
  });

  it('does not take silence for a fleet that was never deployed', async () =>
    expect(resolveRelease({}, bucket({ readRecord: failing('ServiceUnavailable') }))).rejects.toThrow(
      failure('ServiceUnavailable'),
    ));
});

/** The record of a deployment of `v1` on another image, as `deploy-0`; and what runs: `v2` since `deploy-1`. */
const EARLIER = {
  ...recordOf(baked(), at(0)),
  deployment: 'deploy-0',
  artifact: { ...RELEASE.artifact, versionId: 'v1' },
  imageId: 'ami-0old',
};
const NOW = { ...recordOf(baked(), at(0)), deployment: 'deploy-1', previous: 'deploy-0' };
const past = (stored: Partial<Bucket> = {}, last: unknown = NOW) =>
  bucket({
    readRecord: async (_bucket, key) =>
      ({ 'current.json': last, 'deploy-0.json': EARLIER })[key.split('/').at(-1) ?? ''],
    ...stored,
  });
const BACK = {
  input: { rollbackTo: 'previous' },
  image: { ...IMAGE, imageId: 'ami-0old', rollbackTo: 'deploy-0' },
};

describe('Resolve the release, to go back', () => {
  it('pins the version of then, and knows what ran before', async () => {
    const ports = past();
    expect(await resolveRelease(BACK, ports)).toMatchObject({
      verdict: 'deploy',
      reason: expect.stringMatching(
        /^back to the release of deploy-0: shop\/app.tar.gz version v1, 1000 bytes/,
      ),
      artifact: { versionId: 'v1', sha256: SHA },
      ranBefore: 'deploy-1',
      leftBehind: 'v2',
    });
    expect(ports.calls).toContain('artifacts.find "artifacts" "shop/app.tar.gz" "v1"');
  });

  it('deploys nothing else when the document does not say which deployment it is', async () =>
    expect(resolveRelease({ ...BACK, image: IMAGE }, past())).rejects.toThrow(failure('StepCrashed')));

  it('does not mind that the newest artifact was deleted', async () => {
    const find: Artifacts['find'] = async (_bucket, key, versionId) =>
      versionId === undefined ? undefined : version(key, versionId);
    expect(await resolveRelease(BACK, past({ find }))).toMatchObject({ artifact: { versionId: 'v1' } });
  });

  it('refuses a version that is gone', async () =>
    expect(resolveRelease(BACK, past({ find: async () => undefined }))).rejects.toThrow(
      failure('ArtifactNotFound', 's3://artifacts/shop/app.tar.gz has no version v1'),
    ));

  it('refuses a version that is not what it was', async () =>
    expect(
      resolveRelease(
        BACK,
        past({ find: async (_b, key, id = 'v2') => version(key, id, { sha256: 'b'.repeat(64) }) }),
      ),
    ).rejects.toThrow(
      failure('ArtifactUnusable', /has the SHA-256 b{64} now, and had a{64} when it was deployed/),
    ));

  it('refuses what runs, and says it in a dry run without failing', async () => {
    const same = { ...EARLIER, deployment: 'deploy-1' };
    await expect(resolveRelease(BACK, past({}, same))).rejects.toThrow(
      failure(
        'NothingToRollBackTo',
        'shop runs exactly this: shop/app.tar.gz version v1 on ami-0old, since deploy-1',
      ),
    );
    const dry = { ...BACK, input: { rollbackTo: 'previous', dryRun: true } };
    expect(await resolveRelease(dry, past({}, same))).toMatchObject({
      verdict: 'deploy',
      refusals: [{ name: 'NothingToRollBackTo' }],
    });
  });
});

describe('Resolve the release, for a new image', () => {
  const input = { newImage: { eventId: 'e' } };
  const NEW = { ...IMAGE, imageId: 'ami-0new' };

  it('takes what runs, also when a newer artifact is there', async () => {
    const ports = past({}, { ...NOW, artifact: EARLIER.artifact });
    expect(await resolveRelease({ input, image: NEW }, ports)).toMatchObject({
      verdict: 'deploy',
      reason: expect.stringMatching(/^what runs since deploy-1, on the new image ami-0new: .* version v1/),
      artifact: { versionId: 'v1' },
      previous: 'deploy-1',
    });
  });

  it.each([
    ['it runs on the newest', NOW, IMAGE],
    ['nothing runs', null, NEW],
    ['nobody knows what runs', { ...NOW, outcome: 'StoppedHalfway' }, NEW],
  ])('ends as a success when %s, and looks for no artifact', async (_when, last, image) => {
    const ports = past({}, last);
    expect(await resolveRelease({ input, image }, ports)).toMatchObject({ verdict: 'nothing-to-redeploy' });
    expect(ports.calls.map((call) => call.split(' ')[0])).toEqual(['records.readRecord']);
  });
});

describe('Resolve the release, at the gates', () => {
  const PROVEN = aFleet({ wantsProvenance: true });
  const promoted = (record: unknown) =>
    bucket({ readRecord: async (_bucket, key) => (key.includes('/promotions/') ? record : undefined) });

  it('asks for the proof of the artifact’s own version and checksum, only where it is demanded', async () => {
    const ports = promoted({
      fleet: 'shop',
      sha256: SHA,
      versionId: 'v2',
      promotedAt: '2026-03-01T08:00:00Z',
    });
    expect(await resolveRelease({ fleet: PROVEN }, ports)).toMatchObject({ verdict: 'deploy' });
    expect(ports.calls).toContain(`records.readRecord "artifacts" "irekae/shop/promotions/${SHA}/v2.json"`);
    const without = promoted(undefined);
    await resolveRelease({}, without);
    expect(without.calls.join()).not.toContain('promotions');
  });

  it('refuses what was not promoted', async () =>
    expect(resolveRelease({ fleet: PROVEN }, promoted(undefined))).rejects.toThrow(
      failure(
        'NotProven',
        'was not promoted to shop, which accepts only promoted artifacts. Promote it (start irekae-shop-promote)',
      ),
    ));

  it('does not take silence for a missing proof, nor for one', async () =>
    expect(
      resolveRelease({ fleet: PROVEN }, bucket({ readRecord: failing('ServiceUnavailable') })),
    ).rejects.toThrow(failure('ServiceUnavailable')));

  it('says in a dry run who would refuse, and in the plan', async () => {
    const fleet = aFleet({
      wantsProvenance: true,
      freezes: [
        { kind: 'dated', label: 'audit', timeZone: 'UTC', from: '2026-03-01T00:00', to: '2026-03-02T00:00' },
      ],
    });
    const release = await resolveRelease({ fleet, input: { dryRun: true } }, promoted(undefined));
    expect(release).toMatchObject({ refusals: [{ name: 'NotProven' }, { name: 'Frozen' }] });
    const plan = await writeThePlan.run(agreed({ release: release as typeof RELEASE }), portsWith({}));
    expect(plan).toMatchObject({
      refusals: [/^NotProven: /, /^Frozen: shop is frozen: audit/].map((says) => expect.stringMatching(says)),
    });
  });

  describe('of a fleet that is on hold', () => {
    const onHold = { reason: 'it moves', by: 'ops', since: at(0) };
    const holding = (read: Ledger['read']) =>
      portsWith({
        artifacts: { find: async (_bucket, key) => version(key, 'v2'), versions: async () => ['v2'] },
        records: { readRecord: async () => undefined },
        ledger: { read },
      });
    const row = async (fleet: string) => ({ fleet, generation: 7, onHold });

    it('refuses, and says so in a dry run', async () => {
      await expect(resolveRelease({}, holding(row))).rejects.toThrow(
        failure('OnHold', 'shop is on hold: it moves'),
      );
      expect(await resolveRelease({ input: { dryRun: true } }, holding(row))).toMatchObject({
        refusals: [{ name: 'OnHold' }],
      });
    });

    it('goes on when somebody insists, and tells it', async () =>
      expect(
        await resolveRelease({ input: { override: ['hold'], reason: 'it burns' } }, holding(row)),
      ).toMatchObject({ verdict: 'deploy', reason: expect.stringContaining(', although shop is on hold') }));

    it('does not take silence for none', async () =>
      expect(resolveRelease({}, holding(failing('ServiceUnavailable')))).rejects.toThrow(
        failure('ServiceUnavailable'),
      ));
  });

  it('asks nobody about what is not deployed anyway', async () => {
    const fleet = aFleet({ wantsProvenance: true });
    const ports = past();
    expect(await resolveRelease({ fleet }, ports)).toMatchObject({ verdict: 'already-deployed' });
    expect(ports.calls.join()).not.toContain('promotions');
  });
});

describe('The record of a deployment', () => {
  it('says what ran before, what it went back to, its image’s age, and what was overridden', () => {
    const release = { ...RELEASE, ranBefore: 'deploy-1', previous: 'deploy-0' };
    const image = { ...IMAGE, createdAt: '2026-02-28T09:00:00.000Z', rollbackTo: 'deploy-00' };
    const deployment = baked({ release, image, input: { override: ['freeze'], reason: 'it is down' } });
    expect(recordOf(deployment, at(0))).toMatchObject({
      previous: 'deploy-0',
      rolledBackTo: 'deploy-00',
      imageCreatedAt: '2026-02-28T09:00:00.000Z',
      override: ['freeze'],
      why: 'it is down',
    });
    // What failed has not changed what ran before.
    expect(recordOf(deployment, at(0), { error: 'RollbackFailed', cause: 'x' }).previous).toBe('deploy-1');
  });

  it.each<[string, unknown, string | undefined]>([
    ['a first deployment: nothing', null, undefined],
    ['another release: the one that runs', { ...NOW, artifact: EARLIER.artifact }, 'deploy-1'],
    ['the same release again: what ran before it', NOW, 'deploy-0'],
    [
      'after a bad end: the last that ran',
      { ...NOW, outcome: 'StoppedHalfway', previous: 'deploy-7' },
      'deploy-7',
    ],
  ])('has before %s', async (_what, last, previous) => {
    const release = await resolveRelease({ input: { redeploy: true } }, past({}, last));
    expect('previous' in release ? release.previous : undefined).toBe(previous);
  });
});

// ── Old hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────

const SERVING: Scene = {
  instances: OLD.map((id) => anInstance(id)),
  hosts: OLD.map((id) => aHost(id)),
  members: { web: OLD.map(inService) },
  alerts: [],
};

function portsOf(scene: Scene = SERVING, { ec2, mackerel, loadBalancers }: Methods = {}) {
  return portsOn(scene, undefined, {
    ec2: {
      subnets: async (ids) =>
        ids.map((subnetId, n) => ({
          subnetId,
          vpcId: 'vpc-1',
          zone: `ap-northeast-1${'ac'[n]}`,
          freeAddresses: 9,
        })),
      ...ec2,
    },
    mackerel: { roles: async () => ['web', 'worker'], ...mackerel },
    loadBalancers: { settings: async () => someSettings(), ...loadBalancers },
  });
}
const snapshot = (ports = portsOf()) =>
  snapshotOldHosts.run(aDeployment({ lock: LOCK, image: IMAGE, release: RELEASE }), ports);

describe('Snapshot old hosts', () => {
  it('knows who serves, and what the load balancers’ settings mean', async () => {
    const ports = portsOf();
    expect(await snapshot(ports)).toMatchObject({
      reason: '2 old hosts of Shop:web, 2 in service',
      hosts: [{ instanceId: 'i-old1' }, { instanceId: 'i-old2' }],
      strangerCount: 0,
      balancers: [
        { name: 'web', intervalSeconds: 5, healthyThreshold: 2, drainSeconds: 30, joins: 'when-running' },
      ],
    });
    // Changes nothing: the same each time.
    expect(ports.changes).toEqual(['mackerel.proveWriting "Shop"']);
  });

  it('knows how the old hosts are by what the fleet compares', async () => {
    const compare = [
      { metric: 'custom.nginx.5xx', atMostTimes: 2, from: 5 },
      { metric: 'custom.queue', atMostTimes: 3, from: 1 },
    ];
    const known: Methods['mackerel'] = {
      metrics: async (_host, name, from) =>
        name === 'custom.queue'
          ? []
          : Array.from({ length: 10 }, (_, n) => ({ at: new Date(+from + n * 60_000), value: 6 })),
    };
    const deployment = aDeployment({
      fleet: aFleet({ compare }),
      lock: LOCK,
      image: IMAGE,
      release: RELEASE,
    });
    const ports = portsOf(SERVING, { mackerel: known });
    const answer = await snapshotOldHosts.run(deployment, ports);
    expect(answer.compared).toEqual([
      { metric: 'custom.nginx.5xx', old: 6, atMost: 12 },
      { metric: 'custom.queue' },
      ...['loadavg5', 'cpu.user.percentage', 'memory.used'].map((metric) => ({ metric, old: 6 })),
    ]);
    expect(answer.reason).toMatch(
      /; not compared in the bake, because the old hosts have too few points of it: custom.queue$/,
    );
    expect(ports.calls.filter((call) => call.startsWith('mackerel.metrics'))).toHaveLength(2 * 5);
  });

  it('finds a key that may only read before anything is launched; a dry run writes nothing', async () => {
    const methods: Methods = { mackerel: { proveWriting: failing('MackerelRefused', 'Forbidden') } };
    await expect(snapshot(portsOf(SERVING, methods))).rejects.toThrow(failure('MackerelRefused'));
    const ports = portsOf(SERVING, methods);
    const release = { ...RELEASE, dryRun: true };
    await snapshotOldHosts.run(aDeployment({ image: IMAGE, release }), ports);
    expect(ports.changes).toEqual([]);
  });

  it('keeps the list of strangers short, and counts all', async () => {
    const many = Array.from({ length: 60 }, (_, n) => aHostElsewhere(`db${n}`));
    const found = await snapshot(portsOf({ ...SERVING, hosts: [...SERVING.hosts, ...many] }));
    expect(found.strangers).toHaveLength(50);
    expect(found.strangerCount).toBe(60);
  });

  it('asks EC2 whose a member is that neither Mackerel nor the tag knows', async () => {
    const theirs = anInstance('i-blog', { tags: { 'irekae:fleet': 'blog' } });
    const members = { web: [...OLD, 'i-blog'].map(inService) };
    const ports = portsOf({ ...SERVING, instances: [...SERVING.instances, theirs], members });
    expect((await snapshot(ports)).strangers).toEqual([
      { name: 'i-blog', why: expect.stringContaining('belongs to the fleet blog'), isOthers: true },
    ]);
    expect(ports.calls.filter((call) => call.startsWith('ec2.describe'))).toEqual([
      'ec2.describe ["i-blog"]',
    ]);
  });

  it('lets a host of the fleet that Mackerel does not list pass only for who insists', async () => {
    const ports = () => portsOf({ ...SERVING, hosts: SERVING.hosts.slice(1) });
    await expect(snapshot(ports())).rejects.toThrow(failure('UnlistedHostServes', 'i-old1'));
    const input = { override: ['unlisted' as const], reason: 'it is down' };
    const insists = aDeployment({ lock: LOCK, image: IMAGE, release: RELEASE, input });
    expect((await snapshotOldHosts.run(insists, ports())).reason).toContain('does not list i-old1');
  });

  it('asks EC2 for no ids when Mackerel lists nobody', async () => {
    const ports = portsOf({ instances: [], hosts: [], members: {}, alerts: [] });
    expect(await snapshot(ports)).toMatchObject({
      hosts: [],
      reason: 'no old host of Shop:web: this is the first deployment',
    });
    expect(ports.calls.filter((call) => call.startsWith('ec2.describe'))).toEqual([]);
  });

  it.each([
    [
      'an unknown role',
      ['worker'],
      'Mackerel has no role web in the service Shop (it has worker). Create it there',
    ],
    ['an unknown service', undefined, 'Mackerel has no service Shop. Create it there'],
  ])('refuses %s before it believes an empty list of hosts', async (_title, roles, says) =>
    expect(snapshot(portsOf(SERVING, { mackerel: { roles: async () => roles } }))).rejects.toThrow(
      failure('MackerelRoleUnknown', says),
    ),
  );

  it.each<[string, Methods]>([
    ['Mackerel', { mackerel: { hosts: failing('ServiceUnavailable') } }],
    ['EC2', { ec2: { listByTag: failing('ServiceUnavailable') } }],
    [
      'EC2, about hosts without the tag,',
      { ec2: { listByTag: async () => [], describe: failing('ServiceUnavailable') } },
    ],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable') } }],
  ])('takes no silence of %s for an empty fleet', async (_title, methods) =>
    expect(snapshot(portsOf(SERVING, methods))).rejects.toThrow(failure('ServiceUnavailable')),
  );
});

describe('Write the plan', () => {
  it('answers a dry run without asking anybody', async () => {
    const ports = portsWith({});
    expect(await writeThePlan.run(agreed({ input: { dryRun: true } }), ports)).toMatchObject({
      launch: [
        { subnet: 'subnet-a', instances: 1 },
        { subnet: 'subnet-c', instances: 1 },
      ],
      replace: OLD,
    });
    expect(ports.calls).toEqual([]);
  });
});
