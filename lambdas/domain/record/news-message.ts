/**
 * The news for people: a mail that somebody reads on a phone. First what happened and whether anything is to be done,
 * then what, where and who, then where to look. Every text that others chose stands on one line of its own, so that
 * nobody can write a line of ours.
 */

import type { Message } from '../../ports/announcer.ts';
import { placeOf } from '../core/aws.ts';
import { FAILURES } from '../core/failures.ts';
import { commandAt } from '../core/names.ts';
import { count, plain, span, utcMinute } from '../core/words.ts';
import { sideWords } from '../hosts/compare.ts';
import { chatMessage } from './chat-message.ts';
import { type DeploymentEnded, EVENT_TYPE, type Result } from './news.ts';

/** SNS takes fewer than 100. */
export const SUBJECT_LIMIT = 99;
/** A chat shows less of a text, and where to look stands at its end. */
const CHAT_REASON_LIMIT = 1_000;

export function messageOf(news: DeploymentEnded): Message {
  const [what, more, where] = [happened(news), facts(news), whereToLook(news)];
  const next = toDo(news);
  return {
    subject: asciiLine(news.headline, SUBJECT_LIMIT),
    body: [...what, `To do: ${next}`, '', ...more, '', ...where, ''].join('\n'),
    chat: chatMessage(
      { ...news, at: news.endedAt, eventType: EVENT_TYPE },
      [...happened({ ...news, reason: plain(news.reason, CHAT_REASON_LIMIT) }), '', ...more, '', ...where],
      next === NOTHING ? [] : [next],
    ),
    attributes: {
      fleet: news.fleet,
      environment: news.environment,
      result: news.result,
      needsHuman: String(news.needsHuman),
    },
  };
}

const TOLD: Readonly<Record<Result, string>> = {
  deployed: 'was deployed.',
  'rolled-back': 'was not deployed: it failed and was undone. The old hosts serve.',
  cancelled: 'was not deployed: somebody cancelled it, and it was undone. The old hosts serve.',
  refused: 'was not deployed. Nothing was changed.',
  'stopped-halfway': 'is deployed halfway: the new hosts serve, but something of the old ones is left.',
  'rollback-failed': 'is in an unknown state: the deployment failed, and undoing it failed too.',
};

function happened(news: DeploymentEnded): string[] {
  const cleanedUp = news.cleanedUpBy
    ? [`Its execution was stopped or ran out of time; the clean-up ${cleanUpDid(news.result)}.`]
    : [];
  return [
    `${news.fleet} ${TOLD[news.result]}`,
    ...cleanedUp,
    ...(news.result === 'deployed' && !news.toDo ? [] : [`Why: ${news.reason}`]),
  ];
}

function cleanUpDid(result: Result): string {
  if (result === 'deployed') return 'finished it';
  return result === 'rolled-back' || result === 'cancelled' ? 'undid it' : 'could not put it right';
}

const NOTHING = 'nothing.';

function toDo({ result, outcome, failure, fleet, toDo: left }: DeploymentEnded): string {
  const name = failure?.name ?? outcome;
  const entry = name in FAILURES ? `see ${name} in docs/runbook.md` : 'see docs/runbook.md';
  const toDos: Readonly<Record<Result, string>> = {
    deployed: left === undefined ? NOTHING : `${left}.`,
    'rolled-back': `nothing now. Mend the cause (${entry}), then deploy again.`,
    cancelled: 'nothing. Deploy again when you want to.',
    refused: `nothing now. Mend the cause (${entry}), then deploy again.`,
    'stopped-halfway': `finish by hand (${entry}, and StoppedHalfway), then free the lock: ${commandAt('unlock', fleet)}`,
    'rollback-failed': `look now who serves (RollbackFailed in docs/runbook.md), then free the lock: ${commandAt('unlock', fleet)}`,
  };
  return toDos[result];
}

function facts(news: DeploymentEnded): string[] {
  const { artifact } = news;
  const { region, account } = placeOf(news.execution);
  return [
    ...(artifact
      ? [
          `What: ${plain(artifact.key, 300)}, version ${artifact.versionId}, SHA-256 ${artifact.sha256.slice(0, 12)}…`,
        ]
      : []),
    ...(news.imageId ? [`Image: ${news.imageId}`] : []),
    `Where: ${news.environment}, account ${account}, ${region}`,
    ...(news.newHosts + news.oldHosts > 0 ? [`Hosts: ${hosts(news)}`] : []),
    `Who, as the start says: ${news.startedBy}${news.why ? `: ${news.why}` : ''}`,
    `When: ${utcMinute(news.startedAt)} to ${utcMinute(news.endedAt)} UTC, ${span(news.seconds)}`,
    ...(news.newHosts > 0 ? [`Phases: ${phases(news)}`] : []),
    ...(news.compared ? [`Old → new, per host: ${news.compared.map(sideWords).join(', ')}`] : []),
  ];
}

function hosts({ result, newHosts, oldHosts }: DeploymentEnded): string {
  const [launched, old] = [count(newHosts, 'new host'), count(oldHosts, 'old host')];
  if (result === 'deployed') return `${launched} in, ${old} out`;
  return newHosts > 0 ? `${launched} launched, to replace ${old}` : `${old}, nothing launched`;
}

const phases = (news: DeploymentEnded) =>
  Object.entries(news.phases)
    .map(([phase, seconds]) => `${phase} ${span(seconds)}`)
    .join(', ');

function whereToLook(news: DeploymentEnded): string[] {
  return [
    `Execution: ${news.console}`,
    `Record: ${news.record}`,
    ...(news.timeline ? [`Page: ${news.timeline}`] : []),
    `Deployment: ${news.deployment}`,
  ];
}

/** What SNS takes as a subject: anything else is shown as a question mark. */
export function asciiLine(text: string, most: number): string {
  const line = text.replace(/[^\x20-\x7e]/gu, '?');
  return line.length <= most ? line : `${line.slice(0, most - 3)}...`;
}
