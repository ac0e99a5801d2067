/** A launch template of its owner's: what a deployment needs of a version, and from which one it launches. */
import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import {
  decideTemplate,
  type GivenTemplate,
  misfitsOf,
  templateOf,
} from '../../lambdas/domain/launch/launch-template.ts';
import { launchedFrom, recipe } from '../../lambdas/domain/release/release-choice.ts';
import type { TemplateVersion } from '../../lambdas/ports/ec2.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

const KEY = 'arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-0000';
const GIVEN: GivenTemplate = {
  instanceProfile: 'arn:aws:iam::123456789012:instance-profile/hosts/web',
  securityGroups: ['sg-1', 'sg-2'],
  keyPair: 'operations',
  metadataHopLimit: 2,
  kmsKeys: [KEY],
};
const aVersion = (changes: Partial<TemplateVersion> = {}): TemplateVersion => ({
  id: 'lt-1',
  version: '7',
  instanceProfile: GIVEN.instanceProfile,
  securityGroups: GIVEN.securityGroups,
  groupNames: [],
  keyPair: 'operations',
  shutdownBehavior: 'terminate',
  isTerminationProtected: false,
  isStopProtected: false,
  metadata: { endpoint: 'enabled', tokens: 'required', hopLimit: 2 },
  hasUserData: false,
  hasNetworkInterfaces: false,
  hasInstanceRequirements: false,
  tagKeys: [],
  volumes: [],
  ...changes,
});
const open = (key: 'instanceProfile' | 'keyPair' | 'shutdownBehavior'): TemplateVersion => {
  const { [key]: _, ...rest } = aVersion();
  return rest;
};
const fleetOf = (version: string): Fleet => aFleet({ launchTemplate: { id: 'lt-1', version, given: GIVEN } });

