/** EventBridge in small: what a rule lets pass and what it makes of the event, as AWS documents it. */
import { describe, expect, it } from 'vitest';
import { parseInput } from '../../lambdas/domain/core/input.ts';
import { matches, newImageRule, transform, uploadRule } from '../../simulator/event-rule.ts';
import { synthesize } from '../synth.ts';

const event = {
  id: 'e-1',
  source: 'aws.s3',
  'detail-type': 'Object Created',
  resources: ['arn:one', 'arn:two'],
  detail: {
    bucket: { name: 'artifacts' },
    object: { key: 'reactio/app.tar.gz', 'version-id': 'v1', size: 7 },
    requester: '123456789012',
    reason: 'PutObject',
  },
};

describe('A pattern', () => {
  it.each([
    ['one of the listed values', { source: ['aws.ec2', 'aws.s3'] }, true],
    ['another value', { source: ['aws.ec2'] }, false],
    ['every field, in depth', { source: ['aws.s3'], detail: { bucket: { name: ['artifacts'] } } }, true],
    ['all fields but one', { source: ['aws.s3'], detail: { bucket: { name: ['another'] } } }, false],
    ['a number', { detail: { object: { size: [7] } } }, true],
    ['a number as a text', { detail: { object: { size: ['7'] } } }, false],
    ['a field that the event does not have', { detail: { nothing: { here: ['x'] } } }, false],
    ['one value of a list in the event', { resources: ['arn:two'] }, true],
    ['only a part of a value', { detail: { object: { key: ['reactio/'] } } }, false],
  ])('that asks for %s', (_, pattern, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });

  it.each([
    ['one of its alternatives', [{ size: [1] }, { key: ['reactio/app.tar.gz'] }], true],
    ['none of them', [{ size: [1] }, { key: ['x'] }], false],
  ])('with $or asks for %s', (_, alternatives, expected) =>
    expect(matches({ detail: { object: { $or: alternatives } } }, event)).toBe(expected),
  );

  it.each([
    ['a text that is not like that', 'aws.*', false],
    ['another one', 'aws.*.x', true],
    ['a text with a dot in its place', 'awsxs3', true],
  ])('that asks for anything but %s', (_, wildcard, expected) =>
    expect(matches({ source: [{ 'anything-but': { wildcard } }] }, event)).toBe(expected),
  );

  it('that asks for anything but some text does not take a field that is missing', () =>
    expect(matches({ nothing: [{ 'anything-but': { wildcard: 'x*' } }] }, event)).toBe(false));

  it.each([
    [{ 'anything-but': ['x'] }],
    [{ 'anything-but': { wildcard: 'x', prefix: 'y' } }],
    [{ 'anything-but': { wildcard: 'x' }, prefix: 'y' }],
  ])('with %j is refused', (filter) =>
    expect(() => matches({ source: [filter] }, event)).toThrow(/not known here/),
  );

  it('with a filter is refused, because guessing what AWS does would hide a broken rule', () => {
    expect(() => matches({ source: [{ prefix: 'aws.' }] }, event)).toThrow(/filters by {"prefix":"aws\."}/);
  });
});

describe('An input transformer', () => {
  const InputPathsMap = {
    version: '$.detail.object.version-id',
    size: '$.detail.object.size',
    none: '$.detail.none',
  };

  it.each([
    ['keeps the type of a value', '{"version":<version>,"size":<size>}', { version: 'v1', size: 7 }],
    ['leaves out a field whose path the event does not have', '{"a":<none>,"b":{"c":<none>}}', { b: {} }],
    ['leaves out such a value of a list', '[<none>,<size>]', [7]],
    ['writes into a string', '{"text":"<size> bytes, \\"<version>\\", <none>"}', { text: '7 bytes, "v1", ' }],
    ['keeps what is no placeholder', '{"dryRun":false,"list":[1,null]}', { dryRun: false, list: [1, null] }],
  ])('%s', (_, InputTemplate, expected) => {
    expect(transform({ InputPathsMap, InputTemplate }, event)).toEqual(expected);
  });

  it('escapes what it writes', () => {
    const InputTemplate = '{"a":<x>,"b":"<x>"}';
    const quoted = 'say "hi" \\ <x>';
    expect(transform({ InputPathsMap: { x: '$.x' }, InputTemplate }, { x: quoted })).toEqual({
      a: quoted,
      b: quoted,
    });
  });

  it.each([
    [
      'a placeholder without a path',
      { InputPathsMap: {}, InputTemplate: '<x>' },
      /uses <x>, which the paths do not have/,
    ],
    ['a path with an index', { InputPathsMap: { x: '$.a[0]' }, InputTemplate: '<x>' }, /\$\.a\[0\]/],
  ])('refuses %s', (_, transformer, problem) => {
    expect(() => transform(transformer, event)).toThrow(problem);
  });
});

