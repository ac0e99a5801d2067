/** The news that a deployment waits for a person: for people and for machines, as the news of its end. Never fails. */
import type { Message } from '../../ports/announcer.ts';
import type { Ports } from '../../ports/ports.ts';
import { executionPage, machineIn, placeOf } from '../core/aws.ts';
import { type Deployment, deploymentId } from '../core/document.ts';
import { startedBy } from '../core/input.ts';
import { commandAt } from '../core/names.ts';
import { type Pause, POINT, type Point, type Then } from '../core/points.ts';
import { plain, utcMinute } from '../core/words.ts';
import { doubledSentence } from '../hosts/meanwhile.ts';
import { chatMessage } from './chat-message.ts';
import { asciiLine, SUBJECT_LIMIT } from './news-message.ts';
import { trying } from './telling.ts';

export const WAITING_EVENT_TYPE = 'Deployment waits';

export async function tellWaiting(
  deployment: Deployment,
  pause: Pause,
  until: Date,
  { announcer, log, clock }: Pick<Ports, 'announcer' | 'log' | 'clock'>,
): Promise<void> {
  const news = waitingNewsOf(deployment, pause, until);
  await Promise.all([
    trying('tell people that it waits', log, () => announcer.tellPeople(waitingMessageOf(news, clock.now()))),
    trying('tell machines that it waits', log, () =>
      announcer.tellMachines({
        detailType: WAITING_EVENT_TYPE,
        detail: news,
        resources: [news.execution],
        at: clock.now(),
      }),
    ),
  ]);
}

/** What whoever is to decide has to know. Fields may be added; nothing is taken away or gets another meaning. */
export interface DeploymentWaits {
  readonly version: '1';
  readonly deployment: string;
  readonly fleet: string;
  readonly environment: string;
  /** At which of the fleet's points. */
  readonly at: Point;
  /** ISO 8601. */
  readonly until: string;
  /** What happens then, when nobody has said anything. */
  readonly then: Then;
  readonly headline: string;
  /** What waiting costs, in a sentence. */
  readonly costs: string;
  readonly newHosts: number;
  readonly oldHosts: number;
  readonly startedBy: string;
  readonly execution: string;
  readonly console: string;
}

export function waitingNewsOf(deployment: Deployment, { at, then }: Pause, until: Date): DeploymentWaits {
  const { fleet, execution, input, launch, oldHosts } = deployment;
  return {
    version: '1',
    deployment: deploymentId(deployment),
    fleet: fleet.name,
    environment: fleet.environment,
    at,
    until: until.toISOString(),
    then,
    headline: `Waits for a person: ${fleet.name}, ${POINT[at].words}, until ${utcMinute(until)} UTC`,
    costs: doubledSentence(deployment),
    newHosts: launch?.instances.length ?? 0,
    oldHosts: oldHosts?.hosts.length ?? 0,
    startedBy: plain(startedBy(input)),
    execution: execution.id,
    console: executionPage(execution.id),
  };
}

function waitingMessageOf(news: DeploymentWaits, now: Date): Message {
  const { fleet, environment, deployment, execution, headline, then } = news;
  const { region, account } = placeOf(execution);
  const what = [
    `The deployment of ${fleet} waits for a person ${POINT[news.at].words}.`,
    `Until: ${utcMinute(news.until)} UTC; then it ${then === 'undo' ? 'is undone' : 'goes on by itself'}.`,
    `Meanwhile: ${news.costs}.`,
  ];
  const toDo = [
    `To let it go on: ${commandAt('go', fleet, "--reason '…'")}`,
    `To have it undone: ${commandAt('cancel', fleet, "--reason '…'")}`,
    `Or start ${machineIn(execution)} with {"go": "${deployment}"} or {"cancel": "${deployment}"}, and why as "reason".`,
  ];
  const where = [
    `Where: ${environment}, account ${account}, ${region}`,
    `Who, as the start says: ${news.startedBy}`,
    `Execution: ${news.console}`,
    `Deployment: ${deployment}`,
  ];
  return {
    subject: asciiLine(headline, SUBJECT_LIMIT),
    body: [...what, '', ...toDo, '', ...where, ''].join('\n'),
    chat: chatMessage(
      { ...news, result: 'waits', needsHuman: true, at: now.toISOString(), eventType: WAITING_EVENT_TYPE },
      [...what, '', ...where],
      toDo,
    ),
    attributes: { fleet, environment, result: 'waits', needsHuman: 'true' },
  };
}
