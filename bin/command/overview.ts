/** All fleets of some environments at a glance: what each runs, and what goes on there. Two or three requests for each. */

import type { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { titleOf } from '../../lambdas/domain/core/steps.ts';
import { count } from '../../lambdas/domain/core/words.ts';
import { holdAt } from '../../lambdas/domain/release/hold.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow, OnHold } from '../../lambdas/ports/ledger.ts';
import type { ArtifactVersion } from '../../lambdas/ports/s3.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { orElse, orUnknown } from './attempt.ts';
import type { Everywhere, Task } from './command.ts';
import { chooseCredentials, logIn, WITHOUT_ACCOUNT } from './credentials.ts';
import { deploymentHeldFor, isNew, isNewer, standingOf } from './holder.ts';
import { done, failed, type Outcome } from './outcome.ts';
import { bucketOf, type DeploymentRecord, readCurrent } from './release-records.ts';
import { sideBySide } from './side-by-side.ts';
import { ago, table } from './wording.ts';

/** What was found out about a fleet; what was not is absent, and `unknown` says so. */
export interface FleetFacts {
  readonly fleet: string;
  readonly row?: LedgerRow | undefined;
  /** Of the lock's holder. */
  readonly state?: ExecutionState | undefined;
  readonly current?: DeploymentRecord | undefined;
  readonly newest?: ArtifactVersion | undefined;
  readonly unknown: readonly string[];
  /** Not even the ledger can be read. */
  readonly isUnreadable?: true;
}

const GOES_ON = [
  'unreadable',
  'needs-human',
  'ended',
  'deploying',
  'waiting',
  'on-hold',
  'never-deployed',
  'idle',
] as const;

export interface FleetNow {
  readonly fleet: string;
  readonly now: (typeof GOES_ON)[number];
  /** The same for people, with what else there is to know. */
  readonly words: string;
  readonly runs?:
    | { readonly deployment: string; readonly version?: string; readonly since: string }
    | undefined;
  readonly deploying?: { readonly deployment: string; readonly phase: string } | undefined;
  readonly waits?: { readonly versionId: string; readonly since: Date } | undefined;
  readonly onHold?: OnHold | undefined;
  /** An upload that runs nowhere yet. */
  readonly newerUpload?: { readonly versionId: string; readonly uploadedAt: Date } | undefined;
  readonly unknown?: readonly string[] | undefined;
}

// ── Looking ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param newest of the fleet's artifact: fleets share it */
async function lookAt(task: Task, newest: () => Promise<ArtifactVersion | undefined>): Promise<FleetFacts> {
  const { ledger, executions } = task.ports;
  const { name: fleet } = task.fleet;
  const unreadable = ({ message }: DeploymentError) =>
    ({ fleet, unknown: [message], isUnreadable: true }) as const;
  const row = await orElse(
    ledger.read(fleet).then((found) => ({ found })),
    unreadable,
  );
  if ('isUnreadable' in row) return row;
  const unknown: string[] = [];
  const { held } = row.found ?? {};
  const [state, current, newestVersion] = await Promise.all([
    held && orUnknown(executions.status(held.holder), unknown),
    row.found && orUnknown(readCurrent(task), unknown),
    row.found && orUnknown(newest(), unknown),
  ]);
  return { fleet, row: row.found, state, current, newest: newestVersion, unknown: [...new Set(unknown)] };
}

/** Of all fleets; each artifact is looked at once. */
async function lookAtAll(tasks: readonly Task[]): Promise<FleetNow[]> {
  const found = new Map<string, Promise<ArtifactVersion | undefined>>();
  return sideBySide(tasks, async (task) => {
    const { artifact } = task.fleet;
    const newest = async () => {
      if (artifact === undefined) return undefined;
      const asked = found.get(artifact) ?? task.ports.artifacts.find(bucketOf(task), artifact);
      found.set(artifact, asked);
      return asked;
    };
    return fleetNow(await lookAt(task, newest), task.ports.clock.now());
  });
}

// ── Deciding ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function fleetNow(facts: FleetFacts, now: Date): FleetNow {
  const { fleet, row, current, unknown } = facts;
  const found = goesOn(facts, now);
  const newer = newerUpload(facts);
  const { held, pending } = row ?? {};
  const onHold = holdAt(row, now);
  return {
    fleet,
    ...found,
    words: [
      found.words,
      pending && found.now !== 'waiting' && 'another one waits',
      onHold && `on hold by ${onHold.by}`,
      newer && `newer upload ${ago(newer.uploadedAt, now)}`,
    ]
      .filter(Boolean)
      .join('; '),
    runs: current && {
      deployment: current.deployment,
      ...(current.artifact && { version: current.artifact.versionId }),
      since: current.finishedAt,
    },
    deploying: held && { deployment: deploymentHeldFor(held), phase: held.phase },
    waits: pending && { versionId: pending.versionId, since: pending.since },
    onHold,
    newerUpload: newer && { versionId: newer.versionId, uploadedAt: newer.uploadedAt },
    unknown: unknown.length > 0 ? unknown : undefined,
  };
}

