import { describe, expect, it } from 'vitest';
import type { Artifacts, ArtifactVersion } from '../../lambdas/clients/ports.ts';
import { recordOf } from '../../lambdas/domain/record.ts';
import { resolveTheRelease } from '../../lambdas/resolve-the-release.ts';
import { aDeployment, at, baked, IMAGE } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, portsWith } from '../support/ports.ts';

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

/** A bucket in which `v2` is the newest of every key. */
const bucket = (artifacts: Partial<Artifacts> = {}) =>
  portsWith({
    artifacts: {
      find: async (_bucket, key, versionId = 'v2') => version(key, versionId),
      readRecord: async () => undefined,
      ...artifacts,
    },
  });
const resolve = (changes: object = {}, ports = bucket()) =>
  resolveTheRelease.run(aDeployment({ image: IMAGE, ...changes }), ports);

describe('Resolve the release', () => {
  it('pins the newest version, with its checksum', async () =>
    expect(await resolve()).toEqual({
      verdict: 'deploy',
      reason: `shop/app.tar.gz version v2, 1000 bytes, SHA-256 ${SHA.slice(0, 12)}…`,
      dryRun: false,
      artifact: { key: 'shop/app.tar.gz', versionId: 'v2', sha256: SHA, sizeBytes: 1_000 },
      runtimes: [],
    }));

  it('pins the runtimes that ride along', async () =>
    expect(
      await resolve({ fleet: aFleet({ runtimes: [{ key: 'perl.tar.gz', directory: '/opt/perl' }] }) }),
    ).toMatchObject({
      runtimes: [{ key: 'perl.tar.gz', versionId: 'v2', directory: '/opt/perl' }],
    }));

  it('deploys an older version when asked to', async () =>
    expect(await resolve({ input: { versionId: 'v1' } })).toMatchObject({
      verdict: 'deploy',
      artifact: { versionId: 'v1' },
    }));

  it('ends an upload that a newer one has overtaken', async () =>
    expect(await resolve({ input: { versionId: 'v1', upload: { eventId: 'e' } } })).toMatchObject({
      verdict: 'superseded',
    }));

  it('ends when the fleet runs this release already, by the last record', async () => {
    const ports = bucket({ readRecord: async () => recordOf(baked(), at(0)) });
    expect(await resolve({}, ports)).toMatchObject({ verdict: 'already-deployed' });
    expect(ports.calls).toContain('artifacts.readRecord "artifacts" "irekae/shop/current.json"');
  });

  it('deploys again what ran before a deployment that stopped halfway', async () => {
    const halfway = recordOf(baked(), at(0), { error: 'StoppedHalfway', cause: 'x' });
    expect(await resolve({}, bucket({ readRecord: async () => halfway }))).toMatchObject({
      verdict: 'deploy',
    });
  });

  it('computes a checksum that nobody else knows', async () => {
    const find = async (_bucket: string, key: string) => {
      const { sha256: _unknown, ...known } = version(key, 'v2');
      return known;
    };
    expect(await resolve({}, bucket({ find, digest: async () => 'b'.repeat(64) }))).toMatchObject({
      artifact: { sha256: 'b'.repeat(64) },
    });
    const huge = async (...args: [string, string]) => ({
      ...(await find(...args)),
      sizeBytes: 5 * 1024 ** 3,
    });
    await expect(resolve({}, bucket({ find: huge }))).rejects.toThrow(
      failure('ArtifactUnusable', 'has 5368709120 bytes and no SHA-256 of the whole object. Upload it again'),
    );
  });

  it('refuses a key of somebody else before it reads anything', async () => {
    const ports = portsWith({});
    await expect(resolve({ input: { key: 'blog/app.tar.gz' } }, ports)).rejects.toThrow(
      failure('InvalidInput'),
    );
    expect(ports.calls).toEqual([]);
  });

  it('says what is missing', async () => {
    const nothing = bucket({ find: async () => undefined });
    await expect(resolve({}, nothing)).rejects.toThrow(
      failure('ArtifactNotFound', 's3://artifacts/shop/app.tar.gz does not exist'),
    );
    await expect(resolve({ input: { versionId: 'v9' } }, nothing)).rejects.toThrow(
      failure('ArtifactNotFound'),
    );
  });

  it('does not take silence for a fleet that was never deployed', async () =>
    expect(resolve({}, bucket({ readRecord: failing('ServiceUnavailable') }))).rejects.toThrow(
      failure('ServiceUnavailable'),
    ));
});
