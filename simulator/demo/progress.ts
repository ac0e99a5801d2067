/** How far the running phase has come, from 0 to 1: measured on the hosts, and on the clock where only time is waited for. */
import type { PhaseClock } from './phases.ts';
import type { HostScene, Scene } from './scene.ts';

/** The image, the release, the snapshot. */
const STEPS_TO_AGREE = 3;
/** Draining takes seconds, watching takes minutes. */
const SHARE_OF_DRAINING = 0.1;

/** @param firstSeconds how long the first hosts are watched */
export function progressOf(
  phases: PhaseClock,
  { hosts }: Scene,
  at: Date,
  watchSeconds: number,
  firstSeconds = 0,
): number {
  const oldHosts = hosts.filter(({ side }) => side === 'OLD');
  const newHosts = hosts.filter(({ side }) => side === 'NEW');
  switch (phases.phase) {
    case 'agree':
      return Math.min(1, phases.visited('agree') / STEPS_TO_AGREE);
    case 'bring-up': {
      const up = newHosts.length === 0 ? 0 : share(newHosts.flatMap(stepsUp));
      if (firstSeconds === 0) return up;
      return (up + Math.min(1, phases.seconds('Watch the first hosts', at) / firstSeconds)) / 2;
    }
    case 'shift': {
      const watched = watchSeconds === 0 ? 1 : phases.seconds('Watch the new hosts', at) / watchSeconds;
      const drained = share(oldHosts.map(({ serves, balancer }) => !serves && balancer !== 'draining'));
      return drained * SHARE_OF_DRAINING + Math.min(1, watched) * (1 - SHARE_OF_DRAINING);
    }
    case 'remove':
      return share(oldHosts.flatMap(stepsOut));
    case 'undo':
      return (share(oldHosts.map(({ serves }) => serves)) + share(newHosts.flatMap(stepsOut))) / 2;
    default:
      return 0;
  }
}

/** With no hosts, everything is done. */
function share(steps: readonly boolean[]): number {
  return steps.length === 0 ? 1 : steps.filter(Boolean).length / steps.length;
}

function stepsUp({ life, mackerel, balancer }: HostScene): boolean[] {
  const own = [life !== 'pending', life === 'up' || life === 'starting', life === 'up', mackerel !== '–'];
  return balancer === undefined ? own : [...own, balancer === 'in service'];
}

function stepsOut({ life, mackerel, serves }: HostScene): boolean[] {
  return [!serves, life === 'shutting down' || life === 'gone', life === 'gone', mackerel === '–'];
}