function goesOn(
  { row, state, current, isUnreadable }: FleetFacts,
  now: Date,
): Pick<FleetNow, 'now' | 'words'> {
  if (isUnreadable) return { now: 'unreadable', words: 'cannot be read' };
  const { held, pending } = row ?? {};
  if (held) {
    // Who may not ask Step Functions sees the lock alone.
    const standing = standingOf(held, state ?? { state: 'running' }, now);
    const words = {
      deploying: `deploying: ${titleOf(held.phase)}`,
      ended: `stopped in ${titleOf(held.phase)}: the clean-up comes`,
      'needs-human': 'needs a human',
    }[standing];
    return { now: standing, words };
  }
  if (pending) return { now: 'waiting', words: 'about to start' };
  if (holdAt(row, now)) return { now: 'on-hold', words: isNew(row) ? 'never deployed' : 'idle' };
  if (isNew(row)) return { now: 'never-deployed', words: 'never deployed' };
  return {
    now: 'idle',
    words: current && current.outcome !== 'Deployed' ? `idle since ${current.outcome}` : 'idle',
  };
}

function newerUpload({ row, current, newest }: FleetFacts): ArtifactVersion | undefined {
  return newest && current && isNewer(newest, current, row) ? newest : undefined;
}

// ── Saying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Place {
  readonly environment: Environment;
  readonly fleets: readonly FleetNow[];
  readonly at: Date;
  /** Its account is not in reach. */
  readonly whyNot?: Outcome;
}

export async function overview(everywhere: Everywhere): Promise<Outcome> {
  const { environments } = everywhere;
  const places = await Promise.all(
    environments.map(async (environment): Promise<Place> => {
      const tasks = await everywhere.reach(environment);
      if ('lines' in tasks) return { environment, fleets: [], at: new Date(0), whyNot: tasks };
      const fleets = await lookAtAll(tasks);
      return { environment, fleets, at: tasks[0]?.ports.clock.now() ?? new Date(0) };
    }),
  );
  const all = places.flatMap(({ fleets }) => fleets);
  // What keeps all of them from being seen has one name.
  const errors = new Set(places.map(({ whyNot }) => (Object(whyNot?.facts) as { error?: string }).error));
  const isSeen = all.some(({ now }) => now !== 'unreadable');
  const lines = [
    ...places.flatMap(placeLines).slice(1),
    '',
    ...(all.length === 0 && errors.has('NoCredentials') ? [logIn(), WITHOUT_ACCOUNT] : summary(all)),
  ];
  return (isSeen ? done : failed)(isSeen ? 'overview' : 'nothing-in-reach', lines, {
    environments: places.map(({ environment: { name, account, region }, whyNot, fleets }) => ({
      environment: name,
      account,
      region,
      fleets: whyNot ? undefined : fleets.map(({ words: _, ...fleet }) => fleet),
      notInReach: whyNot?.lines.join(' '),
    })),
    error: !isSeen && errors.size === 1 ? [...errors][0] : undefined,
  });
}

function placeLines({ environment, fleets, at, whyNot }: Place): string[] {
  const { name, account, region } = environment;
  if (whyNot) return ['', `${name} is not in reach: ${whyNot.lines[0] ?? ''}`];
  const rows = fleets.map((fleet) => [
    fleet.fleet,
    fleet.words,
    fleet.runs ? ago(fleet.runs.since, at) : '-',
    fleet.unknown?.join(' ') ?? fleet.runs?.version ?? '-',
  ]);
  return ['', `${name} (${account}, ${region})`, ...table(rows, ['fleet', 'now', 'deployed', 'version'])];
}

const PLURALS: Readonly<Record<FleetNow['now'], string>> = {
  unreadable: 'cannot be read',
  'needs-human': 'need a human',
  ended: 'ended and not cleaned up',
  deploying: 'deploying',
  waiting: 'about to start',
  'on-hold': 'on hold',
  'never-deployed': 'never deployed',
  idle: 'idle',
};

/** The worst first. */
function summary(fleets: readonly FleetNow[]): string[] {
  if (fleets.length === 0) return [`Nothing was read or changed. ${chooseCredentials()}`];
  // Of the worst there is more to see.
  const [first] = GOES_ON.flatMap((now) => fleets.filter((fleet) => fleet.now === now));
  const told = GOES_ON.flatMap((now) => {
    const some = fleets.filter((fleet) => fleet.now === now).length;
    return some === 0
      ? []
      : [`${some} ${some === 1 ? PLURALS[now].replace(/^need /, 'needs ') : PLURALS[now]}`];
  });
  return [
    `${count(fleets.length, 'fleet')}: ${told.join(', ')}.`,
    ...(first ? [`All of one:  ${COMMAND} status ${first.fleet}`] : []),
  ];
}
