/** A fleet without an artifact: its machine image is the release. */
import { describe, expect, it } from 'vitest';
import { parseDeployment } from '../../lambdas/domain/core/document.ts';
import type { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import { renderBootScript } from '../../lambdas/domain/launch/boot-script.ts';
import { followUps } from '../../lambdas/domain/lock/following.ts';
import { NEWEST_IMAGE, takesTheSlot, wantedBy } from '../../lambdas/domain/lock/pending.ts';
import {
  assertOwnKey,
  type CurrentRelease,
  decideRelease,
  nothingToRedeploy,
  parseCurrentRelease,
  recipe,
} from '../../lambdas/domain/release/release-choice.ts';
import { decideRollback } from '../../lambdas/domain/release/rollback.ts';
import type { PendingRequest } from '../../lambdas/ports/ledger.ts';
import { agreed, RELEASE } from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';

const IMAGE = 'ami-0a1b2c3d4e5f60718';
const FLEET = aFleet({ artifact: { bucket: 'artifacts' }, runtimes: [] });
const EVENT = { newImage: { eventId: 'e' } };

const current = (changes: Partial<CurrentRelease> = {}): CurrentRelease => ({
  outcome: 'Deployed',
  deployment: 'deploy-1',
  artifact: null,
  runtimes: [],
  imageId: IMAGE,
  recipe: recipe(FLEET),
  ...changes,
});

describe('Is an image wanted', () => {
  it.each<[string, DeploymentInput, CurrentRelease | undefined, string, RegExp]>([
    ['the first', EVENT, undefined, 'deploy', /^image ami-0a1b2c3d4e5f60718$/],
    ['a new one', EVENT, current({ imageId: 'ami-0old' }), 'deploy', /^image ami-/],
    [
      'the one that runs',
      {},
      current(),
      'already-deployed',
      /runs image ami-0a\w+ since deployment deploy-1/,
    ],
    ['the one that runs, asked for', { redeploy: true }, current(), 'deploy', /^image/],
    ['instead of an artifact', {}, current({ artifact: RELEASE.artifact }), 'deploy', /^image/],
    [
      'one that was gone back from, by its late event',
      EVENT,
      current({ imageId: 'ami-0old', leftBehind: IMAGE }),
      'superseded',
      /rolled back .* start with \{"amiId": "ami-0a1b2c3d4e5f60718"\}/,
    ],
    [
      'the same, by a person',
      { amiId: IMAGE },
      current({ imageId: 'ami-0old', leftBehind: IMAGE }),
      'deploy',
      /^image/,
    ],
  ])('%s', (_, input, runs, verdict, reason) => {
    const facts = { artifact: null, runtimes: [], imageId: IMAGE, current: runs };
    expect(decideRelease(FLEET, input, facts)).toEqual({ verdict, reason: expect.stringMatching(reason) });
  });

  it.each<[string, CurrentRelease | undefined, unknown]>([
    ['the first', undefined, undefined],
    ['instead of an artifact', current({ artifact: RELEASE.artifact }), undefined],
    ['the one that runs', current(), expect.stringContaining(`runs on ${IMAGE}`)],
  ])('its event: %s', (_, runs, why) => {
    expect(nothingToRedeploy(FLEET, { imageId: IMAGE }, runs)).toEqual(why);
  });
});

it('the event of a new image launches no host without the artifact that its fleet has by now', () => {
  const runs = current({ imageId: 'ami-0old' });
  expect(nothingToRedeploy(aFleet(), { imageId: IMAGE }, runs)).toMatch(
    /runs image ami-0old since deploy-1, which holds its application, and has an artifact by now/,
  );
});

it('refuses an input that names an artifact, and accepts one that names an image', () => {
  expect(() => assertOwnKey(FLEET, { key: 'app.tar.gz', versionId: 'v1' })).toThrow(
    /has no artifact: its machine image is the release, but the input says key and versionId\. Start with \{"amiId"/,
  );
  expect(() => assertOwnKey(FLEET, { amiId: IMAGE })).not.toThrow();
});

describe('Its record', () => {
  it('is not taken from one that says nothing of an artifact', () => {
    const { artifact: _, ...silent } = current();
    expect(parseCurrentRelease(silent)).toBeUndefined();
    expect(parseCurrentRelease(current())?.artifact).toBeNull();
  });

  it.each([
    ['an image', FLEET, null, undefined],
    [
      'an artifact, for a fleet without one',
      FLEET,
      RELEASE.artifact,
      /its release was an artifact, .* it is an image/,
    ],
    [
      'an image, for a fleet with an artifact',
      aFleet(),
      null,
      /its release was an image, .* it is an artifact/,
    ],
  ] as const)('is gone back to: %s', (_, fleet, artifact, refusal) => {
    const record = { ...current(), artifact, fleet: fleet.name };
    const go = () => decideRollback(fleet, 'deploy-1', record, record);
    if (refusal) expect(go).toThrow(refusal);
    else expect(go()).toMatchObject({ imageId: IMAGE, artifact: null });
  });
});

describe('While another deployment runs', () => {
  const asks = (input: DeploymentInput, versionId = NEWEST_IMAGE): PendingRequest => ({
    id: 'request',
    input: JSON.stringify(input),
    versionId,
    since: new Date(0),
  });
  it.each<[string, PendingRequest, PendingRequest, boolean]>([
    ['a new image takes the place of one by hand', asks({ amiId: IMAGE }, IMAGE), asks(EVENT), true],
    ['a new image does not take that of a rollback', asks({ rollbackTo: 'd' }, IMAGE), asks(EVENT), false],
    ['a person takes that of a new image', asks(EVENT), asks({ amiId: IMAGE }, IMAGE), true],
    ['a rollback takes that of a new image', asks(EVENT), asks({ rollbackTo: 'd' }, IMAGE), true],
  ])('%s', (_, waits, comes, expected) => {
    expect(takesTheSlot(waits, comes, [], false, true)).toBe(expected);
  });

  it('says what waits', () => {
    expect(
      [asks(EVENT), asks({ amiId: IMAGE }, IMAGE), asks({ rollbackTo: 'd' }, IMAGE)].map(wantedBy),
    ).toEqual(['the newest image', IMAGE, `the rollback to d (${IMAGE})`]);
  });
});

it('hands the image on to the fleets that follow, also a new one', () => {
  const deployment = agreed({
    fleet: { ...FLEET, followers: ['worker'] },
    input: EVENT,
    release: { ...RELEASE, artifact: null, runtimes: [] },
    record: { outcome: 'Deployed' },
  });
  expect(followUps(deployment)).toEqual([
    expect.objectContaining({
      fleet: 'worker',
      input: expect.objectContaining({ amiId: deployment.image?.imageId }),
    }),
  ]);
  expect(followUps(deployment)[0]?.input).not.toHaveProperty('versionId');
});

it('travels in the document, and documents of before are still read', () => {
  const document = (artifact: unknown) => ({
    fleet: FLEET,
    execution: { id: 'arn', name: 'd', startedAt: '2026-11-01T00:00:00.000Z' },
    input: {},
    release: { ...RELEASE, artifact, runtimes: [] },
  });
  expect(parseDeployment(document(null), ['release']).release.artifact).toBeNull();
  expect(parseDeployment(document(RELEASE.artifact), ['release']).release.artifact).toEqual(RELEASE.artifact);
  expect(() => parseDeployment(document(undefined), ['release'])).toThrow();
});

it('is started by a boot script that downloads nothing', () => {
  const order = {
    bucket: 'artifacts',
    fleet: FLEET.name,
    deploymentId: 'd',
    imageId: IMAGE,
    runtimes: [],
    startCommand: 'true',
    startSeconds: 60,
    mackerelRole: 'a:b',
  };
  const script = renderBootScript({ ...order, artifact: null });
  expect(script).toContain(`release='image ${IMAGE}'`);
  expect(script).not.toMatch(/bucket|tar |gzip|s3|credentials|current/i);
  expect(renderBootScript({ ...order, artifact: RELEASE.artifact })).toMatch(
    /^identify_bucket$[\s\S]*^switch_release$/m,
  );
});