describe('A version of a given launch template', () => {
  it.each<[string, Partial<TemplateVersion>]>([
    ['as it should be', {}],
    ['that calls its profile by its name', { instanceProfile: 'web' }],
    ['with its groups in another order', { securityGroups: ['sg-2', 'sg-1'] }],
    ['that leaves the metadata’s hop limit open', { metadata: { tokens: 'required' } }],
    ['for one-time spot instances', { spot: { type: 'one-time', onInterruption: 'terminate' } }],
    ['for spot instances as EC2 makes them', { spot: {} }],
    ['with tags of its own', { tagKeys: ['Team', 'Name'] }],
    [
      'with volumes, encrypted with keys that are named',
      {
        volumes: [
          { device: '/dev/sdf', kmsKey: KEY, stays: true },
          { device: '/dev/sdg', kmsKey: '1234abcd-0000', stays: false },
          { device: '/dev/sdh', kmsKey: 'alias/aws/ebs', stays: false },
        ],
      },
    ],
  ])('%s is launched from', (_title, changes) => {
    expect(misfitsOf(GIVEN, aVersion(changes))).toEqual([]);
  });

  it.each<[string, TemplateVersion]>([
    ['its shutdown behaviour is stop', aVersion({ shutdownBehavior: 'stop' })],
    ['its shutdown behaviour is not set, which is stop', open('shutdownBehavior')],
    ['it protects its instances from termination', aVersion({ isTerminationProtected: true })],
    ['it protects its instances from being stopped', aVersion({ isStopProtected: true })],
    ['its spot requests are persistent', aVersion({ spot: { type: 'persistent' } })],
    [
      'an interruption of its spot instances means hibernate',
      aVersion({ spot: { onInterruption: 'hibernate' } }),
    ],
    [
      'its metadata service is disabled',
      aVersion({ metadata: { endpoint: 'disabled', tokens: 'required' } }),
    ],
    ['does not require tokens (HttpTokens is optional)', aVersion({ metadata: { tokens: 'optional' } })],
    ['does not require tokens (HttpTokens is not set)', aVersion({ metadata: {} })],
    [
      'its metadata hop limit is 3, and the fleets file says 2',
      aVersion({ metadata: { tokens: 'required', hopLimit: 3 } }),
    ],
    ['its instance profile is not set', open('instanceProfile')],
    ['its instance profile is web-2, and', aVersion({ instanceProfile: 'web-2' })],
    [
      'its instance profile is arn:aws:iam::123456789012:instance-profile/web',
      aVersion({ instanceProfile: 'arn:aws:iam::123456789012:instance-profile/web' }),
    ],
    ['it calls security groups by name: default', aVersion({ securityGroups: [], groupNames: ['default'] })],
    [
      'its security groups are sg-1, and the fleets file says sg-1 and sg-2',
      aVersion({ securityGroups: ['sg-1'] }),
    ],
    ['its security groups are none', aVersion({ securityGroups: [] })],
    ['its security groups are sg-1, sg-2 and sg-3', aVersion({ securityGroups: ['sg-1', 'sg-2', 'sg-3'] })],
    ['its key pair is root, and the fleets file says operations', aVersion({ keyPair: 'root' })],
    ['its key pair is not set', open('keyPair')],
    [
      'its volumes are encrypted with alias/web, which a deployment may not use',
      aVersion({ volumes: [{ device: '/dev/sdf', kmsKey: 'alias/web', stays: false }] }),
    ],
    ['it has user data', aVersion({ hasUserData: true })],
    ['it has network interfaces', aVersion({ hasNetworkInterfaces: true })],
    ['it has instance requirements', aVersion({ hasInstanceRequirements: true })],
    ['it is for the zone ap-northeast-1a alone', aVersion({ zone: 'ap-northeast-1a' })],
    ['it sets the tags irekae:fleet', aVersion({ tagKeys: ['Team', 'irekae:fleet'] })],
  ])('of which %s is refused for that alone', (what, version) => {
    const found = misfitsOf(GIVEN, version);
    expect(found).toEqual([{ what: expect.stringContaining(what), mend: expect.stringMatching(/\w{3}/) }]);
    expect(() => decideTemplate(fleetOf('7'), version)).toThrow(
      failure(
        'LaunchTemplateUnusable',
        `version 7 of launch template lt-1 cannot launch shop: ${found[0]?.what} (`,
      ),
    );
  });

  it('without a key pair is right where the fleets file names none', () => {
    const { keyPair: _, ...given } = GIVEN;
    expect(misfitsOf(given, open('keyPair'))).toEqual([]);
    expect(misfitsOf(given, aVersion()).map(({ what }) => what)).toEqual([
      'its key pair is operations, and the fleets file says none',
    ]);
  });

  it('is told all that is wrong with it at once', () => {
    const unfit = aVersion({ shutdownBehavior: 'stop', hasUserData: true, keyPair: 'root' });
    expect(misfitsOf(GIVEN, unfit)).toHaveLength(3);
  });

  it.each([
    ['7', 'version 7 of launch template lt-1'],
    ['newest', 'newest version of launch template lt-1'],
  ])('that is not there (%s) is told, with how to look', (version, name) =>
    expect(() => decideTemplate(fleetOf(version), undefined)).toThrow(
      failure('LaunchTemplateUnusable', `EC2 knows no ${name}. Correct \`launchTemplate\` of shop`),
    ),
  );

  it.each([
    ['7', 'launched from version 7 of launch template lt-1'],
    ['newest', 'launched from version 7 of launch template lt-1, the newest'],
  ])('that was asked for as %s is known by its number from then on', (version, reason) =>
    expect(decideTemplate(fleetOf(version), aVersion())).toEqual({ version: '7', reason }),
  );
});

describe('A launch', () => {
  it('is from the version that was found as the deployment began', () =>
    expect(templateOf({ fleet: fleetOf('newest'), image: { templateVersion: '7' } })).toEqual({
      id: 'lt-1',
      version: '7',
    }));

  it('is from no version that nobody has looked at', () =>
    expect(() => templateOf({ fleet: fleetOf('newest'), image: {} })).toThrow(
      failure('StepCrashed', '*Resolve the image* has not found which version of lt-1'),
    ));

  it('from a template of irekae’s own is as it was deployed', () =>
    expect(templateOf({ fleet: aFleet(), image: {} })).toEqual({ id: 'lt-1', version: '7' }));
});

describe('What a fleet runs', () => {
  const recipeOf = (version: string, templateVersion: string) =>
    recipe(launchedFrom(fleetOf(version), { templateVersion }));

  it('is another release on another version of its template, and the same on the same', () => {
    expect(recipeOf('newest', '7')).toBe(recipeOf('newest', '7'));
    expect(recipeOf('newest', '8')).not.toBe(recipeOf('newest', '7'));
    expect(recipeOf('7', '7')).toBe(recipeOf('newest', '7'));
  });
});
