/**
 * One process: runs the campaign on one breakage. It runs in a copy of the project in which the breakage was made, and
 * reports what caught it.
 */
import { shuffled, singles } from '../faults/campaign.ts';
import { type Case, caseName } from '../faults/case.ts';
import { faultsTemplate, KINDS } from '../faults/kinds.ts';
import { play, type Verdict } from '../faults/play.ts';
import type { Mutant } from './list.ts';

export interface Hunt {
  readonly mutant: Pick<Mutant, 'kinds' | 'at'>;
  readonly seed: number;
  readonly mostCases: number;
}

export interface Catch {
  /** How many cases ran until it was caught, or in total. */
  readonly cases: number;
  readonly caught?: { readonly rule: number; readonly what: string; readonly by: string };
}

async function hunt({ mutant, seed, mostCases }: Hunt): Promise<Catch> {
  const template = faultsTemplate();
  const cases: Case[] = [];
  for (const kind of mutant.kinds) {
    const unbroken = { kind, seed, injuries: [] };
    const caught = await caughtBy(unbroken);
    if (caught) return { cases: 1, caught };
    cases.push(...(await singles(template, kind, seed)));
  }
  const aimed = cases.filter((each) => caseName(each).includes(mutant.at ?? ''));
  let count = 0;
  for (const each of shuffled(aimed, seed).slice(0, mostCases)) {
    count += 1;
    const caught = await caughtBy(each);
    if (caught) return { cases: count, caught };
  }
  return { cases: count };

  async function caughtBy(each: Case): Promise<Catch['caught'] | undefined> {
    const { violations, outcome } = await play(template, each);
    const [violation = strayed(each, outcome)] = violations;
    return violation && { ...violation, by: caseName(each) };
  }
}

/** A deployment without faults that ends differently from what its kind says. */
function strayed({ kind, injuries }: Case, outcome: Verdict['outcome']) {
  if (injuries.length > 0 || outcome === KINDS[kind].outcome) return undefined;
  return { rule: 7, what: `it ended with ${outcome} instead of ${KINDS[kind].outcome}` };
}

process.once('message', async (message: Hunt) => {
  process.send?.(await hunt(message));
  process.disconnect();
});
