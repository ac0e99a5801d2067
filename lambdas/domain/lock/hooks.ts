/**
 * Hooks: functions of the fleet's own team, asked at a point of the deployment with the protocol of ECS's Lambda hooks, so
 * that one function can serve both. Nothing that they answer is trusted to have a shape: what is not an answer is FAILED.
 */
import * as v from 'valibot';
import { type Deployment, deploymentId, launchedIds, oldInstanceIds } from '../core/document.ts';
import { DeploymentError, messageIn } from '../core/errors.ts';
import { type Hook, hookName, POINT } from '../core/points.ts';
import { count, plain, span, utcMoment } from '../core/words.ts';

/** ECS's own. */
const CALL_BACK_SECONDS = 30;
/** It travels in the document, which has room for 256 KiB in all. */
const MOST_ANSWER_BYTES = 32_768;
/** What a hook says of itself, in a sentence. */
const LONGEST_WORDS = 300;

/** Step Functions' name for it; no wildcard matches it. */
export const TOO_LARGE = 'States.DataLimitExceeded';

// ── What a hook answers ────────────────────────────────────────────────────────────────────────────────────────────

const Answer = v.object({
  hookStatus: v.picklist(['SUCCEEDED', 'FAILED', 'IN_PROGRESS']),
  callBackDelay: v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(86_400))),
  hookDetails: v.nullish(v.record(v.string(), v.unknown())),
});

/** What a Catch writes. */
const Caught = v.strictObject({ Error: v.string(), Cause: v.optional(v.string()) });

export type Reading =
  | { readonly is: 'succeeded' }
  | { readonly is: 'in-progress'; readonly delaySeconds: number; readonly details: Details }
  /** Completes "The hook migrate …". */
  | { readonly is: 'failed'; readonly why: string; readonly isCutOff?: true };

/**
 * What the call before this look came to. None was called: an earlier answer is still there, unless this look itself came
 * to nothing for want of room.
 */
export function readingOf(call: number | undefined, answer: unknown): Reading | undefined {
  const isFull = v.is(Caught, answer) && answer.Error === TOO_LARGE;
  return call === undefined && !isFull ? undefined : readAnswer(answer);
}

export type Details = Readonly<Record<string, unknown>> | undefined;

export function readAnswer(answer: unknown): Reading {
  if (v.is(Caught, answer)) return readCaught(answer);
  const bytes = Buffer.byteLength(JSON.stringify(answer) ?? '');
  if (bytes > MOST_ANSWER_BYTES)
    return { is: 'failed', why: `answered ${bytes} bytes, and at most ${MOST_ANSWER_BYTES} are taken` };
  const parsed = v.safeParse(Answer, Array.isArray(answer) ? undefined : answer);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]);
    const said = plain(JSON.stringify(answer) ?? 'nothing', LONGEST_WORDS);
    return {
      is: 'failed',
      why: `answered ${said}, which is no answer of a hook${where ? ` (${plain(where, 80)})` : ''}: {"hookStatus": "SUCCEEDED"}, "FAILED" or "IN_PROGRESS" is one`,
    };
  }
  const { hookStatus, callBackDelay, hookDetails } = parsed.output;
  if (hookStatus === 'SUCCEEDED') return { is: 'succeeded' };
  const details = hookDetails ?? undefined;
  if (hookStatus === 'IN_PROGRESS')
    return { is: 'in-progress', delaySeconds: callBackDelay ?? CALL_BACK_SECONDS, details };
  const said = details ? `, with ${plain(JSON.stringify(details), LONGEST_WORDS)}` : '';
  return { is: 'failed', why: `answered FAILED${said}` };
}

/** Lambda has cut the function off, by its own time limit: that may be the same 15 minutes as the hook's. */
const isTimedOut = (name: string, cause: string): boolean =>
  name === 'Sandbox.Timedout' || (name === 'Lambda.Unknown' && cause.includes('Task timed out after'));

/** Of what ended without an answer; Lambda's cause is JSON. */
function readCaught({ Error: name, Cause: cause = '' }: v.InferOutput<typeof Caught>): Reading {
  if (name === 'States.Timeout') return { is: 'failed', why: 'did not answer in time', isCutOff: true };
  const isCutOff = isTimedOut(name, cause);
  if (name === TOO_LARGE) return { is: 'failed', why: 'answered more than Step Functions takes' };
  const message = plain(messageIn(cause), LONGEST_WORDS);
  return {
    is: 'failed',
    why: `ended with ${plain(name, 80)}${message && `: ${message}`}`,
    ...(isCutOff && { isCutOff }),
  };
}

// ── What is done about it ──────────────────────────────────────────────────────────────────────────────────────────

/** Where the hooks of one point are; moments are epoch milliseconds. */
export interface Standing {
  /** The hook that is asked, of those at this point. */
  readonly index: number;
  readonly begunAt: number;
  readonly calls: number;
  /** When it is called next. */
  readonly dueAt: number;
  /** What it wants back. */
  readonly details: Details;
  /** Those that are done: each in a few words. */
  readonly ran: readonly string[];
}

