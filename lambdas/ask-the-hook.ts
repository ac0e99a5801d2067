/**
 * States *Ask the hooks …*: says which hook of this point is called next, and judges what it answered. The state machine
 * itself calls it, with no limit but Lambda's: within a step a migration would be cut off, and begun again. Between calls
 * new hosts that are there are watched as in the bake.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerelReader } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Asked } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { hooksAt, type Point } from './domain/core/points.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { secondsBetween } from './domain/core/words.ts';
import { SECOND_LOOK_SECONDS, watchMeanwhile } from './domain/hosts/meanwhile.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import {
  decideHooks,
  type HookMemory,
  hookEvent,
  memoryOf,
  readingOf,
  standingIn,
} from './domain/lock/hooks.ts';
import { beginBringUp } from './domain/lock/on-the-way.ts';
import type { Ports } from './ports/ports.ts';

type Agreed = After<'oldHosts'>;
type HookPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;
type Extra = Pick<Asked, 'call' | 'event' | 'details' | 'ran'>;

export const askTheHook = defineWait('ask-the-hook', {
  needs: ['oldHosts'],
  remembers: ['index', 'begunAt', 'calls', 'dueAt', 'badLooks'],
  keeps: ['details', 'ran'],
  asksOnce: true,
  dueSeconds: ({ fleet }, at, previous) => {
    const { index = 0, begunAt } = previous?.memory ?? {};
    const earlier = previous && begunAt !== undefined ? secondsBetween(previous.since, new Date(begunAt)) : 0;
    return earlier + (hooksOf(fleet, at)[index]?.timeoutMinutes ?? 0) * 60;
  },
  look: lookAndDecide,
  late: (_deployment, { reason }) =>
    new DeploymentError(
      'ServiceUnavailable',
      `The time of the hooks is over, and nobody knows how it stands: ${reason}.`,
    ),
});

const hooksOf = ({ hooks }: Agreed['fleet'], at: Point | undefined) =>
  at === undefined ? [] : hooksAt(hooks, at);

async function lookAndDecide(
  deployment: Agreed,
  ports: HookPorts,
  { at, now, memory, previous, keep, remember }: Turn<HookMemory, Extra>,
): Promise<Found<HookMemory>> {
  const hooks = hooksOf(deployment.fleet, at);
  // First: what was answered is told once, and must not be forgotten by a look that fails.
  const reading = readingOf(previous?.call, deployment.hookAnswer);
  const verdict = decideHooks({ hooks, standing: standingIn(previous, memory, now), reading, now });
  const { standing } = verdict;
  remember(memoryOf(standing, memory.badLooks));
  keep({ details: standing.details, ran: [...standing.ran] });
  const { held } = await assertMayGoOn(deployment, ports);
  await beginBringUp(deployment, held, ports);
  const { badLooks, lacks, told } = await watchMeanwhile(deployment, memory.badLooks ?? 0, ports);
  const hook = hooks[standing.index];
  // Nobody acts on new hosts of which one is not ready just now.
  const calls = verdict.do === 'call' && hook !== undefined && lacks === undefined;
  if (calls) keep({ call: standing.index, event: hookEvent(deployment, hook, standing) });
  const next = calls ? { ...standing, calls: standing.calls + 1 } : standing;
  return {
    ready: verdict.do === 'done' && lacks === undefined,
    reason: [verdict.reason, lacks && `${lacks}; looking twice`, told].filter(Boolean).join('; '),
    memory: memoryOf(next, badLooks),
    ...(lacks !== undefined && { patienceSeconds: SECOND_LOOK_SECONDS }),
    ...(verdict.do === 'wait' && !deployment.launch && { earliest: verdict.until }),
  };
}

export const handler = lambdaHandler(askTheHook, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerelReader(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
