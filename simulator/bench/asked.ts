/**
 * What a fleet may ask for on the way, and what each costs: played with the same seeds as a deployment that asks for
 * nothing. What is waited for because somebody asked for it (a watch, a person, a function) is part of the seconds.
 */
import type { StepName } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { givePoints } from '../given-points.ts';
import { compareErrors, say, watchErrors } from '../scenarios.ts';
import type { Stage } from '../stage.ts';
import type { FunctionFacts } from './functions.ts';
import { measureRow, type Row } from './rows.ts';

const HOOK = 'arn:aws:lambda:ap-northeast-1:111111111111:function:smoke-test';

const ASKED: Readonly<Record<string, (stage: Stage) => void>> = {
  nothing: () => {},
  'a monitor that decides': watchErrors,
  'one host first, for 2 min': (stage) => stage.configure({ first: { hosts: 1, watchSeconds: 120 } }),
  'side by side for 1 min': (stage) => stage.configure({ sideBySideSeconds: 60 }),
  'a metric compared in the bake': compareErrors(1),
  'a hook that runs 5 s': (stage) => {
    givePoints(stage, {
      hooks: [{ at: 'before-terminate', function: HOOK, timeoutMinutes: 5, onTimeout: 'undo' }],
    });
    stage.world.hooks.play(HOOK, () => ({ answer: { hookStatus: 'SUCCEEDED' }, seconds: 5 }));
  },
  'a person, for 10 min': (stage) => {
    givePoints(stage, { pauses: [{ at: 'before-terminate', timeoutMinutes: 60, then: 'undo' }] });
    say('go', 'Wait for a person before the termination', 600, 'orders come in as before')(stage);
  },
};

export interface AskedRow extends Pick<Row, 'seconds' | 'transitions' | 'mostHistoryEvents' | 'cost'> {
  readonly asks: string;
  /** Than the deployment that asks for nothing. */
  readonly moreSeconds: number;
}

export async function measureAsked(
  template: TemplateJson,
  functions: ReadonlyMap<StepName, FunctionFacts>,
  seeds: readonly number[],
): Promise<AskedRow[]> {
  const rows: AskedRow[] = [];
  for (const [asks, arrange] of Object.entries(ASKED)) {
    const subject = { kind: 'classic ELB', size: 10, tuning: 'tuned', arrange } as const;
    const { seconds, transitions, mostHistoryEvents, cost } = await measureRow(
      template,
      functions,
      subject,
      seeds,
    );
    const nothing = rows[0]?.seconds ?? seconds;
    rows.push({ asks, seconds, moreSeconds: seconds - nothing, transitions, mostHistoryEvents, cost });
  }
  return rows;
}
