/** Can the load balancers take the new hosts, what do their settings cost, and is any request cut off? */

import type { WatchedMonitor } from '../../../lambdas/domain/core/document.ts';
import { loadBalancerName } from '../../../lambdas/domain/core/fleet.ts';
import { span } from '../../../lambdas/domain/core/words.ts';
import {
  ADVISED_CHECK,
  noticesAfter,
  sightSentence,
  tuningSentence,
  watchOf,
} from '../../../lambdas/domain/hosts/bake.ts';
import { cutOffSentence } from '../../../lambdas/domain/hosts/draining.ts';
import { joinCosts } from '../../../lambdas/domain/hosts/joining.ts';
import { resolveMonitors } from '../../../lambdas/domain/hosts/monitors.ts';
import { balancerProblems } from '../../../lambdas/domain/hosts/network.ts';
import { slowestStart } from '../../../lambdas/domain/hosts/side-by-side.ts';
import type { Subnet } from '../../../lambdas/ports/ec2.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';
import type { LoadBalancerRef, LoadBalancerSettings } from '../../../lambdas/ports/load-balancers.ts';
import { aws } from '../typed.ts';
import { type Check, check, decided, type Subject } from './check.ts';
import type { BalancerFacts, Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { happened, inFleetsFile } from './mending.ts';

const balancer = check('balancer');

export const checkBalancers: Check = (facts, { fleet, region }) => {
  if (facts.balancers.length === 0) {
    const first = fleet.first ? ', and first that all new hosts are watched beside the old ones' : '';
    return [balancer.ok(`the fleet has none: registered in Mackerel means ready${first}`)];
  }
  const each = facts.balancers.flatMap((answers) => {
    const name = loadBalancerName(answers.ref);
    return checkOne({ ref: answers.ref, name, fleet, region }, answers, facts.subnets);
  });
  return [...each, ...bakeFindings(facts, fleet), ...sideBySideFindings(facts, fleet)];
};

interface One {
  readonly ref: LoadBalancerRef;
  readonly name: string;
  readonly fleet: Subject['fleet'];
  readonly region: string;
}

function checkOne(one: One, { settings, details }: BalancerFacts, subnets: Facts['subnets']): Finding[] {
  const { name, fleet } = one;
  if (!settings.known && settings.error.name === 'LoadBalancerUnusable') {
    const mend = inFleetsFile(fleet.name, 'correct loadBalancers');
    return [balancer.problem(happened(settings.error.message), mend, 'LoadBalancerUnusable')];
  }
  const both = [settings, details] as const;
  const findings = [
    ...balancer.given(name, [settings], () => balancer.ok(`${name} exists`)),
    ...zones.given(`the zones of ${name}`, [...both, subnets], (...all) => zoneFindings(one, ...all)),
    ...health.given(`the health check of ${name}`, both, (...all) => healthFinding(one, ...all)),
    ...draining.given(`the draining of ${name}`, [settings], (set) => drainingFinding(one, set)),
    ...crossZone.given(`cross-zone load balancing of ${name}`, [details], (more) => spreading(one, more)),
  ];
  // A call that was denied is reported once, not by each check that needed it.
  return findings.filter((each) => settings.known || each.check === 'balancer' || each.level !== 'unknown');
}

// ── Which zones it serves ──────────────────────────────────────────────────────────────────────────────────────────

const zones = check('balancer-zones');

function zoneFindings(
  one: One,
  set: LoadBalancerSettings,
  more: BalancerDetails,
  found: readonly Subnet[],
): Finding | Finding[] {
  if (!more.inUse)
    return zones.problem(
      `${one.name} is used by no listener: its hosts never become healthy`,
      'Make a listener of the load balancer forward to it (aws elbv2 modify-listener).',
    );
  // Without known subnets there are no known zones: that is reported already.
  if (found.length === 0) return [];
  const wrong = balancerProblems({ ...set, zones: more.zones }, found[0]?.vpcId, found);
  if (wrong.length === 0) return zones.ok(`${one.name} serves the zones of the fleet`);
  const unserved = found.filter(({ zone }) => !more.zones.includes(zone)).map(({ subnetId }) => subnetId);
  const mend =
    set.vpcId !== found[0]?.vpcId
      ? inFleetsFile(one.fleet.name, 'correct loadBalancers or subnets')
      : serveToo(one, unserved);
  return wrong.map((sentence) => zones.problem(sentence, mend, 'LoadBalancerUnusable'));
}

const serveToo = ({ ref, region }: One, subnetIds: readonly string[]): string =>
  ref.kind === 'classic'
    ? aws(region)`elb attach-load-balancer-to-subnets --load-balancer-name ${ref.name} --subnets ${subnetIds}`
    : 'Add a subnet in this zone to its load balancer (aws elbv2 set-subnets takes the full list, with the present ones).';

// ── What the settings cost ─────────────────────────────────────────────────────────────────────────────────────────

/** Seconds that nobody would notice. */
const TOLERATED = { always: 10, afterFailure: 60 } as const;

/**
 * A deployment lets hosts join late where joining early would cost the full threshold (`joining.ts`), so only a host
 * that fails a check pays for the threshold.
 */
export function costOfHealthCheck(
  set: Pick<LoadBalancerSettings, 'ref' | 'intervalSeconds' | 'healthyThreshold'>,
) {
  const cost = (settings: typeof set) => {
    const { early, late } = joinCosts(settings);
    return { always: Math.min(early, late), afterFailure: early };
  };
  const [now, advised] = [cost(set), cost({ ref: set.ref, ...ADVISED_CHECK })];
  return {
    always: Math.max(0, now.always - advised.always),
    afterFailure: Math.max(0, now.afterFailure - advised.afterFailure),
  };
}

const health = check('health-check');

function healthFinding(one: One, set: LoadBalancerSettings, more: BalancerDetails): Finding {
  const setting = `${set.intervalSeconds} s × ${set.healthyThreshold}`;
  const cost = costOfHealthCheck(set);
  const tuning = tuningSentence(
    watchOf(one.fleet.limits.bakeSeconds, [{ name: one.name, noticesAfterSeconds: noticesAfter(set) }]),
    TOLERATED.always,
  );
  if (cost.always <= TOLERATED.always && cost.afterFailure <= TOLERATED.afterFailure && !tuning)
    return health.ok(`the health check of ${one.name} is ${setting}`);
  return health.warning(
    `the health check of ${one.name}, ${setting}, makes each deployment up to ${span(cost.always)} slower than with ` +
      `${ADVISED_CHECK.intervalSeconds} s × ${ADVISED_CHECK.healthyThreshold}, and ${span(cost.afterFailure)} when a new host fails a check` +
      (tuning ? `; the bake is as long as it takes to see a broken host: ${tuning}` : ''),
    setHealthCheck(one, set, more),
  );
}

function setHealthCheck({ ref, region }: One, set: LoadBalancerSettings, more: BalancerDetails): string {
  const { intervalSeconds: interval, healthyThreshold: healthy } = ADVISED_CHECK;
  const unhealthy = Math.min(set.unhealthyThreshold, ADVISED_CHECK.unhealthyThreshold);
  const timeout = Math.min(set.timeoutSeconds, ADVISED_CHECK.timeoutSeconds);
  if (ref.kind === 'target-group')
    return aws(region)`elbv2 modify-target-group --target-group-arn ${ref.arn}`
      .concat(` --health-check-interval-seconds ${interval} --health-check-timeout-seconds ${timeout}`)
      .concat(` --healthy-threshold-count ${healthy} --unhealthy-threshold-count ${unhealthy}`);
  const all = `Target=${more.target},Interval=${interval},Timeout=${timeout},UnhealthyThreshold=${unhealthy},HealthyThreshold=${healthy}`;
  return aws(region)`elb configure-health-check --load-balancer-name ${ref.name} --health-check ${all}`;
}

/** Both parts of it. Load balancers that did not answer have been reported already. */
function bakeFindings(
  { balancers, monitors, compared }: Facts,
  { limits, first, watch: { monitors: named } }: Subject['fleet'],
): Finding[] {
  const answered = balancers.flatMap(({ ref, settings }) =>
    settings.known
      ? [{ name: loadBalancerName(ref), noticesAfterSeconds: noticesAfter(settings.value) }]
      : [],
  );
  // What is wrong with them is a finding of its own.
  const watched = decided<WatchedMonitor[]>(
    () => resolveMonitors(named, monitors.known ? monitors.value : []),
    () => [],
    'MonitorUnusable',
  );
  if (answered.length < balancers.length) return [];
  const rows = compared.known ? compared.value : [];
  const bake = watchOf(limits.bakeSeconds, answered, watched, 'limits.bakeSeconds', rows);
  const ofFirst = watchOf(first?.watchSeconds ?? 0, answered, watched, 'first.watchSeconds', rows);
  const said = [
    ['the bake lasts', bake],
    [`the first ${first?.hosts} of the new hosts are watched for`, ofFirst],
  ] as const;
  return said.flatMap(([what, watch]) =>
    watch.slowest === undefined
      ? []
      : [health.ok(`${what} ${span(watch.bakeSeconds)}, then ${sightSentence(watch)}`)],
  );
}

// ── Side by side ───────────────────────────────────────────────────────────────────────────────────────────────────

const slowStart = check('slow-start');

/** Who does not answer is reported already. */
function sideBySideFindings({ balancers }: Facts, fleet: Subject['fleet']): Finding[] {
  const slowest = slowestStart(
    balancers.flatMap(({ ref, settings }) =>
      settings.known
        ? [{ name: loadBalancerName(ref), slowStartSeconds: settings.value.slowStartSeconds ?? 0 }]
        : [],
    ),
  );
  // A classic ELB knows none.
  const hasGroup = balancers.some(({ ref, settings }) => ref.kind === 'target-group' && settings.known);
  if (!hasGroup && fleet.sideBySideSeconds === undefined) return [];
  const { sideBySideSeconds = slowest?.slowStartSeconds ?? 0 } = fleet;
  if (slowest && sideBySideSeconds < slowest.slowStartSeconds)
    return [
      slowStart.warning(
        `${slowest.name} gives a new host its full share of requests only after ${span(slowest.slowStartSeconds)}, and the old hosts leave ${span(sideBySideSeconds)} after all new ones are ready`,
        inFleetsFile(
          fleet.name,
          `set sideBySideSeconds to ${slowest.slowStartSeconds} or more, or leave it out`,
        ),
      ),
    ];
  if (sideBySideSeconds === 0)
    return [slowStart.ok('the old hosts leave as soon as all new ones are ready: there is no slow start')];
  const because = fleet.sideBySideSeconds === undefined ? `, the slow start of ${slowest?.name}` : '';
  return [slowStart.ok(`old and new hosts serve side by side for ${span(sideBySideSeconds)}${because}`)];
}

/** A deployment's plan gives the same advice. */
const LONG_DRAINING_SECONDS = 60;
const ADVISED_DRAINING_SECONDS = 30;

const draining = check('draining');

function drainingFinding(one: One, { drainSeconds }: LoadBalancerSettings): Finding {
  const mend = setTo(one, {
    classic: { ConnectionDraining: { Enabled: true, Timeout: ADVISED_DRAINING_SECONDS } },
    group: `Key=deregistration_delay.timeout_seconds,Value=${ADVISED_DRAINING_SECONDS}`,
  });
  const limit = one.fleet.limits.drainSeconds;
  const never = `${one.name} does not drain: requests in flight are cut off when an old host leaves`;
  if (drainSeconds === 0) return draining.warning(never, mend);
  const told = `${one.name} drains for up to ${span(drainSeconds)}`;
  if (drainSeconds > limit) return draining.warning(`${told}: ${cutOffSentence(limit)}`, mend);
  return drainSeconds > LONG_DRAINING_SECONDS
    ? draining.warning(`${told}: one long request can delay a deployment by as much`, mend)
    : draining.ok(told);
}

const crossZone = check('cross-zone');

function spreading(one: One, { crossZone: isOn }: BalancerDetails): Finding {
  if (isOn) return crossZone.ok(`${one.name} spreads requests over all zones`);
  return crossZone.warning(
    `${one.name} keeps requests within their zone: when one zone has fewer hosts, each of them gets more`,
    setTo(one, {
      classic: { CrossZoneLoadBalancing: { Enabled: true } },
      group: 'Key=load_balancing.cross_zone.enabled,Value=true',
    }),
  );
}

interface Attribute {
  readonly classic: object;
  readonly group: string;
}

/** Both kinds have it, under different names. */
function setTo({ ref, region }: One, { classic, group }: Attribute): string {
  const inRegion = aws(region);
  return ref.kind === 'classic'
    ? inRegion`elb modify-load-balancer-attributes --load-balancer-name ${ref.name} --load-balancer-attributes ${JSON.stringify(classic)}`
    : inRegion`elbv2 modify-target-group-attributes --target-group-arn ${ref.arn} --attributes ${group}`;
}
