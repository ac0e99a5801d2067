/** The closed list of failures: nothing else is thrown, and nothing stands in it that never happens. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DeploymentError, FAILURES, type FailureName, isFailure } from '../../lambdas/domain/core/errors.ts';

const LAMBDAS = join(import.meta.dirname, '../../lambdas');
const SOURCES = readdirSync(LAMBDAS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('errors.ts'))
  .map((file) => readFileSync(join(LAMBDAS, file), 'utf8'))
  .join('\n');
const STORY = readFileSync(join(LAMBDAS, '../lib/deploy-story.ts'), 'utf8');

const namesIn = (text: string, pattern: RegExp) =>
  new Set([...text.matchAll(pattern)].map((match) => match[1]));
const THROWN = namesIn(SOURCES, /new DeploymentError\(\s*'(\w+)'/g);
/** Names that a failed execution gets from *Record the failure*: endings, and those of errors that are not ours. */
const GIVEN = namesIn(SOURCES, /(?:told\(\s*|[?:] )'([A-Z]\w+)'/g);
const FAIL_STATES = namesIn(STORY, /recorded\(scope, states, '[^']+', '(\w+)'\)/g);

describe('the closed list of failures', () => {
  it.each(Object.keys(FAILURES))('%s happens', (name) =>
    expect([...THROWN, ...GIVEN, ...FAIL_STATES]).toContain(name),
  );
  it('holds every name that is thrown', () => {
    expect(THROWN.size).toBeGreaterThan(20);
    for (const name of THROWN) expect(Object.keys(FAILURES)).toContain(name);
  });
  it('has a meaning in one clause for each', () => {
    for (const meaning of Object.values(FAILURES)) expect(meaning).toMatch(/^[a-zA-Z].{10,120}[^.]$/);
  });
});

describe('DeploymentError', () => {
  it.each<FailureName>(['NoCapacity', 'RolledBack'])('is known by its own name: %s', (name) => {
    const error = new DeploymentError(name, 'It broke.');
    expect({ ...error, message: error.message }).toEqual({ name, message: 'It broke.' });
    expect(isFailure(error, name)).toBe(true);
  });

  it.each([
    [new DeploymentError('NoCapacity', 'x'), 'RolledBack', false],
    [new DeploymentError('NoCapacity', 'x'), undefined, true],
    [new TypeError('x'), undefined, false],
    ['NoCapacity', 'NoCapacity', false],
    // Another bundle's copy of the class.
    [Object.assign(new Error('x'), { name: 'NoCapacity' }), 'NoCapacity', true],
  ] as const)('%# is told from others', (error, name, ours) => expect(isFailure(error, name)).toBe(ours));
});
