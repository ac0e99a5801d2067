/**
 * The next moment at which the world changes by itself: an instance enters the next stage, an agent registers, a
 * health check decides, a drain ends. Stepping the clock by this (the demo, the rules) misses nothing. Metrics, fading
 * tags and alerts about silence are left out: they change nothing that is drawn or counted.
 */
import type { ModelInstance } from './instance.ts';
import { type Balancer, hasLeft, memberAt, type Registration } from './load-balancers.ts';
import type { Models } from './view.ts';

export function nextChange({ ec2, loadBalancers }: Omit<Models, 'mackerel'>, now: number): Date | undefined {
  let next = Number.POSITIVE_INFINITY;
  const consider = (at: number) => {
    if (at > now && at < next) next = at;
  };
  for (const instance of ec2.known()) for (const at of momentsOf(instance)) consider(at);
  for (const balancer of loadBalancers.all()) {
    for (const registration of balancer.registrations.values()) {
      if (!hasLeft(registration, now)) consider(nextVerdict(balancer, registration, now));
    }
  }
  return Number.isFinite(next) ? new Date(next) : undefined;
}

function momentsOf({ life, ending }: ModelInstance): number[] {
  const { visibleAt, runningAt, bootedAt, applicationUpAt, registersAt } = life;
  const moments = [visibleAt, runningAt, bootedAt, applicationUpAt, registersAt];
  if (ending === undefined) return moments;
  return [...moments.filter((at) => at < ending.at), ending.at, ending.doneAt];
}

/** When the next health check that could change this member is made or decided. */
function nextVerdict(balancer: Balancer, registration: Registration, now: number): number {
  const { instance, firstCheckAt, drainsUntil } = registration;
  if (drainsUntil !== undefined) return drainsUntil;
  if (now < firstCheckAt) return firstCheckAt;
  const { state } = memberAt(balancer, registration, now);
  if (state === 'unused') return Number.POSITIVE_INFINITY;
  const interval = balancer.settings.intervalSeconds * 1000;
  const timeout = balancer.settings.timeoutSeconds * 1000;
  const nextCheck = (after: number) =>
    firstCheckAt + (Math.floor((after - firstCheckAt) / interval) + 1) * interval;
  // A failed check is decided when its time-out is over.
  const undecided = nextCheck(now - timeout);
  const isFailing = undecided <= now && !instance.applicationIsUp(undecided);
  const isSettled = (state === 'in-service') === instance.applicationIsUp(now);
  return Math.min(
    isFailing ? undecided + timeout : Number.POSITIVE_INFINITY,
    isSettled ? Number.POSITIVE_INFINITY : nextCheck(now),
  );
}
