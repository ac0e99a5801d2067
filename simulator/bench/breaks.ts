/**
 * A new host breaks at a random moment of the bake: `bakeSeconds` promises that the deployment is undone, whatever the
 * load balancer's health checks.
 */
import type { Look } from '../../lambdas/domain/core/document.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult, StoryEvent } from '../run-definition.ts';
import { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { newInstancesOf, SMALL } from './fleets.ts';
import { BALANCERS, type Tuning } from './measure.ts';

export interface Breaks {
  readonly tuning: Tuning;
  /** Deployments, each with a seed of its own, in which a host broke. */
  readonly runs: number;
  readonly undone: number;
  /** From the break until the deployment's undo began, in seconds: the longest. */
  readonly longestSeconds: number;
}

export async function measureBreaks(template: TemplateJson, tuning: Tuning, runs: number): Promise<Breaks> {
  const waits: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    const seconds = await breakOnce(template, tuning, seed);
    if (seconds !== undefined) waits.push(seconds);
  }
  return { tuning, runs, undone: waits.length, longestSeconds: Math.max(...waits) };
}

/** @returns after how long the undo began; nothing if the deployment ended otherwise */
async function breakOnce(template: TemplateJson, tuning: Tuning, seed: number): Promise<number | undefined> {
  const stage = new Stage({ template, fleet: SMALL, seed, balancers: BALANCERS[tuning] });
  try {
    stage.upload();
    const moments = breakDuringBake(stage, new Random(seed).branch('break'));
    const result = await stage.deploy();
    return isUndone(result) ? (moments.undoneAt - moments.brokenAt) / 1000 : undefined;
  } finally {
    stage.close();
  }
}

const isUndone = ({ endedIn, cause }: ExecutionResult) =>
  endedIn === 'RolledBack' && (cause?.includes('ReadinessLost') ?? false);

/** In any second of the bake, which begins with the first look. */
function breakDuringBake(stage: Stage, random: Random): { brokenAt: number; undoneAt: number } {
  const moments = { brokenAt: Number.NaN, undoneAt: Number.NaN };
  const after = random.millis([0, stage.fleet.limits.bakeSeconds]);
  const now = () => stage.clock.now().getTime();
  const whose = random.next();
  stage.onEvent = ({ kind, state, answer }: StoryEvent) => {
    if (kind === 'entered' && state === STEPS['put-old-hosts-back'].title) moments.undoneAt ||= now();
    if (kind !== 'answered' || state !== STEPS['watch-the-new-hosts'].title) return;
    const { since, looks } = answer as Look;
    if (looks > 1) return;
    const breakOne = () => {
      const ids = newInstancesOf(stage);
      moments.brokenAt = now();
      stage.world.ec2.breakApplication(ids[Math.floor(whose * ids.length)] ?? '');
    };
    setTimeout(breakOne, Math.max(0, Date.parse(since) + after - now()));
  };
  return moments;
}
