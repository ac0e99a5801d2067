/** What every S3 that copies behind the port does: the adapter in front of an emulator, and the modelled world. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Copies, CopyRequest } from '../../lambdas/ports/s3.ts';

export interface CopiesSubject {
  readonly copies: Copies;
  /** Both versioned and empty. */
  readonly source: string;
  readonly destination: string;
  /** Uploads a new version and answers its id. */
  put(bucket: string, key: string, body: string): Promise<string>;
  /** The newest content of a key. */
  read(bucket: string, key: string): Promise<string>;
  /** What a stand-in may lack. */
  readonly honours: {
    /** Nothing is copied onto another version than the one expected. */
    readonly conditions: boolean;
  };
  stop(): Promise<void>;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const KEY = 'blog/app.tar.gz';
/** The least that a part but the last may have. */
const PART = { bytes: 5 * 1024 ** 2, most: 1 };
const LARGE = 'x'.repeat(PART.bytes + 3);

export function copiesContract(title: string, arrange: () => Promise<CopiesSubject>): void {
  describe(`Copies: ${title}`, () => {
    let subject: CopiesSubject;
    let copies: Copies;
    beforeEach(async () => {
      subject = await arrange();
      ({ copies } = subject);
    });
    afterEach(() => subject.stop());

    const to = () => ({ bucket: subject.destination, key: KEY });
    /** Of a new upload, onto what is at the destination now. */
    async function requestFor(body: string): Promise<CopyRequest> {
      const versionId = await subject.put(subject.source, KEY, body);
      return {
        from: { bucket: subject.source, key: KEY, versionId },
        to: to(),
        sha256: sha256(body),
        sizeBytes: body.length,
        onto: await copies.look(to()),
      };
    }
    async function copyInParts(request: CopyRequest): Promise<string | undefined> {
      const uploadId = await copies.begin(request);
      for (let left: number | undefined = 1; left !== 0; ) left = await copies.parts(request, uploadId, PART);
      return copies.finish(request, uploadId);
    }

    it('sees nothing where nothing was put', async () => {
      expect(await copies.look(to())).toBeUndefined();
      expect(await copies.look(to(), 'no-such-version')).toBeUndefined();
    });

    it('sees the newest version, and the one asked for', async () => {
      const older = await subject.put(subject.destination, KEY, 'old');
      const newer = await subject.put(subject.destination, KEY, 'newer');
      expect(await copies.look(to())).toMatchObject({ versionId: newer, sizeBytes: 5 });
      expect(await copies.look(to(), older)).toMatchObject({ versionId: older, sizeBytes: 3 });
    });

    it('makes a whole copy of exactly that version, which says what its digest is', async () => {
      const request = await requestFor('tarball');
      await subject.put(subject.source, KEY, 'newer');
      const versionId = await copies.whole(request);
      expect(await subject.read(subject.destination, KEY)).toBe('tarball');
      expect(await copies.look(to())).toEqual({
        versionId,
        etag: expect.any(String),
        sizeBytes: 7,
        claimed: sha256('tarball'),
        computed: sha256('tarball'),
      });
    });

    it('makes a copy onto what was expected there', async () => {
      await subject.put(subject.destination, KEY, 'before');
      const request = await requestFor('tarball');
      expect(await copies.whole(request)).toEqual(expect.any(String));
      expect(await subject.read(subject.destination, KEY)).toBe('tarball');
    });

    it('makes no copy onto anything else', async (context) => {
      if (!subject.honours.conditions) context.skip('this stand-in copies onto anything');
      const request = await requestFor('tarball');
      await subject.put(subject.destination, KEY, 'somebody was faster');
      expect(await copies.whole(request)).toBeUndefined();
      expect(
        await copyInParts(await requestFor('tarball').then((r) => ({ ...r, onto: undefined }))),
      ).toBeUndefined();
      expect(await subject.read(subject.destination, KEY)).toBe('somebody was faster');
    });

    it('makes a copy in parts, and says how many are left', async () => {
      const request = await requestFor(LARGE);
      const uploadId = await copies.begin(request);
      expect(await copies.parts(request, uploadId, PART)).toBe(1);
      expect(await copies.look(to())).toBeUndefined();
      expect(await copies.parts(request, uploadId, PART)).toBe(0);
      const versionId = await copies.finish(request, uploadId);
      expect(await copies.look(to())).toMatchObject({
        versionId,
        sizeBytes: LARGE.length,
        claimed: sha256(LARGE),
      });
      expect(await subject.read(subject.destination, KEY)).toBe(LARGE);
    });

    it('goes on with the parts that are missing, whoever asks again', async () => {
      const request = await requestFor(LARGE);
      const uploadId = await copies.begin(request);
      expect(await copies.parts(request, uploadId, { ...PART, most: 8 })).toBe(0);
      expect(await copies.parts(request, uploadId, PART)).toBe(0);
      expect(await copies.finish(request, uploadId)).toEqual(expect.any(String));
    });

    it('knows no parts that were thrown away, and throws them away once', async () => {
      const request = await requestFor(LARGE);
      const uploadId = await copies.begin(request);
      await copies.abandon(to(), uploadId);
      await copies.abandon(to(), uploadId);
      expect(await copies.parts(request, uploadId, PART)).toBeUndefined();
      expect(await copies.finish(request, uploadId)).toBeUndefined();
      expect(await copies.look(to())).toBeUndefined();
    });

    it('knows no parts of a copy that is finished', async () => {
      const request = await requestFor(LARGE);
      const uploadId = await copies.begin(request);
      await copies.parts(request, uploadId, { ...PART, most: 2 });
      await copies.finish(request, uploadId);
      expect(await copies.finish(request, uploadId)).toBeUndefined();
    });

    it('refuses to copy a version that does not exist', async () => {
      const request = await requestFor('tarball');
      const gone = { ...request, from: { ...request.from, versionId: 'no-such-version' } };
      const answer = await copies.whole(gone).catch((error: Error) => error.name);
      expect([undefined, 'ServiceRefused']).toContain(answer);
      expect(await copies.look(to())).toBeUndefined();
    });
  });
}
