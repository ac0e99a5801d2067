/**
 * `irekae remove`: takes a fleet's stack out of AWS, and nothing that serves with it. While it does, it holds the fleet's
 * lock: what is uploaded meanwhile starts nothing whose state machine would then be deleted under it.
 */

import { TAG } from '../../../lambdas/domain/core/fleet.ts';
import { byHandName, fleetStackName, stackName } from '../../../lambdas/domain/core/names.ts';
import { count, list } from '../../../lambdas/domain/core/words.ts';
import type { Hold, LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { closedLines } from '../changing.ts';
import { type Command, callerName, executionArn, type Task } from '../command.ts';
import { deploymentHeldFor } from '../holder.ts';
import { REASON, YES } from '../options.ts';
import { done, failed, notAgreed, type Outcome } from '../outcome.ts';
import { isBeingChanged } from '../stack-status.ts';
import { aws } from '../typed.ts';
import { details, waiting } from '../wording.ts';

export const remove: Command = {
  name: 'remove',
  summary: 'take the fleet’s stack out of AWS; its hosts go on serving',
  description: [
    'Deletes the stack of the fleet: its state machines, rules, alarms and launch template. Its hosts go on serving,',
    'with their role and instance profile, which stay, as do records and uploads. Refuses while a deployment runs or',
    'waits, while something is owed, and while another fleet is deployed after this one or promoted from it. Shows',
    'first what goes and what stays; deletes only after confirmation. Needs cloudformation:DeleteStack.',
    'Exit codes: 0 removed, or there was no such stack; 1 not possible, or not confirmed; 2 bad usage.',
  ],
  options: [YES, REASON],
  run: removeFleet,
};

/** CloudFormation takes a minute or two. */
const LONGEST_SECONDS = 15 * 60;
const BETWEEN_LOOKS_SECONDS = 5;

async function removeFleet(task: Task): Promise<Outcome> {
  const look = await lookAt(task);
  task.show(situation(task, look));
  const facts = { stack: look.stack, status: look.status, serving: look.hosts };
  if (look.status === undefined) return done('no-stack', whatNow(task), facts);
  const why = await whyNot(task, look);
  if (why.length > 0) return failed('refused', [...why, 'Nothing was changed.'], facts);
  if (!(await task.agrees(`Delete the stack ${look.stack}?`)))
    return notAgreed('remove', task.fleet.name, facts);
  const hold = await task.ports.ledger.take(task.fleet.name, {
    holder: executionArn(task, byHandName('removes', task.ports.clock.now().getTime())),
    startedBy: callerName(task.caller),
    why: task.options.reason ?? 'the fleet is removed',
  });
  if (hold === undefined)
    return failed('refused', ['A deployment has begun meanwhile. Nothing was changed.'], facts);
  return { ...(await deleteStack(task, look, hold)), facts };
}

async function lookAt({ ports, fleet, environment }: Task) {
  const stack = fleetStackName(environment.name, fleet.name);
  const [status, row, tagged] = await Promise.all([
    ports.inspector.stackStatus(stack),
    ports.ledger.read(fleet.name),
    ports.ec2.listByTag(TAG.fleet, fleet.name),
  ]);
  return { stack, status, row, hosts: tagged.map(({ instanceId }) => instanceId) };
}
type Look = Awaited<ReturnType<typeof lookAt>>;

// ── Deciding ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function whyNot(task: Task, { row, stack, status }: Look): Promise<string[]> {
  const held = row?.held;
  const closed = held && closedLines(task, held, await task.ports.executions.status(held.holder));
  return [
    ...(status !== undefined && isBeingChanged(status)
      ? [`The stack ${stack} is being changed right now (${status}).`]
      : []),
    ...whoNeedsIt(task),
    ...(closed ?? whatGoesOn(task.fleet.name, row)),
  ];
}

