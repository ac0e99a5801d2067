/** The steps of a promotion, through literal ports. */
import { describe, expect, it } from 'vitest';
import type { Promotion } from '../../lambdas/domain/promotion/promotion.ts';
import type { ArtifactVersion, Held } from '../../lambdas/ports/s3.ts';
import { chooseTheCandidate } from '../../lambdas/promotion/choose-the-candidate.ts';
import { COPY_SECONDS, copyTheArtifact } from '../../lambdas/promotion/copy-the-artifact.ts';
import { giveUpThePromotion } from '../../lambdas/promotion/give-up-the-promotion.ts';
import { writeTheProof } from '../../lambdas/promotion/write-the-proof.ts';
import { failedBy } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';
import { ARTIFACT, aCandidate, aPlan, aPromotion, at, DIGEST, ran } from './promotions.ts';

const COPY: Held = { versionId: 'p8', etag: '"n"', sizeBytes: 9, claimed: DIGEST, computed: DIGEST };
const BEFORE: Held = { versionId: 'p7', etag: '"e"', sizeBytes: 5, claimed: 'b'.repeat(64) };
/** That of COPY. */
const PROVEN = {
  fleet: 'app',
  sha256: DIGEST,
  versionId: 'p8',
  promotedAt: at(0).toISOString(),
  tested: { runtimes: [] },
};
const ONTO = { versionId: 'p7', etag: '"e"' };

describe('Choose the candidate', () => {
  const CURRENT = 'irekae/staging/current.json';
  const PROOF = `irekae/app/promotions/${DIGEST}.json`;
  /** Versions of `current.json`, newest first, as c0, c1, … */
  const source = (...rows: readonly unknown[]) => ({
    artifacts: {
      versions: async (_bucket: string, key: string) =>
        key === CURRENT ? rows.map((_, index) => `c${index}`) : ['v3', 'v2'],
      find: async (): Promise<ArtifactVersion> => ({ ...ARTIFACT, uploadedAt: at(0) }),
    },
    records: {
      readVersion: async (_bucket: string, _key: string, id: string) => rows[Number(id.slice(1))],
      readRecord: async () => undefined,
    },
  });
  const choose = (methods: Methods, promotion: Promotion = aPromotion()) => {
    const ports = portsWith({ copies: { look: async () => BEFORE }, ...methods }, at(0));
    return { ports, answer: chooseTheCandidate.run(promotion, ports) };
  };

  it('is what the source runs, as it was pinned there, onto what the destination has', async () => {
    const { answer, ports } = choose(source(ran('v3', 10), ran('v2', 90)));
    expect(await answer).toEqual({
      verdict: 'promote',
      reason: `version v3 (9 bytes, SHA-256 ${DIGEST.slice(0, 12)}…) is promoted to s3://production/app.tar.gz`,
      dryRun: false,
      artifact: ARTIFACT,
      onto: ONTO,
      provenBy: { app: 'v3-10' },
      tested: { app: { runtimes: [] } },
    });
    expect(ports.changes).toEqual([]);
    expect(ports.calls.filter((call) => call.startsWith('records.readRecord'))).toEqual([
      `records.readRecord "production" "irekae/app/promotions/${DIGEST}/p7.json"`,
      `records.readRecord "production" "${PROOF}"`,
    ]);
  });

  it('reads the source’s history once for all fleets that it feeds', async () => {
    const fed = ['app', 'worker'].map((fleet) => ({ fleet, from: 'staging', soakMinutes: 0 }));
    const { answer, ports } = choose(source(ran('v3', 10)), aPromotion({ promotion: aPlan({ fed }) }));
    expect((await answer).provenBy).toEqual({ app: 'v3-10', worker: 'v3-10' });
    expect(ports.calls.filter((call) => call.includes(CURRENT))).toHaveLength(2);
  });

  it('is promoted already when the destination has it, proven', async () => {
    const proven = source(ran('v3', 10));
    const { answer } = choose({
      ...proven,
      records: { ...proven.records, readRecord: async () => PROVEN },
      copies: { look: async () => COPY },
    });
    expect(await answer).toMatchObject({ verdict: 'already-promoted' });
  });

  it('is refused when nothing proves it, before the destination is looked at', async () => {
    const { answer, ports } = choose(source(ran('v3', 1)));
    await expect(answer).rejects.toThrow(failure('NotProven', '60 s of the 5 min'));
    expect(ports.calls.filter((call) => /"production"/.test(call))).toEqual([]);
  });

  it('of what was never deployed is looked at, and read when nobody knows its digest', async () => {
    const input = { versionId: 'v2', override: ['provenance'], reason: 'outage' } as const;
    const found = { key: 'app.tar.gz', versionId: 'v2', sizeBytes: 9, uploadedAt: at(-5) };
    const known = source(ran('v3', 10));
    const { id } = aPromotion().execution;
    const opened = { state: { state: 'running' }, startedAt: at(0), output: { ExecutionArn: id } } as const;
    const { answer } = choose(
      {
        ...known,
        artifacts: { ...known.artifacts, find: async () => found, digest: async () => DIGEST },
        executions: { describe: async () => opened },
      },
      aPromotion({
        input: { door: `${id.replace('-promote:', '-promote-override:')}`, asked: input } as never,
      }),
    );
    expect(await answer).toMatchObject({ artifact: { ...ARTIFACT, versionId: 'v2' }, provenBy: {} });
  });

  it.each([
    ['alone', undefined],
    ['with the door of another execution', 'irekae-app-promote-override:p-1'],
    ['with the door of the deployments', 'irekae-app-override:p-1'],
  ])('is refused when its override did not come through the door: %s', async (_, door) => {
    const asked = { versionId: 'v2', override: ['provenance'], reason: 'outage' };
    const { id } = aPromotion().execution;
    const arn = door && id.replace(/irekae-.*$/, door);
    const opened = {
      state: { state: 'running' },
      startedAt: at(0),
      output: { ExecutionArn: `${id}0` },
    } as const;
    const { answer, ports } = choose(
      { ...source(ran('v3', 10)), executions: { describe: async () => opened } },
      aPromotion({ input: (arn ? { door: arn, asked } : asked) as never }),
    );
    await expect(answer).rejects.toThrow(
      failure('InvalidInput', 'unless irekae-app-promote-override starts irekae-app-promote with it'),
    );
    expect(ports.calls.filter((call) => !call.startsWith('executions.'))).toEqual([]);
  });

  it('is refused when it was archived since, unless the destination has it', async () => {
    const { artifacts, records } = source(ran('v3', 10));
    const archive = { name: 'GLACIER', isRestoring: false };
    const archived = { ...artifacts, find: async () => ({ ...ARTIFACT, uploadedAt: at(0), archive }) };
    await expect(choose({ artifacts: archived, records }).answer).rejects.toThrow(
      failure('ArtifactUnusable', 's3://staging/app.tar.gz version v3 is archived (GLACIER)'),
    );
    const there = {
      copies: { look: async () => COPY },
      records: { ...records, readRecord: async () => PROVEN },
    };
    expect(await choose({ artifacts: archived, ...there }).answer).toMatchObject({
      verdict: 'already-promoted',
    });
  });

  it('may be a dry run', async () => {
    const { answer } = choose(source(ran('v3', 10)), aPromotion({ input: { dryRun: true } }));
    expect(await answer).toMatchObject({ verdict: 'promote', dryRun: true });
  });

  it('is unknown, not absent, when the source does not answer', async () => {
    const { answer } = choose({ artifacts: { versions: failing('ServiceUnavailable') } });
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
  });

  it('takes no input that it does not know', async () =>
    expect(choose({}, { ...aPromotion(), input: { colour: 'red' } as never }).answer).rejects.toThrow(
      failure('InvalidInput', 'colour'),
    ));
});

