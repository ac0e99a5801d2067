/** `irekae rollback`: deploys the release of an earlier deployment again, with its versions and its image. */
import type { Command, Task } from '../command.ts';
import { followed } from '../follow/followed.ts';
import { AMI, checkStart, overrideOption, REASON, STARTING, TO } from '../options.ts';
import { failed, type Outcome } from '../outcome.ts';
import { readCurrent, readDeployment } from '../release-records.ts';
import { leftRunning, start } from '../starting.ts';

/** Before the one that runs, whichever that is when the deployment begins. */
const PREVIOUS = 'previous';

export const rollback: Command = {
  name: 'rollback',
  summary: 'go back to the release of an earlier deployment',
  description: [
    'Starts a deployment of what an earlier one deployed: its artifact, its runtimes and its image, from the release',
    'records (irekae history). Same gates, same looks, new hosts. Refused when the fleet runs just that.',
    'Exit codes: as of deploy.',
  ],
  options: [TO, { ...REASON, isRequired: true }, AMI, overrideOption(['freeze', 'provenance']), ...STARTING],
  check: checkStart,
  run: rollBack,
};

async function rollBack(task: Task): Promise<Outcome> {
  const { to = PREVIOUS, ami, wait } = task.options;
  const refused = await refuse(task, to);
  if (refused) return refused;
  return start(task, 'deploy', { rollbackTo: to, amiId: ami }, async (execution) =>
    wait
      ? followed(task, execution)
      : leftRunning(task, execution, await task.ports.ledger.read(task.fleet.name)),
  );
}

/** What the records say is impossible needs no execution to find out. */
async function refuse(task: Task, to: string): Promise<Outcome | undefined> {
  const { fleet } = task;
  const next = `Nothing was started. Which there are:  irekae history ${fleet.name}`;
  const no = (why: string) => failed('nothing-to-roll-back-to', [why, next]);
  const current = await readCurrent(task);
  if (!current)
    return no(`There is no record of what ${fleet.name} runs: it was never deployed, or its record is gone.`);
  if (to === PREVIOUS) return undefined;
  if (to === current.deployment && current.outcome === 'Deployed')
    return no(
      `${to} is what ${fleet.name} runs. To replace its hosts all the same: irekae deploy ${fleet.name} --redeploy`,
    );
  const target = await readDeployment(task, to);
  if (!target) return no(`${fleet.name} has no record of a deployment ${to}.`);
  if (target.outcome !== 'Deployed')
    return no(`${to} ended as ${target.outcome}: what it brought never became the fleet’s release.`);
  return undefined;
}
