/** Can the load balancers take the new hosts, what do their settings cost, and is any request cut off? */

import { loadBalancerName } from '../../../lambdas/domain/core/fleet.ts';
import { span } from '../../../lambdas/domain/core/words.ts';
import { joinCosts } from '../../../lambdas/domain/hosts/joining.ts';
import { balancerProblems } from '../../../lambdas/domain/hosts/network.ts';
import type { Subnet } from '../../../lambdas/ports/ec2.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';
import type { LoadBalancerRef, LoadBalancerSettings } from '../../../lambdas/ports/load-balancers.ts';
import { given } from './answer.ts';
import type { BalancerFacts, Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { aws, happened, inFleetsFile } from './mending.ts';
import type { Check, Subject } from './subject.ts';

export const checkBalancers: Check = (facts, subject) => {
  if (facts.balancers.length === 0)
    return [ok('balancer', 'the fleet has none: registered in Mackerel means ready')];
  return facts.balancers.flatMap((balancer) => checkOne(balancer, facts, subject));
};

function checkOne(balancer: BalancerFacts, { subnets }: Facts, subject: Subject): readonly Finding[] {
  const { settings, details, ref } = balancer;
  const name = loadBalancerName(ref);
  if (!settings.known && settings.error.name === 'LoadBalancerUnusable')
    return [missing(settings.error.message, subject)];
  return [
    ...given('balancer', name, [settings], () => [ok('balancer', `${name} exists`)]),
    ...given(
      'balancer-zones',
      `which zones ${name} serves`,
      [settings, details, subnets],
      (set, more, found) => zones({ set, more, found }, subject),
    ),
    ...given('health-check', `the health check of ${name}`, [settings, details], (set, more) => [
      healthCheck(set, more, subject.region),
    ]),
    ...given('draining', `the draining of ${name}`, [settings], (set) => [draining(set, subject)]),
    ...given('cross-zone', `cross-zone load balancing of ${name}`, [details], (more) => [
      crossZone(ref, more, subject.region),
    ]),
  ].filter(isNews(balancer));
}

const missing = (message: string, { fleet }: Subject): Finding =>
  problem('balancer', happened(message), {
    failure: 'LoadBalancerUnusable',
    mend: [inFleetsFile(fleet.name, 'correct loadBalancers')],
  });

/** One question that nobody may ask is told once, not by each check that needed it. */
function isNews({ settings }: BalancerFacts): (finding: Finding) => boolean {
  return ({ check, level }) => settings.known || check === 'balancer' || level !== 'unknown';
}

interface Served {
  readonly set: LoadBalancerSettings;
  readonly more: BalancerDetails;
  readonly found: readonly Subnet[];
}

function zones({ set, more, found }: Served, { fleet, region }: Subject): Finding[] {
  const { ref } = set;
  const name = loadBalancerName(ref);
  const failure = 'LoadBalancerUnusable';
  if (!more.inUse)
    return [
      problem('balancer-zones', `${name} is used by no listener: its hosts never become healthy`, {
        mend: ['Let a listener of the load balancer forward to it (aws elbv2 modify-listener).'],
      }),
    ];
  // Of subnets that EC2 does not know, no zone is known either: that is told already.
  if (found.length === 0) return [];
  const wrong = balancerProblems({ ...set, zones: more.zones }, found[0]?.vpcId, found);
  if (wrong.length === 0) return [ok('balancer-zones', `${name} serves the zones of the fleet`)];
  const unserved = found.filter(({ zone }) => !more.zones.includes(zone)).map(({ subnetId }) => subnetId);
  const mend =
    set.vpcId !== found[0]?.vpcId
      ? [inFleetsFile(fleet.name, 'correct loadBalancers or subnets')]
      : serveToo(ref, unserved, region);
  return wrong.map((sentence) => problem('balancer-zones', sentence, { failure, mend }));
}

function serveToo(ref: LoadBalancerRef, subnetIds: readonly string[], region: string): string[] {
  return ref.kind === 'classic'
    ? [
        aws(
          region,
          'elb',
          'attach-load-balancer-to-subnets',
          '--load-balancer-name',
          ref.name,
          '--subnets',
          ...subnetIds,
        ),
      ]
    : [
        'Give its load balancer a subnet in this zone too (aws elbv2 set-subnets takes all of them, the present ones too).',
      ];
}

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

function healthCheck(set: LoadBalancerSettings, more: BalancerDetails, region: string): Finding {
  const { ref, intervalSeconds, healthyThreshold } = set;
  const name = loadBalancerName(ref);
  const setting = `${intervalSeconds} s × ${healthyThreshold}`;
  const cost = costOfHealthCheck(set);
  if (cost.always <= TOLERATED.always && cost.afterFailure <= TOLERATED.afterFailure)
    return ok('health-check', `the health check of ${name} is ${setting}`);
  return warning(
    'health-check',
    `the health check of ${name}, ${setting}, makes each deployment up to ${span(cost.always)} slower than ` +
      `${ADVISED.intervalSeconds} s × ${ADVISED.healthyThreshold}, and ${span(cost.afterFailure)} when a new host fails a check`,
    { mend: [setHealthCheck(set, more, region)] },
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
    return aws(region, 'elbv2', 'modify-target-group', '--target-group-arn', ref.arn)
      .concat(` --health-check-interval-seconds ${interval} --health-check-timeout-seconds ${timeout}`)
      .concat(` --healthy-threshold-count ${healthy}`);
  const check = `Target=${target},Interval=${interval},Timeout=${timeout},UnhealthyThreshold=${unhealthyThreshold},HealthyThreshold=${healthy}`;
  return aws(
    region,
    'elb',
    'configure-health-check',
    '--load-balancer-name',
    ref.name,
    '--health-check',
    check,
  );
}

/** The plan of a deployment advises the same. */
const LONG_DRAINING_SECONDS = 60;
const ADVISED_DRAINING_SECONDS = 30;

function draining({ ref, drainSeconds }: LoadBalancerSettings, { fleet, region }: Subject): Finding {
  const name = loadBalancerName(ref);
  const mend = [setDraining(ref, region)];
  const limit = fleet.limits.drainSeconds;
  if (drainSeconds === 0)
    return warning('draining', `${name} does not drain: requests in flight are cut when an old host leaves`, {
      mend,
    });
  if (drainSeconds > limit)
    return warning(
      'draining',
      `${name} drains for up to ${span(drainSeconds)}, but the fleet waits for ${span(limit)} (limits.drainSeconds): one long request makes a deployment fail as DrainingStuck`,
      { mend },
    );
  if (drainSeconds > LONG_DRAINING_SECONDS)
    return warning(
      'draining',
      `${name} drains for up to ${span(drainSeconds)}: one long request holds a deployment up for so long`,
      {
        mend,
      },
    );
  return ok('draining', `${name} drains for up to ${span(drainSeconds)}`);
}

function setDraining(ref: LoadBalancerRef, region: string): string {
  if (ref.kind === 'target-group') {
    const delay = `Key=deregistration_delay.timeout_seconds,Value=${ADVISED_DRAINING_SECONDS}`;
    return setGroup(ref.arn, delay, region);
  }
  return setClassic(
    ref.name,
    { ConnectionDraining: { Enabled: true, Timeout: ADVISED_DRAINING_SECONDS } },
    region,
  );
}

function crossZone(ref: LoadBalancerRef, { crossZone: isOn }: BalancerDetails, region: string): Finding {
  const name = loadBalancerName(ref);
  if (isOn) return ok('cross-zone', `${name} spreads requests over all zones`);
  const mend =
    ref.kind === 'classic'
      ? setClassic(ref.name, { CrossZoneLoadBalancing: { Enabled: true } }, region)
      : setGroup(ref.arn, 'Key=load_balancing.cross_zone.enabled,Value=true', region);
  return warning(
    'cross-zone',
    `${name} keeps requests within their zone: when one zone has fewer hosts, each of them works more`,
    { mend: [mend] },
  );
}

const setClassic = (name: string, attributes: object, region: string) =>
  aws(
    region,
    'elb',
    'modify-load-balancer-attributes',
    '--load-balancer-name',
    name,
    '--load-balancer-attributes',
    JSON.stringify(attributes),
  );

const setGroup = (arn: string, attribute: string, region: string) =>
  aws(
    region,
    'elbv2',
    'modify-target-group-attributes',
    '--target-group-arn',
    arn,
    '--attributes',
    attribute,
  );
