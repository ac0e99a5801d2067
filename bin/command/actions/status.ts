/** `irekae status`: what a fleet runs, what is being deployed, what is waiting, and what is orphaned. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { TAG } from '../../../lambdas/domain/core/fleet.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { actOf, isPastNoReturn, titleOf } from '../../../lambdas/domain/core/steps.ts';
import { list, span } from '../../../lambdas/domain/core/words.ts';
import { deadSince, isChange } from '../../../lambdas/domain/lock/dead-holders.ts';
import { debtSentence } from '../../../lambdas/domain/lock/debts.ts';
import { orphansAmong, unaccountedFor } from '../../../lambdas/domain/lock/orphans.ts';
import { holdAt, holdSentence } from '../../../lambdas/domain/release/hold.ts';
import type { LedgerRow, OnHold } from '../../../lambdas/ports/ledger.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import { orUndefined, orUnknown } from '../attempt.ts';
import { byHandLines } from '../by-hand.ts';
import { closedByChange, opensAgain } from '../changing.ts';
import type { Command, Task } from '../command.ts';
import { News } from '../follow/news.ts';
import { gateLines } from '../gate-rows.ts';
import {
  cancelledBy,
  deploymentHeldFor,
  documentOf,
  type Held,
  heldFacts,
  isHeldUp,
  isNew,
  isNewer,
  pauseOf,
  standingOf,
  startOf,
  waitsForAPerson,
} from '../holder.ts';
import { findLeftovers, leftoversLines } from '../leftovers.ts';
import { done, type Outcome } from '../outcome.ts';
import { overview } from '../overview.ts';
import {
  bucketOf,
  type DeploymentRecord,
  newestRecords,
  readCurrent,
  versionOf,
} from '../release-records.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { details, indented, momentAgo, section, table, waiting } from '../wording.ts';

export const status: Command = {
  name: 'status',
  summary: 'what the fleet runs, what is being deployed, what is waiting, and what is left over',
  usage: '[FLEET | ENVIRONMENT]',
  description: [
    'Shows the release that the fleet runs, since when and by whom, and a newer upload; the running deployment, its',
    'act and its last message; what is waiting for its turn; who holds the lock, and why; whether it is on hold; orphaned',
    'instances; and when the fleet is frozen, what it accepts and what follows it. What you lack permission to read is unknown. Without a',
    'fleet: all fleets of an environment, or of all environments, in a table; an account that these credentials do not',
    'reach, and a fleet that cannot be read, is named. Changes nothing.',
    'Exit codes: 0; 1 the fleet’s ledger cannot be read, or that of none; 2 bad usage.',
  ],
  options: [],
  run: showStatus,
  runEverywhere: overview,
};

async function showStatus(task: Task): Promise<Outcome> {
  const found = await lookAround(task);
  const { row, onHold, holder, orphans, unknown } = found;
  const lines = [
    ...runsLines(task, found),
    ...newestLines(task, found),
    ...(holder ? holderLines(task, holder) : []),
    ...waitsLines(task, row),
    ...holdLines(task, onHold),
    ...section('Still owed:', indented(owedLines(row))),
    ...section('Orphaned:', table(orphans)),
    ...gateLines(task),
    ...section('Unknown:', indented(unknown)),
  ];
  return done(holder?.standing ?? (isNew(row) ? 'never-deployed' : 'idle'), lines, factsOf(found));
}

/** What could not be determined is absent, and `unknown` says so. */
async function lookAround(task: Task) {
  const { ledger, artifacts } = task.ports;
  const row = await ledger.read(task.fleet.name);
  const onHold = holdAt(row, task.ports.clock.now());
  const unknown: string[] = [];
  const current = await orUnknown(readCurrent(task), unknown);
  const holder = row?.held && (await lookAtHolder(task, row.held, unknown));
  const orphans = (await orUnknown(findOrphans(task, row?.held, current), unknown)) ?? [];
  const { artifact } = task.fleet;
  const newest =
    current && artifact !== undefined
      ? await orUnknown(artifacts.find(bucketOf(task), artifact), unknown)
      : undefined;
  const newer = newest && isNewer(newest, current, row) ? newest : undefined;
  const tried = newer && (await lastTryOf(task, newer));
  return { row, onHold, current, holder, orphans, newest, newer, tried, unknown };
}
type Found = Awaited<ReturnType<typeof lookAround>>;

