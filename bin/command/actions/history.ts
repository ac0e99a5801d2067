/** `irekae history`: the fleet's deployments, newest first, from their records. */
import { releaseId } from '../../../lambdas/domain/core/artifact.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { secondsBetween, span, utcMoment } from '../../../lambdas/domain/core/words.ts';
import type { Command, Task } from '../command.ts';
import { LIMIT } from '../options.ts';
import { done, type Outcome } from '../outcome.ts';
import { bucketOf, type Listed, newestRecords, readCurrent } from '../release-records.ts';
import { irekae } from '../typed.ts';
import { table } from '../wording.ts';

export const history: Command = {
  name: 'history',
  summary: 'the fleet’s deployments, newest first',
  description: [
    'Lists the release records of the fleet: when, how it ended, how long it took, which version, by whom and why, and',
    'whether it has a timeline page. Refused starts that changed nothing leave a record too.',
    'Needs s3:GetObject and s3:ListBucket on the artifact bucket.',
    'Exit codes: 0; 1 the records cannot be read; 2 bad usage.',
  ],
  options: [LIMIT],
  run: showHistory,
};

const DEFAULT_LIMIT = 10;

async function showHistory(task: Task): Promise<Outcome> {
  const limit = Number(task.options.limit ?? DEFAULT_LIMIT);
  const [listed, current] = await Promise.all([newestRecords(task, limit), readCurrent(task)]);
  const running = current?.outcome === 'Deployed' ? current.deployment : undefined;
  const deployments = listed.map(({ id, record, timeline }) => ({
    ...(record ?? { deployment: id, unreadable: true }),
    ...(timeline !== undefined && { timeline: `s3://${bucketOf(task)}/${timeline}` }),
    ...(id === running && { runsNow: true }),
  }));
  if (listed.length > 0) return done('history', linesOf(task, listed, running), { deployments });
  const none = `${task.fleet.name} has no release records: it was never deployed by irekae.`;
  return done('never-deployed', [none], { deployments });
}

const HEAD = ['', 'ended', 'result', 'took', 'version', 'deployment', 'by', 'why'];

function linesOf(task: Task, listed: readonly Listed[], running: string | undefined): string[] {
  const page = listed.find(({ timeline }) => timeline !== undefined)?.id;
  return [
    ...table(
      listed.map((each) => rowOf(each, running)),
      HEAD,
    ),
    '',
    ...(running === undefined ? [] : ['▶ is what the fleet runs now.']),
    ...(page === undefined ? [] : pageLines(task, page)),
    ...backLines(task, listed, running),
  ];
}

/** The newest that may be rolled back to; any other has its id in the list. */
function backLines({ fleet }: Task, listed: readonly Listed[], running: string | undefined): string[] {
  const earlier = listed.find(({ id, record }) => record?.outcome === 'Deployed' && id !== running);
  if (!earlier || running === undefined) return [];
  const words = ['--to', earlier.id, '--reason', `back to ${earlier.id}`, '--wait'];
  return [`To roll back to ${earlier.id}:  ${irekae('rollback', fleet.name, ...words)}`];
}

const pageLines = ({ fleet }: Task, newest: string): string[] => [
  `☐ has a timeline page; the newest:  ${COMMAND} page ${fleet.name} ${newest}`,
];

function rowOf({ id, writtenAt, record, timeline }: Listed, running: string | undefined): string[] {
  const marks = `${id === running ? '▶' : ' '}${timeline === undefined ? ' ' : '☐'}`;
  if (!record) return [marks, utcMoment(writtenAt), 'cannot be read', '', '', id, '', ''];
  const { outcome, startedAt, finishedAt, artifact, imageId, startedBy, why, rolledBackTo } = record;
  const back =
    rolledBackTo === undefined ? '' : `rollback to ${rolledBackTo}${why === undefined ? '' : ': '}`;
  return [
    marks,
    utcMoment(new Date(finishedAt)),
    outcome,
    span(secondsBetween(startedAt, finishedAt)),
    releaseId({ artifact, imageId }) ?? '-',
    id,
    startedBy,
    `${back}${why ?? ''}`,
  ];
}
