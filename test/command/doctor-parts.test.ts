/** The doctor's parts by themselves: target groups, what a health check costs, definitions compared, shell words. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { known } from '../../bin/command/doctor/answer.ts';
import type { Subject } from '../../bin/command/doctor/check.ts';
import { checkBalancers, costOfHealthCheck } from '../../bin/command/doctor/check-balancers.ts';
import { differences } from '../../bin/command/doctor/compare-definitions.ts';
import type { Facts } from '../../bin/command/doctor/facts.ts';
import { ok, problem, unknown, warning } from '../../bin/command/doctor/finding.ts';
import { summary } from '../../bin/command/doctor/report.ts';
import { aws, shell } from '../../bin/command/typed.ts';
import type { BalancerDetails } from '../../lambdas/ports/inspector.ts';
import type { LoadBalancerSettings } from '../../lambdas/ports/load-balancers.ts';
import { aFleet } from '../support/fleets.ts';

const ARN = 'arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/blog/0123456789abcdef';
const ref = { kind: 'target-group', arn: ARN } as const;

describe('a target group', () => {
  const settings: LoadBalancerSettings = {
    ref,
    vpcId: 'vpc-1',
    zones: [],
    intervalSeconds: 5,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
    timeoutSeconds: 4,
    drainSeconds: 30,
  };
  const details: BalancerDetails = { crossZone: true, zones: ['zone-a'], inUse: true };
  const subnets = [{ subnetId: 'subnet-a', vpcId: 'vpc-1', zone: 'zone-a', freeAddresses: 9 }];
  const subject: Subject = {
    fleet: aFleet(),
    region: 'ap-northeast-1',
    account: '123456789012',
    kmsKeys: [],
    tree: { bucketName: 'b', definitions: {}, startsOnUpload: true },
  };

  function findings(changes: Partial<LoadBalancerSettings>, more: Partial<BalancerDetails> = {}) {
    const balancer = {
      ref,
      settings: known({ ...settings, ...changes }),
      details: known({ ...details, ...more }),
      members: known([]),
    };
    const facts = {
      balancers: [balancer],
      subnets: known(subnets),
      monitors: known([]),
      compared: known([]),
    } as unknown as Facts;
    return checkBalancers(facts, subject);
  }
  const complaints = (...changes: Parameters<typeof findings>) =>
    findings(...changes).filter(({ level }) => level !== 'ok');

  it('is told to set how much longer than its own length the bake is', () =>
    expect(findings({ intervalSeconds: 10 }).map(({ sentence }) => sentence)).toContain(
      'the bake lasts 60 s, then 29 s until blog would show a host that broke in the last second of the bake',
    ));

  it('that is set well has no complaint', () => expect(complaints({})).toEqual([]));

  it.each<[string, Partial<LoadBalancerSettings>, Partial<BalancerDetails>, string, string]>([
    [
      'AWS’s default health check',
      { intervalSeconds: 30, healthyThreshold: 5 },
      {},
      'the health check of blog, 30 s × 5, makes each deployment up to 25 s slower than with 5 s × 2, and 2 min 20 s when a new host fails a check; the bake is as long as it takes to see a broken host: checks every 5 s, unhealthy after 2, with a time-out of 4 s at blog would save 50 s of it',
      `aws elbv2 modify-target-group --target-group-arn ${ARN} --region ap-northeast-1 --health-check-interval-seconds 5 --health-check-timeout-seconds 4 --healthy-threshold-count 2 --unhealthy-threshold-count 2`,
    ],
    [
      'no draining',
      { drainSeconds: 0 },
      {},
      'blog does not drain: requests in flight are cut off when an old host leaves',
      `aws elbv2 modify-target-group-attributes --target-group-arn ${ARN} --attributes Key=deregistration_delay.timeout_seconds,Value=30 --region ap-northeast-1`,
    ],
    [
      'zones kept apart',
      {},
      { crossZone: false },
      'blog keeps requests within their zone: when one zone has fewer hosts, each of them gets more',
      `aws elbv2 modify-target-group-attributes --target-group-arn ${ARN} --attributes Key=load_balancing.cross_zone.enabled,Value=true --region ap-northeast-1`,
    ],
    [
      'no listener',
      {},
      { inUse: false, zones: [] },
      'blog is used by no listener: its hosts never become healthy',
      'Make a listener of the load balancer forward to it (aws elbv2 modify-listener).',
    ],
    [
      'a load balancer that lacks the zone',
      {},
      { zones: ['zone-c'] },
      'blog does not serve zone-a, the zone of subnet-a',
      'Add a subnet in this zone to its load balancer (aws elbv2 set-subnets takes the full list, with the present ones).',
    ],
    [
      'another VPC',
      { vpcId: 'vpc-2' },
      {},
      "blog is in vpc-2, but the fleet's subnets are in vpc-1",
      `the fleets file, ${aFleet().name}: correct loadBalancers or subnets`,
    ],
  ])('with %s', (_what, changes, more, sentence, mend) =>
    expect(complaints(changes, more)).toMatchObject([{ sentence, mend: [mend] }]),
  );
});

describe('what a health check costs', () => {
  const classic = { kind: 'classic', name: 'blog' } as const;
  it.each([
    [classic, 5, 2, { always: 0, afterFailure: 0 }],
    [classic, 30, 10, { always: 50, afterFailure: 290 }],
    [classic, 10, 3, { always: 20, afterFailure: 20 }],
    [ref, 30, 5, { always: 25, afterFailure: 140 }],
    // Faster than advised is not praised with a negative cost.
    [ref, 5, 1, { always: 0, afterFailure: 0 }],
  ])('%j, %d s × %d', (balancer, intervalSeconds, healthyThreshold, cost) =>
    expect(costOfHealthCheck({ ref: balancer, intervalSeconds, healthyThreshold })).toEqual(cost),
  );
});

describe('a deployed definition', () => {
  const here = {
    StartAt: 'One',
    States: { One: { Resource: `\${Function1.Arn}`, Next: 'Two', Retry: [{ MaxAttempts: 3 }] } },
  };
  const deployed = (one: object) => ({
    StartAt: 'One',
    States: { One: { Resource: 'arn:aws:lambda:f', Next: 'Two', Retry: [{ MaxAttempts: 3 }], ...one } },
  });

  it('fits whatever CloudFormation has filled in', () => expect(differences(deployed({}), here)).toEqual([]));

  it.each<[string, object, object]>([
    ['value', { Next: 'Three' }, { path: 'States.One.Next', deployed: '"Three"', here: '"Two"' }],
    [
      'nested value',
      { Retry: [{ MaxAttempts: 5 }] },
      { path: 'States.One.Retry.0.MaxAttempts', deployed: '5', here: '3' },
    ],
    ['field that is gone here', { End: true }, { path: 'States.One.End', deployed: 'true', here: 'nothing' }],
    [
      'hole without anything in it',
      { Resource: '' },
      { path: 'States.One.Resource', deployed: '""', here: `"\${Function1.Arn}"` },
    ],
  ])('differs by a %s', (_what, one, difference) =>
    expect(differences(deployed(one), here)).toEqual([difference]),
  );

  it('that is none at all differs as a whole', () =>
    expect(differences(undefined, here)).toMatchObject([{ path: '', deployed: 'nothing' }]));

  it('differs in at most so many places', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`field${n}`, n]));
    expect(differences({}, many, 7)).toHaveLength(7);
  });
});

describe('a command to copy', () => {
  const through = (line: string): string[] =>
    execFileSync('bash', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
      .split('\n')
      .slice(0, -1);

  it('reaches the program word for word, whatever a word holds', () => {
    const words = [
      'plain-1.2/x:y=z@%+,',
      'two words',
      `it's`,
      '$HOME',
      '{"a":{"b":true}}',
      '*',
      '`id`',
      '"',
      '',
    ];
    expect(through(shell(...words))).toEqual(words);
  });

  it('is readable where nothing has to be quoted', () =>
    expect(aws('eu-west-1')`s3 ls s3://a/b`).toBe('aws s3 ls s3://a/b --region eu-west-1'));
});

describe('the summary', () => {
  it.each([
    [[ok('clock', 'fine')], 'Healthy: 1 check is fine.'],
    [[warning('clock', 'a'), ok('lock', 'b'), ok('lock', 'c')], '1 warning; 2 checks are fine.'],
    [
      [problem('lock', 'a'), problem('lock', 'b'), unknown('image', 'c'), warning('clock', 'd')],
      '2 problems, 1 unknown, 1 warning; 0 checks are fine.',
    ],
  ])('of %j', (findings, words) => expect(summary(findings)).toBe(words));
});
