/**
 * A release that breaks its hosts at a random second of their traffic: how many of the requests does it meet, where one
 * host goes first, and where all join at once? By count, as load balancers share them.
 */
import type { Look } from '../../lambdas/domain/core/document.ts';
import { STEPS, type StepName } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Referee } from '../race/referee.ts';
import { breakFirstHost } from '../scenarios.ts';
import { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { fleetName, newInstancesOf } from './fleets.ts';
import { BALANCERS } from './measure.ts';

const WATCH_SECONDS = 120;

export interface Exposed {
  /** Old hosts, and as many new ones. */
  readonly old: number;
  /** How many go first; 0: all join at once. */
  readonly first: number;
  readonly runs: number;
  readonly undone: number;
  /** The largest share of the requests that the bad release was given at any moment of any run. */
  readonly share: number;
}

export async function measureExposure(
  template: TemplateJson,
  size: 4 | 10,
  first: number,
  runs: number,
): Promise<Exposed> {
  const found: { readonly isUndone: boolean; readonly share: number }[] = [];
  for (let seed = 1; seed <= runs; seed += 1) found.push(await playOnce(template, size, first, seed));
  return {
    old: size / 2,
    first,
    runs,
    undone: found.filter(({ isUndone }) => isUndone).length,
    share: Math.max(...found.map(({ share }) => share)),
  };
}

async function playOnce(template: TemplateJson, size: 4 | 10, hosts: number, seed: number) {
  const stage = new Stage({
    template,
    fleet: fleetName('classic ELB', size),
    seed,
    balancers: BALANCERS.tuned,
  });
  const [balancer] = stage.fleet.loadBalancers;
  if (!balancer) throw new Error('Without a load balancer nobody is given a share of requests.');
  try {
    if (hosts > 0) stage.configure({ first: { hosts, watchSeconds: WATCH_SECONDS } });
    stage.upload();
    const startedAt = stage.clock.now().getTime();
    const referee = new Referee(stage.world, balancer);
    breakUnderTraffic(stage, hosts > 0 ? 'watch-the-first-hosts' : 'watch-the-new-hosts', new Random(seed));
    const { endedIn } = await stage.deploy();
    const fresh = new Set(newInstancesOf(stage));
    const facts = {
      startedAt,
      until: stage.clock.now().getTime(),
      size: stage.oldInstances.length,
      isNew: (host: string) => fresh.has(host),
      changes: [],
      broken: fresh,
    };
    return { isUndone: endedIn === 'RolledBack', share: referee.mostOnNew(facts) };
  } finally {
    stage.close();
  }
}

/** At any second of the watch, which begins with the first look. */
function breakUnderTraffic(stage: Stage, watch: StepName, random: Random): void {
  const seconds = stage.fleet.first?.watchSeconds ?? stage.fleet.limits.bakeSeconds;
  const after = random.branch('break').millis([0, seconds]);
  stage.onEvent = ({ kind, state, answer }) => {
    if (kind !== 'answered' || state !== STEPS[watch].title) return;
    const { since, looks } = answer as Look;
    if (looks > 1) return;
    setTimeout(
      () => breakFirstHost(stage),
      Math.max(0, Date.parse(since) + after - stage.clock.now().getTime()),
    );
  };
}
