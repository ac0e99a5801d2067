/**
 * State *Retire old hosts in Mackerel*: their instances have ended; a host that is retired twice is retired once. Asked
 * about again, because an agent that saw an error may have registered anew since the snapshot. Past the point of no return
 * nobody is called for it: what Mackerel does not take is owed.
 */

import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { oldInstanceIds, type Retirement } from './domain/core/document.ts';
import { defineStep } from './domain/core/step.ts';
import { assertTriedLongEnough, whyUntoldTwice } from './domain/core/untold.ts';
import { count } from './domain/core/words.ts';
import { retireHostsOf } from './domain/hosts/end-instances.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import { owing, retirementOf } from './domain/lock/owing.ts';
import type { Ports } from './ports/ports.ts';

export const retireOldHostsInMackerel = defineStep(
  'retire-old-hosts-in-mackerel',
  ['oldHosts', 'termination'],
  async (deployment, ports: Pick<Ports, 'mackerel' | 'ledger' | 'clock'>): Promise<Retirement> => {
    await assertHoldsLock(deployment, ports);
    const at = ports.clock.now().toISOString();
    const ids = oldInstanceIds(deployment);
    if (ids.length === 0) return { reason: 'no host to retire', at };
    const known = deployment.oldHosts.hosts.flatMap((host) => host.hostIds);
    let hosts = 0;
    const retire = async () => {
      const { retired, refusals } = await retireHostsOf(deployment, ports, ids, known);
      hosts = retired;
      return refusals;
    };
    const why = await whyUntoldTwice(retire);
    if (!why) return { reason: `${count(hosts, 'host')} retired in Mackerel`, at };
    assertTriedLongEnough(deployment.termination.at, ports.clock.now(), why);
    const what = `the retirement of ${count(ids.length, 'old host')} in Mackerel (${why})`;
    const owed = await owing(deployment, [retirementOf(deployment, ids, known)], what, ports);
    return { reason: `owed: ${owed}`, at, owed };
  },
);

export const handler = lambdaHandler(retireOldHostsInMackerel, (apiKeyParameter) => ({
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  clock: systemClock,
}));
