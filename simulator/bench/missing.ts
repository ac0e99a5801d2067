/** A new host never registers in Mackerel, in a fleet that has a record of how long hosts take: how soon that is noticed. */
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { SMALL } from './fleets.ts';
import { BALANCERS, type Tuning } from './measure.ts';

export interface Missing {
  readonly tuning: Tuning;
  readonly runs: number;
  readonly undone: number;
  /** From the start of the deployment until its undo began, in seconds: the longest. */
  readonly longestSeconds: number;
}

export async function measureMissing(template: TemplateJson, tuning: Tuning, runs: number): Promise<Missing> {
  const waits: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    const seconds = await missOnce(template, tuning, seed);
    if (seconds !== undefined) waits.push(seconds);
  }
  return { tuning, runs, undone: waits.length, longestSeconds: Math.max(...waits) };
}

/** @returns after how long the undo began; nothing if the deployment ended otherwise */
async function missOnce(template: TemplateJson, tuning: Tuning, seed: number): Promise<number | undefined> {
  const stage = new Stage({ template, fleet: SMALL, seed, balancers: BALANCERS[tuning] });
  try {
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
  } finally {
    stage.close();
  }
}
