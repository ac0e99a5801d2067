/** A bucket with a KMS key of one's own, and a boundary for all roles: who may use the key, and that nobody is unbounded. */
import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/function-names.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import type { Statement } from '../../lib/resolve-policies.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { looseExample } from './fleets.ts';
import { listed, resourcesOf, statementsOf } from './template.ts';

const key = (account: string) => `arn:aws:kms:ap-northeast-1:${account}:key/1234abcd-0000`;
const boundary = (account: string) => `arn:aws:iam::${account}:policy/bounds/hosts`;
const [STAGING, PRODUCTION] = ['111111111111', '222222222222'] as const;

function synthesized(changes: (account: string) => object) {
  const file = looseExample();
  file.environments = file.environments.map((each) => ({ ...each, ...changes(String(each.account)) }));
  return synthesizeTemplates(readFleets(file));
}
const keyed = synthesized((account) => ({
  bucketKmsKeyArn: key(account),
  permissionsBoundaryArn: boundary(account),
}));

const actionsOf = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => listed(Action));
const onKey = (statements: readonly Statement[], account: string) =>
  statements.filter(({ Resource }) => listed(Resource).includes(key(account)));
const uses = (statements: readonly Statement[], account = PRODUCTION as string) =>
  actionsOf(onKey(statements, account)).filter((action) => /^kms:(Decrypt|Generate)/.test(action));

const READS = ['kms:Decrypt'];
const WRITES = ['kms:GenerateDataKey'];
const BOTH = [...READS, ...WRITES];
/** By hand, from what each step does in the bucket. */
const IN_THE_BUCKET: Readonly<Record<string, string[]>> = {
  'take-the-fleet-lock': BOTH,
  'resolve-the-image': READS,
  'resolve-the-release': READS,
  'remove-the-stragglers': [],
  'record-the-release': WRITES,
  'record-the-failure': WRITES,
  'terminate-new-instances': WRITES,
  'choose-the-candidate': READS,
  'write-the-proof': WRITES,
  'copy-the-artifact': BOTH,
  'give-up-the-promotion': WRITES,
  'look-for-orphans': BOTH,
};

describe('The key of the artifact bucket', () => {
  const { production, staging } = keyed;
  if (!production || !staging) throw new Error('nothing was made');

  it.each(FUNCTION_NAMES)('%s may use it for what it does in the bucket', (name) =>
    expect(uses(statementsOf(production, name)).sort()).toEqual(IN_THE_BUCKET[name] ?? []),
  );

  it.each(['choose-the-candidate', 'copy-the-artifact'] as const)(
    '%s may read with the key of the bucket that is promoted from',
    (name) => expect(uses(statementsOf(production, name), STAGING)).toEqual(READS),
  );

  it('is used through S3 alone, for this bucket', () => {
    for (const name of FUNCTION_NAMES)
      for (const { Condition } of onKey(statementsOf(production, name), PRODUCTION))
        expect(Condition).toEqual({
          StringEquals: { 'kms:ViaService': 's3.ap-northeast-1.amazonaws.com' },
          StringLike: { 'kms:EncryptionContext:aws:s3:arn': [expect.anything(), expect.anything()] },
        });
  });

  it('may be used by the hosts that read their artifacts', () => {
    const hosts = resourcesOf(production, 'AWS::IAM::Role').filter(([id]) => id.startsWith('hosts'));
    expect(hosts).toHaveLength(2);
    for (const [, properties] of hosts) {
      const text = JSON.stringify(properties);
      expect(text).toContain(`"Action":"kms:Decrypt"`);
      expect(text).toContain(key(PRODUCTION));
    }
  });

  it('encrypts the bucket that the stack makes, once for all objects', () =>
    expect(resourcesOf(production, 'AWS::S3::Bucket')[0]?.[1].Properties).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { KMSMasterKeyID: key(PRODUCTION), SSEAlgorithm: 'aws:kms' },
          },
        ],
      },
    }));

  it('of the source of a promotion: its policy is told whom to let read', () => {
    const { ArtifactKeyPolicy: told } = staging.Outputs as Record<string, { Value: unknown }>;
    expect(JSON.stringify(told)).toMatch(/kms:Decrypt.*irekae-production-choose-the-candidate/);
    expect(production.Outputs).not.toHaveProperty('ArtifactKeyPolicy');
  });

  it('is nobody’s where there is none', () => {
    const { production: plain } = synthesized(() => ({}));
    expect(JSON.stringify(plain)).not.toContain('kms:GenerateDataKey"');
  });
});

describe('A permissions boundary', () => {
  it.each(Object.entries(keyed))('is on every role of %s', (environment, template) => {
    const roles = resourcesOf(template, 'AWS::IAM::Role');
    expect(roles.length).toBeGreaterThan(FUNCTION_NAMES.length - 6);
    const account = environment === 'production' ? PRODUCTION : STAGING;
    for (const [id, { Properties: properties }] of roles)
      expect([id, properties?.PermissionsBoundary]).toEqual([id, boundary(account)]);
  });
});

describe('The fleets file', () => {
  it.each([
    [{ bucketKmsKeyArn: 'alias/artifacts' }, 'bucketKmsKeyArn: given "alias/artifacts", allowed: an ARN'],
    [
      { bucketKmsKeyArn: key(PRODUCTION).replace('ap-northeast-1', 'eu-west-1') },
      "a key of the environment's Region, arn:aws:kms:ap-northeast-1:",
    ],
    [{ permissionsBoundaryArn: 'hosts' }, 'permissionsBoundaryArn: given "hosts", allowed: an ARN'],
    [
      { permissionsBoundaryArn: boundary('999999999999') },
      "a policy of the environment's account, arn:aws:iam::",
    ],
  ])('refuses %j', (changes, says) => expect(() => synthesized(() => changes)).toThrow(says));
});
