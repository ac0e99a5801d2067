/** The decisions before anything is changed: image, release, network, input, plan. */
import { describe, expect, it } from 'vitest';
import type { After, Snapshot } from '../../lambdas/domain/core/document.ts';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { parseInput, startedBy } from '../../lambdas/domain/core/input.ts';
import { checkNetwork } from '../../lambdas/domain/hosts/network.ts';
import { writePlan } from '../../lambdas/domain/record/plan.ts';
import {
  decideImage,
  type ImageChoice,
  imageOrigin,
  newestImage,
} from '../../lambdas/domain/release/image.ts';
import {
  assertOwnKey,
  type CurrentRelease,
  decideRelease,
  foundArtifact,
  parseCurrentRelease,
  type ReleaseFacts,
  recipe,
} from '../../lambdas/domain/release/release-choice.ts';
import type { Image, Subnet } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerSettings } from '../../lambdas/ports/load-balancers.ts';
import { agreed, aSnapshot, IMAGE, RELEASE } from '../support/deployments.ts';
import { anImage, someSettings } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { API, aFleet } from '../support/fleets.ts';

const NOW = new Date('2026-11-01T00:00:00Z');

const asked = (changes: Partial<ImageChoice> = {}): ImageChoice => ({
  origin: 'the execution input',
  now: NOW,
  account: '123456789012',
  ...changes,
});

describe('newestImage', () => {
  const images = (...given: (readonly [id: string, createdAt: string, deprecatedAt?: string])[]) =>
    given.map(([imageId, createdAt, deprecatedAt]) =>
      anImage({
        imageId,
        createdAt: new Date(createdAt),
        ...(deprecatedAt && { deprecatedAt: new Date(deprecatedAt) }),
      }),
    );
  const [MAY, JUNE, JULY, OCTOBER] = ['2026-05-01', '2026-06-01', '2026-07-01', '2026-10-01'];
  it.each<[string, Parameters<typeof images>[number][], string | undefined, string[]]>([
    ['none of none', [], undefined, []],
    [
      'the newest',
      [
        ['ami-1', MAY],
        ['ami-3', JULY],
        ['ami-2', JUNE],
      ],
      'ami-3',
      [],
    ],
    [
      'one whose end is still to come',
      [
        ['ami-1', MAY],
        ['ami-2', JUNE, '2027-06-01'],
      ],
      'ami-2',
      [],
    ],
    [
      'not one that ends this very moment',
      [
        ['ami-1', MAY],
        ['ami-2', JUNE, '2026-11-01'],
      ],
      'ami-1',
      ['ami-2'],
    ],
    [
      'the newest active one',
      [
        ['ami-3', JULY, OCTOBER],
        ['ami-1', MAY],
        ['ami-2', JUNE, OCTOBER],
      ],
      'ami-1',
      ['ami-3', 'ami-2'],
    ],
    [
      'an active one before older deprecated ones',
      [
        ['ami-1', MAY, OCTOBER],
        ['ami-2', JUNE],
      ],
      'ami-2',
      [],
    ],
    [
      'the newest of withdrawn ones',
      [
        ['ami-1', MAY, OCTOBER],
        ['ami-2', JUNE, OCTOBER],
      ],
      'ami-2',
      [],
    ],
  ])('takes %s', (_title, given, imageId, withdrawn) => {
    const chosen = newestImage(images(...given), NOW);
    expect([chosen.image?.imageId, chosen.withdrawn]).toEqual([imageId, withdrawn]);
  });
});