function whoNeedsIt({ environments, fleet: { name } }: Task): string[] {
  const all = environments.flatMap(({ fleets }) => fleets);
  const after = all.filter((each) => each.after === name).map((each) => each.name);
  const promoted = all.filter(({ promotion }) => promotion?.from === name).map((each) => each.name);
  return [
    ...(after.length > 0
      ? [`${list(after)} would never be deployed again: remove \`after\` there first.`]
      : []),
    ...(promoted.length > 0
      ? [`${list(promoted)} would get no release anymore: change \`promotion\` there first.`]
      : []),
  ];
}

function whatGoesOn(fleet: string, row: LedgerRow | undefined): string[] {
  const owed = row?.owed?.debts.length ?? 0;
  return [
    ...(row?.held
      ? [
          `${deploymentHeldFor(row.held)} holds the lock of ${fleet} (phase ${row.held.phase}): deleting its state machine ` +
            'would end it wherever it is. Wait until it has ended, or have it undone with cancel.',
        ]
      : []),
    ...(row?.pending
      ? [`Something waits for its turn: ${waiting(row.pending)}. It starts within minutes.`]
      : []),
    ...(owed > 0
      ? [
          `${count(owed, 'thing')} could not be told yet: the orphan watch makes up for it within minutes, and goes with the stack.`,
        ]
      : []),
  ];
}

// ── Acting ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function deleteStack(task: Task, look: Look, hold: Hold): Promise<Outcome> {
  const { ports, fleet } = task;
  try {
    await ports.remover.deleteStack(look.stack);
    const status = await untilGone(task, look.stack);
    if (status !== undefined) return notGone(task, look, status);
    // What came meanwhile has no machine to start it anymore. Of a stack that stays, the clean-up starts it.
    const waits = (await ports.ledger.read(fleet.name))?.pending;
    if (waits) await ports.ledger.clearPending(fleet.name, waits.id);
  } finally {
    await ports.ledger.release(fleet.name, hold);
  }
  return done('removed', [`${fleet.name} is removed: ${serving(look)}.`, ...whatNow(task)]);
}

/** @returns the status of a stack that is still there. */
async function untilGone({ ports }: Task, stack: string): Promise<string | undefined> {
  for (let waited = 0; waited < LONGEST_SECONDS; waited += BETWEEN_LOOKS_SECONDS) {
    const status = await ports.inspector.stackStatus(stack);
    if (status === undefined || !isBeingChanged(status)) return status;
    await ports.pause(BETWEEN_LOOKS_SECONDS);
  }
  return 'DELETE_IN_PROGRESS';
}

const notGone = ({ environment }: Task, { stack }: Look, status: string): Outcome =>
  failed('not-removed', [
    `CloudFormation has not deleted ${stack}: it is ${status}. To see why:`,
    `  ${aws(environment.region)`cloudformation describe-stack-events --stack-name ${stack} --query ${FAILED_EVENTS}`}`,
  ]);
const FAILED_EVENTS =
  'StackEvents[?ends_with(ResourceStatus, `FAILED`)].[LogicalResourceId,ResourceStatusReason]';

// ── Saying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const serving = ({ hosts }: Pick<Look, 'hosts'>): string =>
  hosts.length === 0
    ? 'none of its hosts is left'
    : `${count(hosts.length, 'host')} ${hosts.length === 1 ? 'goes' : 'go'} on serving (${list(hosts, 5)})`;

function situation({ fleet }: Task, look: Look): string[] {
  if (look.status === undefined) return [`There is no stack ${look.stack}: nothing is to be removed.`];
  return [
    `${fleet.name}:`,
    ...details([
      ['goes', `the stack ${look.stack} (${look.status}): state machines, rules, alarms, launch template`],
      [
        'stays',
        'the role and the instance profile of its hosts; records and uploads in the bucket; its row in the ledger',
      ],
      ['hosts', serving(look)],
    ]),
  ];
}

const whatNow = ({ fleet, environment }: Task): string[] => [
  `Take ${fleet.name} out of the fleets file; then nothing may touch its hosts anymore:  npx cdk deploy ${stackName(environment.name)}`,
  `To have it back, put it into the file again:  npx cdk deploy ${fleetStackName(environment.name, fleet.name)}`,
];