export const beginWith = (now: Date, index = 0, ran: readonly string[] = []): Standing => ({
  index,
  begunAt: now.getTime(),
  calls: 0,
  dueAt: now.getTime(),
  details: undefined,
  ran,
});

/** What the wait remembers of it, by name; the rest it keeps beside its look. */
export type HookMemory = 'index' | 'begunAt' | 'calls' | 'dueAt' | 'badLooks';

export const memoryOf = ({ index, begunAt, calls, dueAt }: Standing, badLooks = 0) => ({
  ...{ index, begunAt, calls, dueAt, badLooks },
  hosts: {},
});

export function standingIn(
  previous: { readonly details?: Details; readonly ran?: readonly string[] | undefined } | undefined,
  { index, begunAt, calls = 0, dueAt }: Partial<Readonly<Record<HookMemory, number | undefined>>>,
  now: Date,
): Standing {
  if (index === undefined || begunAt === undefined || dueAt === undefined) return beginWith(now);
  return { index, begunAt, calls, dueAt, details: previous?.details, ran: previous?.ran ?? [] };
}

export type HookVerdict = { readonly standing: Standing; readonly reason: string } & (
  | { readonly do: 'call' }
  | { readonly do: 'wait'; readonly until: Date }
  | { readonly do: 'done' }
);

export interface HookFacts {
  readonly hooks: readonly Hook[];
  readonly standing: Standing;
  /** What the call before this look came to; absent: there was none. */
  readonly reading?: Reading | undefined;
  readonly now: Date;
}

/**
 * An answer counts also when it comes late; who has none in time is done with, as the fleet says.
 * @throws HookFailed
 */
export function decideHooks({ hooks, standing, reading, now }: HookFacts): HookVerdict {
  const hook = hooks[standing.index];
  if (!hook) return { do: 'done', standing, reason: standing.ran.join('; ') };
  const on = (how: string) =>
    decideHooks({
      hooks,
      now,
      standing: beginWith(now, standing.index + 1, [...standing.ran, `${hookName(hook)} ${how}`]),
    });
  const isLate = now.getTime() >= standing.begunAt + hook.timeoutMinutes * 60_000;
  if (reading?.is === 'succeeded') return on(`succeeded (${count(standing.calls, 'call')})`);
  if (reading?.is === 'failed' && !(reading.isCutOff && isLate)) throw hookFailed(hook, reading.why);
  if (isLate) {
    const late = `did not succeed in ${span(hook.timeoutMinutes * 60)} (${count(standing.calls, 'call')})`;
    if (hook.onTimeout === 'undo') throw hookFailed(hook, late);
    return on(`${late}: going on without it, as the fleets file says`);
  }
  const next =
    reading?.is === 'in-progress'
      ? {
          ...standing,
          dueAt: now.getTime() + reading.delaySeconds * 1_000,
          details: reading.details ?? standing.details,
        }
      : standing;
  const [name, words] = [hookName(hook), POINT[hook.at].words];
  // Not in the look that hears of it, whatever delay it asks for: without a pause the calls would fill the history.
  if (reading?.is !== 'in-progress' && now.getTime() >= next.dueAt)
    return {
      do: 'call',
      standing: next,
      reason: `calls the hook ${name} ${words}${next.calls > 0 ? `, for the ${ordinal(next.calls + 1)} time` : ''}`,
    };
  const end = new Date(next.begunAt + hook.timeoutMinutes * 60_000);
  const until = new Date(Math.min(next.dueAt, end.getTime()));
  return {
    do: 'wait',
    until,
    standing: next,
    reason: `the hook ${name} ${words} is in progress (${count(next.calls, 'call')}), and is asked again until ${utcMoment(end)}; then the deployment ${hook.onTimeout === 'undo' ? 'is undone' : 'goes on'}`,
  };
}

const ordinal = (n: number): string =>
  `${n}${['th', 'st', 'nd', 'rd'][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? 'th'}`;

const hookFailed = (hook: Hook, why: string): DeploymentError =>
  new DeploymentError(
    'HookFailed',
    `The hook ${hookName(hook)} ${POINT[hook.at].words} ${why}. See what it logged: /aws/lambda/${hookName(hook).split(':')[0]}. ` +
      'The undo does not undo what a hook did.',
  );

// ── What a hook is told ────────────────────────────────────────────────────────────────────────────────────────────

/** The event, in ECS's shape; the same call may come twice with the same id, as there. */
export function hookEvent(deployment: Deployment, hook: Hook, { index, details }: Standing): object {
  const { fleet, execution, release, image } = deployment;
  const id = deploymentId(deployment);
  return {
    executionId: `${id}-${hook.at}-${index + 1}`,
    lifecycleStage: POINT[hook.at].stage,
    resourceArn: execution.id,
    executionDetails: {
      fleet: fleet.name,
      environment: fleet.environment,
      deployment: id,
      point: hook.at,
      ...(release && { artifact: release.artifact }),
      ...(image && { imageId: image.imageId }),
      oldInstances: oldInstanceIds(deployment),
      newInstances: launchedIds(deployment),
    },
    hookDetails: { ...hook.details, ...details },
  };
}
