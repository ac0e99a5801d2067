/** What a watch of new hosts is, whether of the first ones or of all: one look, how long, and what its deadline says. */
import type { Instance } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import type { After, Compared, FirstWatch } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { BAKE_PAUSE_SECONDS, BAKE_RETRY_SECONDS, BAKE_SILENCE_SECONDS } from '../core/steps.ts';
import type { Found, Turn } from '../core/wait.ts';
import { secondsBetween, span } from '../core/words.ts';
import { decideBake, type Watch, watchSeconds } from './bake.ts';
import { comparedSentence } from './compare.ts';
import { compareNow } from './comparing.ts';
import { lookAtNewHosts } from './look-at-hosts.ts';
import { assertNoMonitorAlerts } from './monitors.ts';
import { standings } from './readiness.ts';

type Launched = After<'launch' | 'oldHosts'>;
export type WatchMemory = 'badLooks' | 'comparedUpTo';
type Extra = Pick<FirstWatch, 'compared'>;

/** As long as the watch says, and a while longer when nobody answers. */
export const lastsTheWatch = (watchOf: (deployment: Launched) => Watch) => ({
  seconds: (deployment: Launched) => watchSeconds(watchOf(deployment)) + BAKE_SILENCE_SECONDS,
  dueSeconds: (deployment: Launched) => watchSeconds(watchOf(deployment)),
});

interface Watched {
  readonly watch: Watch;
  /** The new hosts that go first, while the old ones serve beside them. Absent: all of them have all of the traffic. */
  readonly first?: readonly string[];
  /** By the look before. */
  readonly compared: readonly Compared[] | undefined;
  /** Need these new hosts, which are dead, not stay ready? */
  readonly mayLose?: (dead: readonly Instance[]) => boolean;
}

/** @throws NewHostDied */
export async function seeNewHosts(
  deployment: Launched,
  ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers'>,
  mayLose?: (dead: readonly Instance[]) => boolean,
) {
  const { instances } = deployment.launch;
  const [facts, alerts] = await Promise.all([
    lookAtNewHosts(deployment, instances, ports),
    ports.mackerel.openAlerts(),
  ]);
  return { hosts: standings(instances, facts, mayLose), alerts };
}

/** @throws NewHostDied, AlertDuringBake, ReadinessLost or WorseThanBefore */
export async function watchNewHosts(
  deployment: Launched,
  ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock'>,
  { now, deadline, memory, secondsPassed, keep, remember }: Turn<WatchMemory, Extra>,
  { watch, first, compared, mayLose }: Watched,
): Promise<Found<WatchMemory>> {
  const { hosts, alerts } = await seeNewHosts(deployment, ports, mayLose);
  const { baked, badLooks, reason } = decideBake({
    standings: hosts.filter(({ rung }) => rung !== 'lost'),
    alerts,
    badLooks: memory.badLooks ?? 0,
    watch,
    secondsLeft: secondsBetween(now, deadline) - BAKE_SILENCE_SECONDS,
  });
  const told = assertNoMonitorAlerts(deployment, alerts, hosts);
  // A comparison that nobody answers must not make a bad look forgotten.
  remember({ badLooks, comparedUpTo: memory.comparedUpTo, hosts: {} });
  const comparison = await compareNow(deployment, ports, {
    now,
    since: new Date(now.getTime() - secondsPassed * 1000),
    hosts: hosts.filter(({ instanceId }) => first?.includes(instanceId) ?? true),
    isBeside: first !== undefined,
    before: compared,
    askedUpTo: memory.comparedUpTo,
  });
  if (comparison.rows.length > 0) keep({ compared: [...comparison.rows] });
  const patienceSeconds = badLooks > 0 ? BAKE_RETRY_SECONDS : BAKE_PAUSE_SECONDS;
  return {
    ready: baked,
    reason: [reason, comparedSentence(comparison.rows), told].filter(Boolean).join('; '),
    memory: { badLooks, comparedUpTo: comparison.askedUpTo, hosts: {} },
    patienceSeconds,
  };
}

/** Its time is over, and the silence that it bears. */
export const notWatched = (
  who: string,
  what: string,
  reason: string,
  silence = BAKE_SILENCE_SECONDS,
): DeploymentError =>
  new DeploymentError(
    'ServiceUnavailable',
    `${who} could not be watched to the end, ${silence > 0 ? `${span(silence)} after ${what} should have ended` : `and ${what} is over`}: ${reason}.`,
  );
