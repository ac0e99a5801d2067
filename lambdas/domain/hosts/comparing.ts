/** What the comparison of old and new hosts asks Mackerel: a few hosts of each side, a few requests at a time. */
import type { Ports } from '../../ports/ports.ts';
import { chunksOf, groupBy } from '../core/collections.ts';
import type { After, Compared, OldHost } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { span } from '../core/words.ts';
import {
  assertNotWorse,
  closedMinute,
  comparedBefore,
  compareSides,
  lastMinutes,
  type Minutes,
  metricsToAsk,
  pointsByMinute,
} from './compare.ts';
import { servingOf } from './first-hosts.ts';

/** Of a side. More would say little more, and each is a request for each metric. */
const MOST_HOSTS = 10;
const SIDE_BY_SIDE = 16;
/**
 * In the time of one function, 60 s, beside the look at the hosts: who answers more slowly than that is not asked to the
 * end. A step that is cut off would be tried again and again, and fail under a name that says nothing of Mackerel.
 */
const PATIENCE_MILLIS = 25_000;

type Asks = Pick<Ports, 'mackerel' | 'clock'>;

/** Before anything was launched. Without an old host that serves there is nothing to compare with. */
export async function lookBefore(
  fleet: Fleet,
  hosts: readonly Pick<OldHost, 'hostIds' | 'served'>[],
  ports: Asks,
): Promise<Compared[]> {
  const ids = hostIdsOf(hosts.filter(({ served }) => served));
  if (fleet.compare.length === 0 || ids.length === 0) return [];
  return comparedBefore(fleet, await ask(ids, metricsToAsk(fleet), ports.clock.now(), ports));
}

interface Watched {
  readonly now: Date;
  readonly since: Date;
  /** Who of the new hosts has traffic, by their Mackerel hosts. */
  readonly hosts: readonly { readonly hostIds: readonly string[] }[];
  /** Do the old hosts serve beside them? */
  readonly isBeside: boolean;
  /** What the look before left, and up to which minute it had asked. */
  readonly before: readonly Compared[] | undefined;
  readonly askedUpTo: number | undefined;
}

export interface Comparison {
  readonly rows: readonly Compared[];
  readonly askedUpTo: number | undefined;
}

/**
 * Asks once for each minute that has ended; in between it answers what is known.
 * @throws WorseThanBefore
 */
export async function compareNow(
  { fleet, oldHosts }: After<'oldHosts'>,
  ports: Asks,
  { now, since, hosts, isBeside, before, askedUpTo }: Watched,
): Promise<Comparison> {
  const rows = before ?? oldHosts.compared ?? [];
  const minute = closedMinute(now);
  const ids = hostIdsOf(hosts);
  if (rows.length === 0 || ids.length === 0 || minute <= (askedUpTo ?? 0)) return { rows, askedUpTo };
  const metrics = rows.map(({ metric }) => metric);
  const sides = {
    new: await ask(ids, metrics, now, ports),
    ...(isBeside && {
      old: await ask(hostIdsOf(servingOf({ oldHosts })), metrics, now, ports),
    }),
  };
  const compared = compareSides(fleet, rows, sides, { now, since });
  assertNotWorse(compared);
  return { rows: compared, askedUpTo: minute };
}

/** Spread evenly over the list, the same at every look. */
function hostIdsOf(hosts: readonly { readonly hostIds: readonly string[] }[]): string[] {
  const known = hosts.flatMap(({ hostIds: [newest] }) => newest ?? []);
  const many = Math.min(MOST_HOSTS, known.length);
  return Array.from({ length: many }, (_, index) => known[Math.floor((index * known.length) / many)] ?? '');
}

async function ask(
  hostIds: readonly string[],
  metrics: readonly string[],
  now: Date,
  { mackerel, clock }: Asks,
): Promise<ReadonlyMap<string, Minutes>> {
  const { from, to } = lastMinutes(now);
  const asked = metrics.flatMap((metric) => hostIds.map((hostId) => ({ metric, hostId })));
  const answers = [];
  for (const some of chunksOf(asked, SIDE_BY_SIDE)) {
    assertInTime(now, clock.now());
    answers.push(
      ...(await Promise.all(
        some.map(async ({ metric, hostId }) => ({
          metric,
          points: await mackerel.metrics(hostId, metric, from, to),
        })),
      )),
    );
  }
  const byMetric = groupBy(answers, ({ metric }) => metric);
  return new Map(
    [...byMetric].map(([metric, some]) => [metric, pointsByMinute(some.map(({ points }) => points))]),
  );
}

/** @throws ServiceUnavailable */
function assertInTime(since: Date, now: Date): void {
  const millis = now.getTime() - since.getTime();
  if (millis <= PATIENCE_MILLIS) return;
  throw new DeploymentError(
    'ServiceUnavailable',
    `Mackerel is slow: after ${span(Math.round(millis / 1000))} it has not told all points of the metrics that compare names. Nothing was concluded from the others; run the deployment again when it answers as usual.`,
  );
}
