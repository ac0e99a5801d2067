/** Who serves now, by the decision of the next deployment itself: would it begin, whom would it leave beside the new? */

import type { OldHost, Stranger } from '../../../lambdas/domain/core/document.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import { fleetSize, isProtected, loadBalancerName, TAG } from '../../../lambdas/domain/core/fleet.ts';
import { count, list, span } from '../../../lambdas/domain/core/words.ts';
import { healthWords } from '../../../lambdas/domain/hosts/health-words.ts';
import { isKept, keptUntil } from '../../../lambdas/domain/hosts/kept.ts';
import {
  decideSnapshot,
  type SnapshotDecision,
  type SnapshotFacts,
} from '../../../lambdas/domain/hosts/snapshot.ts';
import { accountedFor, orphansAmong } from '../../../lambdas/domain/lock/orphans.ts';
import type { Instance } from '../../../lambdas/ports/ec2.ts';
import { momentAgo } from '../wording.ts';
import { type Answer, given, known } from './answer.ts';
import { isBeingDeployed } from './check-lock.ts';
import type { BalancerFacts, Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { aws, happened, irekae } from './mending.ts';
import type { Check, Subject } from './subject.ts';

export const checkHosts: Check = (facts, subject) => {
  if (isBeingDeployed(facts))
    return [ok('hosts', 'a deployment is at work on the hosts: look again afterwards')];
  const left = leftBehind(facts, subject);
  const found = given(
    'hosts',
    'who serves now',
    [facts.hosts, facts.instances, facts.tagged, everyMember(facts.balancers)],
    (hosts, instances, tagged, members) => snapshot(subject, { hosts, instances, tagged, members }, left),
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

function snapshot(subject: Subject, facts: SnapshotFacts, left: LeftBehind): readonly Finding[] {
  const { fleet } = subject;
  try {
    const decision = decideSnapshot(fleet, facts);
    return [...serving(subject, decision, facts.members), ...strangers(subject, decision.strangers, left)];
  } catch (error) {
    if (!isFailure(error)) throw error;
    const failure = error.name;
    return [problem('hosts', happened(error.message), { failure, mend: mendOf(subject, facts, failure) })];
  }
}

function mendOf({ fleet, region }: Subject, { tagged }: SnapshotFacts, failure: string): string[] {
  const braked = tagged.filter(isProtected).map(({ instanceId }) => instanceId);
  if (failure === 'TerminationRefused' && braked.length > 0)
    return [
      'Ask first who put it there, and why. Then:',
      aws(region, 'ec2', 'delete-tags', '--resources', ...braked, '--tags', `Key=${TAG.protect}`),
    ];
  return failure === 'FleetWouldShrink'
    ? [`bin/fleets.ts, ${fleet.name}: raise instancesPerZone (now ${fleet.instancesPerZone})`]
    : [`docs/runbook.md, ${failure}`];
}

function serving({ fleet }: Subject, { hosts }: SnapshotDecision, members: Members): Finding[] {
  const size = fleetSize(fleet);
  if (hosts.length === 0)
    return [ok('hosts', `no host yet: the first deployment launches ${count(size, 'host')}`)];
  const idle = hosts.filter(({ served }) => !served);
  const served = hosts.length - idle.length;
  const what = `${served} of ${count(size, 'host')} serve`;
  const mend = ['Start a deployment with the input {"redeploy": true}: it launches the whole fleet anew.'];
  return [
    ok('hosts', `the next deployment would replace ${count(hosts.length, 'host')}`),
    idle.length === 0 && served === size
      ? ok('hosts-in-service', `${what}`)
      : warning('hosts-in-service', [what, ...idle.map((host) => whyIdle(host, members))].join('; '), {
          mend,
        }),
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

function strangers({ fleet }: Subject, found: readonly Stranger[], { ids }: LeftBehind): Finding[] {
  const others = found.filter(({ name, why }) => !ids.some((id) => name === id || why.includes(id)));
  if (others.length === 0) return [ok('strangers', 'nobody stands under the role who is not of the fleet')];
  const adoptable = others.filter(({ why }) => why.includes(TAG.fleet));
  const mend = [
    ...(adoptable.length > 0 ? [irekae('adopt', fleet.name)] : []),
    ...(adoptable.length < others.length ? ['docs/runbook.md, Removing instances by hand'] : []),
  ];
  const told = list(
    others.map(({ name, why }) => `${name}: ${why}`),
    3,
  );
  return [
    warning('strangers', `the next deployment would not replace ${count(others.length, 'host')}: ${told}`, {
      mend,
    }),
  ];
}

// ── What did earlier deployments leave? ────────────────────────────────────────────────────────────────────────────

interface LeftBehind {
  readonly findings: readonly Finding[];
  /** Told already, so no strangers. */
  readonly ids: readonly string[];
}

function leftBehind({ tagged, record, row, now }: Facts, { fleet, region }: Subject): LeftBehind {
  const ids: string[] = [];
  const findings = given(
    'leftovers',
    'leftovers of earlier deployments',
    [tagged, record, row],
    (instances, current, ledger) => {
      const accounted = readAccounted(fleet.name, current);
      if (accounted === undefined) return [];
      const orphans = orphansAmong(instances, ledger?.held, accounted, now);
      const kept = instances.filter((instance) => isKept(instance, now));
      ids.push(...[...orphans, ...kept].map(({ instanceId }) => instanceId));
      return [
        ...(orphans.length === 0
          ? [ok('leftovers', 'no instance of an ended deployment is left')]
          : [leftover(orphans, region)]),
        ...kept.map((instance) => keptFinding(instance, now, region)),
      ];
    },
  );
  return { findings, ids };
}

/** `undefined` for a record that is none of ours: its own check tells that. */
function readAccounted(fleet: string, record: unknown): string[] | undefined {
  try {
    return accountedFor(fleet, record);
  } catch (error) {
    if (!isFailure(error, 'InvalidInput')) throw error;
    return undefined;
  }
}

function leftover(orphans: ReturnType<typeof orphansAmong>, region: string): Finding {
  const told = orphans.map(
    ({ instanceId, deployment, seconds }) => `${instanceId} (launched by ${deployment} ${span(seconds)} ago)`,
  );
  const ids = orphans.map(({ instanceId }) => instanceId);
  return warning('leftovers', `nobody looks after ${list(told, 5)}`, {
    mend: [
      'See first that it serves nobody: docs/runbook.md, Removing instances by hand.',
      aws(region, 'ec2', 'terminate-instances', '--instance-ids', ...ids),
    ],
  });
}

function keptFinding(instance: Instance, now: Date, region: string): Finding {
  const { instanceId, launchedAt } = instance;
  const until = keptUntil(instance)?.toISOString() ?? '';
  const over = `Key=${TAG.keepUntil},Value=${now.toISOString()}`;
  return warning(
    'kept-instance',
    `${instanceId} (launched ${momentAgo(launchedAt, now)}) failed and is kept for debugging until ${until}`,
    {
      mend: [
        'It is removed by itself then. Earlier, within 5 minutes:',
        aws(region, 'ec2', 'create-tags', '--resources', instanceId, '--tags', over),
      ],
    },
  );
}