describe('decideImage', () => {
  const deprecatedAt = new Date('2026-10-01T00:00:00Z');

  it('refuses a deprecated image that nobody named, and says how to mean it', () =>
    expect(() => decideImage(aFleet(), anImage({ deprecatedAt }), asked({ origin: 'the search' }))).toThrow(
      failure(
        'ImageUnusable',
        'ami-0abc (shop-1, from the search) is deprecated by its owner since 2026-10-01T00:00:00.000Z, and there is no ' +
          'active one. Build a new image; or, if this one is meant, start with {"amiId": "ami-0abc"}.',
      ),
    ));

  it('takes a deprecated image that somebody named, and says so', () =>
    expect(decideImage(aFleet(), anImage({ deprecatedAt }), asked({ isNamed: true }))).toMatchObject({
      deprecatedAt: '2026-10-01T00:00:00.000Z',
      reason:
        'ami-0abc (shop-1) from the execution input, deprecated by its owner since 2026-10-01T00:00:00.000Z',
    }));

  it('says which newer images were withdrawn', () =>
    expect(decideImage(aFleet(), anImage(), asked({ withdrawn: ['ami-9', 'ami-8'] }))).toMatchObject({
      withdrawn: ['ami-9', 'ami-8'],
      reason:
        'ami-0abc (shop-1) from the execution input, because newer ones are deprecated by their owner: ami-9 and ami-8',
    }));

  it('takes an image that can run the fleet', () =>
    expect(decideImage(aFleet(), anImage(), asked())).toEqual({
      imageId: 'ami-0abc',
      name: 'shop-1',
      createdAt: anImage().createdAt.toISOString(),
      reason: 'ami-0abc (shop-1) from the execution input',
    }));

  it.each<[string, Partial<Image>, string]>([
    [
      'of another architecture',
      { architecture: 'x86_64' },
      "it is for x86_64, the fleet's instance types are arm64",
    ],
    ['that is still being made', { state: 'pending' }, 'it is pending, not available'],
    [
      'whose root volume would be doubled',
      { rootDevice: '/dev/sda1' },
      "its root volume is /dev/sda1, the fleet's rootVolume.device is /dev/xvda",
    ],
    [
      'with two problems at once',
      { state: 'pending', architecture: 'x86_64' },
      'it is pending, not available; it is for x86_64',
    ],
  ])('refuses an image %s', (_title, changes, why) =>
    expect(() => decideImage(aFleet(), anImage(changes), asked())).toThrow(
      failure('ImageUnusable', `ami-0abc (shop-1, from the execution input) cannot run shop: ${why}`),
    ),
  );

  it.each([
    [
      'that was asked for',
      'ami-0bad',
      'the execution input',
      'EC2 knows no image ami-0bad from the execution input.',
    ],
    [
      'that the search should find',
      undefined,
      imageOrigin(aFleet(), undefined),
      'EC2 knows no image from the search for the newest arm64 image of self with name shop-*. Build or share the image',
    ],
  ])('refuses to go on without the image %s', (_title, imageId, origin, says) =>
    expect(() => decideImage(aFleet(), undefined, asked({ origin, imageId }))).toThrow(
      failure('ImageNotFound', says),
    ),
  );

  it.each<[Fleet['image'], string | undefined, string]>([
    [{ from: 'parameter', parameter: '/shop/ami' }, undefined, 'the SSM parameter /shop/ami'],
    [{ from: 'parameter', parameter: '/shop/ami' }, 'ami-0abc', 'the execution input'],
    [
      { from: 'search', owner: 'self', tags: { job: 'shop' } },
      undefined,
      'the search for the newest arm64 image of self with tag job=shop',
    ],
  ])('%# says where the image came from', (image, asked, origin) =>
    expect(imageOrigin(aFleet({ image }), asked)).toBe(origin),
  );
});

// ── Release ────────────────────────────────────────────────────────────────────────────────────────────────────────

const current = (changes: Partial<CurrentRelease> = {}): CurrentRelease => ({
  outcome: 'Deployed',
  deployment: 'deploy-1',
  artifact: RELEASE.artifact,
  runtimes: [],
  imageId: IMAGE.imageId,
  recipe: recipe(aFleet()),
  ...changes,
});
const releaseFacts = (changes: Partial<ReleaseFacts> = {}): ReleaseFacts => ({
  artifact: RELEASE.artifact,
  runtimes: [],
  imageId: IMAGE.imageId,
  newestVersionId: 'v2',
  current: undefined,
  ...changes,
});
const UPLOAD = { upload: { eventId: 'e', requester: 'ci' } };