describe('Write the proof', () => {
  const write = (promotion: Promotion) => {
    const ports = portsWith({ records: { writeRecord: async () => {} } }, at(1));
    return { ports, answer: writeTheProof.run(promotion, ports) };
  };
  const fed = ['app', 'worker'].map((fleet) => ({ fleet, from: 'staging', soakMinutes: 0 }));

  it('leaves one for each fleet that is fed, before there is a copy', async () => {
    const promotion = aPromotion({
      promotion: aPlan({ fed }),
      candidate: aCandidate({ provenBy: { app: 'v3-10', worker: 'v3-10' } }),
      input: { startedBy: 'CI', reason: 'release 12', override: ['soak'] },
    });
    const { answer, ports } = write(promotion);
    const { proofs, reason } = await answer;
    expect(reason).toBe('version v3 of staging is proven for 2 fleets: app and worker');
    expect(ports.calls.map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual(
      ['app', 'worker'].map(
        (fleet) => `records.writeRecord "production" "irekae/${fleet}/promotions/${DIGEST}.json"`,
      ),
    );
    expect(proofs[0]).toEqual({
      fleet: 'app',
      sha256: DIGEST,
      key: 'app.tar.gz',
      until: at(61).toISOString(),
      tested: { runtimes: [] },
      from: {
        fleet: 'staging',
        environment: 'staging',
        bucket: 'staging',
        key: 'app.tar.gz',
        versionId: 'v3',
        deployment: 'v3-10',
      },
      promotedAt: at(1).toISOString(),
      promotedBy: 'CI',
      execution: promotion.execution.id,
      why: 'release 12',
      override: ['soak'],
    });
  });

  it('names the copy once there is one', async () => {
    const copy = {
      ready: true,
      reason: '',
      nextLookInSeconds: 1,
      since: at(0).toISOString(),
      at: at(0).toISOString(),
      looks: 1,
      versionId: 'p8',
    };
    const { answer, ports } = write(aPromotion({ candidate: aCandidate(), copy }));
    const { proofs, reason } = await answer;
    // Its own, which stays, before the one that would be for any upload is for no other.
    expect(ports.calls.map((call) => call.split(' ')[2])).toEqual([
      `"irekae/app/promotions/${DIGEST}/p8.json"`,
      `"irekae/app/promotions/${DIGEST}.json"`,
    ]);
    expect(proofs[0]).toMatchObject({ versionId: 'p8', promotedBy: 'StartExecution' });
    expect(reason).toBe(
      'version v3 of staging is version p8 of s3://production/app.tar.gz; its upload event deploys it to app',
    );
  });

  it('has nothing to prove without a candidate', async () =>
    expect(write(aPromotion()).answer).rejects.toThrow(failure('StepCrashed', 'candidate')));
});

describe('Copy the artifact', () => {
  const LARGE = 6 * 1024 ** 3;
  const large = aCandidate({ artifact: { ...ARTIFACT, sizeBytes: LARGE }, onto: ONTO });
  const copy = (
    methods: Methods['copies'],
    promotion = aPromotion({ candidate: aCandidate({ onto: ONTO }) }),
  ) => {
    const ports = portsWith({ copies: methods ?? {} }, at(2));
    return { ports, answer: copyTheArtifact.run(promotion, ports) };
  };
  const afterwards =
    (first: Held | undefined, then: Held | undefined) => async (_place: unknown, versionId?: string) =>
      versionId === undefined ? first : then;
  const changes = (calls: readonly string[]) => calls.map((call) => call.split(' ')[0]);

  it('copies at once, and verifies the version that it made', async () => {
    const { answer, ports } = copy({ look: afterwards(BEFORE, COPY), whole: async () => 'p8' });
    expect(await answer).toMatchObject({ ready: true, versionId: 'p8', looks: 1 });
    expect(changes(ports.calls)).toEqual(['copies.look', 'copies.whole', 'copies.look']);
    expect(ports.changes[0]).toContain(JSON.stringify({ onto: ONTO }).slice(1, -1));
  });

  it('that ran before and lost its answer finds the copy, and copies nothing', async () => {
    const { answer, ports } = copy({ look: async () => COPY });
    expect(await answer).toMatchObject({ ready: true, versionId: 'p8' });
    expect(ports.changes).toEqual([]);
  });

  it('that meets another promotion of the same in the middle takes its copy for its own', async () => {
    let looks = 0;
    const look = async () => (looks++ === 0 ? BEFORE : COPY);
    const { answer } = copy({ look, whole: async () => undefined });
    expect(await answer).toMatchObject({ ready: true, versionId: 'p8' });
  });

  it('gives way to somebody’s upload', async () => {
    let looks = 0;
    const other = { ...BEFORE, versionId: 'p9' };
    const look = async () => (looks++ === 0 ? BEFORE : other);
    const { answer } = copy({ look, whole: async () => undefined });
    await expect(answer).rejects.toThrow(failure('CopyFailed', 'version p9 the newest'));
  });

  it('does not try for ever what S3 refuses though nothing has changed', async () => {
    const { answer } = copy({ look: async () => BEFORE, whole: async () => undefined });
    await expect(answer).rejects.toThrow(failure('CopyFailed', 'S3 does not copy'));
  });

  it('fails when what S3 computed is not what was to be promoted', async () => {
    const wrong = { ...COPY, computed: 'c'.repeat(64) };
    const { answer } = copy({ look: afterwards(BEFORE, wrong), whole: async () => 'p8' });
    await expect(answer).rejects.toThrow(failure('CopyFailed', 'has 9 bytes and SHA-256 cccc'));
  });

  it('copies a large one in parts, some in each look, and puts them together', async () => {
    let left = 12;
    const look = afterwards(BEFORE, { ...COPY, sizeBytes: LARGE });
    const methods: Methods['copies'] = {
      look,
      begin: async () => 'u-1',
      parts: async (_request, _uploadId, { most }) => {
        left = Math.max(0, left - most);
        return left;
      },
      finish: async () => 'p8',
    };
    const first = await copy(methods, aPromotion({ candidate: large })).answer;
    expect(first).toMatchObject({ ready: false, uploadId: 'u-1', reason: 'it is copied in 12 parts' });
    const second = await copy(methods, aPromotion({ candidate: large, copy: first })).answer;
    expect(second).toMatchObject({ ready: false, uploadId: 'u-1', reason: '8 of 12 parts copied', looks: 2 });
    const third = await copy(methods, aPromotion({ candidate: large, copy: second })).answer;
    expect(third).toMatchObject({ ready: true, versionId: 'p8', looks: 3, since: first.since });
  });

  it('whose parts somebody has thrown away fails', async () => {
    const promotion = aPromotion({ candidate: large, copy: { ...LOOK, uploadId: 'u-1' } });
    const { answer } = copy({ look: async () => BEFORE, parts: async () => undefined }, promotion);
    await expect(answer).rejects.toThrow(failure('CopyFailed', 'aborted the unfinished copy'));
  });

  it('ends after half a day', async () => {
    const since = new Date(at(2).getTime() - (COPY_SECONDS + 1) * 1_000).toISOString();
    const { answer } = copy({}, aPromotion({ candidate: large, copy: { ...LOOK, since } }));
    await expect(answer).rejects.toThrow(failure('CopyFailed', 'not finished after 12 h'));
  });
});

const LOOK = {
  ready: false,
  reason: '',
  nextLookInSeconds: 1,
  since: at(0).toISOString(),
  at: at(0).toISOString(),
  looks: 1,
};

describe('Give up the promotion', () => {
  const giveUp = (
    promotion: object,
    abandon: () => Promise<void> = async () => {},
    writeRecord = async () => {},
  ) => {
    const ports = portsWith({ copies: { abandon }, records: { writeRecord } }, at(3));
    return { ports, answer: giveUpThePromotion.run(promotion, ports) };
  };

  it('fails under the first error’s own name, and says that nothing was promoted', async () => {
    const failed = aPromotion({ failure: failedBy('NotProven', 'Version v3 may not be promoted.') });
    expect(await giveUp(failed).answer).toEqual({
      error: 'NotProven',
      cause: 'NotProven: Version v3 may not be promoted. Nothing was promoted.',
    });
  });

  it('gives foreign errors a name of the closed list', async () =>
    expect(await giveUp(aPromotion({ failure: { Error: 'States.Timeout' } })).answer).toMatchObject({
      error: 'StepTimedOut',
    }));

  it('throws the parts of an unfinished copy away', async () => {
    const failed = aPromotion({
      candidate: aCandidate(),
      copy: { ...LOOK, uploadId: 'u-1' },
      failure: failedBy('CopyFailed'),
    });
    const { answer, ports } = giveUp(failed);
    expect(await answer).toMatchObject({ error: 'CopyFailed' });
    expect(ports.calls[0]).toBe('copies.abandon {"bucket":"production","key":"app.tar.gz"} "u-1"');
    // The proof that waited for the copy waits for nothing anymore.
    expect(ports.calls.slice(1)).toEqual([
      expect.stringMatching(`promotions/${DIGEST}.json" .*"until":"${at(3).toISOString()}"`),
    ]);
  });

  it('says why it failed although the parts could not be thrown away', async () => {
    const failed = aPromotion({ copy: { ...LOOK, uploadId: 'u-1' }, failure: failedBy('CopyFailed') });
    expect(await giveUp(failed, failing('ServiceUnavailable')).answer).toMatchObject({ error: 'CopyFailed' });
  });

  it('does not swallow a bug', async () => {
    const failed = aPromotion({ copy: { ...LOOK, uploadId: 'u-1' }, failure: failedBy('CopyFailed') });
    const bug = async () => {
      throw new TypeError('x');
    };
    await expect(giveUp(failed, bug).answer).rejects.toThrow(TypeError);
  });

  it('says that the artifact is there when only the record failed', async () => {
    const failed = aPromotion({
      candidate: aCandidate(),
      copy: { ...LOOK, ready: true, versionId: 'p8' },
      failure: failedBy('ServiceUnavailable', 'S3 did not answer.'),
    });
    const { answer, ports } = giveUp(failed);
    expect((await answer).cause).toBe(
      'ServiceUnavailable: S3 did not answer. The artifact was promoted, as version p8 of s3://production/app.tar.gz, and is deployed to app; only the record of it could not be completed.',
    );
    expect(ports.calls[0]).toContain(`promotions/${DIGEST}/p8.json`);
  });

  it('goes without an input that was refused', async () => {
    const failed = {
      ...aPromotion({ failure: failedBy('InvalidInput', 'One problem.') }),
      input: { colour: 'red' },
    };
    expect(await giveUp(failed).answer).toMatchObject({ error: 'InvalidInput' });
  });
});
