/**
 * Tells how a deployment ended: CloudWatch, Mackerel, people, machines. All of it is best effort and at the end, when the
 * record is written: nobody's ear may change how a deployment ends, or keep its step from ending. What could not be told
 * is a line in the step's log, and named at the end of the execution's cause: news come once, or are stale.
 *
 * A step may run twice (rule 5), so everything may be told twice: the event carries the deployment's id to tell by; marks
 * and metadata are the same when they are made again.
 */

import type { Log } from '../../ports/log.ts';
import type { Mackerel, MackerelHost } from '../../ports/mackerel.ts';
import type { Ports } from '../../ports/ports.ts';
import { releaseId } from '../core/artifact.ts';
import { chunksOf } from '../core/collections.ts';
import type { Deployment } from '../core/document.ts';
import { sentenceOf } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { count, list } from '../core/words.ts';
import { HOST_METADATA_NAMESPACE, hostMetadataOf, serviceMetricsOf } from './mackerel-news.ts';
import { metricFields } from './metrics.ts';
import { type DeploymentEnded, EVENT_TYPE, isNews, metricsOf, newsOf } from './news.ts';
import { messageOf } from './news-message.ts';
import type { DeploymentRecord } from './record.ts';

export type NewsPorts = Pick<Ports, 'mackerel' | 'announcer' | 'log' | 'clock'>;

/** A quarter of what the record steps have: before it they have written records, each with its own retries. */
export const MOST_SECONDS = 25;

/** Between so many hosts it is asked whether there is still time. */
const HOSTS_AT_A_TIME = 128;

/**
 * Never fails.
 * @param hosts of the role in Mackerel, where they are known already
 * @returns what could not be told and nobody makes up for, in sentences
 */
export async function tellEnding(
  deployment: Deployment,
  record: DeploymentRecord,
  { log: own, ...others }: NewsPorts,
  hosts?: readonly MackerelHost[],
): Promise<readonly string[]> {
  const lost: string[] = [];
  const log: Log = {
    info: (...said) => own.info(...said),
    warn: (...said) => {
      lost.push(said[0]);
      own.warn(...said);
    },
  };
  const ports = { ...others, log };
  await trying('tell how the deployment ended', log, async () => {
    if (!isNews(deployment)) return;
    const news = newsOf(deployment, record);
    tellCloudWatch(news, ports);
    const told = Promise.all([
      tellMackerel(deployment, record, news, ports, hosts),
      tellEverybody(news, ports),
    ]);
    if (!(await inTime(MOST_SECONDS, told)))
      log.warn(`Not all notifications were sent within ${MOST_SECONDS} s; the step continues.`);
  });
  return lost;
}

function tellCloudWatch(news: DeploymentEnded, { log }: NewsPorts): void {
  const dimensions = { fleet: news.fleet, result: news.result };
  log.info(
    `The deployment ended: ${news.result}`,
    metricFields(new Date(news.endedAt), dimensions, metricsOf(news)),
  );
}

async function tellEverybody(news: DeploymentEnded, { announcer, log }: NewsPorts): Promise<void> {
  await Promise.all([
    trying('tell people', log, () => announcer.tellPeople(messageOf(news))),
    trying('tell machines', log, () =>
      announcer.tellMachines({
        detailType: EVENT_TYPE,
        detail: news,
        resources: [news.execution],
        at: new Date(news.endedAt),
      }),
    ),
  ]);
}

/** Only of what launched something: a refusal changed nothing, and leaves no mark. */
async function tellMackerel(
  { fleet, launch }: Deployment,
  record: DeploymentRecord,
  news: DeploymentEnded,
  ports: NewsPorts,
  hosts?: readonly MackerelHost[],
): Promise<void> {
  if (!launch) return;
  const { mackerel, log } = ports;
  const { service, role } = fleet.mackerel;
  const at = new Date(news.endedAt);
  const points = serviceMetricsOf(role, news).map((point) => ({ ...point, at }));
  await Promise.all([
    trying('mark Mackerel’s graphs', log, () => annotateDeployment(mackerel, fleet, record)),
    trying('post metrics to Mackerel', log, () => mackerel.postServiceMetrics(service, points)),
    ...(news.result === 'deployed'
      ? [
          trying('write the release to the hosts in Mackerel', log, async () =>
            tellHosts(hosts ?? (await mackerel.hosts(service, role)), record, news, ports),
          ),
        ]
      : []),
  ]);
}

/** From start to end, with the result. */
async function annotateDeployment(mackerel: Mackerel, fleet: Fleet, record: DeploymentRecord): Promise<void> {
  const { service, role } = fleet.mackerel;
  await mackerel.annotate({
    service,
    role,
    title: [`${record.outcome}: ${record.fleet}`, releaseId(record)].filter(Boolean).join(' '),
    description: `${record.reason}\nStarted by (as the start says) ${record.startedBy}${record.why ? `: ${record.why}` : ''}`,
    from: new Date(record.startedAt),
    to: new Date(record.finishedAt),
  });
}

/** Each new host says in Mackerel which release it runs. One that does not take it keeps no other from it. */
async function tellHosts(
  hosts: readonly MackerelHost[],
  record: DeploymentRecord,
  news: DeploymentEnded,
  { mackerel, clock, log }: NewsPorts,
): Promise<void> {
  const until = clock.now().getTime() + MOST_SECONDS * 1_000;
  const launched = new Set(record.newInstances);
  const ids = hosts.flatMap(({ id, instanceId = '' }) => (launched.has(instanceId) ? [id] : []));
  const value = hostMetadataOf(news);
  let told = 0;
  for (const some of chunksOf(ids, HOSTS_AT_A_TIME)) {
    if (clock.now().getTime() > until) break;
    const { refused } = await mackerel.setMetadata(some, HOST_METADATA_NAMESPACE, value);
    told += some.length - refused.length;
    if (refused.length > 0)
      log.warn(
        `Mackerel rejected the metadata for ${list(refused.map(({ id, reason }) => `${id} (${reason})`))}`,
      );
  }
  if (told < launched.size)
    log.warn(`${told} of ${count(launched.size, 'new host')} have their release recorded in Mackerel`);
}

/** Whatever goes wrong, a bug of ours included, is told and forgotten. */
export async function trying(doing: string, log: Log, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.warn(`Could not ${doing}: ${sentenceOf(error)}`, {
      failure: error instanceof Error ? error.name : 'unknown',
    });
  }
}

/** Was it settled within so many seconds? What was not goes on by itself, as long as the function lives. */
async function inTime(seconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1_000);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