describe('decideRelease', () => {
  it.each<[string, object, Partial<ReleaseFacts>, string]>([
    ['the first release of a fleet', {}, {}, 'deploy'],
    ['what the fleet runs already', {}, { current: current() }, 'already-deployed'],
    ['the same again, when asked to', { redeploy: true }, { current: current() }, 'deploy'],
    ['the plan of what runs already', { dryRun: true }, { current: current() }, 'deploy'],
    [
      'a new version',
      {},
      { current: current({ artifact: { ...RELEASE.artifact, versionId: 'v1' } }) },
      'deploy',
    ],
    ['a new image', {}, { current: current({ imageId: 'ami-0old' }) }, 'deploy'],
    [
      'a new runtime',
      {},
      { current: current({ runtimes: [{ ...RELEASE.artifact, directory: '/opt/perl' }] }) },
      'deploy',
    ],
    [
      'a new start command',
      {},
      { current: current({ recipe: recipe(aFleet({ startCommand: './other' })) }) },
      'deploy',
    ],
    ['an upload that is the newest', UPLOAD, {}, 'deploy'],
    ['an upload that a newer one has overtaken', UPLOAD, { newestVersionId: 'v3' }, 'superseded'],
    [
      'a late upload of what was gone back from',
      UPLOAD,
      { current: current({ leftBehind: 'v2' }) },
      'superseded',
    ],
    [
      'the same, when a person asks for it',
      { versionId: 'v2' },
      { current: current({ leftBehind: 'v2', imageId: 'x' }) },
      'deploy',
    ],
    ['an upload since', UPLOAD, { current: current({ leftBehind: 'v1', imageId: 'x' }) }, 'deploy'],
    ['an older version, when a person asks for it', { versionId: 'v2' }, { newestVersionId: 'v3' }, 'deploy'],
    [
      'a rollback to what runs, which a gate refuses',
      {},
      { current: current(), rollbackTo: 'deploy-1' },
      'deploy',
    ],
  ])('%s', (_title, input, facts, verdict) =>
    expect(decideRelease(aFleet(), input, releaseFacts(facts)).verdict).toBe(verdict),
  );

  it('says in sentences why nothing is to be done', () => {
    expect(decideRelease(aFleet(), {}, releaseFacts({ current: current() })).reason).toBe(
      'shop runs shop/app.tar.gz version v2 on ami-0abc since deployment deploy-1; give {"redeploy": true} to replace its hosts anyway',
    );
    expect(decideRelease(aFleet(), UPLOAD, releaseFacts({ newestVersionId: 'v3' })).reason).toBe(
      'shop/app.tar.gz version v2 was superseded by version v3 before its deployment began',
    );
  });
});

describe('parseCurrentRelease', () => {
  it('reads the record of a deployment', () =>
    expect(parseCurrentRelease({ ...current(), more: 1 })).toEqual(current()));
  it.each([
    ['no record', undefined],
    ['a record that is no record', { hosts: [] }],
    ['the record of a deployment that stopped halfway', { ...current(), outcome: 'StoppedHalfway' }],
  ])('takes %s for a fleet that must be deployed', (_title, record) =>
    expect(parseCurrentRelease(record)).toBeUndefined(),
  );
});

describe('the artifact', () => {
  it.each([
    [{}, true],
    [{ bucket: 'artifacts', key: 'shop/app.tar.gz' }, true],
    [{ key: 'blog/app.tar.gz' }, false],
    [{ bucket: 'elsewhere' }, false],
  ])('%j belongs to the fleet: %s', (input, own) => {
    const check = () => assertOwnKey(aFleet(), input);
    if (own) expect(check).not.toThrow();
    else
      expect(check).toThrow(
        failure(
          'InvalidInput',
          'shop deploys s3://artifacts/shop/app.tar.gz only, but the input names s3://',
        ),
      );
  });

  it.each([
    ['v9', 's3://b/k has no version v9. `aws s3api list-object-versions --bucket b --prefix k` shows'],
    [undefined, 's3://b/k does not exist. Upload the tarball'],
  ])('version %s is missed in words', (versionId, says) =>
    expect(() => foundArtifact('b', 'k', versionId, undefined)).toThrow(failure('ArtifactNotFound', says)),
  );
});

// ── Network ────────────────────────────────────────────────────────────────────────────────────────────────────────

const subnet = (subnetId: string, changes: Partial<Subnet> = {}): Subnet => ({
  subnetId,
  vpcId: 'vpc-1',
  zone: subnetId === 'subnet-a' ? 'ap-northeast-1a' : 'ap-northeast-1c',
  freeAddresses: 100,
  ...changes,
});
const SUBNETS = [subnet('subnet-a'), subnet('subnet-c')];

