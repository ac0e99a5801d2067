/** Where a deployed state machine differs from what would be deployed now. */
import { fitting, literally } from '../../../lambdas/domain/core/pattern.ts';
import { cut } from '../../../lambdas/domain/core/words.ts';

export interface Difference {
  /** As in `States.Launch new instances.TimeoutSeconds`. */
  readonly path: string;
  /** JSON, or `nothing`. */
  readonly deployed: string;
  readonly here: string;
}

/** What CloudFormation fills in: `${Function.Arn}`. Anything there in AWS matches. */
const HOLE = /\$\{[\w.]+\}/;

/** @returns at most `most` differences, in the order of the definition here. */
export function differences(deployed: unknown, here: unknown, most = 20): Difference[] {
  const found: Difference[] = [];
  compare('', deployed, here, found, most);
  return found;
}

function compare(path: string, deployed: unknown, here: unknown, found: Difference[], most: number): void {
  if (found.length >= most || fits(deployed, here)) return;
  if (!isObject(deployed) || !isObject(here)) {
    found.push({ path, deployed: shown(deployed), here: shown(here) });
    return;
  }
  for (const key of new Set([...Object.keys(here), ...Object.keys(deployed)]))
    compare(path === '' ? key : `${path}.${key}`, deployed[key], here[key], found, most);
}

function fits(deployed: unknown, here: unknown): boolean {
  if (typeof here === 'string' && typeof deployed === 'string' && HOLE.test(here)) {
    return fitting(here.split(HOLE).map(literally), '.+').test(deployed);
  }
  return Object.is(deployed, here);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Long enough to be recognized. */
const MOST_CHARACTERS = 60;

function shown(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'nothing', MOST_CHARACTERS);
}
