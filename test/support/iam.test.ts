/**
 * The judge of our policies, held against IAM's documentation: "Policy evaluation logic", "Condition operators", "Set
 * operators for multivalued context keys", "Null condition operator", "Variables and tags", and the grammar's elements.
 */
import { describe, expect, it } from 'vitest';
import { type AnyStatement, allows, type IamRequest } from './iam.ts';

const ASKED: IamRequest = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/folder/key' };
const ALLOW: AnyStatement = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
const DENY: AnyStatement = { ...ALLOW, Effect: 'Deny' };
type Context = NonNullable<IamRequest['context']>;

/** `${…}` as IAM reads it, not TypeScript. */
const variable = (name: string) => ['$', `{${name}}`].join('');
const answers = (statement: Partial<AnyStatement>, context: Context = {}) =>
  allows([{ ...ALLOW, ...statement }], { ...ASKED, context });
const holds = (operator: string, key: string, wanted: unknown, context: Context) =>
  answers({ Condition: { [operator]: { [key]: wanted } } }, context);

describe('Statements', () => {
  it.each<[string, readonly AnyStatement[], boolean]>([
    ['nothing says anything', [], false],
    ['one allows', [ALLOW], true],
    ['one of two allows', [{ ...ALLOW, Action: 's3:PutObject' }, ALLOW], true],
    ['a Deny comes last', [ALLOW, DENY], false],
    ['a Deny comes first', [DENY, ALLOW], false],
    ['a Deny is wider', [ALLOW, { ...DENY, Action: 's3:*' }], false],
    ['a Deny is about something else', [ALLOW, { ...DENY, Resource: 'arn:aws:s3:::other/*' }], true],
    [
      'a Deny’s condition does not hold',
      [ALLOW, { ...DENY, Condition: { Null: { 'aws:x': 'false' } } }],
      true,
    ],
    ['a Deny’s condition holds', [ALLOW, { ...DENY, Condition: { Null: { 'aws:x': 'true' } } }], false],
    ['only a Deny that does not apply', [{ ...DENY, Action: 's3:PutObject' }], false],
  ])('%s', (_, statements, expected) => expect(allows(statements, ASKED)).toBe(expected));
});

describe('Actions and resources', () => {
  const not = (part: 'Action' | 'Resource', value: unknown): Partial<AnyStatement> => {
    const { [part]: _, ...rest } = ALLOW;
    return { ...rest, [`Not${part}`]: value };
  };
  const only = (statement: Partial<AnyStatement>) => allows([statement as AnyStatement], ASKED);
  it.each<[string, Partial<AnyStatement>, boolean]>([
    ['an action in other letters', { Action: 'S3:getobject' }, true],
    ['an action with *', { Action: 's3:Get*' }, true],
    ['an action with ?', { Action: 's3:GetObjec?' }, true],
    ['? is one character', { Action: 's3:GetObject?' }, false],
    ['every action', { Action: '*' }, true],
    ['another service’s', { Action: 'ec2:*' }, false],
    ['one of several', { Action: ['s3:PutObject', 's3:GetObject'] }, true],
    ['a dot is a dot', { Action: 's3.GetObject' }, false],
    ['resources in other letters', { Resource: 'arn:aws:s3:::BUCKET/folder/key' }, false],
    ['a resource with * over folders', { Resource: 'arn:aws:s3:::bucket/*' }, true],
    ['* over colons at the end', { Resource: 'arn:aws:s3:*' }, true],
    ['the bucket is not its objects', { Resource: 'arn:aws:s3:::bucket' }, false],
    ['a beginning is not enough', { Resource: 'arn:aws:s3:::bucket/folder' }, false],
    ['one of several resources', { Resource: ['arn:aws:s3:::a/*', 'arn:aws:s3:::bucket/*'] }, true],
  ])('%s', (_, statement, expected) => expect(answers(statement)).toBe(expected));

  it.each<[string, Partial<AnyStatement>, boolean]>([
    ['all actions but this', not('Action', 's3:GetObject'), false],
    ['all actions but another', not('Action', ['s3:Put*', 'ec2:*']), true],
    ['all resources but this', not('Resource', 'arn:aws:s3:::bucket/*'), false],
    ['all resources but others', not('Resource', ['arn:aws:s3:::a/*', 'arn:aws:s3:::b/*']), true],
  ])('%s', (_, statement, expected) => expect(only(statement)).toBe(expected));
});

