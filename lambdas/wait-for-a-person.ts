/**
 * States *Wait for a person …*: the fleet has a pause at this point. Somebody lets the deployment go on, or cancels it,
 * through an execution of the fleet's machine; until then new hosts that are there are watched as in the bake.
 */
import { liveAnnouncer } from './clients/announcer.ts';
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock, systemLog } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerelReader } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type After, holdOf } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import type { Pause, Point } from './domain/core/points.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { SECOND_LOOK_SECONDS, watchMeanwhile } from './domain/hosts/meanwhile.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import { beginBringUp } from './domain/lock/on-the-way.ts';
import { decidePause, pauseSentence } from './domain/lock/pausing.ts';
import { tellWaiting } from './domain/record/waiting-news.ts';
import type { Ports } from './ports/ports.ts';

type Agreed = After<'oldHosts'>;
type PausePorts = Pick<
  Ports,
  'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock' | 'announcer' | 'log'
>;

/** What was said in the last moment may still be on its way to the ledger: whoever was heard in time is obeyed. */
const ON_ITS_WAY_SECONDS = 5;
/** A new host that is not ready in the look that ends the pause is looked at again, too, before anything is undone. */
const TWICE_SECONDS = 2 * SECOND_LOOK_SECONDS;

const heardSeconds = (deployment: Agreed, at: Point | undefined) =>
  pauseAt(deployment, at).timeoutMinutes * 60 + ON_ITS_WAY_SECONDS;

export const waitForAPerson = defineWait('wait-for-a-person', {
  needs: ['oldHosts'],
  remembers: ['badLooks'],
  keeps: ['decided'],
  seconds: (deployment, at) => heardSeconds(deployment, at) + TWICE_SECONDS,
  dueSeconds: heardSeconds,
  asksOnce: true,
  look: lookAndDecide,
  late: (_deployment, { reason }) =>
    new DeploymentError(
      'ServiceUnavailable',
      `The time to wait for a person is over, and nobody knows whether the new hosts are well: ${reason}.`,
    ),
});

function pauseAt({ fleet }: Pick<Agreed, 'fleet'>, at: Point | undefined): Pause {
  const pause = fleet.pauses.find((each) => each.at === at);
  if (!pause) throw new DeploymentError('StepCrashed', `The fleet ${fleet.name} has no pause here.`);
  return pause;
}

async function lookAndDecide(
  deployment: Agreed,
  ports: PausePorts,
  { at, now, deadline: last, memory, keep }: Turn<'badLooks', { readonly decided?: string }>,
): Promise<Found<'badLooks'>> {
  const pause = pauseAt(deployment, at);
  const deadline = new Date(last.getTime() - TWICE_SECONDS * 1_000);
  const until = new Date(deadline.getTime() - ON_ITS_WAY_SECONDS * 1_000);
  const { held } = await assertMayGoOn(deployment, ports);
  // Before anybody is asked how the hosts are, who may not answer: a person who is waited for is told so, and can be heard.
  if (held.waits?.where !== pause.at) {
    await beginBringUp(deployment, held, ports);
    // First: whoever is cut off in between tells it twice.
    await tellWaiting(deployment, pause, until, ports);
    await ports.ledger.awaitPerson(deployment.fleet.name, holdOf(deployment), pause.at, until);
  }
  const meanwhile = await watchMeanwhile(deployment, memory.badLooks ?? 0, ports);
  const verdict = decidePause({ pause, deadline, now, go: held.go, meanwhile });
  const others = [meanwhile.lacks && `${meanwhile.lacks}; looking twice`, meanwhile.told];
  if (verdict.over) keep({ decided: verdict.decided });
  const said = verdict.over ? verdict.decided : pauseSentence(deployment, pause, until);
  return {
    ready: verdict.over,
    reason: [said, ...others].filter(Boolean).join('; '),
    memory: { badLooks: meanwhile.badLooks, hosts: {} },
    ...(meanwhile.lacks !== undefined && { patienceSeconds: SECOND_LOOK_SECONDS }),
  };
}

export const handler = lambdaHandler(waitForAPerson, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerelReader(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  announcer: liveAnnouncer(),
  log: systemLog,
  clock: systemClock,
}));
