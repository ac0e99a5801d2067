/** Every name and token that AWS bounds, made of the longest that the fleets file and an execution may hold. */
import { describe, expect, it } from 'vitest';
import {
  artifactBucketName,
  byHandName,
  cleanUpName,
  followName,
  insteadOf,
  launchTokens,
  waitedName,
} from '../../lambdas/domain/core/names.ts';
import { launchRequest } from '../../lambdas/domain/launch/launch-request.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { agreed } from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';
import { looseExample } from './fleets.ts';

/** Property that names a resource → how long AWS lets it be. */
const LIMITS: Readonly<Record<string, number>> = {
  AlarmName: 255,
  BucketName: 63,
  DashboardName: 255,
  FunctionName: 64,
  LaunchTemplateName: 128,
  LogGroupName: 512,
  MetricName: 255,
  RoleName: 64,
  StateMachineName: 80,
};
/** Names that AWS makes up keep to its limits by themselves. */
const NO_NAMES = ['DisplayName', 'PolicyName', 'VersioningConfiguration'];

const LONGEST_FLEET = 64;
/** One that may be promoted to. */
const LONGEST_PROMOTED = 56;

function longest(): ReturnType<typeof looseExample> {
  const file = looseExample();
  const names = new Map(file.environments.map(({ name }) => [name, String(name).padEnd(20, 'e')]));
  for (const environment of file.environments) {
    environment.name = names.get(environment.name as string);
    environment.region = 'ap-southeast-9';
  }
  const long = (name: unknown, isPromoted: boolean) =>
    String(name).padEnd(isPromoted ? LONGEST_PROMOTED : LONGEST_FLEET, 'f');
  const fleets = new Map(
    file.fleets.map(({ name, promotion }) => [name, long(name, promotion !== undefined)] as const),
  );
  for (const fleet of file.fleets) {
    fleet.name = fleets.get(fleet.name);
    fleet.environment = names.get(fleet.environment as string);
    if (fleet.after !== undefined) fleet.after = fleets.get(fleet.after);
    const { promotion } = fleet as { promotion?: { from: string } };
    if (promotion) fleet.promotion = { ...promotion, from: fleets.get(promotion.from) };
  }
  return file;
}

describe('What is deployed', () => {
  it('has names that AWS takes', () => {
    const templates = synthesizeTemplates(readFleets(longest()));
    const named = Object.values(templates).flatMap((template) =>
      Object.values(template.Resources).flatMap(({ Type: type, Properties: properties = {} }) =>
        Object.entries(properties).flatMap(([key, value]) =>
          /Name$/.test(key) && typeof value === 'string' && !NO_NAMES.includes(key)
            ? [{ type, key, value }]
            : [],
        ),
      ),
    );
    expect(new Set(named.map(({ key }) => key)).size).toBeGreaterThan(4);
    const tooLong = named.filter(({ key, value }) => value.length > (LIMITS[key] ?? 0));
    expect(tooLong).toEqual([]);
  });

  it('has a bucket of a name that S3 takes in every Region', () => {
    const name = 'e'.repeat(20);
    for (const region of ['ap-southeast-9', 'us-isob-central-1', 'eusc-de-east-1', 'cn-northwest-1'])
      expect(artifactBucketName({ name, account: '222222222222', region })).toMatch(/^[a-z0-9-]{3,63}$/);
  });
});

describe('What runs', () => {
  const ID = 'x'.repeat(80);

  it.each<[string, string]>([
    ['what waited', waitedName(ID)],
    ['what was started instead', insteadOf(ID, new Date())],
    ['a clean-up', cleanUpName({ generation: Number.MAX_SAFE_INTEGER })],
    ['a clean-up that is sent again', cleanUpName({ generation: Number.MAX_SAFE_INTEGER }, new Date())],
    ['a follower', followName(ID)],
    ['a follower of a follower', followName(followName(ID))],
    ['what a person frees', byHandName(Number.MAX_SAFE_INTEGER, Date.now())],
  ])('%s has a name that Step Functions takes', (_, name) => expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/));

  it('is launched under tokens that EC2 takes, of which none is another’s', () => {
    const fleet = aFleet({ name: 'f'.repeat(64) });
    const execution = {
      id: `arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:irekae-${fleet.name}:${ID}`,
      name: ID,
      startedAt: '2026-03-01T09:00:00.000Z',
    };
    const deployment = {
      ...agreed({ fleet: { ...fleet, startCommand: 'start' } }),
      execution,
    } as Parameters<typeof launchRequest>[0];
    const token = (subnetId: string, instanceType: string, ...whose: string[]) =>
      launchRequest(deployment, { count: 1, subnetId, instanceType, whose }).clientToken;
    const tokens = [
      token('subnet-0123456789abcdef0', 'u7i-12tb.224xlarge', 'subnet-0123456789abcdef0'),
      token('subnet-0123456789abcdef1', 'u7i-12tb.224xlarge', 'subnet-0123456789abcdef0'),
      token('subnet-0123456789abcdef0', 'u7i-12tb.224xlarge-2', 'subnet-0123456789abcdef0'),
      token(
        'subnet-0123456789abcdef0',
        'u7i-12tb.224xlarge',
        ...Array.from({ length: 50 }, (_, n) => `i-${n}`),
      ),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
    for (const each of tokens) {
      expect(each).toMatch(/^[!-~]{1,64}$/);
      expect(each.startsWith(launchTokens(execution.id))).toBe(true);
    }
  });
});
