/**
 * The door for people's words: an execution with `go` or `cancel` starts nothing and takes no lock. It tells the deployment
 * that holds it, and ends; or it says why nobody is there to be told.
 */
import type { LedgerRow } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import { executionName } from '../core/aws.ts';
import type { Deployment, Lock } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { type DeploymentInput, startedBy } from '../core/input.ts';
import { TOO_LATE_TO_CANCEL } from '../core/ledger-refusals.ts';
import { COMMAND } from '../core/names.ts';
import { POINT, type Point } from '../core/points.ts';
import { actOf, titleOf } from '../core/steps.ts';
import { deadSince } from './dead-holders.ts';

type Held = NonNullable<LedgerRow['held']>;

/** What somebody tells which deployment. */
export interface Word {
  readonly what: 'go' | 'cancel';
  readonly deployment: string;
}

export function wordOf({ go, cancel }: DeploymentInput): Word | undefined {
  if (go !== undefined) return { what: 'go', deployment: go };
  return cancel === undefined ? undefined : { what: 'cancel', deployment: cancel };
}

export type Hearing =
  | { readonly is: 'heard'; readonly where?: Point }
  /** Somebody has said so before. */
  | { readonly is: 'known'; readonly sentence: string }
  | { readonly is: 'refused'; readonly sentence: string };

/** @param isDead has its execution ended without letting go of the lock? */
export function judgeWord(
  { what, deployment }: Word,
  held: Held | undefined,
  isDead: boolean,
  now: Date,
): Hearing {
  const refused = (sentence: string): Hearing => ({ is: 'refused', sentence });
  if (!held) return refused('no deployment of the fleet runs');
  const holder = executionName(held.holder);
  if (holder !== deployment) return refused(`${holder} holds the fleet’s lock, and not ${deployment}`);
  if (held.needsHuman !== undefined) return refused('it has ended, and left the rest to a human');
  if (isDead) return refused('its execution has ended: the clean-up undoes or finishes what it left');
  if (held.cancel)
    return what === 'cancel'
      ? { is: 'known', sentence: `${held.cancel.by} has cancelled it already: it undoes itself` }
      : refused(`${held.cancel.by} has cancelled it: it undoes itself`);
  return what === 'cancel' ? judgeCancel(held) : judgeGo(held, now);
}

function judgeCancel({ phase }: Held): Hearing {
  if (TOO_LATE_TO_CANCEL.includes(phase))
    return { is: 'refused', sentence: 'it has passed the point of no return and is being finished' };
  return actOf(phase)?.cancel === 'undoes already'
    ? { is: 'known', sentence: 'it is undoing itself already' }
    : { is: 'heard' };
}

function judgeGo({ phase, waits, go }: Held, now: Date): Hearing {
  if (actOf(phase)?.cancel !== 'undoes')
    return { is: 'refused', sentence: `it is past that, in the act “${titleOf(phase)}”` };
  if (!waits || !isPoint(waits.where)) return { is: 'refused', sentence: 'it does not wait for a person' };
  const { words } = POINT[waits.where];
  if (go?.where === waits.where)
    return { is: 'known', sentence: `${go.by} has let it go on ${words} already` };
  if (now > waits.until)
    return {
      is: 'refused',
      sentence: `it does not wait anymore: its time ${words} was over at ${waits.until.toISOString()}`,
    };
  return { is: 'heard', where: waits.where };
}

const isPoint = (where: string): where is Point => Object.hasOwn(POINT, where);

/** It may move on between our look and our word: so often it is looked at again. */
const TRIES = 5;

/** @throws NotTold, ServiceUnavailable */
export async function tellHolder(
  word: Word,
  { fleet, input }: Pick<Deployment, 'fleet' | 'input'>,
  { ledger, executions, clock }: Pick<Ports, 'ledger' | 'executions' | 'clock'>,
): Promise<Pick<Lock, 'verdict' | 'reason'>> {
  const by = `${startedBy(input)}${input.reason === undefined ? '' : ` (${input.reason})`}`;
  const { what, deployment } = word;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const held = (await ledger.read(fleet.name))?.held;
    const now = clock.now();
    const isDead =
      held !== undefined && deadSince(held, await executions.status(held.holder), now) !== undefined;
    const hearing = judgeWord(word, held, isDead, now);
    if (hearing.is === 'refused') throw notTold(fleet.name, word, hearing.sentence);
    if (hearing.is === 'known') return { verdict: 'told', reason: `${deployment}: ${hearing.sentence}` };
    const { where } = hearing;
    const holder = held?.holder ?? '';
    const isHeard =
      where === undefined
        ? await ledger.requestCancel(fleet.name, holder, by)
        : await ledger.letGoOn(fleet.name, holder, where, by);
    if (!isHeard) continue;
    const does = where === undefined ? 'undoes itself' : `goes on from ${POINT[where].words}`;
    return { verdict: 'told', reason: `${deployment} ${does}, at its next look: ${by} said so` };
  }
  throw new DeploymentError(
    'ServiceUnavailable',
    `The deployment of ${fleet.name} moved on ${TRIES} times while it was to be told (${what}).`,
  );
}

const notTold = (fleet: string, { what, deployment }: Word, why: string): DeploymentError =>
  new DeploymentError(
    'NotTold',
    `${deployment} of ${fleet} cannot be told to ${what === 'go' ? 'go on' : 'undo itself'}: ${why}. ` +
      `See what runs: ${COMMAND} status ${fleet}`,
  );