describe('A key of one value', () => {
  const KEY = 'aws:ResourceTag/fleet';
  it.each<[string, unknown, string | undefined, boolean]>([
    // Operator, wanted, given (or missing), holds?
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', [], 'a', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', 'a', 'a', false],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringNotEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIgnoreCase', 'Ab', 'aB', true],
    ['StringNotEqualsIgnoreCase', 'Ab', 'aB', false],
    ['StringLike', 'a*c?', 'abbcd', true],
    ['StringLike', 'a*', 'ba', false],
    ['StringLike', 'a*', undefined, false],
    ['StringNotLike', 'a*', 'ba', true],
    ['StringNotLike', ['x*', 'b*'], 'ba', false],
    ['Bool', 'true', 'true', true],
    ['Bool', true, 'true', true],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'false', undefined, true],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'a', false],
    ['Null', 'false', 'a', true],
    ['Null', false, undefined, false],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThanEquals', 10, '10', true],
    ['NumericGreaterThan', '10', '9', false],
    ['NumericGreaterThanEquals', '10', undefined, false],
    ['NumericEquals', '10', '10.0', true],
    ['NumericNotEquals', '10', '10', false],
    ['ArnEquals', 'arn:aws:iam::1:role/a*', 'arn:aws:iam::1:role/ab', true],
    ['ArnLike', 'arn:aws:iam::*:role/a', 'arn:aws:iam::1:role/a', true],
    // Part by part: no * reaches over a colon, but in the last.
    ['ArnLike', 'arn:aws:*:role/a', 'arn:aws:iam::1:role/a', false],
    ['ArnLike', 'arn:aws:sns:r:1:*', 'arn:aws:sns:r:1:topic:sub', true],
    ['ArnNotLike', 'arn:aws:iam::1:role/*', 'arn:aws:iam::1:role/a', false],
    ['ArnNotEquals', 'arn:aws:iam::1:role/b', 'arn:aws:iam::1:role/a', true],
  ])('%s %j, given %j: %s', (operator, wanted, given, expected) =>
    expect(holds(operator, KEY, wanted, given === undefined ? {} : { [KEY]: given })).toBe(expected),
  );

  it('is found in other letters', () =>
    expect(holds('StringEquals', KEY.toUpperCase(), 'a', { [KEY]: 'a' })).toBe(true));
});

describe('A key of many values', () => {
  const KEY = 'aws:TagKeys';
  it.each<[string, unknown, readonly string[] | undefined, boolean]>([
    ['ForAllValues:StringEquals', ['a', 'b'], ['a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', ['a'], ['c'], false],
    // What the documentation warns of.
    ['ForAllValues:StringEquals', ['a'], undefined, true],
    ['ForAllValues:StringEquals', ['a'], [], true],
    ['ForAllValues:StringLike', 'a*', ['ab', 'ac'], true],
    ['ForAllValues:StringLike', 'a*', ['ab', 'ba'], false],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'd'], true],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'a'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['a', 'c'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
    ['ForAnyValue:StringEquals', ['a'], undefined, false],
    ['ForAnyValue:StringEquals', ['a'], [], false],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'c'], true],
    ['ForAnyValue:StringNotEquals', ['a'], ['a'], false],
    ['ForAnyValue:StringEqualsIfExists', ['a'], undefined, true],
    ['Null', 'false', ['a'], true],
    ['Null', 'false', undefined, false],
  ])('%s %j, given %j: %s', (operator, wanted, given, expected) =>
    expect(holds(operator, KEY, wanted, given === undefined ? {} : { [KEY]: given })).toBe(expected),
  );
});

