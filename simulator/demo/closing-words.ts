/** A summary in lines: how it ended, where the time went, and whether the rules held. */

import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { count, list, span } from '../../lambdas/domain/core/words.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { alignRight, padTo } from '../../lib/terminal/width.ts';
import type { Part, Summary } from './summary.ts';

/** The last line says how it ended. */
export function closingWords(summary: Summary): string[] {
  const { transitions, cents } = summary;
  return [
    ...table(summary),
    ...boundSentences(summary),
    ...hostSentences(summary),
    servingSentence(summary),
    requestSentence(summary),
    `${count(transitions, 'state transition')} for ${cents.toFixed(1)} cents.`,
    ruleSentence(summary),
    ...planSentences(summary),
    ending(summary),
  ];
}

function table({ parts, seconds, lowerBoundSeconds: atBest }: Summary): string[] {
  if (parts.length === 0) return [];
  const head = columns('', 'took', atBest === undefined ? '' : 'at best', '');
  const total: Part = { part: 'in all', seconds, ...(atBest !== undefined && { atBest }) };
  const rows = [...parts, total].map(({ part, seconds: took, atBest: best, because = '' }) =>
    columns(part, span(took), best === undefined ? '' : span(best), because),
  );
  return [head, ...rows];
}

function columns(part: string, took: string, best: string, because: string): string {
  return `${padTo(part, 20)}${alignRight(took, 12)}${alignRight(best, 12)}   ${because}`.trimEnd();
}

function boundSentences({ lowerBoundSeconds, seconds, slowest }: Summary): string[] {
  if (lowerBoundSeconds === undefined || slowest === undefined) return [];
  const { instanceId, toRun, toBoot, toJoin } = slowest;
  return [
    `${span(seconds)}: no deployment of these hosts could be faster than ${span(lowerBoundSeconds)}.`,
    `Slowest ${instanceId}: ${span(toRun)} until it ran, ${span(toBoot)} to boot, ${span(toJoin)} to join.`,
  ];
}

function hostSentences({ come, gone }: Summary): string[] {
  if (come.length + gone.length === 0) return ['The hosts are the same as before.'];
  return [`new:  ${list(come, 10)}`, `gone: ${list(gone, 10)}`];
}

function servingSentence({ endedIn, serving: { before, fewest, fewestOld } }: Summary): string {
  const since = fewest < before ? `${fewest} at the worst moment` : 'never fewer since';
  if (endedIn === 'RolledBack' && fewestOld >= before)
    return `The old hosts stayed in service: ${before} in service before, ${since}.`;
  return `${count(before, 'host')} in service before, ${since}.`;
}

function requestSentence({ looks, requests: { ec2, loadBalancers, mackerel, s3, ssm } }: Summary): string {
  const requests = `${ec2} EC2, ${loadBalancers} ELB, ${mackerel} Mackerel, ${s3} S3, ${ssm} SSM`;
  return `${count(looks, 'look')}; requests: ${requests}.`;
}

function ruleSentence({ changes, violations }: Summary): string {
  const checked = `${count(changes, 'change')} checked against the rules`;
  if (violations.length === 0) return `${checked}: none was broken.`;
  const bent = violations.map(({ rule, what }) => `rule ${rule} was broken: ${what}`);
  return `${checked}: ${list(bent, 10)}.`;
}

/** A dry run's answer. */
function planSentences({ endedIn, output }: Summary): string[] {
  if (endedIn !== 'Planned') return [];
  const { earliestFinish, refusals, advice } = output as Plan;
  return [
    ...refusals.map((each) => `it would be refused: ${each}`),
    `the plan: at least ${span(earliestFinish.seconds)} (${earliestFinish.parts.join('; ')})`,
    ...advice.map((each) => `advice: ${each}`),
  ];
}

function ending({ endedIn, cause, come, gone, asItMust }: Summary): string {
  const swapped = `${count(come.length, 'new host')} in, ${count(gone.length, 'old host')} out`;
  const meaning = endedIn in FAILURES ? FAILURES[endedIn as FailureName] : undefined;
  const text = cause ?? (endedIn === 'Deployed' ? swapped : (meaning ?? 'nothing was changed'));
  return `${endedIn}: ${text}${asItMust ? '' : ' (this is not how it should end)'}`;
}