describe('The upload rule of a fleet', () => {
  const fleet = 'reactio-production-app';
  const bucketOf = (name: string) => ({ ...event, detail: { ...event.detail, bucket: { name } } });
  const rule = () => uploadRule(synthesize(), fleet);
  const bucket = () => 'irekae-production-222222222222-ap-northeast-1';

  it('lets an upload of the fleet’s key into the fleet’s bucket pass, and no other', () => {
    expect(matches(rule().pattern, bucketOf(bucket()))).toBe(true);
    expect(matches(rule().pattern, bucketOf('artifacts'))).toBe(false);
    const record = { ...event.detail.object, key: `irekae/${fleet}/current.json` };
    const detail = { ...event.detail, bucket: { name: bucket() }, object: record };
    expect(matches(rule().pattern, { ...event, detail })).toBe(false);
  });

  it('makes an input of the event that a deployment accepts', () => {
    const input = transform(rule().transformer, bucketOf(bucket()));
    expect(parseInput(input)).toEqual({
      bucket: bucket(),
      key: 'reactio/app.tar.gz',
      versionId: 'v1',
      upload: { eventId: 'e-1', requester: '123456789012', reason: 'PutObject' },
    });
  });

  it('makes an input without a version of an upload to a bucket that keeps none', () => {
    const { 'version-id': _, ...object } = event.detail.object;
    const input = transform(rule().transformer, { ...event, detail: { ...event.detail, object } });
    expect(parseInput(input)).not.toHaveProperty('versionId');
  });

  it('is missed by name when there is none', () => {
    const template = synthesize();
    const others = Object.entries(template.Resources).filter(([, { Type }]) => Type !== 'AWS::Events::Rule');
    const without = { ...template, Resources: Object.fromEntries(others) };
    expect(() => uploadRule(without, fleet)).toThrow(/No rule of the template starts/);
  });
});

describe('The rule for new images of a fleet', () => {
  const fleet = 'reactio-staging-app';
  const rule = () => newImageRule(synthesize('staging'), fleet);
  const available = {
    id: 'e-1',
    source: 'aws.ec2',
    'detail-type': 'EC2 AMI State Change',
    detail: { ImageId: 'ami-0123456789abcdef0', State: 'available' },
  };
  const tagged = {
    id: 'e-2',
    source: 'aws.tag',
    'detail-type': 'Tag Change on Resource',
    detail: {
      service: 'ec2',
      'resource-type': 'image',
      'changed-tag-keys': ['stage'],
      tags: { stage: 'released', Name: 'x' },
    },
  };
  const changed = (event: { detail: object }, detail: object) => ({
    ...event,
    detail: { ...event.detail, ...detail },
  });

  it.each<[string, object, boolean]>([
    ['an image that is available', available, true],
    ['an image that failed', changed(available, { State: 'failed' }), false],
    ['an image that gets the fleet’s tag', tagged, true],
    ['an image that gets another tag', changed(tagged, { 'changed-tag-keys': ['Name'] }), false],
    ['an image that loses the fleet’s tag', changed(tagged, { tags: { Name: 'x' } }), false],
    ['an instance with that tag', changed(tagged, { 'resource-type': 'instance' }), false],
    ['an upload', event, false],
  ])('knows %s', (_, told, expected) => expect(matches(rule().pattern, told)).toBe(expected));

  it('makes an input of the event that a deployment accepts', () =>
    expect(parseInput(transform(rule().transformer, available))).toEqual({ newImage: { eventId: 'e-1' } }));

  it('is missed by name where a fleet has none', () =>
    expect(() => newImageRule(synthesize(), 'reactio-production-app')).toThrow(
      /on an event of aws.ec2 or aws.ssm/,
    ));
});
