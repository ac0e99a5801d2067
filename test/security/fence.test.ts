/** The service control policy of SECURITY.md, asked who may write the tags of irekae. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REGION } from '../examples/ci-roles.ts';
import { type AnyStatement, allows } from '../support/iam.ts';

const TEXT = readFileSync(join(import.meta.dirname, '..', '..', 'SECURITY.md'), 'utf8');
const [, json = ''] = /```json\n([\s\S]*?)```/.exec(TEXT) ?? [];
const { Statement: fence } = JSON.parse(json) as { Statement: AnyStatement[] };
/** As in a new organization; and whoever asks may do anything by its own policy. */
const FULL = { Effect: 'Allow', Action: '*', Resource: '*' } as unknown as AnyStatement;

const may = (action: string, role: string, ...keys: string[]): boolean =>
  allows([FULL, ...fence], {
    action,
    resource: `arn:aws:ec2:${REGION}:222222222222:instance/i-0123456789abcdef0`,
    context: {
      ...(keys.length > 0 && { 'aws:TagKeys': keys }),
      'aws:PrincipalArn': `arn:aws:iam::222222222222:role/${role}`,
    },
  });

describe('With the service control policy', () => {
  it.each([
    ['ec2:CreateTags', ['irekae:fleet']],
    ['ec2:CreateTags', ['Name', 'irekae:keep-until']],
    ['ec2:DeleteTags', ['irekae:protect']],
  ])('a tagger may not %s %j', (action, keys) => expect(may(action, 'developer', ...keys)).toBe(false));

  it.each([
    ['a tagger, a tag of its own', 'ec2:CreateTags', 'developer', ['Name', 'team']],
    ['a tagger, anything else', 'ec2:DescribeInstances', 'developer', []],
    [
      'a step, the tags of its hosts',
      'ec2:CreateTags',
      'irekae-production-LaunchRole1A2B-x',
      ['irekae:fleet', 'Name'],
    ],
    ['the operator who adopts', 'ec2:CreateTags', 'operator', ['irekae:fleet']],
  ])('may: %s', (_, action, role, keys) => expect(may(action, role, ...keys)).toBe(true));

  it('whoever only resembles a role of the stack may not', () => {
    for (const role of ['not-irekae-production', 'operators'])
      expect(may('ec2:CreateTags', role, 'irekae:fleet')).toBe(false);
  });
});
