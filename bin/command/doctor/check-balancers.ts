/** Can the load balancers take the new hosts, what do their settings cost, and is any request cut off? */

import { loadBalancerName } from '../../../lambdas/domain/core/fleet.ts';
import { span } from '../../../lambdas/domain/core/words.ts';
import { joinCosts } from '../../../lambdas/domain/hosts/joining.ts';
import { balancerProblems } from '../../../lambdas/domain/hosts/network.ts';
import type { Subnet } from '../../../lambdas/ports/ec2.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';
import type { LoadBalancerRef, LoadBalancerSettings } from '../../../lambdas/ports/load-balancers.ts';
import { type Check, check, type Subject } from './check.ts';
import type { BalancerFacts, Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { aws, happened, inFleetsFile } from './mending.ts';

const balancer = check('balancer');

export const checkBalancers: Check = (facts, subject) => {
  if (facts.balancers.length === 0)
    return [balancer.ok('the fleet has none: registered in Mackerel means ready')];
  return facts.balancers.flatMap((each) => checkOne(each, facts, subject));
};

function checkOne(one: BalancerFacts, { subnets }: Facts, subject: Subject): readonly Finding[] {
  const { settings, details, ref } = one;
  const name = loadBalancerName(ref);
  if (!settings.known && settings.error.name === 'LoadBalancerUnusable')
    return [missing(settings.error.message, subject)];
  return [
    ...balancer.given(name, [settings], () => balancer.ok(`${name} exists`)),
    ...zones.given(`which zones ${name} serves`, [settings, details, subnets], (set, more, found) =>
      zoneFindings({ set, more, found }, subject),
    ),
    ...health.given(`the health check of ${name}`, [settings, details], (set, more) =>
      healthFinding(set, more, subject.region),
    ),
    ...draining.given(`the draining of ${name}`, [settings], (set) => drainingFinding(set, subject)),
    ...crossZone.given(`cross-zone load balancing of ${name}`, [details], (more) =>
      crossZoneFinding(ref, more, subject.region),
    ),
  ].filter(isNews(one));
}

const missing = (message: string, { fleet }: Subject): Finding =>
  balancer.problem(
    happened(message),
    inFleetsFile(fleet.name, 'correct loadBalancers'),
    'LoadBalancerUnusable',
  );

/** One question that nobody may ask is told once, not by each check that needed it. */
const isNews =
  ({ settings }: BalancerFacts) =>
  ({ check: name, level }: Finding): boolean =>
    settings.known || name === 'balancer' || level !== 'unknown';

// ── Which zones it serves ──────────────────────────────────────────────────────────────────────────────────────────

interface Served {
  readonly set: LoadBalancerSettings;
  readonly more: BalancerDetails;
  readonly found: readonly Subnet[];
}

const zones = check('balancer-zones');

function zoneFindings({ set, more, found }: Served, { fleet, region }: Subject): Finding | Finding[] {
  const name = loadBalancerName(set.ref);
  if (!more.inUse)
    return zones.problem(
      `${name} is used by no listener: its hosts never become healthy`,
      'Let a listener of the load balancer forward to it (aws elbv2 modify-listener).',
    );
  // Of subnets that EC2 does not know, no zone is known either: that is told already.
  if (found.length === 0) return [];
  const wrong = balancerProblems({ ...set, zones: more.zones }, found[0]?.vpcId, found);
  if (wrong.length === 0) return zones.ok(`${name} serves the zones of the fleet`);
  const unserved = found.filter(({ zone }) => !more.zones.includes(zone)).map(({ subnetId }) => subnetId);
  const mend =
    set.vpcId !== found[0]?.vpcId
      ? inFleetsFile(fleet.name, 'correct loadBalancers or subnets')
      : serveToo(set.ref, unserved, region);
  return wrong.map((sentence) => zones.problem(sentence, mend, 'LoadBalancerUnusable'));
}

const serveToo = (ref: LoadBalancerRef, subnetIds: readonly string[], region: string): string =>
  ref.kind === 'classic'
    ? aws(region)`elb attach-load-balancer-to-subnets --load-balancer-name ${ref.name} --subnets ${subnetIds}`
    : 'Give its load balancer a subnet in this zone too (aws elbv2 set-subnets takes all of them, the present ones too).';

// ── What the settings cost ─────────────────────────────────────────────────────────────────────────────────────────

/** The setting that `npm run bench` measures as the fastest that both kinds take. */
const ADVISED = { intervalSeconds: 5, healthyThreshold: 2 } as const;
/** AWS wants the time-out below the interval. */
const ADVISED_TIMEOUT_SECONDS = 4;

/** Seconds that nobody would notice. */
const TOLERATED = { always: 10, afterFailure: 60 } as const;

/**
 * A deployment itself lets hosts join late where joining early would cost the full threshold (`joining.ts`), so what the
 * threshold costs is paid only by a host that fails a check.
 */
export function costOfHealthCheck(
  set: Pick<LoadBalancerSettings, 'ref' | 'intervalSeconds' | 'healthyThreshold'>,
) {
  const cost = (settings: typeof set) => {
    const { early, late } = joinCosts(settings);
    return { always: Math.min(early, late), afterFailure: early };
  };
  const [now, advised] = [cost(set), cost({ ref: set.ref, ...ADVISED })];
  return {
    always: Math.max(0, now.always - advised.always),
    afterFailure: Math.max(0, now.afterFailure - advised.afterFailure),
  };
}

const health = check('health-check');

function healthFinding(set: LoadBalancerSettings, more: BalancerDetails, region: string): Finding {
  const { ref, intervalSeconds, healthyThreshold } = set;
  const name = loadBalancerName(ref);
  const setting = `${intervalSeconds} s × ${healthyThreshold}`;
  const cost = costOfHealthCheck(set);
  if (cost.always <= TOLERATED.always && cost.afterFailure <= TOLERATED.afterFailure)
    return health.ok(`the health check of ${name} is ${setting}`);
  return health.warning(
    `the health check of ${name}, ${setting}, makes each deployment up to ${span(cost.always)} slower than ` +
      `${ADVISED.intervalSeconds} s × ${ADVISED.healthyThreshold}, and ${span(cost.afterFailure)} when a new host fails a check`,
    setHealthCheck(set, more, region),
  );
}

function setHealthCheck(
  { ref, unhealthyThreshold }: LoadBalancerSettings,
  { target, timeoutSeconds }: BalancerDetails,
  region: string,
): string {
  const { intervalSeconds: interval, healthyThreshold: healthy } = ADVISED;
  const timeout = Math.min(timeoutSeconds, ADVISED_TIMEOUT_SECONDS);
  if (ref.kind === 'target-group')
    return aws(region)`elbv2 modify-target-group --target-group-arn ${ref.arn}`
      .concat(` --health-check-interval-seconds ${interval} --health-check-timeout-seconds ${timeout}`)
      .concat(` --healthy-threshold-count ${healthy}`);
  const check = `Target=${target},Interval=${interval},Timeout=${timeout},UnhealthyThreshold=${unhealthyThreshold},HealthyThreshold=${healthy}`;
  return aws(region)`elb configure-health-check --load-balancer-name ${ref.name} --health-check ${check}`;
}

/** The plan of a deployment advises the same. */
const LONG_DRAINING_SECONDS = 60;
const ADVISED_DRAINING_SECONDS = 30;

const draining = check('draining');

function drainingFinding({ ref, drainSeconds }: LoadBalancerSettings, { fleet, region }: Subject): Finding {
  const name = loadBalancerName(ref);
  const mend = setDraining(ref, region);
  const limit = fleet.limits.drainSeconds;
  if (drainSeconds === 0)
    return draining.warning(
      `${name} does not drain: requests in flight are cut when an old host leaves`,
      mend,
    );
  const told = `${name} drains for up to ${span(drainSeconds)}`;
  if (drainSeconds > limit)
    return draining.warning(
      `${told}, but the fleet waits for ${span(limit)} (limits.drainSeconds): one long request makes a deployment fail as DrainingStuck`,
      mend,
    );
  return drainSeconds > LONG_DRAINING_SECONDS
    ? draining.warning(`${told}: one long request holds a deployment up for so long`, mend)
    : draining.ok(told);
}

const setDraining = (ref: LoadBalancerRef, region: string): string =>
  setTo(ref, region, {
    classic: { ConnectionDraining: { Enabled: true, Timeout: ADVISED_DRAINING_SECONDS } },
    group: `Key=deregistration_delay.timeout_seconds,Value=${ADVISED_DRAINING_SECONDS}`,
  });

const crossZone = check('cross-zone');

function crossZoneFinding(
  ref: LoadBalancerRef,
  { crossZone: isOn }: BalancerDetails,
  region: string,
): Finding {
  const name = loadBalancerName(ref);
  if (isOn) return crossZone.ok(`${name} spreads requests over all zones`);
  return crossZone.warning(
    `${name} keeps requests within their zone: when one zone has fewer hosts, each of them works more`,
    setTo(ref, region, {
      classic: { CrossZoneLoadBalancing: { Enabled: true } },
      group: 'Key=load_balancing.cross_zone.enabled,Value=true',
    }),
  );
}

interface Attribute {
  readonly classic: object;
  readonly group: string;
}

/** What both kinds have, under different names. */
function setTo(ref: LoadBalancerRef, region: string, { classic, group }: Attribute): string {
  const inRegion = aws(region);
  return ref.kind === 'classic'
    ? inRegion`elb modify-load-balancer-attributes --load-balancer-name ${ref.name} --load-balancer-attributes ${JSON.stringify(classic)}`
    : inRegion`elbv2 modify-target-group-attributes --target-group-arn ${ref.arn} --attributes ${group}`;
}
