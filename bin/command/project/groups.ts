/**
 * Which running instances do one job together: by Mackerel's role, else by who stands behind the same load balancers, else
 * by the launch template that they come from. Pure.
 */
import { list } from '../../../lambdas/domain/core/words.ts';
import type {
  AccountFacts,
  FoundBalancer,
  FoundInstance,
  FoundLaunchTemplate,
} from '../../../lambdas/ports/account.ts';

/** Instances, load balancers and a launch template of one fleet to be. */
export interface Group {
  readonly instances: readonly FoundInstance[];
  readonly balancers: readonly FoundBalancer[];
  readonly template?: FoundLaunchTemplate | undefined;
  readonly role?: { readonly service: string; readonly role: string } | undefined;
  /** Why these are one fleet. */
  readonly why: string;
}

export interface Groups {
  readonly groups: readonly Group[];
  /** What was found and belongs to none of them, in a sentence each. */
  readonly notes: readonly string[];
}

/** On every instance that was launched from one. */
const TEMPLATE_TAG = 'aws:ec2launchtemplate:id';
export const SCALING_TAG = 'aws:autoscaling:groupName';

export function groupsOf(facts: AccountFacts): Groups {
  const balancers = facts.balancers.filter(takesInstances);
  const running = groupsOfInstances(facts, balancers);
  const idle = balancers.filter((balancer) => !running.some((group) => group.balancers.includes(balancer)));
  const used = new Set(running.flatMap(({ template }) => template?.id ?? []));
  const unused = facts.launchTemplates.filter(({ id }) => !used.has(id));
  const waiting = idle.map((balancer) => groupOfBalancer(balancer, unused));
  const paired = new Set(waiting.flatMap(({ template }) => template?.id ?? []));
  const alone = unused.filter(({ id }) => !paired.has(id));
  const groups = [...running, ...waiting];
  return groups.length === 0
    ? { groups: alone.map(groupOfTemplate), notes: notesOn(facts, []) }
    : { groups, notes: notesOn(facts, alone) };
}

/** irekae registers instances: what takes addresses, functions or other load balancers is not for it. */
const takesInstances = ({ kind, targetType }: FoundBalancer) =>
  kind === 'classic' || targetType === 'instance';

function groupsOfInstances(facts: AccountFacts, balancers: readonly FoundBalancer[]): Group[] {
  const members = new Map<string, FoundInstance[]>();
  for (const instance of facts.instances) {
    const key = keyOf(instance, facts, balancers);
    if (key !== undefined) members.set(key, [...(members.get(key) ?? []), instance]);
  }
  return [...members].map(([key, instances]) => {
    const ids = new Set(instances.map(({ id }) => id));
    const theirs = balancers.filter((balancer) => balancer.instances.some((id) => ids.has(id)));
    const [service = '', role = ''] = key.startsWith('role ') ? key.slice(5).split(':') : [];
    const template = facts.launchTemplates.find(({ id }) =>
      instances.some((each) => each.tags[TEMPLATE_TAG] === id),
    );
    return {
      instances,
      balancers: theirs,
      template,
      ...(service && { role: { service, role } }),
      why: `${told(instances)} ${whyTogether(key, theirs, template)}`,
    };
  });
}

function keyOf(
  { id, tags }: FoundInstance,
  { mackerel }: AccountFacts,
  balancers: readonly FoundBalancer[],
): string | undefined {
  const role = mackerel?.hosts.find(({ instanceId }) => instanceId === id)?.roles[0];
  if (role !== undefined) return `role ${role}`;
  const names = balancers.filter(({ instances }) => instances.includes(id)).map(({ name }) => name);
  if (names.length > 0) return `balancers ${names.toSorted().join(' ')}`;
  return tags[TEMPLATE_TAG] === undefined ? undefined : `template ${tags[TEMPLATE_TAG]}`;
}

const told = (instances: readonly FoundInstance[]) =>
  instances.length === 1
    ? `the running instance ${instances[0]?.id}`
    : `${instances.length} running instances`;

function whyTogether(
  key: string,
  balancers: readonly FoundBalancer[],
  template: FoundLaunchTemplate | undefined,
): string {
  if (key.startsWith('role ')) return `that Mackerel has as ${key.slice(5)}`;
  if (key.startsWith('balancers ')) return `behind ${list(balancers.map(({ name }) => name))}`;
  return `of the launch template ${template?.name ?? key.slice(9)}`;
}

/** With the launch template of its name, or the account's only one. */
function groupOfBalancer(balancer: FoundBalancer, unused: readonly FoundLaunchTemplate[]): Group {
  const template =
    unused.find(({ name }) => name === balancer.name) ?? (unused.length === 1 ? unused[0] : undefined);
  const why = `the ${balancer.kind === 'classic' ? 'classic load balancer' : 'target group'} ${balancer.name}, behind which nothing runs`;
  return { instances: [], balancers: [balancer], template, why };
}

const groupOfTemplate = (template: FoundLaunchTemplate): Group => ({
  instances: [],
  balancers: [],
  template,
  why: `the launch template ${template.name}, from which nothing runs`,
});

function notesOn(facts: AccountFacts, templates: readonly FoundLaunchTemplate[]): string[] {
  const balancers = facts.balancers.filter(takesInstances);
  const inSeveral = facts.mackerel?.hosts.filter(({ roles }) => roles.length > 1) ?? [];
  const strangers = facts.instances.filter((each) => keyOf(each, facts, balancers) === undefined);
  const others = facts.balancers.filter((each) => !takesInstances(each));
  return [
    ...(strangers.length === 0
      ? []
      : [
          `Not taken: ${told(strangers)} in no Mackerel role, behind no load balancer and of no launch template: ` +
            `${list(strangers.map(({ id }) => id))}.`,
        ]),
    ...inSeveral
      .filter(({ instanceId }) => facts.instances.some(({ id }) => id === instanceId))
      .map(
        ({ instanceId, roles: [first = '', ...more] }) =>
          `${instanceId} is taken as ${first}, and is in Mackerel as ${list(more)}, too: a host of irekae has one role.`,
      ),
    ...others.map(
      ({ name, targetType }) =>
        `Not taken: the target group ${name}, whose targets are of type ${targetType}; irekae registers instances.`,
    ),
    ...(templates.length === 0
      ? []
      : [`Not taken: launch templates from which nothing runs: ${list(templates.map(({ name }) => name))}.`]),
  ];
}
