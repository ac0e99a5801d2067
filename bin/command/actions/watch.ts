/** `irekae watch`: follows the running deployment; if there is none, says how the last one ended. */
import { closedLines } from '../changing.ts';
import { type Command, executionArn, type Task } from '../command.ts';
import { followed } from '../follow/followed.ts';
import { deploymentHeldFor, isNew } from '../holder.ts';
import { TIMEOUT, WAIT_UNTIL } from '../options.ts';
import { done, type Outcome } from '../outcome.ts';
import { newestRecords } from '../release-records.ts';
import { momentAgo } from '../wording.ts';

export const watch: Command = {
  name: 'watch',
  summary: 'follow the running deployment to its end',
  description: [
    'Follows the deployment that holds the fleet’s lock; if it was stopped, until the clean-up has undone or finished',
    'it. Changes nothing; Ctrl-C only ends the watching.',
    'Exit codes: as for deploy --wait, by how it ended; 0 when nothing is running; 2 bad usage.',
  ],
  options: [WAIT_UNTIL, TIMEOUT],
  run: watchFleet,
};

async function watchFleet(task: Task): Promise<Outcome> {
  const { ledger, executions } = task.ports;
  const row = await ledger.read(task.fleet.name);
  if (!row?.held) return nothingRuns(task, isNew(row));
  const closed = closedLines(task, row.held, await executions.status(row.held.holder));
  if (closed) return done('closed', closed);
  // A clean-up works for the deployment before it: that is the one to follow.
  return followed(task, executionArn(task, deploymentHeldFor(row.held)));
}

async function nothingRuns(task: Task, isNew: boolean): Promise<Outcome> {
  const { fleet, ports } = task;
  const lines = [`No deployment of ${fleet.name} is running${isNew ? ': it was never deployed' : ''}.`];
  const [last] = isNew ? [] : await newestRecords(task, 1);
  if (last?.record) {
    const when = momentAgo(new Date(last.record.finishedAt), ports.clock.now());
    lines.push(`The last one, ${last.id}, ended as ${last.record.outcome}, ${when}.`);
  }
  return done('nothing-runs', lines, {
    last: last && { deployment: last.id, outcome: last.record?.outcome },
  });
}
