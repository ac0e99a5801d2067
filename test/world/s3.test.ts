import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectCreated } from '../../simulator/world/s3.ts';
import { named, START, smallWorld } from './small-world.ts';

const KEY = 'shop/app.tar.gz';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function withBucket() {
  const small = smallWorld();
  small.world.s3.addBucket('artifacts');
  return { ...small, artifacts: small.ports.artifacts, records: small.ports.records, s3: small.world.s3 };
}

describe('an upload', () => {
  it('is the newest version until the next one, and stays readable by its version', async () => {
    const { s3, artifacts, at } = withBucket();
    const first = s3.put('artifacts', KEY, 'one');
    at(60);
    const second = s3.put('artifacts', KEY, 'three');
    expect(second.versionId).not.toBe(first.versionId);
    expect(second.sequencer > first.sequencer).toBe(true);
    expect(await artifacts.find('artifacts', KEY)).toEqual({
      key: KEY,
      versionId: second.versionId,
      sizeBytes: 5,
      uploadedAt: new Date(START.getTime() + 60_000),
    });
    expect(await artifacts.find('artifacts', KEY, first.versionId)).toMatchObject({ sizeBytes: 3 });
  });

  it.each([
    ['nobody, but it can be computed', {}, undefined],
    ['S3, when the uploader sent a checksum', { checksum: 'sha256' }, sha256('tarball')],
    ['nobody, whatever the metadata claims', { metadata: { sha256: sha256('tarball') } }, undefined],
    ['nobody, when the metadata is not a digest', { metadata: { sha256: 'v1.2' } }, undefined],
  ] as const)('has a digest that is known by %s', async (_, upload, known) => {
    const { s3, artifacts } = withBucket();
    const { versionId } = s3.put('artifacts', KEY, 'tarball', upload);
    expect((await artifacts.find('artifacts', KEY))?.sha256).toBe(known);
    expect(await artifacts.digest('artifacts', KEY, versionId)).toBe(sha256('tarball'));
  });

  it('is unusable when its metadata contradicts its checksum', async () => {
    const { s3, artifacts } = withBucket();
    s3.put('artifacts', KEY, 'tarball', { checksum: 'sha256', metadata: { sha256: sha256('other') } });
    await expect(artifacts.find('artifacts', KEY)).rejects.toEqual(named('ArtifactUnusable'));
  });

  it('that is archived is found, and read and copied only once it is restored', async () => {
    const { s3, artifacts } = withBucket();
    const { versionId } = s3.put('artifacts', KEY, 'tarball');
    const request = {
      from: { bucket: 'artifacts', key: KEY, versionId },
      to: { bucket: 'artifacts', key: 'copy' },
      sha256: sha256('tarball'),
      sizeBytes: 7,
    };
    s3.archive(versionId, { name: 'GLACIER', isRestoring: true });
    expect(await artifacts.find('artifacts', KEY)).toMatchObject({
      archive: { name: 'GLACIER', isRestoring: true },
    });
    await expect(artifacts.digest('artifacts', KEY, versionId)).rejects.toEqual(named('ServiceRefused'));
    expect(() => s3.whole(request)).toThrow(/InvalidObjectState/);
    s3.archive(versionId, undefined);
    expect(await artifacts.find('artifacts', KEY)).not.toHaveProperty('archive');
    expect(s3.whole(request)).toEqual(expect.any(String));
  });

  it('has no version in a bucket that keeps none, and its event none either', async () => {
    const { s3, artifacts } = withBucket();
    const events: ObjectCreated[] = [];
    s3.onObjectCreated((event) => events.push(event));
    s3.suspendVersioning('artifacts');
    s3.put('artifacts', KEY, 'tarball');
    expect(events[0]?.detail.object).not.toHaveProperty('version-id');
    await expect(artifacts.find('artifacts', KEY)).rejects.toEqual(named('ArtifactUnusable'));
  });

  it('may claim any size', async () => {
    const { s3, artifacts } = withBucket();
    s3.put('artifacts', KEY, 'small', { sizeBytes: 6_000_000_000 });
    expect((await artifacts.find('artifacts', KEY))?.sizeBytes).toBe(6_000_000_000);
  });

  it('tells its listeners what EventBridge would', () => {
    const { s3 } = withBucket();
    const events: ObjectCreated[] = [];
    s3.onObjectCreated((event) => events.push(event));
    const { versionId, sequencer, etag } = s3.put('artifacts', KEY, 'tarball');
    expect(events).toEqual([
      expect.objectContaining({
        source: 'aws.s3',
        'detail-type': 'Object Created',
        time: '2026-03-01T09:00:00Z',
        detail: expect.objectContaining({
          bucket: { name: 'artifacts' },
          object: { key: KEY, size: 7, etag, 'version-id': versionId, sequencer },
        }),
      }),
    ]);
  });
});

describe('absence', () => {
  it('is what S3 says about an unknown key, version or bucket, and about a deleted object', async () => {
    const { s3, artifacts } = withBucket();
    const { versionId } = s3.put('artifacts', KEY, 'tarball');
    expect(await artifacts.find('artifacts', 'other')).toBeUndefined();
    expect(await artifacts.find('artifacts', KEY, 'other')).toBeUndefined();
    expect(await artifacts.find('nowhere', KEY)).toBeUndefined();
    s3.delete('artifacts', KEY);
    expect(await artifacts.find('artifacts', KEY)).toBeUndefined();
    expect(await artifacts.find('artifacts', KEY, versionId)).toMatchObject({ versionId });
  });

  it('fails a digest: who asks for one has found the version before', async () => {
    const { artifacts } = withBucket();
    await expect(artifacts.digest('artifacts', KEY, 'v')).rejects.toEqual(named('ServiceRefused'));
  });
});

describe('a record', () => {
  it('is read as it was written, each time anew', async () => {
    const { records } = withBucket();
    const record = { hosts: ['i-1'] };
    await records.writeRecord('artifacts', 'irekae/shop/current.json', record);
    record.hosts.push('i-2');
    expect(await records.readRecord('artifacts', 'irekae/shop/current.json')).toEqual({ hosts: ['i-1'] });
    expect(await records.readRecord('artifacts', 'irekae/blog/current.json')).toBeUndefined();
  });

  it('that is not JSON is refused', async () => {
    const { s3, records } = withBucket();
    s3.put('artifacts', 'irekae/shop/current.json', '<html>');
    await expect(records.readRecord('artifacts', 'irekae/shop/current.json')).rejects.toEqual(
      named('InvalidInput'),
    );
  });

  it('needs its bucket', async () => {
    const { ports } = smallWorld();
    await expect(ports.records.writeRecord('nowhere', 'k', {})).rejects.toEqual(named('ServiceRefused'));
    await expect(ports.records.readRecord('nowhere', 'k')).rejects.toEqual(named('ServiceRefused'));
  });
});

it('a parameter has a value until it is deleted', async () => {
  const { world, ports } = smallWorld();
  world.parameters.set('/irekae/mackerel-key', 'secret');
  expect(await ports.parameters.read('/irekae/mackerel-key')).toBe('secret');
  world.parameters.delete('/irekae/mackerel-key');
  expect(await ports.parameters.read('/irekae/mackerel-key')).toBeUndefined();
});
