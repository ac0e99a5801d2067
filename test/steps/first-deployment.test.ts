/** The first deployment of a fleet has no old host: every step passes, and nobody is asked to do anything to nobody. */
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { oldHostsAreDrained } from '../../lambdas/old-hosts-are-drained.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { putOldHostsBack } from '../../lambdas/put-old-hosts-back.ts';
import { retireOldHostsInMackerel } from '../../lambdas/retire-old-hosts-in-mackerel.ts';
import { takeOldHostsOutOfService } from '../../lambdas/take-old-hosts-out-of-service.ts';
import { terminateOldInstances } from '../../lambdas/terminate-old-instances.ts';
import { watchTheNewHosts } from '../../lambdas/watch-the-new-hosts.ts';
import { writeThePlan } from '../../lambdas/write-the-plan.ts';
import { aLook, aSnapshot, baked, NEW } from '../support/deployments.ts';
import { aHost, aNewInstance, inService } from '../support/facts.ts';
import { portsOn } from '../support/ports.ts';

const NEW_ONLY = {
  instances: NEW.map((id) => aNewInstance(id)),
  hosts: NEW.map((id) => aHost(id)),
  members: { web: NEW.map(inService) },
  alerts: [],
};
const FIRST = baked({ oldHosts: aSnapshot({ hosts: [] }), termination: aLook({ ready: true }) });

type RunStep = (deployment: Deployment, ports: Ports) => Promise<unknown>;

describe('the first deployment', () => {
  it.each<[string, RunStep, object]>([
    ['Write the plan', writeThePlan.run, { replace: [] }],
    [
      'Take old hosts out of service',
      takeOldHostsOutOfService.run,
      { done: true, reason: 'all 2 new hosts are ready; 0 old hosts taken out of service' },
    ],
    ['Old hosts are drained', oldHostsAreDrained.run, { ready: true, reason: 'no old host to drain' }],
    ['Watch the new hosts', watchTheNewHosts.run, { reason: 'stayed healthy throughout' }],
    [
      'Terminate old instances',
      terminateOldInstances.run,
      { ready: true, reason: 'no old instance to terminate' },
    ],
    ['Retire old hosts in Mackerel', retireOldHostsInMackerel.run, { reason: 'no host to retire' }],
    ['Put old hosts back', putOldHostsBack.run, { ready: true, reason: 'there was no old host' }],
  ])('passes %s and changes nothing there', async (_state, run, answer) => {
    const ports = portsOn(NEW_ONLY);
    expect(await run(FIRST, ports)).toMatchObject(answer);
    expect(ports.changes).toEqual([]);
  });
});
