/** `irekae rollback`: deploys the release of an earlier deployment again, with its versions and its image. */

import { OVERRIDES } from '../../../lambdas/domain/core/input.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { orUndefined } from '../attempt.ts';
import type { Command, Task } from '../command.ts';
import { followed } from '../follow/followed.ts';
import { AMI, checkStart, overrideOption, PREVIOUS, REASON, STARTING, TO, waits } from '../options.ts';
import { failed, type Outcome } from '../outcome.ts';
import { readCurrent, readDeployment } from '../release-records.ts';
import { leftRunning, start } from '../starting.ts';

export const rollback: Command = {
  name: 'rollback',
  summary: 'roll back to the release of an earlier deployment',
  description: [
    'Starts a deployment of what an earlier one deployed: its artifact, its runtimes and its image, from the release',
    'records (irekae history). Same gates, same checks, new hosts. Refused when the fleet already runs exactly that.',
    'Exit codes: as for deploy.',
  ],
  options: [TO, { ...REASON, isRequired: true }, AMI, overrideOption(OVERRIDES), ...STARTING],
  check: checkStart,
  run: rollBack,
};

async function rollBack(given: Task): Promise<Outcome> {
  const { to = PREVIOUS, ami } = given.options;
  // Whatever it is refused for, what is typed next is a rollback too.
  const task = { ...given, options: { ...given.options, to } };
  const wait = waits(task.options);
  const refused = await refuse(task, to);
  if (refused) return refused;
  return start(task, 'deploy', { rollbackTo: to, amiId: ami }, async (execution) =>
    wait
      ? followed(task, execution)
      : leftRunning(
          task,
          execution,
          // It has been started: who may not read the lock is not told of who holds it.
          await orUndefined(task.ports.ledger.read(task.fleet.name), 'ServiceRefused'),
        ),
  );
}

/** What the records rule out needs no execution to find out. */
async function refuse(task: Task, to: string): Promise<Outcome | undefined> {
  const { fleet } = task;
  const next = `Nothing was started. To list them:  ${COMMAND} history ${fleet.name}`;
  const no = (why: string) => failed('nothing-to-roll-back-to', [why, next]);
  const current = await readCurrent(task);
  if (!current)
    return no(`There is no record of what ${fleet.name} runs: it was never deployed, or its record is gone.`);
  if (to === PREVIOUS) return undefined;
  if (to === current.deployment && current.outcome === 'Deployed')
    return no(
      `${to} is what ${fleet.name} runs. To replace its hosts anyway:  ${COMMAND} deploy ${fleet.name} --redeploy`,
    );
  const target = await readDeployment(task, to);
  if (!target) return no(`${fleet.name} has no record of a deployment ${to}.`);
  if (target.outcome !== 'Deployed')
    return no(`${to} ended as ${target.outcome}: its release never became the fleet’s.`);
  return undefined;
}