describe('checkNetwork', () => {
  it('has nothing against subnets and load balancers that fit', () =>
    expect(() =>
      checkNetwork(aFleet(), SUBNETS, [someSettings(), someSettings({ ref: API, zones: [] })]),
    ).not.toThrow());

  it.each<[string, Subnet[], string]>([
    ['is missing', [subnet('subnet-a')], 'EC2 knows no subnet subnet-c in this account and Region'],
    [
      'all are missing',
      [],
      'EC2 knows no subnet subnet-a in this account and Region; EC2 knows no subnet subnet-c',
    ],
    [
      'is in another VPC',
      [subnet('subnet-a'), subnet('subnet-c', { vpcId: 'vpc-2' })],
      'subnet-c is in vpc-2, but subnet-a is in vpc-1',
    ],
    [
      'is full',
      [subnet('subnet-a'), subnet('subnet-c', { freeAddresses: 0 })],
      'subnet-c has 0 free addresses, 1 are needed',
    ],
  ])('refuses when a subnet %s', (_title, subnets, says) =>
    expect(() => checkNetwork(aFleet(), subnets, [])).toThrow(failure('SubnetUnusable', `${says}`)),
  );

  it.each<[string, Partial<LoadBalancerSettings>, string]>([
    [
      'is in another VPC',
      { vpcId: 'vpc-2' },
      "web is in vpc-2, but the fleet's subnets are in vpc-1. Correct loadBalancers of shop in the fleets file",
    ],
    [
      'does not serve a zone',
      { zones: ['ap-northeast-1a'] },
      'web does not serve ap-northeast-1c, the zone of subnet-c',
    ],
  ])('refuses when a load balancer %s', (_title, changes, says) =>
    expect(() => checkNetwork(aFleet(), SUBNETS, [someSettings(changes)])).toThrow(
      failure('LoadBalancerUnusable', says),
    ),
  );
});

// ── Input ──────────────────────────────────────────────────────────────────────────────────────────────────────────

describe('parseInput', () => {
  it.each([
    [{}],
    [
      {
        versionId: '3HL4kqtJ.x_y-z',
        amiId: 'ami-0123456789abcdef0',
        reason: 'hotfix',
        startedBy: 'ci',
        dryRun: true,
        redeploy: false,
      },
    ],
    [
      {
        bucket: 'artifacts',
        key: 'shop/app.tar.gz',
        versionId: 'v2',
        upload: { eventId: 'e', requester: 'r', reason: 'PutObject' },
      },
    ],
    [{ rollbackTo: 'previous', amiId: 'ami-0123456789abcdef0' }],
    [{ rollbackTo: 'release-1234', override: ['freeze', 'provenance'], reason: 'it is down' }],
    [{ rollbackTo: 'waited-0a1b', redeploy: false, dryRun: true }],
    [{ override: [] }],
    [{ newImage: { eventId: 'e' }, dryRun: true }],
  ])('%# takes it', (input) => expect(parseInput(input)).toEqual(input));

  it.each<[string, unknown, string]>([
    [
      'an unknown field',
      { colour: 'red' },
      'One problem with the execution input: colour: unknown field, allowed: only bucket, key, versionId',
    ],
    ['a wrong type', { dryRun: 'yes' }, 'dryRun: given "yes", allowed: true or false'],
    [
      'an image that is none',
      { amiId: 'ami-latest' },
      'amiId: given "ami-latest", allowed: an image id such as',
    ],
    [
      'a version with a shell in it',
      { versionId: '$(reboot)' },
      'versionId: given "$(reboot)", allowed: an S3 version id',
    ],
    ['an upload without its event', { upload: {} }, 'upload.eventId: missing, but required'],
    [
      'all problems at once',
      { dryRun: 1, redeploy: 2 },
      '2 problems with the execution input: dryRun: given 1, allowed: true or false; redeploy: given 2',
    ],
    [
      'a path instead of a deployment',
      { rollbackTo: '../other' },
      'rollbackTo: given "../other", allowed: the id of a',
    ],
    [
      'a gate that no deployment has',
      { override: ['soak'], reason: 'x' },
      'override.0: given "soak", allowed: freeze or hold or provenance',
    ],
    [
      'an override without a reason',
      { override: ['freeze'] },
      'override: given ["freeze"], allowed: a list beside a reason, which is recorded',
    ],
    [
      'an override with an empty reason',
      { override: ['freeze'], reason: ' ' },
      'reason: given " ", allowed: words',
    ],
    [
      'whatever contradicts a rollback, with all else that is wrong',
      { rollbackTo: 'previous', versionId: 'v1', redeploy: true, colour: 'red' },
      '3 problems with the execution input: colour: unknown field',
    ],
    [
      'a version beside a rollback',
      { rollbackTo: 'previous', versionId: 'v1' },
      'versionId: given "v1", allowed: nothing beside rollbackTo',
    ],
    [
      'an image beside the new image',
      { newImage: { eventId: 'e' }, amiId: 'ami-0123456789abcdef0' },
      'amiId: given "ami-0123456789abcdef0", allowed: nothing beside newImage',
    ],
    ['an array', [], 'given "an array"'],
    ['nothing', null, 'given null'],
    ['text', 'deploy!', 'given "deploy!"'],
    ['a novel, cut', { reason: 'x'.repeat(5_000) }, `${'x'.repeat(76)}…, allowed: at most 256 characters`],
  ])('refuses %s in a sentence', (_title, input, says) =>
    expect(() => parseInput(input)).toThrow(failure('InvalidInput', says)),
  );

  it.each([
    [{ startedBy: 'alice', ...UPLOAD }, 'alice'],
    [UPLOAD, 'upload by ci'],
    [{ upload: { eventId: 'e' } }, 'upload by unknown'],
    [{ newImage: { eventId: 'e' } }, 'a new machine image'],
    [{}, 'StartExecution'],
  ])('%j was started by %s', (input, who) => expect(startedBy(input)).toBe(who));
});

