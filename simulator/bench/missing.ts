/** A new host never registers in Mackerel, in a fleet that has a record of how long hosts take: how soon that is noticed. */
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { Stage } from '../stage.ts';
import type { Tuning } from './measure.ts';
import { measureUndone, type Undone } from './undone.ts';

export const measureMissing = (template: TemplateJson, tuning: Tuning, runs: number): Promise<Undone> =>
  measureUndone(template, tuning, runs, missOnce);

/** @returns how long after the start of the deployment its undo began */
async function missOnce(stage: Stage): Promise<number | undefined> {
  stage.upload();
  await stage.deploy();
  let launched = 0;
  stage.world.ec2.fate = () => {
    launched += 1;
    return launched === 1 ? { kind: 'never-registers' } : { kind: 'healthy' };
  };
  let undoneAt = Number.NaN;
  stage.onEvent = ({ kind, state }) => {
    if (kind === 'entered' && state === STEPS['put-old-hosts-back'].title)
      undoneAt ||= stage.clock.now().getTime();
  };
  const from = stage.clock.now().getTime();
  stage.upload();
  const { endedIn, cause = '' } = await stage.deploy();
  const isUndone = endedIn === 'RolledBack' && cause.includes('NewHostsNotReady');
  return isUndone ? (undoneAt - from) / 1000 : undefined;
}