describe('Several keys and operators', () => {
  const Condition = { StringEquals: { 'aws:a': '1', 'aws:b': ['2', '3'] }, Bool: { 'aws:c': 'true' } };
  it.each<[Context, boolean]>([
    [{ 'aws:a': '1', 'aws:b': '3', 'aws:c': 'true' }, true],
    [{ 'aws:a': '1', 'aws:b': '3', 'aws:c': 'false' }, false],
    [{ 'aws:a': '1', 'aws:b': '4', 'aws:c': 'true' }, false],
    [{ 'aws:a': '1', 'aws:c': 'true' }, false],
  ])('are joined by AND: %j', (context, expected) => expect(answers({ Condition }, context)).toBe(expected));
});

describe('A variable', () => {
  const Resource = `arn:aws:s3:::bucket/${variable('aws:username')}/*`;
  it.each<[string, Partial<AnyStatement>, Context, boolean]>([
    ['has its value', { Resource }, { 'aws:username': 'folder' }, true],
    ['has another one', { Resource }, { 'aws:username': 'fold' }, false],
    ['has none', { Resource }, {}, false],
    ['whose value is a * is no wildcard', { Resource }, { 'aws:username': '*' }, false],
    ['has a default', { Resource: `arn:aws:s3:::bucket/${variable("aws:username, 'folder'")}/*` }, {}, true],
    [
      'in a condition',
      { Condition: { StringEquals: { 'aws:a': variable('aws:b') } } },
      { 'aws:a': 'x', 'aws:b': 'x' },
      true,
    ],
    [
      'in a condition, without a value',
      { Condition: { StringEquals: { 'aws:a': variable('aws:b') } } },
      { 'aws:a': '' },
      false,
    ],
    [
      'that is a star',
      { Condition: { StringLike: { 'aws:a': `${variable('*')}b*` } } },
      { 'aws:a': '*bc' },
      true,
    ],
    [
      'that is a star is no wildcard',
      { Condition: { StringLike: { 'aws:a': `${variable('*')}b*` } } },
      { 'aws:a': 'abc' },
      false,
    ],
  ])('%s', (_, statement, context, expected) => expect(answers(statement, context)).toBe(expected));
});

describe('What is not known of IAM, and what IAM would not read as it looks, is refused', () => {
  const { Action: _, ...without } = ALLOW;
  const condition = (operator: string, key: string) => ({
    ...ALLOW,
    Condition: { [operator]: { [key]: 'x' } },
  });
  it.each<[string, AnyStatement, RegExp]>([
    ['an operator', condition('DateLessThan', 'aws:a'), /operator DateLessThan is not known/],
    ['a set operator', condition('ForNoValue:StringEquals', 'aws:TagKeys'), /ForNoValue is not known/],
    ['Null of a set', condition('ForAnyValue:Null', 'aws:TagKeys'), /ForAnyValue:Null is not known/],
    ['a list without a set operator', condition('StringEquals', 'dynamodb:LeadingKeys'), /is a list/],
    ['the same in other letters', condition('StringEquals', 'Events:Source'), /is a list/],
    ['a set operator on one value', condition('ForAllValues:StringEquals', 's3:prefix'), /has one value/],
    ['a part of a statement', { ...ALLOW, Principal: '*' } as AnyStatement, /has Principal/],
    ['both ways', { ...ALLOW, NotAction: 's3:PutObject' }, /Action or NotAction/],
    ['neither way', without, /Action or NotAction/],
    ['an effect', { ...ALLOW, Effect: 'Maybe' }, /Unknown effect Maybe/],
    ['a reference', { ...ALLOW, Resource: { Ref: 'Bucket' } }, /was not resolved/],
    ['a list as a variable', { ...ALLOW, Resource: variable('aws:TagKeys') }, /is a list/],
  ])('%s', (_title, statement, says) => expect(() => allows([statement], ASKED)).toThrow(says));

  it.each<Context>([{ 'aws:TagKeys': 'a' }, { 'aws:username': ['a'] }])('a request with %j', (context) =>
    expect(() => allows([ALLOW], { ...ASKED, context })).toThrow('A request has'),
  );
});