// ── Who holds the lock ─────────────────────────────────────────────────────────────────────────────────────────────

async function lookAtHolder(task: Task, held: Held, unknown: string[]) {
  const { executions, clock } = task.ports;
  const state = (await orUnknown(executions.status(held.holder), unknown)) ?? ({ state: 'running' } as const);
  const turns = (await orUnknown(executions.recent(held.holder), unknown)) ?? [];
  const news = new News();
  news.of(held.holder, turns);
  const isClosed = isChange(held, state);
  const endedAt = isClosed ? undefined : deadSince(held, state, clock.now());
  const isOver = endedAt !== undefined || held.needsHuman !== undefined;
  return {
    standing: isClosed ? ('closed' as const) : standingOf(held, state, clock.now()),
    held,
    state,
    endedAt,
    /** Its last message. */
    sentence: news.latest,
    leftovers: isOver ? await findLeftovers(task, held) : undefined,
  };
}
type Holder = Awaited<ReturnType<typeof lookAtHolder>>;

function holderLines(task: Task, { held, ...of }: Holder): string[] {
  const { fleet, ports } = task;
  const now = ports.clock.now();
  const closed = { name: fleet.name, environment: task.environment.name };
  if (of.standing === 'closed')
    return ['', `Closed: ${closedByChange(held, now)}.`, ...indented(opensAgain(closed, held, now))];
  const { phase, needsHuman } = held;
  const [deployment, acting] = [deploymentHeldFor(held), executionName(held.holder)];
  const head = {
    deploying: `Deploying now: ${deployment}`,
    ended: `${deployment} has ended and still holds the lock`,
    'needs-human': `${deployment} needs a human`,
  }[of.standing];
  return [
    '',
    head,
    ...details([
      ['version', documentOf(held)?.release?.artifact?.versionId],
      ['image', documentOf(held)?.image?.imageId],
      ['act', `${titleOf(phase)}${isPastNoReturn(phase) ? ' (past the point of no return)' : ''}`],
      // A human is told the same, and more, below.
      ['last message', of.standing === 'needs-human' ? undefined : of.sentence],
      ...startOf(held, now),
      ['acting', acting === deployment ? undefined : `the clean-up ${acting}`],
      pauseOf(held, now),
      cancelledBy(held, now),
      ['ended', of.endedAt && momentAgo(of.endedAt, now)],
      ['needs a human', needsHuman],
    ]),
    ...(of.leftovers ? indented(leftoversLines(of.leftovers)) : []),
    ...(of.leftovers ? byHandLines(task, held, of.leftovers) : []),
    ...nextLines(fleet.name, of.standing, {
      mayGoOn: waitsForAPerson(held, now),
      canBeUndone: actOf(phase)?.cancel === 'undoes' && !held.cancel,
    }),
  ];
}

function nextLines(
  fleet: string,
  standing: Exclude<Holder['standing'], 'closed'>,
  { mayGoOn, canBeUndone }: { readonly mayGoOn: boolean; readonly canBeUndone: boolean },
): string[] {
  if (standing === 'deploying')
    return [
      ...(mayGoOn ? [`To let it go on:  ${COMMAND} go ${fleet}`] : []),
      `To follow it:  ${COMMAND} watch ${fleet}`,
      ...(canBeUndone ? [`To have it undone:  ${COMMAND} cancel ${fleet}`] : []),
    ];
  if (standing === 'needs-human') return [`When the fleet is as it should be:  ${COMMAND} unlock ${fleet}`];
  return [
    `The clean-up undoes or finishes it within ${CLEAN_UP_MINUTES} minutes. To follow it:  ${COMMAND} watch ${fleet}`,
  ];
}

// ── What runs, what waits, what is left ────────────────────────────────────────────────────────────────────────────

