/** Whom somebody may have meant. */
import { describe, expect, it } from 'vitest';
import { nearest } from '../../bin/command/nearest.ts';

const FLEETS = ['reactio-staging-app', 'reactio-production-app', 'reactio-production-worker'];

describe('The nearest names', () => {
  it.each([
    ['reactio-prodution-app', ['reactio-production-app']],
    ['reactio-prod-app', ['reactio-production-app']],
    ['prod-worker', ['reactio-production-worker']],
    ['staging', ['reactio-staging-app']],
    ['app-reactio', []],
    ['prod--app', []],
    ['something else', []],
  ])('to %s are %j', (given, names) => expect(nearest(given, FLEETS)).toEqual(names));
});
