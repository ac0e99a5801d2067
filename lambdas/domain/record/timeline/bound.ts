/**
 * Where the time went, and how little it could have been: per phase what it took, and what was out of this system's
 * hands, by this deployment's own settings and by what its own hosts were seen to need. Nothing is estimated: a part of
 * which nothing is known counts as nothing.
 */
import { sum } from '../../core/collections.ts';
import type { Deployment } from '../../core/document.ts';
import { span } from '../../core/words.ts';
import { bakeOf, becauseOf, type Watch, watchSeconds } from '../../hosts/bake.ts';
import { firstWatchOf } from '../../hosts/first-hosts.ts';
import { sideBySideSeconds } from '../../hosts/side-by-side.ts';
import { secondsIn } from './milestones.ts';
import { type Column, unpack } from './packed.ts';
import type { Span } from './timeline.ts';

export interface BoundPart {
  readonly part: string;
  readonly took: number;
  readonly atBest: number;
  /** What the time at best goes into. */
  readonly because: string;
}

export interface Bound {
  readonly parts: readonly BoundPart[];
  readonly took: number;
  readonly atBest: number;
}

export function lowerBound(deployment: Deployment, spans: readonly Span[]): Bound {
  const parts = spans.map(({ phase, from, to }) => {
    const took = to - from;
    const { atBest, because } = best(phase, deployment);
    return { part: phase, took, atBest: Math.min(took, atBest), because };
  });
  const all = (of: 'took' | 'atBest') => sum(parts.map((part) => part[of]));
  return { parts, took: all('took'), atBest: all('atBest') };
}

type Best = Pick<BoundPart, 'atBest' | 'because'>;

const watched = (watch: Watch): Best => ({ atBest: watchSeconds(watch), because: becauseOf(watch) });

function best(phase: string, deployment: Deployment): Best {
  if (phase === 'Bring up') return bringUp(deployment);
  if (phase === 'First hosts') return watched(firstWatchOf(deployment));
  if (phase === 'All hosts') return allJoin(deployment);
  if (phase === 'Shift') return drained(deployment);
  if (phase === 'Watch') return watched(bakeOf(deployment));
  return phase === 'Remove' ? ended(deployment) : { atBest: 0, because: '' };
}

/**
 * The boot script lets a host register when its application runs, so the last registration ends what EC2, the image and
 * the application needed. A load balancer that hosts may only join then adds one health check at least.
 */
function bringUp(deployment: Deployment): Best {
  const { launch, readiness, oldHosts } = deployment;
  const registered = unpack(readiness?.seen?.registered);
  const slowest = indexOfLargest(registered);
  if (!launch || slowest === undefined) return { atBest: 0, because: '' };
  const launchedAt = secondsIn(deployment, launch.at);
  const toRegister = (registered[slowest] ?? 0) - launchedAt;
  const toRun = (unpack(readiness?.seen?.running)[slowest] ?? launchedAt) - launchedAt;
  const check = Math.max(
    0,
    ...(oldHosts?.balancers ?? []).map(({ joins, intervalSeconds }) =>
      joins === 'when-registered' ? intervalSeconds : 0,
    ),
  );
  const id = launch.instances[slowest]?.instanceId ?? 'the slowest new host';
  const boot = `${id}, the slowest: ${span(toRun)} until EC2 ran it, ${span(Math.max(0, toRegister - toRun))} to boot and start the application`;
  const beside = deployment.firstWatch ? 0 : sideBySideSeconds(deployment);
  return {
    atBest: toRegister + check + beside,
    because: [
      boot,
      ...(check > 0 ? [`${span(check)} to its first health check`] : []),
      ...(beside > 0 ? [besideWords(beside)] : []),
    ].join(', '),
  };
}

/** The others join, and both fleets serve side by side. */
function allJoin(deployment: Deployment): Best {
  const beside = sideBySideSeconds(deployment);
  return { atBest: beside, because: beside > 0 ? besideWords(beside) : '' };
}

const besideWords = (seconds: number) => `${span(seconds)} side by side with the old hosts`;

/** The requests in flight: until the last load balancer let go of the last old host. */
function drained(deployment: Deployment): Best {
  const { drain, shift } = deployment;
  const last = largest(unpack(drain?.seen?.drained));
  if (last === undefined || !shift) return { atBest: 0, because: '' };
  return { atBest: last - secondsIn(deployment, shift.at), because: 'the last request on an old host' };
}

/** From the first call to the end of the last old instance, by EC2's own word. */
function ended(deployment: Deployment): Best {
  const { termination } = deployment;
  const last = largest(unpack(termination?.seen?.terminated));
  if (last === undefined || !termination) return { atBest: 0, because: '' };
  return {
    atBest: last - secondsIn(deployment, termination.since),
    because: 'EC2 shuts the old instances down',
  };
}

function indexOfLargest(column: Column): number | undefined {
  const most = largest(column);
  return most === undefined ? undefined : column.indexOf(most);
}

function largest(column: Column): number | undefined {
  const known = column.filter((seconds) => seconds !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}
