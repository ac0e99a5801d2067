/** `irekae go`: lets the deployment that waits for a person go on. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { POINT, type Point } from '../../../lambdas/domain/core/points.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import { deadSince } from '../../../lambdas/domain/lock/dead-holders.ts';
import { judgeWord } from '../../../lambdas/domain/lock/told.ts';
import { explain } from '../../../lambdas/domain/record/ending.ts';
import { closedLines } from '../changing.ts';
import type { Command, Task } from '../command.ts';
import { heldFacts } from '../holder.ts';
import { option } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { start } from '../starting.ts';

export const go: Command = {
  name: 'go',
  summary: 'let the deployment that waits for a person go on',
  description: [
    'Lets the deployment that holds the fleet’s lock go on, where it waits for a person (`pauses` in the fleets file).',
    'Who and why are in its record. To have it undone instead: irekae cancel. Both are an execution of the fleet’s state',
    'machine, with {"go": DEPLOYMENT} or {"cancel": DEPLOYMENT}, which anybody who may start that can start.',
    'Exit codes: 0 it goes on (or somebody said so before), 1 not possible, 2 bad usage.',
  ],
  options: [option('reason', 'TEXT', 'why; kept in the deployment’s record')],
  run: letGoOn,
};

async function letGoOn(task: Task): Promise<Outcome> {
  const { ledger, executions, clock } = task.ports;
  const { held } = (await ledger.read(task.fleet.name)) ?? {};
  if (!held)
    return failed('nothing-runs', [`No deployment of ${task.fleet.name} is running: nothing waits.`]);
  const state = await executions.status(held.holder);
  const closed = closedLines(task, held, state);
  if (closed) return failed('closed', closed, heldFacts(held));
  const deployment = executionName(held.holder);
  const now = clock.now();
  const hearing = judgeWord({ what: 'go', deployment }, held, deadSince(held, state, now) !== undefined, now);
  if (hearing.is === 'refused')
    return failed(
      'not-waiting',
      [
        `${deployment} cannot go on by your word: ${hearing.sentence}.`,
        `See:  ${COMMAND} status ${task.fleet.name}`,
      ],
      heldFacts(held),
    );
  if (hearing.is === 'known')
    return done('told-already', [`${deployment}: ${hearing.sentence}.`], heldFacts(held));
  const where = hearing.where ?? 'before-launch';
  return start(task, 'deploy', { go: deployment }, (execution) => heard(task, execution, deployment, where));
}

/** The door needs a few seconds: it reads the ledger, writes one word into it, and ends. */
const DOOR_SECONDS = 60;

async function heard(task: Task, execution: string, deployment: string, where: Point): Promise<Outcome> {
  const { executions, pause, clock } = task.ports;
  const since = clock.now();
  const facts = { deployment, execution, at: where };
  while (secondsBetween(since, clock.now()) < DOOR_SECONDS) {
    const described = await executions.describe(execution);
    const state = described?.state;
    if (state?.state === 'ended' && state.status === 'SUCCEEDED')
      return done('told', toldLines(task, deployment, where), facts);
    if (state?.state === 'ended') {
      const { name, sentence } = explain({
        Error: described?.error ?? 'Unknown',
        Cause: described?.cause ?? '',
      });
      return failed('refused', [`${name}: ${sentence}`], facts);
    }
    await pause(1);
  }
  return failed(
    'unheard',
    [
      `${executionName(execution)} was started to tell ${deployment}, and has not ended in ${DOOR_SECONDS} s.`,
      `See:  ${COMMAND} status ${task.fleet.name}`,
    ],
    facts,
  );
}

const toldLines = ({ fleet, isLocal }: Task, deployment: string, where: Point): string[] => [
  `${deployment} goes on from ${POINT[where].words}: it notices this at its next look, within a sixteenth of the time that it has waited (15 s at least, 10 min at most).`,
  isLocal
    ? 'The modelled world, and the deployment with it, end here.'
    : `To see how it ends:  ${COMMAND} watch ${fleet.name}`,
];