// ── Plan ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const planOf = (snapshot: Partial<Snapshot> = {}, fleet = aFleet()) =>
  writePlan(agreed({ fleet, oldHosts: aSnapshot(snapshot) }) as After<'image' | 'release' | 'oldHosts'>);
const balancer = aSnapshot().balancers.slice(0, 1);

describe('writePlan', () => {
  it('says what would be launched, replaced and left alone', () =>
    expect(planOf({ strangers: [{ name: 'i-x', why: 'odd' }] })).toMatchObject({
      fleet: 'shop',
      deployment: 'deploy-2',
      reason: 'shop/app.tar.gz version v2; 2 old hosts of Shop:web, 2 in service',
      release: { artifact: 'shop/app.tar.gz', versionId: 'v2', imageId: 'ami-0abc' },
      launch: [
        { subnet: 'subnet-a', instances: 1, tries: ['t4g.small in subnet-a'] },
        { subnet: 'subnet-c', instances: 1, tries: ['t4g.small in subnet-c'] },
      ],
      replace: ['i-old1', 'i-old2'],
      leaveAlone: [{ name: 'i-x', why: 'odd' }],
    }));

  it('says how many stragglers may be replaced, where the fleet wants that', () => {
    expect(planOf({}, aFleet({ instancesPerZone: 10, replaceStragglers: true })).replaceStragglers).toMatch(
      /^at most 2 of 20 new hosts, once: /,
    );
    expect(planOf()).not.toHaveProperty('replaceStragglers');
  });

  it('says where a share goes when its zone has no capacity', () => {
    const fleet = aFleet({
      instanceTypes: ['t4g.small', 't4g.medium'],
      subnets: ['subnet-a', 'subnet-c', 'subnet-d'],
      spillOver: true,
    });
    expect(planOf({}, fleet).launch[1]?.tries).toEqual([
      't4g.small in subnet-c',
      't4g.medium in subnet-c',
      't4g.small in subnet-d',
      't4g.medium in subnet-d',
      't4g.small in subnet-a',
      't4g.medium in subnet-a',
    ]);
  });

  it('promises no earlier end than the parts that take their time', () => {
    expect(planOf().earliestFinish).toEqual({
      seconds: 12 + 60 + 19 + 10,
      parts: [
        'EC2 starts the instances: 12 s',
        'the new hosts are watched: 60 s',
        'then until web would show a host that broke in the last second of that: 19 s',
        'EC2 ends the old instances: 10 s',
        'boot, start of the application and draining are added to this',
      ],
    });
    expect(
      planOf({ hosts: [], balancers: [] }, aFleet({ limits: { bakeSeconds: 0 } })).earliestFinish.seconds,
    ).toBe(12);
  });

  it.each([
    [
      'a slow health check',
      { intervalSeconds: 30, healthyThreshold: 10, joins: 'when-registered' },
      'web checks health every 30 s and requires 10 passes after a failure',
    ],
    [
      'slow news of broken hosts',
      { noticesAfterSeconds: 65 },
      'The bake of 60 s takes 2 min 10 s: checks every 5 s, unhealthy after 2, with a time-out of 4 s at web would save 51 s of it.',
    ],
    ['no draining', { drainSeconds: 0 }, 'web does not drain: requests in flight are cut'],
    ['long draining', { drainSeconds: 300 }, 'web drains for up to 5 min: 20 to 30 s are enough'],
    [
      'draining beyond the fleet’s limit',
      { drainSeconds: 3_600 },
      'web drains for up to 1 h 0 min: what still runs after 5 min (limits.drainSeconds) is cut off, and the deployment goes on',
    ],
  ] as const)('advises against %s', (_title, changes, says) => {
    const { advice } = planOf({ balancers: balancer.map((each) => ({ ...each, ...changes })) });
    expect(advice).toEqual([expect.stringContaining(says)]);
  });
  it('has no advice for a tuned fleet', () => expect(planOf().advice).toEqual([]));
});
