/**
 * May the permissions of an environment change now? Roles have no versions: what a deployment needs until its end must
 * not be taken from it, nor from the clean-up after it. A fleet from which something is taken is closed, by its lock, from
 * before the first role changes until its own stack has its new definition; if the lock is not free, nothing changes.
 */

import type { Ledger, LedgerRow } from '../../ports/ledger.ts';
import type { Stacks } from '../../ports/stacks.ts';
import { executionArn, machineAndName, placeOf } from '../core/aws.ts';
import { changeName, commandAt, fleetStackName, machineName } from '../core/names.ts';
import { list } from '../core/words.ts';

/** Fleet → what it needs, each permission as a word of four characters: all that is asked of two of them is whether they are the same. */
export type Needs = Readonly<Record<string, string>>;

export interface Change {
  /** ARN of the environment's stack, or of one beside it. */
  readonly stack: string;
  readonly environment: string;
  readonly before: Needs;
  readonly after: Needs;
}

const wordsOf = (needs = ''): readonly string[] => needs.match(/.{4}/g) ?? [];

/** The fleets that lose something. What another fleet still needs stays, as the roles are those of all fleets. */
export function losersOf({ before, after }: Pick<Change, 'before' | 'after'>): string[] {
  const granted = new Set(Object.values(after).flatMap(wordsOf));
  return Object.keys(before).filter((fleet) => wordsOf(before[fleet]).some((word) => !granted.has(word)));
}

export interface ChangePorts {
  readonly ledger: Pick<Ledger, 'take' | 'read' | 'release'>;
  readonly stacks: Stacks;
}

/** In CloudFormation's words. */
export interface Verdict {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason: string;
}
const go = (reason: string): Verdict => ({ Status: 'SUCCESS', Reason: reason });
const refuse = (reason: string): Verdict => ({ Status: 'FAILED', Reason: reason });

/** Before the first role changes: whoever loses something is closed, or nothing may change. */
export async function beginChange(change: Change, { ledger, stacks }: ChangePorts): Promise<Verdict> {
  const { environment, before, after } = change;
  // Back to what was before: it has to come through, and nothing has begun yet with what is taken back. Whom an earlier
  // change has closed waits for its own stack still.
  if (isRollback(await stacks.status(stackIn(change.stack)))) {
    const mayBeClosed = [...losersOf({ before, after }), ...losersOf({ before: after, after: before })];
    for (const fleet of mayBeClosed) await endChange(fleet, change, { ledger });
    return go('the change is rolled back');
  }
  const losers = losersOf(change);
  const gone = losers.filter((fleet) => !(fleet in after));
  const statuses = await Promise.all(gone.map((fleet) => stacks.status(fleetStackName(environment, fleet))));
  const left = gone.filter((_, index) => statuses[index] !== undefined);
  if (left.length > 0) return refuse(stillThere(left));
  const closing = losers.filter((fleet) => fleet in after);
  const busy: string[] = [];
  for (const fleet of closing) {
    const claim = { holder: holderOf(fleet, change), startedBy: 'cdk deploy', why: 'its permissions change' };
    if (!(await ledger.take(fleet, claim))) busy.push(told(fleet, (await ledger.read(fleet))?.held));
  }
  if (busy.length === 0) return go(closing.length === 0 ? 'no fleet loses anything' : closed(closing));
  for (const fleet of closing) await open(fleet, change, ledger);
  return refuse(stillBusy(busy));
}

/** The stack of this fleet has its new definition: whatever waits may start. A lock that stays is let go of by a clean-up. */
export async function endChange(
  fleet: string,
  change: Where,
  { ledger }: Pick<ChangePorts, 'ledger'>,
): Promise<Verdict> {
  try {
    await open(fleet, change, ledger);
    return go(`${fleet} is open`);
  } catch (error) {
    return go(`${fleet} opens by itself, within minutes: ${error instanceof Error ? error.message : error}`);
  }
}

async function open(fleet: string, change: Where, ledger: ChangePorts['ledger']): Promise<void> {
  const held = (await ledger.read(fleet))?.held;
  if (held?.holder === holderOf(fleet, change)) await ledger.release(fleet, held);
}

type Where = Pick<Change, 'stack' | 'environment'>;

/** The same for each try, and for the end of the change in the fleet's own stack. */
const holderOf = (fleet: string, { stack, environment }: Where): string =>
  executionArn(placeOf(stack), machineName(fleet, 'deploy'), changeName(environment));

/** `arn:…:stack/NAME/ID` */
const stackIn = (arn: string): string => arn.split('/')[1] ?? '';

const isRollback = (status: string | undefined): boolean => status?.includes('ROLLBACK') ?? false;

const told = (fleet: string, held: LedgerRow['held']): string =>
  held === undefined
    ? `a deployment of ${fleet} has just ended`
    : `${machineAndName(held.holder)} holds the lock of ${fleet} since ${held.since.toISOString()}, in the phase ${held.phase}`;

const stillBusy = (busy: readonly string[]): string =>
  `The change takes permissions that a running deployment needs until its end: ${list(busy, 3)}. Nothing was changed: ` +
  `deploy again when it has ended (${commandAt('status', 'FLEET')}).`;

const stillThere = (fleets: readonly string[]): string =>
  `The stack of ${list(fleets, 3)} is still there, and would be left without permissions. Nothing was changed: put it ` +
  `into the file again, and remove it first (${commandAt('remove', 'FLEET')}).`;

const closed = (fleets: readonly string[]): string =>
  `no deployment of ${list(fleets, 3)} starts until its stack is deployed, too`;
