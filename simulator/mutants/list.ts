/**
 * Deliberate breakages of the product, one line each. The campaign must catch every one of them: a proof that cannot
 * fail proves nothing.
 */
import type { KindName } from '../faults/kinds.ts';

export interface Mutant {
  readonly name: string;
  /** What it does to a fleet. */
  readonly breaks: string;
  /** The rule that must notice. */
  readonly rule: number;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Where the campaign is sent to look: kinds of deployment, and text in the names of the cases. */
  readonly kinds: readonly KindName[];
  readonly at?: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no second look before the shift',
    breaks: 'the old hosts leave although a new one broke while the step was delayed',
    rule: 1,
    file: 'lambdas/take-old-hosts-out-of-service.ts',
    find: 'if (!allReady(hosts)) return',
    replace: 'if (hosts.length === 0) return',
    kinds: ['breaks-at-shift'],
    at: 'Take old hosts out of service',
  },
  {
    name: 'no look before the termination',
    breaks: 'the old hosts are terminated although a new one broke while the step was delayed',
    rule: 1,
    file: 'lambdas/terminate-old-instances.ts',
    find: 'return allReady(hosts) ? undefined',
    replace: 'return hosts.length > 0 ? undefined',
    kinds: ['breaks-at-removal'],
    at: 'Terminate old instances',
  },
  {
    name: 'not registered in Mackerel is fine',
    breaks: 'the old workers leave as soon as EC2 runs the new ones',
    rule: 1,
    file: 'lambdas/domain/readiness.ts',
    find: "if (monitored.length === 0) return at('running', notMonitored(hosts));",
    replace: '',
    kinds: ['worker', 'app'],
  },
  {
    name: 'not registered at a load balancer is fine',
    breaks: 'the old hosts leave before the new ones serve',
    rule: 1,
    file: 'lambdas/domain/readiness.ts',
    find: 'if (!member) return `not registered at',
    replace: 'if (!member) continue; else if (!name) return `not registered at',
    kinds: ['app', 'two-balancers'],
  },
  {
    name: 'a random client token',
    breaks: 'a launch that is asked for again launches twice',
    rule: 5,
    file: 'lambdas/domain/launch-request.ts',
    find: "subnetId, instanceType].join('|')",
    replace: "subnetId, instanceType, String(Math.random())].join('|')",
    kinds: ['app', 'worker', 'first'],
    at: 'Launch new instances',
  },
  {
    name: 'half a launch is enough',
    breaks: 'the fleet shrinks when EC2 answers with fewer instances than it was asked for',
    rule: 7,
    file: 'lambdas/domain/launch-request.ts',
    find: 'if (launched.length === wanted.count) return launched;',
    replace: 'if (launched.length <= wanted.count) return launched;',
    kinds: ['app', 'worker'],
    at: 'ec2.launch',
  },
  {
    name: 'an undo that does not wait for launches in flight',
    breaks: 'an instance comes up after the undo has looked, and stays',
    rule: 6,
    file: 'lambdas/domain/removal.ts',
    find: 'if (launch && !readiness?.stragglers) return 0;',
    replace: 'if (!readiness?.stragglers) return 0;',
    kinds: ['app', 'worker'],
    at: 'ec2.launch',
  },
  {
    name: 'an undo that forgets the load balancers',
    breaks: 'the old hosts are not put back',
    rule: 6,
    file: 'lambdas/put-old-hosts-back.ts',
    find: "await atEachBalancer('register', deployment, ports, register);",
    replace: 'await Promise.resolve(register);',
    kinds: ['rollback', 'cancelled'],
  },
  {
    name: 'an undo that believes its own call',
    breaks: 'the new hosts are terminated before the old ones serve again',
    rule: 2,
    file: 'lambdas/domain/putting-back.ts',
    find: 'if (waiting.length > 0)',
    replace: 'if (waiting.length > 1000)',
    kinds: ['rollback', 'cancelled', 'stopped-before'],
  },
  {
    name: 'an undo that forgets the Mackerel status',
    breaks: 'old hosts stay in maintenance: nobody is paged when they break',
    rule: 6,
    file: 'lambdas/put-old-hosts-back.ts',
    find: 'if (restores) await restoreStatuses(old, ports.mackerel);',
    replace: 'if (restores) await Promise.resolve();',
    kinds: ['cancelled', 'rollback'],
  },
  {
    name: 'an undo that is over when the old hosts serve',
    breaks: 'a call of a function that was lost takes them out again',
    rule: 6,
    file: 'lambdas/put-old-hosts-back.ts',
    find: 'if (isQuiet || !done) return',
    replace: 'if (isQuiet || memory) return',
    kinds: ['cancelled', 'rollback'],
    at: 'Take old hosts out of service',
  },
  {
    name: 'an empty Mackerel answer means gone',
    breaks: 'the new hosts of an undone deployment stay in Mackerel',
    rule: 6,
    file: 'lambdas/clients/facts.ts',
    find: 'const answers = await Promise.all([mackerel.hosts(service, role), mackerel.hosts(service, role)]);',
    replace: 'const answers = await Promise.all([mackerel.hosts(service, role)]);',
    kinds: ['cancelled', 'rollback'],
    at: 'Terminate new instances / mackerel.hosts',
  },
  {
    name: 'an unseen instance has ended',
    breaks: 'an instance that one stale answer of EC2 lacks is left running',
    rule: 6,
    file: 'lambdas/domain/termination.ts',
    find: 'return unseen.every((id) =>',
    replace: 'return unseen.length > 0 || unseen.every((id) =>',
    kinds: ['cancelled', 'rollback', 'stopped-before', 'app'],
    at: 'instances / ec2.describe',
  },
  {
    name: 'a snapshot that believes one answer of EC2',
    breaks: 'an old worker that one answer lacks is taken for a stranger, and works on beside the new ones',
    rule: 7,
    file: 'lambdas/domain/snapshot.ts',
    find: 'new Map([...facts.tagged, ...facts.instances].map',
    replace: 'new Map([...facts.instances].map',
    kinds: ['worker'],
    at: 'Snapshot old hosts / ec2.describe',
  },
  {
    name: 'a fence that lets everybody through',
    breaks: 'a step of a dead execution, redriven, changes instances although somebody else holds the lock',
    rule: 8,
    file: 'lambdas/clients/fence.ts',
    find: 'if (held?.holder === hold.holder && held.generation === hold.generation) return held;',
    replace: 'if (held) return held;',
    kinds: ['app', 'rollback', 'stopped-before'],
    at: '= redriven',
  },
  {
    name: 'the point of no return is not written down',
    breaks: 'a stop during the termination is undone: hosts that are gone cannot be put back',
    rule: 6,
    file: 'lambdas/terminate-old-instances.ts',
    find: "  // The point of no return is written down before it is passed, also when an old instance has ended by itself.\n  await entering('remove', deployment, ports);",
    replace: '',
    kinds: ['app', 'worker'],
    at: 'Terminate old instances',
  },
  {
    name: 'a first deployment has no point of no return',
    breaks: 'a stop while the release is recorded removes hosts that the record calls deployed',
    rule: 8,
    file: 'lambdas/terminate-old-instances.ts',
    find: "    await entering('remove', deployment, ports);\n    return {",
    replace: '    return {',
    kinds: ['first'],
    at: 'Record the release',
  },
  {
    name: 'an error of EC2 counts as an answer',
    breaks: 'a look that failed ends the deployment instead of being looked again',
    rule: 6,
    file: 'lambdas/domain/looks.ts',
    find: "if (!isFailure(error, 'ServiceUnavailable')) throw error;",
    replace:
      'if (!isFailure(error)) throw error; else if (memory) return { ready: true, reason: error.message };',
    kinds: ['cancelled', 'rollback', 'app'],
    at: 'instances / ',
  },
  {
    name: 'the old hosts are retired by role, not by snapshot',
    breaks: 'the new hosts are retired in Mackerel together with the old ones',
    rule: 7,
    file: 'lambdas/retire-old-hosts-in-mackerel.ts',
    find: 'const hostIds = deployment.oldHosts.hosts.flatMap((host) => host.hostIds);',
    replace:
      'const { service, role } = deployment.fleet.mackerel;\n    const hostIds = (await ports.mackerel.hosts(service, role)).map((host) => host.id);',
    kinds: ['app', 'worker'],
  },
  {
    name: 'the tag of the fleet is not looked at',
    breaks: 'an instance of another fleet, registered under the role, is terminated',
    rule: 3,
    file: 'lambdas/domain/snapshot.ts',
    find: 'if (tag === fleet.name) return instance;',
    replace: 'if (tag !== undefined) return instance;',
    kinds: ['stranger'],
  },
  {
    name: 'a failed deployment starts over',
    breaks: 'the clean-up is called for a human although nobody needs one',
    rule: 6,
    file: 'lambdas/record-the-failure.ts',
    find: "const NEEDS_HUMAN: readonly string[] = ['StoppedHalfway', 'RollbackFailed']",
    replace: "const NEEDS_HUMAN: readonly string[] = ['RolledBack', 'Cancelled']",
    kinds: ['rollback', 'cancelled'],
  },
];
