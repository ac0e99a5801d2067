/** Which hosts are in service, as the next deployment decides it: would it start, which hosts would it leave alone? */

import type { OldHost, Stranger } from '../../../lambdas/domain/core/document.ts';
import { assertGatesOpen } from '../../../lambdas/domain/core/errors.ts';
import { fleetSize, isProtected, loadBalancerName, TAG } from '../../../lambdas/domain/core/fleet.ts';
import { count, list, span } from '../../../lambdas/domain/core/words.ts';
import { healthWords } from '../../../lambdas/domain/hosts/health-words.ts';
import { isKept, keptUntil } from '../../../lambdas/domain/hosts/kept.ts';
import {
  decideSnapshot,
  type SnapshotDecision,
  type SnapshotFacts,
} from '../../../lambdas/domain/hosts/snapshot.ts';
import {
  accountedFor,
  type Orphan,
  orphansAmong,
  unaccountedFor,
} from '../../../lambdas/domain/lock/orphans.ts';
import type { Instance } from '../../../lambdas/ports/ec2.ts';
import { aws, irekae } from '../typed.ts';
import { momentAgo } from '../wording.ts';
import { type Answer, known } from './answer.ts';
import { type Check, check, decided, type Subject } from './check.ts';
import { isBeingDeployed } from './check-lock.ts';
import type { BalancerFacts, Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { happened } from './mending.ts';

const hosts = check('hosts');

export const checkHosts: Check = (facts, subject) => {
  if (isBeingDeployed(facts))
    return [hosts.ok('a deployment is changing the hosts: run the doctor again when it has ended')];
  const left = leftBehind(facts, subject);
  const { instances, tagged, balancers } = facts;
  const found = hosts.given(
    'the hosts in service',
    [facts.hosts, instances, tagged, everyMember(balancers)],
    (listed, described, ours, members) =>
      snapshot(subject, { hosts: listed, instances: described, tagged: ours, members }, left),
  );
  return [...found, ...left.findings];
};

// ── Would the next deployment begin? ───────────────────────────────────────────────────────────────────────────────

type Members = SnapshotFacts['members'];

function everyMember(balancers: readonly BalancerFacts[]): Answer<Members> {
  const all = new Map();
  for (const { ref, members } of balancers) {
    if (!members.known) return members;
    all.set(loadBalancerName(ref), members.value);
  }
  return known(all);
}

const snapshot = (subject: Subject, facts: SnapshotFacts, left: LeftBehind): readonly Finding[] =>
  decided<readonly Finding[]>(
    () => {
      const decision = decideSnapshot(subject.fleet, facts);
      assertGatesOpen(decision.refusals);
      return [...serving(subject, decision, facts.members), ...strangers(subject, decision.strangers, left)];
    },
    ({ name, message }) => [hosts.problem(happened(message), mendOf(subject, facts, name), name)],
  );

function mendOf({ fleet, region }: Subject, { tagged }: SnapshotFacts, failure: string): string[] {
  const braked = tagged.filter(isProtected).map(({ instanceId }) => instanceId);
  if (failure === 'TerminationRefused' && braked.length > 0)
    return [
      'First ask who put it there, and why. Then:',
      aws(region)`ec2 delete-tags --resources ${braked} --tags Key=${TAG.protect}`,
    ];
  return failure === 'FleetWouldShrink'
    ? [`the fleets file, ${fleet.name}: raise instancesPerZone (now ${fleet.instancesPerZone})`]
    : [`docs/runbook.md, ${failure}`];
}

const inService = check('hosts-in-service');

function serving({ fleet }: Subject, { hosts: old }: SnapshotDecision, members: Members): Finding[] {
  const size = fleetSize(fleet);
  if (old.length === 0)
    return [hosts.ok(`no hosts yet: the first deployment launches ${count(size, 'host')}`)];
  const idle = old.filter(({ served }) => !served);
  const served = old.length - idle.length;
  const what = `${served} of ${count(size, 'host')} in service`;
  return [
    hosts.ok(`the next deployment would replace ${count(old.length, 'host')}`),
    idle.length === 0 && served === size
      ? inService.ok(what)
      : inService.warning(
          [what, ...idle.map((host) => whyIdle(host, members))].join('; '),
          'Start a deployment with the input {"redeploy": true}: it relaunches the whole fleet.',
        ),
  ];
}

function whyIdle({ instanceId, status }: OldHost, members: Members): string {
  const places = [...members].flatMap(([name, listed]) => {
    const member = listed.find((each) => each.instanceId === instanceId);
    if (!member) return [`is not registered at ${name}`];
    return member.state === 'in-service'
      ? []
      : [`is ${member.state.replaceAll('-', ' ')} at ${name} (${healthWords(member.reason)})`];
  });
  return `${instanceId} ${places.length > 0 ? places.join(' and ') : `is ${status} in Mackerel`}`;
}

const others = check('strangers');

function strangers({ fleet }: Subject, found: readonly Stranger[], { ids }: LeftBehind): Finding[] {
  const told = found.filter(({ name, why }) => !ids.some((id) => name === id || why.includes(id)));
  // Another fleet's, behind the same load balancer: nobody is advised to do anything about them.
  const theirs = told.filter(({ isOthers }) => isOthers);
  const left = told.filter((each) => !theirs.includes(each));
  if (left.length === 0)
    return [
      theirs.length === 0
        ? others.ok('no host of the role is outside the fleet')
        : others.ok(`left alone: ${list(named(theirs), 3)}`),
    ];
  const adoptable = left.filter(({ why }) => why.includes(TAG.fleet));
  const mend = [
    ...(adoptable.length > 0 ? [irekae('adopt', fleet.name)] : []),
    ...(adoptable.length < left.length ? ['docs/runbook.md, Removing instances by hand'] : []),
  ];
  const what = `the next deployment would not replace ${count(left.length, 'host')}: ${list(named(left), 3)}`;
  return [others.warning(what, mend)];
}

const named = (strangers: readonly Stranger[]) => strangers.map(({ name, why }) => `${name}: ${why}`);

// ── What did earlier deployments leave? ────────────────────────────────────────────────────────────────────────────

interface LeftBehind {
  readonly findings: readonly Finding[];
  /** Reported already, so not strangers. */
  readonly ids: readonly string[];
}

const leftovers = check('leftovers');

function leftBehind({ tagged, record, row, now }: Facts, { fleet, region }: Subject): LeftBehind {
  const ids: string[] = [];
  const about = 'leftovers of earlier deployments';
  const findings = leftovers.given(about, [tagged, record, row], (instances, current, ledger) => {
    const accounted = decided(
      () => accountedFor(fleet.name, current),
      () => undefined,
      'InvalidInput',
    );
    // A record that is not ours is reported by its own check.
    if (accounted === undefined) return [];
    const orphans = orphansAmong(unaccountedFor({}, instances, ledger?.held, accounted), now);
    const kept = instances.filter((instance) => isKept(instance, now));
    ids.push(...[...orphans, ...kept].map(({ instanceId }) => instanceId));
    return [leftover(orphans, region), ...kept.map((instance) => keptFinding(instance, now, region))];
  });
  return { findings, ids };
}

function leftover(orphans: readonly Orphan[], region: string): Finding {
  if (orphans.length === 0) return leftovers.ok('no instance of an ended deployment is left');
  const told = orphans.map(
    ({ instanceId, deployment, seconds }) => `${instanceId} (launched by ${deployment} ${span(seconds)} ago)`,
  );
  const ids = orphans.map(({ instanceId }) => instanceId);
  return leftovers.warning(`orphaned: ${list(told, 5)}`, [
    'First check that nobody uses it: docs/runbook.md, Removing instances by hand.',
    aws(region)`ec2 terminate-instances --instance-ids ${ids}`,
  ]);
}

const keptInstance = check('kept-instance');

function keptFinding(instance: Instance, now: Date, region: string): Finding {
  const { instanceId, launchedAt } = instance;
  const until = keptUntil(instance)?.toISOString() ?? '';
  const over = `Key=${TAG.keepUntil},Value=${now.toISOString()}`;
  return keptInstance.warning(
    `${instanceId} (launched ${momentAgo(launchedAt, now)}) failed and is kept for debugging until ${until}`,
    [
      'It is terminated automatically then. To have it terminated within 5 minutes:',
      aws(region)`ec2 create-tags --resources ${instanceId} --tags ${over}`,
    ],
  );
}
