/** `irekae status`: what a fleet runs, what is being deployed, what waits, and what nobody looks after. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import { TAG } from '../../../lambdas/domain/core/fleet.ts';
import { list, secondsBetween, span } from '../../../lambdas/domain/core/words.ts';
import { deadSince } from '../../../lambdas/domain/lock/lock.ts';
import { orphansAmong } from '../../../lambdas/domain/lock/orphans.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import type { Command, Outcome, Task } from '../command.ts';
import { deploymentHeldFor, documentOf } from '../follow/look.ts';
import { ACT_OF, News } from '../follow/news.ts';
import { gateRows } from '../gate-rows.ts';
import { findLeftovers, type Leftovers, leftoversLines } from '../leftovers.ts';
import { bucketOf, type DeploymentRecord, readCurrent } from '../release-records.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { momentAgo, table, waiting } from '../wording.ts';

export const status: Command = {
  name: 'status',
  summary: 'what the fleet runs, what is being deployed, what waits, and what is left over',
  description: [
    'Shows the release that the fleet runs, since when and by whom, and a newer upload; the deployment that runs, its act',
    'and what it said last; what waits for its turn; who holds the lock, and why; instances that nobody looks after; and',
    'when the fleet is frozen, what it takes and what follows it. What may not be read is said to be unknown. Changes',
    'nothing.',
    'Exit codes: 0; 1 the fleet’s ledger cannot be read; 2 bad usage.',
  ],
  options: [],
  run: showStatus,
};

type Held = NonNullable<LedgerRow['held']>;

async function showStatus(task: Task): Promise<Outcome> {
  const row = await task.ports.ledger.read(task.fleet.name);
  const unknown: string[] = [];
  const current = await orUnknown(readCurrent(task), unknown);
  const running = row?.held && (await lookAtHolder(task, row.held, unknown));
  const orphans = await orUnknown(findOrphans(task, row?.held, current), unknown);
  const newest = current && (await orUnknown(findNewest(task), unknown));
  const sections = [
    runsLines(task, row, current),
    current && newest ? newestLines(task, current, row, newest) : [],
    running ? holderLines(task, running) : [],
    row?.pending ? waitsLines(task, row) : [],
    orphans && orphans.length > 0 ? ['', 'Nobody looks after:', ...table(orphans)] : [],
    gateLines(task),
    unknown.length > 0 ? ['', 'Not found out:', ...unknown.map((sentence) => `  ${sentence}`)] : [],
  ];
  return {
    exitCode: 0,
    outcome: running ? running.standing : row ? 'idle' : 'never-deployed',
    lines: sections.flat(),
    facts: { ...factsOf(row, current, running, orphans, unknown), ...(newest && { newestUpload: newest }) },
  };
}

/** The answer, or nothing and a sentence in `unknown`. */
async function orUnknown<T>(asking: Promise<T>, unknown: string[]): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (!isFailure(error)) throw error;
    unknown.push(error.message);
    return undefined;
  }
}

// ── Who holds the lock ─────────────────────────────────────────────────────────────────────────────────────────────

interface Holder {
  readonly standing: 'deploying' | 'ended' | 'needs-human';
  readonly held: Held;
  readonly state: ExecutionState;
  readonly endedAt?: Date;
  /** What it said last. */
  readonly sentence?: string;
  readonly leftovers?: Leftovers;
}

async function lookAtHolder(task: Task, held: Held, unknown: string[]): Promise<Holder> {
  const { executions, clock } = task.ports;
  const state = (await orUnknown(executions.status(held.holder), unknown)) ?? ({ state: 'running' } as const);
  const turns = (await orUnknown(executions.recent(held.holder), unknown)) ?? [];
  const news = new News();
  news.of(held.holder, turns);
  const { latest } = news;
  const endedAt = deadSince(held, state, clock.now());
  const isOver = endedAt !== undefined || held.needsHuman !== undefined;
  return {
    standing: held.needsHuman !== undefined ? 'needs-human' : endedAt ? 'ended' : 'deploying',
    held,
    state,
    ...(endedAt && { endedAt }),
    ...(latest?.text !== undefined && { sentence: `${latest.state}: ${latest.text}` }),
    ...(isOver && { leftovers: await findLeftovers(task, held) }),
  };
}

function holderLines(
  { fleet, ports }: Task,
  { standing, held, endedAt, sentence, leftovers }: Holder,
): string[] {
  const now = ports.clock.now();
  const { phase, since, startedBy, why, cancel, needsHuman, holder } = held;
  const version = documentOf(held)?.release?.artifact.versionId;
  const head = {
    deploying: `Deploying now: ${deploymentHeldFor(held)}`,
    ended: `${deploymentHeldFor(held)} has ended and still holds the lock`,
    'needs-human': `${deploymentHeldFor(held)} needs a human`,
  }[standing];
  return [
    '',
    head,
    ...table([
      ...(version === undefined ? [] : [['version', version]]),
      ['act', `${ACT_OF[phase]}${phase === 'remove' ? ' (past the point of no return)' : ''}`],
      ...(sentence === undefined ? [] : [['said last', sentence]]),
      ['since', momentAgo(since, now)],
      ['started by', startedBy],
      ...(why === undefined ? [] : [['why', why]]),
      ...(executionName(holder) === deploymentHeldFor(held)
        ? []
        : [['acting', `the clean-up ${executionName(holder)}`]]),
      ...(cancel ? [['cancelled', `by ${cancel.by}, ${momentAgo(cancel.at, now)}`]] : []),
      ...(endedAt ? [['ended', momentAgo(endedAt, now)]] : []),
      ...(needsHuman === undefined ? [] : [['needs a human', needsHuman]]),
    ]),
    ...(leftovers ? leftoversLines(leftovers).map((line) => `  ${line}`) : []),
    ...nextLines(fleet.name, standing),
  ];
}

