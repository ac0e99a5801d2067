/** What every artifact bucket behind the port does: the adapter in front of an emulator, and the modelled world. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artifacts, Records } from '../../lambdas/ports/s3.ts';

export interface ArtifactsSubject {
  readonly artifacts: Artifacts;
  /** In the same buckets. */
  readonly records: Records;
  /** Versioned and empty. */
  readonly bucket: string;
  /** Uploads a new version and answers its id. Without metadata, no digest is known. */
  put(key: string, body: string, metadata?: Readonly<Record<string, string>>): Promise<string>;
  /** Deletes as a user does: a delete marker becomes the newest version. */
  remove(key: string): Promise<void>;
  stop(): Promise<void>;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export function artifactsContract(title: string, arrange: () => Promise<ArtifactsSubject>): void {
  describe(`Artifacts and records: ${title}`, () => {
    let subject: ArtifactsSubject;
    let artifacts: Artifacts;
    let records: Records;
    let bucket: string;
    beforeEach(async () => {
      subject = await arrange();
      ({ artifacts, records, bucket } = subject);
    });
    afterEach(() => subject.stop());

    it('finds the newest version', async () => {
      await subject.put('app.tar.gz', 'old');
      const versionId = await subject.put('app.tar.gz', 'newer');
      expect(await artifacts.find(bucket, 'app.tar.gz')).toMatchObject({
        key: 'app.tar.gz',
        versionId,
        sizeBytes: 5,
        uploadedAt: expect.any(Date),
      });
    });

    it('finds the version that is asked for', async () => {
      const versionId = await subject.put('app.tar.gz', 'old');
      await subject.put('app.tar.gz', 'newer');
      expect(await artifacts.find(bucket, 'app.tar.gz', versionId)).toMatchObject({
        versionId,
        sizeBytes: 3,
      });
    });

    it('tells what the uploader claims, and does not take it for the digest', async () => {
      await subject.put('app.tar.gz', 'tarball', { sha256: sha256('tarball') });
      const found = await artifacts.find(bucket, 'app.tar.gz');
      expect(found?.claimed).toBe(sha256('tarball'));
      expect(found).not.toHaveProperty('sha256');
    });

    it('knows no digest when nobody gave one', async () => {
      await subject.put('app.tar.gz', 'tarball');
      expect(await artifacts.find(bucket, 'app.tar.gz')).not.toHaveProperty('sha256');
    });

    it('finds nothing under a key that was never used', async () => {
      expect(await artifacts.find(bucket, 'nothing')).toBeUndefined();
    });

    it('finds nothing for a version id that S3 never gave', async () => {
      await subject.put('app.tar.gz', 'tarball');
      expect(await artifacts.find(bucket, 'app.tar.gz', 'no-such-version')).toBeUndefined();
    });

    it('finds nothing once the object was deleted, but still each version', async () => {
      const versionId = await subject.put('app.tar.gz', 'tarball');
      await subject.remove('app.tar.gz');
      expect(await artifacts.find(bucket, 'app.tar.gz')).toBeUndefined();
      expect(await artifacts.find(bucket, 'app.tar.gz', versionId)).toMatchObject({ versionId });
    });

    it('tells the versions of a key, newest first, without its delete markers', async () => {
      const oldest = await subject.put('app.tar.gz', 'one');
      const middle = await subject.put('app.tar.gz', 'two');
      await subject.remove('app.tar.gz');
      const newest = await subject.put('app.tar.gz', 'three');
      expect(await artifacts.versions(bucket, 'app.tar.gz')).toEqual([newest, middle, oldest]);
    });

    it('tells the versions of this key, and not of those that begin like it', async () => {
      await subject.put('app.tar', 'shorter');
      const versionId = await subject.put('app.tar.gz', 'tarball');
      await subject.put('app.tar.gz.sig', 'longer');
      expect(await artifacts.versions(bucket, 'app.tar.gz')).toEqual([versionId]);
    });

    it('tells no versions of a key that was never used', async () => {
      expect(await artifacts.versions(bucket, 'nothing')).toEqual([]);
    });

    it('refuses to tell the versions in a bucket that does not exist', async () => {
      await expect(artifacts.versions('no-such-bucket', 'app.tar.gz')).rejects.toMatchObject({
        name: 'ServiceRefused',
      });
    });

    it('computes the digest of exactly that version', async () => {
      const versionId = await subject.put('app.tar.gz', 'tarball');
      await subject.put('app.tar.gz', 'another');
      expect(await artifacts.digest(bucket, 'app.tar.gz', versionId)).toBe(sha256('tarball'));
    });

    it('reads back the record that was written last', async () => {
      await records.writeRecord(bucket, 'irekae/blog/current.json', { versionId: 'v1' });
      const record = { versionId: 'v2', hosts: ['i-1'], note: '入れ替え', nothing: null };
      await records.writeRecord(bucket, 'irekae/blog/current.json', record);
      expect(await records.readRecord(bucket, 'irekae/blog/current.json')).toEqual(record);
    });

    it('writes a page as it is given, which is no record', async () => {
      await records.writePage(bucket, 'irekae/blog/deployments/d.html', '<p>Deployed</p>');
      expect(await artifacts.find(bucket, 'irekae/blog/deployments/d.html')).toMatchObject({ sizeBytes: 15 });
      await expect(records.readRecord(bucket, 'irekae/blog/deployments/d.html')).rejects.toMatchObject({
        name: 'InvalidInput',
      });
    });

    it('reads each version of a record as it was', async () => {
      const key = 'irekae/blog/current.json';
      for (const version of ['v1', 'v2']) await records.writeRecord(bucket, key, { version });
      const [newest = '', older = ''] = await artifacts.versions(bucket, key);
      expect(await records.readVersion(bucket, key, newest)).toEqual({ version: 'v2' });
      expect(await records.readVersion(bucket, key, older)).toEqual({ version: 'v1' });
      expect(await records.readVersion(bucket, key, 'no-such-version')).toBeUndefined();
    });

    it('has no record where none was written', async () => {
      expect(await records.readRecord(bucket, 'irekae/blog/current.json')).toBeUndefined();
    });

    it('lists what is stored under a prefix, each key once, without what was deleted', async () => {
      await records.writeRecord(bucket, 'irekae/blog/deployments/d1.json', { outcome: 'RolledBack' });
      await records.writeRecord(bucket, 'irekae/blog/deployments/d1.json', { outcome: 'Deployed' });
      await records.writeRecord(bucket, 'irekae/blog/deployments/d2.json', {});
      await records.writeRecord(bucket, 'irekae/blog/deployments/d3.json', {});
      await records.writeRecord(bucket, 'irekae/blog/current.json', {});
      await subject.remove('irekae/blog/deployments/d3.json');
      const found = await artifacts.list(bucket, 'irekae/blog/deployments/');
      expect([...found].sort((one, other) => one.key.localeCompare(other.key))).toEqual([
        { key: 'irekae/blog/deployments/d1.json', writtenAt: expect.any(Date) },
        { key: 'irekae/blog/deployments/d2.json', writtenAt: expect.any(Date) },
      ]);
    });

    it('lists nothing where nothing is stored', async () => {
      expect(await artifacts.list(bucket, 'irekae/nobody/')).toEqual([]);
    });
  });
}