function runsLines({ fleet, ports }: Task, { row, current }: Found): string[] {
  if (!current && !isNew(row)) return [`${fleet.name}: there is no record of what it runs.`];
  if (!current) return [`${fleet.name} was never deployed by irekae.`];
  const { deployment, outcome, artifact, rolledBackTo } = current;
  const head =
    outcome === 'Deployed'
      ? `${fleet.name} runs ${artifact?.key ?? (artifact === null ? `the image ${current.imageId}` : 'its release')}`
      : `${fleet.name}: it is not certain what it runs, since ${deployment} ended as ${outcome}`;
  return [
    head,
    ...details([
      ['version', artifact?.versionId],
      ['image', artifact === null ? undefined : current.imageId],
      ['hosts', list(current.newInstances, 6)],
      ['since', momentAgo(new Date(current.finishedAt), ports.clock.now())],
      ['deployment', `${deployment}${rolledBackTo === undefined ? '' : `, a rollback to ${rolledBackTo}`}`],
      ['started by', `${current.startedBy} (as the start says)`],
      ['why', current.why],
    ]),
  ];
}

/** What was uploaded and runs nowhere: refused, rolled back, or its event was lost; not while it is waiting. */
function newestLines({ fleet, ports }: Task, { newer, tried }: Found): string[] {
  if (!newer) return [];
  const { versionId, uploadedAt } = newer;
  const why = tried
    ? `Its deployment ${tried.deployment} ended as ${tried.outcome}: ${tried.reason}`
    : 'No deployment of it has left a record.';
  return [
    '',
    `It does not run the newest upload: version ${versionId}, uploaded ${momentAgo(uploadedAt, ports.clock.now())}.`,
    why,
    `What it would do:  ${COMMAND} plan ${fleet.name}`,
  ];
}

/** Who looks for the reason of what is not deployed finds it here; without permission to list the records, not. */
async function lastTryOf(task: Task, { versionId }: ArtifactVersion): Promise<DeploymentRecord | undefined> {
  const listed = (await orUndefined(newestRecords(task, RECORDS))) ?? [];
  return listed.find(({ record }) => versionOf(record) === versionId)?.record;
}
const RECORDS = 10;

function waitsLines({ fleet, ports }: Task, row: LedgerRow | undefined): string[] {
  if (!row?.pending) return [];
  const { held, pending } = row;
  const now = ports.clock.now();
  const when = held ? 'when the lock is free' : `within ${CLEAN_UP_MINUTES} minutes`;
  const what = isHeldUp(row, now) ? 'refused, unless the hold has ended by then,' : 'deployed';
  return [
    '',
    `Waiting: ${waiting(pending)}, requested by ${pending.id}, ${momentAgo(pending.since, now)}; it will be ${what} ${when}.`,
    ...(held ? [] : [`To start it at once:  ${COMMAND} unlock ${fleet.name}`]),
  ];
}

/** A deployment that runs goes on; the next one is refused. */
const holdLines = ({ fleet }: Task, onHold: OnHold | undefined): string[] =>
  onHold
    ? [
        '',
        `On hold, so that no deployment starts: ${holdSentence(onHold)}.`,
        `To lift it:  ${COMMAND} release ${fleet.name}`,
      ]
    : [];

/** Made up for by the orphan watch or the next deployment. */
const owedLines = (row: LedgerRow | undefined): string[] => (row?.owed?.debts ?? []).map(debtSentence);

async function findOrphans(
  { ports, fleet }: Task,
  held?: Held,
  current?: DeploymentRecord,
): Promise<string[][]> {
  const tagged = await ports.ec2.listByTag(TAG.fleet, fleet.name);
  const { newInstances = [], oldInstances = [], outcome } = current ?? {};
  const accounted = outcome === 'Deployed' ? newInstances : [...newInstances, ...oldInstances];
  return orphansAmong(unaccountedFor({}, tagged, held, accounted), ports.clock.now()).map(
    ({ instanceId, deployment, seconds }) => [
      instanceId,
      `launched by ${deployment}`,
      `${span(seconds)} ago`,
    ],
  );
}

const factsOf = ({ row, onHold, current, holder, orphans, newest, unknown }: Found): object => ({
  runs: current,
  held: holder && heldFacts(holder.held),
  execution: holder?.state,
  said: holder?.sentence,
  leftovers: holder?.leftovers,
  waits: row?.pending && { id: row.pending.id, versionId: row.pending.versionId, since: row.pending.since },
  onHold,
  owed: row?.owed && row.owed.debts.length > 0 ? row.owed.debts : undefined,
  orphans: orphans.map(([instanceId]) => instanceId),
  unknown: unknown.length > 0 ? unknown : undefined,
  newestUpload: newest,
});
