/**
 * State *Watch the first hosts*: a few new hosts serve beside all old ones, with the signals of the bake, before the
 * others join. Only reads. The others have to stay as they are, registered in Mackerel; a lost one that may be replaced
 * is left to *New hosts are ready*.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerelReader } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, FirstWatch } from './domain/core/document.ts';
import { defineWait, type Turn } from './domain/core/wait.ts';
import { firstWatchOf, reserveOf } from './domain/hosts/first-hosts.ts';
import { mayBeLost } from './domain/hosts/stragglers.ts';
import { lastsTheWatch, notWatched, type WatchMemory, watchNewHosts } from './domain/hosts/watching.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'launch' | 'oldHosts' | 'readiness'>;
type WatchPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;
type Extra = Pick<FirstWatch, 'hosts' | 'compared'>;

export const watchTheFirstHosts = defineWait('watch-the-first-hosts', {
  needs: ['launch', 'oldHosts', 'readiness'],
  remembers: ['badLooks', 'comparedUpTo'],
  keeps: ['hosts', 'compared'],
  ...lastsTheWatch(firstWatchOf),
  look: async (deployment: Launched, ports: WatchPorts, turn: Turn<WatchMemory, Extra>) => {
    await assertMayGoOn(deployment, ports);
    const { first = [] } = deployment.readiness;
    turn.keep({ hosts: first });
    return watchNewHosts(deployment, ports, turn, {
      watch: firstWatchOf(deployment),
      first,
      compared: deployment.firstWatch?.compared,
      mayLose: mayBeLost(deployment, reserveOf(deployment)),
    });
  },
  late: (_deployment, { reason }) => notWatched('The first hosts', 'their watch', reason),
});

export const handler = lambdaHandler(watchTheFirstHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerelReader(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
