/** What is said about a wrong fleets file: our words, every problem once, with what was perhaps meant. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { EnvironmentConfig, FleetConfig } from '../../lib/fleet-config.ts';
import { sentences, textsOf } from '../../lib/fleet-problems.ts';
import { everythingGiven, looseExample, problemsOf, problemsWith } from './fleets.ts';

interface Node {
  readonly type: string;
  readonly wrapped?: Node;
  readonly item?: Node;
  readonly key?: Node | string;
  readonly value?: Node;
  readonly options?: readonly (Node | string)[];
  readonly entries?: Readonly<Record<string, Node>>;
}

/** Every schema in a schema, with where it is. */
function nodesIn(node: Node, path = ''): [string, Node][] {
  const { wrapped, item, key, value, options = [], entries = {} } = node;
  const inner = [wrapped, item, key, value, ...options, ...Object.values(entries)];
  return [
    [`${path} (${node.type})`, node],
    ...inner.flatMap((each, index) => (typeof each === 'object' ? nodesIn(each, `${path}/${index}`) : [])),
  ];
}

const NODES = [...nodesIn(EnvironmentConfig as unknown as Node), ...nodesIn(FleetConfig as unknown as Node)];

/** Of each type, and of each size: none of them is allowed everywhere. */
const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  0.5,
  1e9,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  5n,
  Symbol('s'),
  () => 1,
  '',
  ' ',
  'x',
  '\n',
  'x'.repeat(2_000),
  [],
  [5],
  [[]],
  [null, null],
  new Array(600).fill('x'),
  {},
  { x: 1 },
  { from: 'x' },
  { kind: 5 },
  { from: 'search' },
  { kind: 'given' },
  { kind: 'weekly' },
  { kind: 'dated', x: 1 },
  new Date(0),
  new Map(),
  /x/,
];

/** Words of valibot, and of JavaScript, that say nothing to somebody who edits a file. */
const FOREIGN =
  /Invalid|Expected|received|\b(Object|Array|Boolean|Record|Map)\b|\("|" \| "|another value|\[object|(allowed|required): *$/;

describe('Whatever is given for whatever field', () => {
  it('is a schema of a kind that has words', () => {
    expect(NODES.length).toBeGreaterThan(90);
    expect([...new Set(NODES.map(([, { type }]) => type))].toSorted()).toEqual([
      'array',
      'boolean',
      'custom',
      'literal',
      'number',
      'optional',
      'picklist',
      'record',
      'strict_object',
      'string',
      'variant',
    ]);
  });

  it.each(NODES)('%s answers in our words, with the value given and what is allowed', (_, node) => {
    const schema = node as unknown as v.GenericSchema;
    const texts = VALUES.flatMap((value) =>
      textsOf(v.safeParse(schema, value).issues ?? [], { what: 'it', schema }),
    );
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) {
      expect(text.replace(/given .*?, allowed/, 'allowed')).not.toMatch(FOREIGN);
      expect(text).toMatch(
        /given .+, allowed: .+|missing, but required: .+|unknown field(, allowed: .+|; did you mean .+\?)/,
      );
    }
  });

  it('as the whole file, or in place of its lists, it answers in our words, too', () => {
    const files = VALUES.flatMap((value) => [
      value,
      { environments: value, fleets: value },
      { environments: [value], fleets: [value] },
    ]);
    for (const file of files) {
      const problems = problemsOf(file);
      expect(problems).not.toEqual([]);
      for (const text of problems) expect(text.replace(/given .*?, allowed/, 'allowed')).not.toMatch(FOREIGN);
    }
  });
});

