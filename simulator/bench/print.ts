/** The results as text: tables that fit into 100 columns. */
import { type Column, table } from '../table.ts';
import type { AskedRow } from './asked.ts';
import type { BundleRow } from './bundles.ts';
import type { Crowd } from './crowd.ts';
import type { Row } from './rows.ts';
import type { PolicyRow, StacksRow } from './stacks.ts';
import type { Standing } from './standing.ts';
import { kilobytes, type Results, type Verdict, verdicts } from './targets.ts';
import type { UndoRow } from './undo.ts';

export function printed(results: Results): string {
  const { rows, undos, bundles, seeds, crowds, policies, stacks, standing } = results;
  return [
    `Means over the seeds ${seeds.join(', ')}; times in seconds of virtual time. Hosts: half old, half new.`,
    section('Total time and lower bounds', ABOUT_BOUNDS, table(rows, [...WHO, ...TIME])),
    section(
      'Where the seconds beyond the exact bound go',
      ABOUT_OVERHEAD,
      table(rows, [...WHO, ...OVERHEAD]),
    ),
    section('How late a look sees what it waits for', [], table(rows, [...WHO, ...DELAYS])),
    section('Undone at a random moment', ABOUT_UNDOS, table(undos, UNDOS)),
    section('Requests', ABOUT_REQUESTS, table(rows, [...WHO, ...REQUESTS])),
    section('Size', ABOUT_SIZE, table(rows, [...WHO, ...SIZE])),
    section('Cost in US cents', ABOUT_COST, table(rows, [...WHO, ...COST])),
    section('What a fleet may ask for, 10 hosts', ABOUT_ASKED, table(results.asked, ASKED)),
    section('A month in which nothing is deployed', ABOUT_STANDING, table(standing, STANDING)),
    section('Launches in the same second', ABOUT_CROWDS, table(crowds, CROWDS)),
    section('Stacks', ABOUT_STACKS, table(stacks, STACKS)),
    section('Role policies', ABOUT_POLICIES, table(policies, POLICIES)),
    section('Bundles', [], table(bundles, BUNDLES)),
    section('Targets', [], verdicts(results).map(verdictLine)),
  ].join('\n\n');
}

const ABOUT_BOUNDS = [
  'exact: every decision at its best moment, by someone who knows the future, and calls take no time.',
  'sum:   boot + registration in Mackerel + health threshold × interval + drain + bake + shutdown.',
  '       It says little about defaults: hosts join later.',
];
const ABOUT_OVERHEAD = [
  'agree:  from the start to the launch; nothing changes yet',
  'join:   health checks failed while the hosts booted, so several had to pass in a row',
  'shift:  from ready until the old hosts are out of service',
  'drain, end: until a look has noticed that all are drained, that all are terminated',
  'bake:   beyond its own length',
  'record: old hosts retired in Mackerel, release recorded',
];
const ABOUT_REQUESTS = ['per look: to EC2, load balancer and Mackerel in one poll of New hosts are ready.'];
const ABOUT_SIZE = ['Events and KiB: the maximum over all seeds.'];
const ABOUT_COST = [
  'In Tokyo, before any free tier. Metrics: for an hour each, with the age of the lock.',
  'rest: ledger, S3, the key, mails and events.',
];

const ABOUT_ASKED = [
  'more: than a deployment that asks for nothing; what is waited for on demand is part of it.',
];

const ASKED: Column<AskedRow>[] = [
  ['asks for', ({ asks }) => asks],
  ['total', ({ seconds }) => seconds.toFixed(1)],
  ['more', ({ moreSeconds }) => moreSeconds.toFixed(1)],
  ['transitions', ({ transitions }) => transitions.toFixed(0)],
  ['events', ({ mostHistoryEvents }) => `${mostHistoryEvents}`],
  ['cents', ({ cost }) => cost.cents.toFixed(3)],
];

const WHO: Column<Row>[] = [
  ['fleet', ({ kind }) => kind],
  ['hosts', ({ size }) => `${size}`],
  ['ELB set', ({ kind, tuning }) => (kind === 'worker' ? '-' : tuning)],
  ['baked', ({ bakeSeconds }) => (bakeSeconds === 0 ? '-' : 'yes')],
];

const TIME: Column<Row>[] = [
  ['total', ({ seconds }) => seconds.toFixed(1)],
  ['exact', ({ bounds }) => bounds.exact.toFixed(1)],
  ['total ÷ exact', ({ ratios }) => ratios.exact.toFixed(3)],
  ['sum', ({ bounds }) => bounds.sum.toFixed(1)],
  ['total ÷ sum', ({ ratios }) => ratios.sum.toFixed(3)],
];

const OVERHEAD: Column<Row>[] = [
  ['agree', ({ overhead }) => overhead.agree.toFixed(1)],
  ['join', ({ overhead }) => overhead.join.toFixed(1)],
  ['shift', ({ overhead }) => overhead.shift.toFixed(1)],
  ['drain', ({ overhead }) => overhead.drain.toFixed(1)],
  ['bake', ({ overhead }) => overhead.bake.toFixed(1)],
  ['end', ({ overhead }) => overhead.terminate.toFixed(1)],
  ['record', ({ overhead }) => overhead.record.toFixed(1)],
  ['all', ({ seconds, bounds }) => (seconds - bounds.exact).toFixed(1)],
];

const DELAYS: Column<Row>[] = [
  ['ready', ({ delays }) => delays.ready.toFixed(2)],
  ['drained', ({ delays }) => delays.drained.toFixed(2)],
  ['terminated', ({ delays }) => delays.terminated.toFixed(2)],
];

