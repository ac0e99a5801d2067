/** State *Watch the new hosts*: the bake. Still ready, and no Mackerel alert open on them. Only reads. */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerelReader } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Bake } from './domain/core/document.ts';
import { defineWait, type Turn } from './domain/core/wait.ts';
import { bakeOf } from './domain/hosts/bake.ts';
import { lastsTheWatch, notWatched, type WatchMemory, watchNewHosts } from './domain/hosts/watching.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'launch' | 'oldHosts'>;
type BakePorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;

export const watchTheNewHosts = defineWait('watch-the-new-hosts', {
  needs: ['launch', 'oldHosts'],
  remembers: ['badLooks', 'comparedUpTo'],
  keeps: ['compared'],
  ...lastsTheWatch(bakeOf),
  look: async (deployment: Launched, ports: BakePorts, turn: Turn<WatchMemory, Pick<Bake, 'compared'>>) => {
    await assertMayGoOn(deployment, ports);
    return watchNewHosts(deployment, ports, turn, {
      watch: bakeOf(deployment),
      compared: deployment.bake?.compared,
    });
  },
  late: (_deployment, { reason }) => notWatched('The new hosts', 'the bake', reason),
});

export const handler = lambdaHandler(watchTheNewHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerelReader(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
