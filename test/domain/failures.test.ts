/** The closed list of failures: nothing else is thrown, and nothing stands in it that never happens. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DeploymentError, type FailureName, isFailure } from '../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { synthesize } from '../synth.ts';

const LAMBDAS = join(import.meta.dirname, '../../lambdas');
const SOURCES = readdirSync(LAMBDAS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('errors.ts'))
  .map((file) => readFileSync(join(LAMBDAS, file), 'utf8'))
  .join('\n');

const namesIn = (text: string, pattern: RegExp) =>
  new Set([...text.matchAll(pattern)].map((match) => match[1]));
const THROWN = namesIn(SOURCES, /new DeploymentError\(\s*'(\w+)'/g);
/** Names that a failed execution gets from *Record the failure*: endings, and those of errors that are not ours. */
const GIVEN = namesIn(SOURCES, /(?:told\(\s*|[?:] )'([A-Z]\w+)'/g);
/** Names that the story itself ends under, where no step is left to say one. */
const FAIL_STATES = new Set(
  Object.values(definitionOf(synthesize(), 'reactio-production-app').definition.States).flatMap(
    ({ Type, Error: name }) => (Type === 'Fail' && typeof name === 'string' ? [name] : []),
  ),
);

describe('the closed list of failures', () => {
  it.each(Object.keys(FAILURES))('%s happens', (name) =>
    expect([...THROWN, ...GIVEN, ...FAIL_STATES]).toContain(name),
  );
  it('holds every name that is thrown, and every name that the story ends under', () => {
    expect(THROWN.size).toBeGreaterThan(20);
    expect([...FAIL_STATES].sort()).toEqual([
      'LockLost',
      'RollbackFailed',
      'RolledBack',
      'StepCrashed',
      'StoppedHalfway',
    ]);
    for (const name of [...THROWN, ...FAIL_STATES]) expect(Object.keys(FAILURES)).toContain(name);
  });
  it('finds the names that a failed execution is given in the steps', () => {
    expect([...GIVEN]).toEqual(expect.arrayContaining(['RolledBack', 'StoppedHalfway']));
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