const REQUESTS: Column<Row>[] = [
  ['EC2', ({ requests }) => requests.ec2.toFixed(0)],
  ['ELB', ({ requests }) => requests.loadBalancers.toFixed(0)],
  ['Mackerel', ({ requests }) => requests.mackerel.toFixed(0)],
  ['S3', ({ requests }) => (requests.artifacts + requests.records).toFixed(0)],
  ['SSM', ({ requests }) => requests.parameters.toFixed(0)],
  ['DynamoDB', ({ requests }) => requests.ledger.toFixed(0)],
  ['per look', ({ callsPerLook }) => callsPerLook.mean.toFixed(2)],
  ['at most', ({ callsPerLook }) => `${callsPerLook.most}`],
];

const SIZE: Column<Row>[] = [
  ['transitions', ({ transitions }) => transitions.toFixed(0)],
  ['events', ({ mostHistoryEvents }) => `${mostHistoryEvents}`],
  ['KiB', ({ largestPayload }) => (largestPayload / 1024).toFixed(1)],
  ['runs', ({ cost }) => cost.invocations.toFixed(0)],
  ['GB-s', ({ cost }) => cost.gbSeconds.toFixed(1)],
  ['log kB', ({ cost }) => kilobytes(cost.logged)],
];

const COST: Column<Row>[] = [
  ['Lambda', ({ cost }) => cost.lambdaCents.toFixed(3)],
  ['Step F.', ({ cost }) => cost.stepFunctionsCents.toFixed(3)],
  ['logs', ({ cost }) => cost.logCents.toFixed(3)],
  ['metrics', ({ cost }) => cost.metricCents.toFixed(3)],
  ['rest', ({ cost }) => cost.requestCents.toFixed(3)],
  ['cents', ({ cost }) => cost.cents.toFixed(3)],
];

const ABOUT_STANDING = [
  'In US dollars. Alarms: metrics that they look at; told: custom metrics although nothing happens.',
];
const STANDING: Column<Standing>[] = [
  ['fleets', ({ fleets }) => `${fleets}`],
  ['alarms', ({ alarms }) => `${alarms.environment}`],
  ['alarms a fleet', ({ alarms }) => `${alarms.fleet}`],
  ['told a fleet', ({ metrics }) => `${metrics}`],
  ['environment', ({ environmentUsd }) => environmentUsd.toFixed(3)],
  ['each fleet', ({ fleetUsd }) => fleetUsd.toFixed(3)],
  ['all', (row) => row.usd.toFixed(2)],
];

const ABOUT_UNDOS = [
  'Seconds from then until the old hosts alone serve: in service everywhere, and the new ones out of',
  'the load balancers for good, or ended. 2 + 2 hosts behind a tuned classic ELB.',
];
const UNDOS: Column<UndoRow>[] = [
  ['what happens', ({ what }) => what],
  ['runs', ({ runs }) => `${runs}`],
  ['median', ({ median }) => median.toFixed(1)],
  ['p95', ({ p95 }) => p95.toFixed(1)],
  ['most', ({ most }) => most.toFixed(1)],
];

const ABOUT_CROWDS = [
  'EC2 has one bucket of RunInstances for the account: 5 calls, 2 more a second. The bound is the',
  'time that it takes by itself, turned away is what found it empty and waited for its turn.',
];
const CROWDS: Column<Crowd>[] = [
  ['fleets', ({ fleets }) => `${fleets}`],
  ['zones', ({ subnets }) => `${subnets}`],
  ['launched', ({ launched }) => `${launched}`],
  ['asked twice', ({ askedTwice }) => `${askedTwice}`],
  ['turned away', ({ turnedAway }) => `${turnedAway}`],
  ['last launch', ({ launchSeconds }) => launchSeconds.toFixed(1)],
  ['bound', ({ leastSeconds }) => leastSeconds.toFixed(1)],
  ['deployed', ({ deployed }) => `${deployed}`],
];

const ABOUT_STACKS = [
  'One environment, names as long as a fleet with a promotion may have, six subnets each.',
  "shared: what the fleets share; fleet: the largest of the fleets' own stacks.",
];
const STACKS: Column<StacksRow>[] = [
  ['fleets', ({ fleets }) => `${fleets}`],
  ['shared: characters', ({ shared }) => shared.characters.toLocaleString('en')],
  ['resources', ({ shared }) => `${shared.resources}`],
  ['fleet: characters', ({ fleet }) => fleet.characters.toLocaleString('en')],
  ['resources', ({ fleet }) => `${fleet.resources}`],
  ['rules', ({ rules }) => `${rules}`],
];

const ABOUT_POLICIES = [
  'Of the role with the most, as IAM counts: without white space, names as long as can be.',
];
const POLICIES: Column<PolicyRow>[] = [
  ['of', ({ what }) => what],
  ['characters', ({ characters }) => `${characters}`],
  ['managed', ({ managed }) => `${managed}`],
  ['role', ({ role }) => role],
];

const BUNDLES: Column<BundleRow>[] = [
  ['step', ({ step }) => step],
  ['kB', ({ bytes }) => kilobytes(bytes)],
  ['EC2 client', ({ carriesEc2 }) => (carriesEc2 ? 'yes' : '-')],
  ['may call EC2', ({ needsEc2 }) => (needsEc2 ? 'yes' : '-')],
  ['import in ms', ({ importMillis }) => importMillis.toFixed(0)],
];

const verdictLine = ({ target, measured, met }: Verdict) => `${met ? '✓' : '✗'} ${target}: ${measured}`;

function section(title: string, about: readonly string[], lines: readonly string[]): string {
  return [title, ...about.map((line) => `  ${line}`), ...lines.map((line) => `  ${line}`)].join('\n');
}