function nextLines(fleet: string, standing: Holder['standing']): string[] {
  if (standing === 'deploying')
    return [`To follow it:  irekae watch ${fleet}     To have it undone:  irekae cancel ${fleet}`];
  if (standing === 'needs-human') return [`When the fleet is as it should be:  irekae unlock ${fleet}`];
  return [
    `The clean-up undoes or finishes it within ${CLEAN_UP_MINUTES} minutes. To follow it:  irekae watch ${fleet}`,
  ];
}

// ── What runs, what waits, what is left ────────────────────────────────────────────────────────────────────────────

function runsLines(
  { fleet, ports }: Task,
  row: LedgerRow | undefined,
  current: DeploymentRecord | undefined,
): string[] {
  if (!current)
    return [
      row
        ? `${fleet.name}: there is no record of what it runs.`
        : `${fleet.name} was never deployed by irekae.`,
    ];
  const now = ports.clock.now();
  const { deployment, outcome, artifact, imageId, startedBy, why, finishedAt, newInstances, rolledBackTo } =
    current;
  const head =
    outcome === 'Deployed'
      ? `${fleet.name} runs ${artifact?.key ?? 'its release'}`
      : `${fleet.name}: it is not certain what it runs, since ${deployment} ended as ${outcome}`;
  return [
    head,
    ...table([
      ...(artifact ? [['version', artifact.versionId]] : []),
      ...(imageId === undefined ? [] : [['image', imageId]]),
      ['hosts', list(newInstances, 6)],
      ['since', momentAgo(new Date(finishedAt), now)],
      ['deployment', `${deployment}${rolledBackTo === undefined ? '' : `, back to ${rolledBackTo}`}`],
      ['started by', startedBy],
      ...(why === undefined ? [] : [['why', why]]),
    ]),
  ];
}

const findNewest = (task: Task): Promise<ArtifactVersion | undefined> =>
  task.ports.artifacts.find(bucketOf(task), task.fleet.artifact);

/** What was uploaded and runs nowhere: refused, rolled back, or its event was lost. Nothing of it while it is on its way. */
function newestLines(
  task: Task,
  { artifact }: DeploymentRecord,
  row: LedgerRow | undefined,
  { versionId, uploadedAt }: ArtifactVersion,
): string[] {
  const onItsWay = [documentOf(row?.held)?.release?.artifact.versionId, row?.pending?.versionId];
  if (versionId === artifact?.versionId || onItsWay.includes(versionId)) return [];
  return [
    '',
    `It does not run the newest upload: version ${versionId}, of ${momentAgo(uploadedAt, task.ports.clock.now())}.`,
    `See why:  irekae history ${task.fleet.name}     What it would do:  irekae plan ${task.fleet.name}`,
  ];
}

function gateLines(task: Task): string[] {
  const rows = gateRows(task);
  return rows.length === 0 ? [] : ['', 'By bin/fleets.ts:', ...table(rows)];
}

function waitsLines({ fleet, ports }: Task, { held, pending }: LedgerRow): string[] {
  if (!pending) return [];
  const when = held ? 'when the lock is free' : `within ${CLEAN_UP_MINUTES} minutes`;
  return [
    '',
    `Waiting: ${waiting(pending)}, asked for by ${pending.id}, ${momentAgo(pending.since, ports.clock.now())}; it is deployed ${when}.`,
    ...(held ? [] : [`To start it at once:  irekae unlock ${fleet.name}`]),
  ];
}

async function findOrphans(
  task: Task,
  held: Held | undefined,
  current: DeploymentRecord | undefined,
): Promise<string[][]> {
  const { ec2, clock } = task.ports;
  const now = clock.now();
  const tagged = await ec2.listByTag(TAG.fleet, task.fleet.name);
  const accounted = current
    ? [...current.newInstances, ...(current.outcome === 'Deployed' ? [] : current.oldInstances)]
    : [];
  const launched = new Map(tagged.map(({ instanceId, launchedAt }) => [instanceId, launchedAt]));
  return orphansAmong(tagged, held, accounted, now).map(({ instanceId, deployment }) => {
    const since = launched.get(instanceId);
    return [instanceId, `launched by ${deployment}`, since ? `${span(secondsBetween(since, now))} ago` : ''];
  });
}

function factsOf(
  row: LedgerRow | undefined,
  current: DeploymentRecord | undefined,
  holder: Holder | undefined,
  orphans: readonly (readonly string[])[] | undefined,
  unknown: readonly string[],
): object {
  const { document: _, ...held } = holder?.held ?? {};
  return {
    ...(current && { runs: current }),
    ...(holder && {
      held,
      execution: holder.state,
      ...(holder.sentence !== undefined && { said: holder.sentence }),
    }),
    ...(holder?.leftovers && { leftovers: holder.leftovers }),
    ...(row?.pending && {
      waits: { id: row.pending.id, versionId: row.pending.versionId, since: row.pending.since },
    }),
    orphans: (orphans ?? []).map(([instanceId]) => instanceId),
    ...(unknown.length > 0 && { unknown }),
  };
}