describe('What was perhaps meant', () => {
  it.each<[string, object, string]>([
    [
      'a field in small letters',
      { startcommand: 'x' },
      'startcommand: unknown field; did you mean startCommand?',
    ],
    [
      'a field in the singular',
      { loadBalancer: [] },
      'loadBalancer: unknown field; did you mean loadBalancers?',
    ],
    [
      'a field of a field',
      { limits: { bakeSecond: 5 } },
      'limits.bakeSecond: unknown field; did you mean bakeSeconds?',
    ],
    [
      'a field that belongs deeper',
      { bakeSeconds: 5 },
      'bakeSeconds: unknown field; did you mean limits.bakeSeconds?',
    ],
    [
      'a field that belongs into a list',
      { directory: '/opt/x' },
      'directory: unknown field; did you mean runtimes.0.directory?',
    ],
    [
      'a field of the environment',
      { alarmEmails: [] },
      'alarmEmails: unknown field; it belongs to an environment',
    ],
    [
      'nothing like it',
      { colour: 'red' },
      'colour: unknown field, allowed: name, environment, mackerel, artifact',
    ],
    [
      'an architecture',
      { architecture: 'arm' },
      'architecture: given "arm", allowed: one of arm64, x86_64; did you mean arm64?',
    ],
    ['an architecture of Debian', { architecture: 'amd64' }, 'did you mean x86_64?'],
    [
      'an environment',
      { environment: 'stagin' },
      'environment: given "stagin", allowed: staging, production; did you mean staging?',
    ],
    [
      'a kind',
      { loadBalancers: [{ kind: 'targetgroup' }] },
      'loadBalancers.0.kind: given "targetgroup", allowed: one of classic, target-group; did you mean target-group?',
    ],
    ['a kind by its product', { loadBalancers: [{ kind: 'alb' }] }, 'did you mean target-group?'],
    ['a kind that nobody gave', { image: {} }, 'image.from: missing, but required: one of parameter, search'],
    [
      'a day',
      {
        freezes: [
          { kind: 'weekly', label: 'x', timeZone: 'UTC', days: ['Friday'], from: '01:00', to: '02:00' },
        ],
      },
      'did you mean fri?',
    ],
    ['another fleet', { after: 'reactio-staging-worke' }, 'did you mean reactio-staging-worker?'],
  ])('%s', (_, change, problem) => {
    expect(problemsWith(change).join('\n')).toContain(problem);
  });

  it('is said of every unknown field, not of the first', () => {
    const texts = problemsWith({
      startcommand: 'x',
      securityGroup: [],
      image: { from: 'search', owner: 'self', name: 'x', tag: {} },
    });
    expect(texts.filter((text) => text.includes('unknown field'))).toEqual([
      'fleet reactio-staging-app: image.name: unknown field; did you mean namePattern?',
      'fleet reactio-staging-app: image.tag: unknown field; did you mean tags?',
      'fleet reactio-staging-app: startcommand: unknown field; did you mean startCommand?',
      'fleet reactio-staging-app: securityGroup: unknown field; did you mean securityGroups?',
    ]);
  });

  it('is a fleet’s field in an environment', () => {
    const file = looseExample();
    Object.assign(file.environments[0] ?? {}, { subnets: [], acount: '1' });
    expect(problemsOf(file)).toEqual([
      'environment staging: subnets: unknown field; it belongs to a fleet',
      'environment staging: acount: unknown field; did you mean account?',
    ]);
  });

  it('what is missing is told with what it may hold', () => {
    const texts = problemsWith({
      mackerel: undefined,
      subnets: undefined,
      startCommand: undefined,
      image: undefined,
    });
    expect(texts).toEqual([
      'fleet reactio-staging-app: mackerel: missing, but required: an object of service, role, wantsFreshMetric',
      'fleet reactio-staging-app: image: missing, but required: an object with from: parameter or search',
      'fleet reactio-staging-app: subnets: missing, but required: a list of 1 to 20',
      'fleet reactio-staging-app: startCommand: missing, but required: one line of 1 to 1024 characters',
    ]);
  });
});

describe('What several fleets have wrong', () => {
  const of = (names: string, text = 'x', noun = 'fleet') => [...names].map((name) => ({ noun, name, text }));

  it.each([
    ['a', 'fleet a: x'],
    ['ab', 'fleets a and b: x'],
    ['abc', 'fleets a, b and c: x'],
    ['abcdefghijkl', 'fleets a, b and 10 more: x'],
    ['aa', 'fleet a: x'],
  ])('%s is told once', (names, sentence) => {
    expect(sentences(of(names))).toEqual([sentence]);
  });

  it('is told apart by what is wrong, and from environments', () => {
    expect(sentences([...of('ab'), ...of('a', 'y'), ...of('c'), ...of('ab', 'x', 'environment')])).toEqual([
      'fleets a, b and c: x',
      'fleet a: y',
      'environments a and b: x',
    ]);
  });

  it('comes from a field that they share', () => {
    const [environment] = everythingGiven().environments;
    const fleets = Array.from({ length: 12 }, (_, index) => ({
      ...everythingGiven().fleets[0],
      name: `web-${index}`,
      mackerel: { service: 'acme-qa', role: `web-${index}` },
      metadataHopLimit: 0,
      startcommand: 'x',
    }));
    expect(problemsOf({ environments: [environment], fleets })).toEqual([
      'fleets web-0, web-1 and 10 more: metadataHopLimit: given 0, allowed: a whole number from 1 to 64',
      'fleets web-0, web-1 and 10 more: startcommand: unknown field; did you mean startCommand?',
    ]);
  });
});
