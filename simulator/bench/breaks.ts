/**
 * A new host breaks at a random moment of the bake: `bakeSeconds` promises that the deployment is undone, whatever the
 * load balancer's health checks.
 */
import type { Look } from '../../lambdas/domain/core/document.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult, StoryEvent } from '../run-definition.ts';
import type { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { newInstancesOf } from './fleets.ts';
import type { Tuning } from './measure.ts';
import { measureUndone, type Undone } from './undone.ts';

export const measureBreaks = (template: TemplateJson, tuning: Tuning, runs: number): Promise<Undone> =>
  measureUndone(template, tuning, runs, breakOnce);

/** @returns how long after the break the undo began */
async function breakOnce(stage: Stage, seed: number): Promise<number | undefined> {
  stage.upload();
  const moments = breakDuringBake(stage, new Random(seed).branch('break'));
  const result = await stage.deploy();
  return isUndone(result) ? (moments.undoneAt - moments.brokenAt) / 1000 : undefined;
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
