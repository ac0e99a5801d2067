/**
 * What may go wrong at a moment of a deployment. A moment is a call that a step makes, or a state that is entered or
 * left; each has its own catalogue, because a lock cannot answer with a stale list, and a terminated instance cannot be
 * listed twice.
 */
import { OUTAGES } from '../world/mackerel-outage.ts';
import { TELLER_NAMES, TELLER_OUTAGES, type Teller, tellerOf } from '../world/outages.ts';

/** What Step Functions is told of a sandbox that died in the middle of a run: each once, in the runs that follow. */
export const DEAD_SANDBOX = [
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Runtime.NodeJsExit',
  'Runtime.Unknown',
  'Sandbox.Failure',
] as const;

/** What it is told where no run was begun: each once. */
export const NOT_INVOKED = [
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
] as const;

/** What a fault does, in a clause, for the report. */
export const FAULTS = {
  unreachable: 'error before effect: the call never arrives',
  unanswered: 'error after effect: the answer is lost',
  throttled: 'this service throttles every call for 20 s',
  refused: 'denied for lack of permission, once',
  garbled: 'the answer makes the step crash',
  slow: 'effect after 10 s, answer after 20 s',
  'times-out': 'the function reaches its time limit before the call is sent',
  'times-out-after': 'the function reaches its time limit after the call took effect',
  crashes: 'the function dies after the call took effect, and so do the next runs, each in another way',
  late: 'the function is lost; the call takes effect 10 s later, during the retry',
  'lost-lingering': 'the function is lost; the call takes effect when its time limit is almost reached',
  empty: 'wrong answer: nothing is there',
  stale: 'wrong answer: what was true up to a minute ago',
  missing: 'wrong answer: the last entry is missing',
  duplicate: 'wrong answer: the first entry is listed twice',
  withdrawn: 'what is found is deprecated, or archived',
  'no-capacity': 'EC2 has no capacity for this type now',
  'turned-down': 'the call is refused for each id, and does nothing',
  stopped: 'the execution is stopped; a running function continues',
  'stopped-unheard': 'the same, and the status event is lost',
  'stopped-lingering': 'the same, and the call takes effect when the function’s time limit is almost reached',
  'not-invoked': 'Lambda does not run the function now: it is being updated, or throttled',
  'not-invoked-long': 'Lambda does not run the function for ten minutes',
  redriven: 'the execution is stopped before the step, and the step runs during the clean-up',
  twice: 'the step runs twice, one after the other',
  'twice-at-once': 'the step runs twice at the same time',
} as const;

export type FaultName = keyof typeof FAULTS | OutageFault;
export const FAULT_NAMES = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

/** From a call on, whatever only tells is away, in this way, for so many minutes: `mackerel:hangs:60`. */
export type OutageFault = `${'mackerel' | Teller}:${string}:${number}`;
const MINUTES = [1, 20, 60, 360] as const;

const SORTS = (teller: string): readonly string[] => {
  if (teller === 'mackerel') return OUTAGES;
  return TELLER_OUTAGES.filter((sort) => sort !== 'read-only' || teller === 'records');
};

/** Every outage that can begin with this call. */
export function outagesAt(what: string): readonly OutageFault[] {
  const [service = '', action = ''] = what.split('.');
  const teller = service === 'mackerel' ? service : tellerOf(service, action);
  if (!teller) return [];
  return SORTS(teller).flatMap((sort) => MINUTES.map((minutes) => `${teller}:${sort}:${minutes}` as const));
}

export const isOutage = (fault: string): fault is OutageFault => {
  const [teller = '', sort = '', minutes = ''] = fault.split(':');
  const isTeller = teller === 'mackerel' || (TELLER_NAMES as readonly string[]).includes(teller);
  return isTeller && SORTS(teller).includes(sort) && MINUTES.some((each) => `${each}` === minutes);
};

const LASTING: readonly FaultName[] = ['refused', 'garbled', 'turned-down'];

/**
 * Does it say "no" instead of "not now"? Nothing retries after a "no": after the point of no return, or within an undo,
 * it is right to stop, to keep the lock and to call a human. (SSM does not lose a parameter for a moment.)
 */
export const isLasting = (fault: FaultName, what: string): boolean =>
  (LASTING.includes(fault) && !TELLING.test(what)) || (fault === 'empty' && what === 'parameters.read');

/** What only tells decides nothing: if it is refused, a human has nothing to do. */
const TELLING = /^(announcer|mackerel|records)\./;

const ANY_CALL: readonly FaultName[] = [
  'unreachable',
  'unanswered',
  'throttled',
  'refused',
  'garbled',
  'slow',
  'times-out',
  'times-out-after',
  'crashes',
  'late',
  'stopped',
  'stopped-lingering',
];

const LIST: readonly FaultName[] = ['empty', 'stale', 'missing', 'duplicate'];

/** Wrong but plausible answers. The ledger has none: its reads are consistent, its writes conditional. */
const WRONG_ANSWERS: Readonly<Record<string, readonly FaultName[]>> = {
  'ec2.describe': LIST,
  'ec2.listByTag': LIST,
  'ec2.listByToken': LIST,
  'ec2.subnets': ['empty', 'missing', 'duplicate'],
  'ec2.launch': ['empty', 'no-capacity'],
  'ec2.terminate': ['turned-down'],
  'ec2.findImage': ['empty'],
  'ec2.matchingImages': ['empty', 'withdrawn'],
  'ec2.templateVersion': ['empty'],
  'loadBalancers.members': LIST,
  'mackerel.hosts': LIST,
  'mackerel.roles': ['empty', 'missing'],
  'mackerel.openAlerts': ['stale'],
  'mackerel.latestMetric': ['empty'],
  'mackerel.metrics': LIST,
  'mackerel.retire': ['turned-down'],
  'mackerel.setMetadata': ['turned-down'],
  'artifacts.find': ['empty', 'withdrawn'],
  'artifacts.versions': ['empty', 'stale'],
  'records.readRecord': ['empty'],
  'parameters.read': ['empty'],
  'executions.status': ['empty', 'stale'],
  'executions.events': LIST,
};

/** What somebody changes back later: a run that was given up for lost may still do it. */
const CHANGED_BACK =
  /^(ec2\.(launch|terminate)|loadBalancers\.(register|deregister)|mackerel\.(setStatus|retire))$/;

const ENTERING_TASK: readonly FaultName[] = [
  'stopped',
  'stopped-unheard',
  'not-invoked',
  'not-invoked-long',
  'redriven',
  'twice',
  'twice-at-once',
];
const ENTERING: readonly FaultName[] = ['stopped', 'stopped-unheard'];

/** @param what `entering`, `leaving`, `waking`, or a call: `ec2.describe` */
export function catalogueOf(what: string, isTask: boolean): readonly FaultName[] {
  if (what === 'entering') return isTask ? ENTERING_TASK : ENTERING;
  if (what === 'waking') return ['unreachable', 'unanswered', 'refused'];
  if (what === 'leaving') return ['stopped', 'stopped-unheard'];
  const lingering = CHANGED_BACK.test(what) ? (['lost-lingering'] as const) : [];
  return [...ANY_CALL, ...lingering, ...(WRONG_ANSWERS[what] ?? [])];
}

/** Faults that lose an event, rather than changing what the world does. */
export const losesEvents = (fault: FaultName): boolean => fault === 'stopped-unheard';
