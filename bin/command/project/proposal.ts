/**
 * From what stands in an account to the fleets that it could have, each value with its reason. What cannot be known is
 * left out, and asked for; what the account lacks is said. Pure.
 */
import { countBy } from '../../../lambdas/domain/core/collections.ts';
import { count, list } from '../../../lambdas/domain/core/words.ts';
import type { AccountFacts, FoundImage, FoundInstance } from '../../../lambdas/ports/account.ts';
import type { Architecture } from '../../../lambdas/ports/ec2.ts';
import type { FleetsFile } from '../../../lib/fleet-config.ts';
import { architectureOf } from '../../../lib/fleet-rules.ts';
import { type Group, groupsOf, SCALING_TAG } from './groups.ts';

export type FleetInput = FleetsFile['fleets'][number];

export interface ProposedFleet {
  readonly fields: Partial<FleetInput> & { readonly name: string };
  /** Why these hosts, load balancers and templates are one fleet. */
  readonly why: string;
  /** Does anything of it run? */
  readonly isRunning: boolean;
  /** Of a field, why this value: stands beside it in the file. */
  readonly reasons: Readonly<Partial<Record<keyof FleetInput, string>>>;
}

export interface Proposal {
  readonly environment: string;
  readonly fleets: readonly ProposedFleet[];
  /** What is missing, or was not taken, in a sentence each. */
  readonly notes: readonly string[];
}

/** @param renamed what somebody calls a fleet instead: what is called after it follows */
export function proposalOf(facts: AccountFacts, renamed: ReadonlyMap<string, string> = new Map()): Proposal {
  const { groups, notes } = groupsOf(facts);
  const made = groups.length > 0 ? groups : [NOBODY];
  const names = namesOf(made);
  const fleets = names.map((name, index) =>
    proposedFleet(renamed.get(name) ?? name, made[index] ?? NOBODY, facts),
  );
  return {
    environment: environmentOf(names),
    fleets: fleets.map(({ fleet }) => fleet),
    notes: [
      ...facts.unread,
      ...(groups.length > 0 ? [] : [nothingIn(facts)]),
      ...notes,
      ...new Set(fleets.flatMap((each) => each.notes)),
    ],
  };
}

/** Where there is nothing: a fleet to be filled in. */
const NOBODY: Group = { instances: [], balancers: [], why: 'a fleet to begin with' };

const nothingIn = ({ region }: AccountFacts) =>
  `Nothing runs in ${region} that could be a fleet, and there is neither a load balancer nor a launch template: ` +
  'this one is yours to complete.';

/** As the hosts' names say; production is where a mistake costs most, so it is what is assumed. */
function environmentOf(names: readonly string[]): string {
  const all = names.join(' ');
  if (/prod|prd/i.test(all)) return 'production';
  if (/stag|stg/i.test(all)) return 'staging';
  return /\bdev/i.test(all) ? 'development' : 'production';
}

/** No two alike, and none that could be another one's machine. */
function namesOf(groups: readonly Group[]): string[] {
  const names: string[] = [];
  for (const { role, template, balancers, instances } of groups) {
    const managed = instances.flatMap(({ tags }) => tags['irekae:fleet'] ?? [])[0];
    const found =
      managed ?? (role ? `${role.service}-${role.role}` : (balancers[0]?.name ?? template?.name ?? 'app'));
    const name = found
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|-(clean-up|override|promote)$/g, '');
    const base = name.slice(0, 56) || 'app';
    const others = names.filter((other) => other.replace(/-\d+$/, '') === base).length;
    names.push(others === 0 ? base : `${base}-${others + 1}`);
  }
  return names;
}

function proposedFleet(
  name: string,
  group: Group,
  facts: AccountFacts,
): { fleet: ProposedFleet; notes: string[] } {
  const architecture = architectureFor(group, facts);
  const parts: readonly Part[] = [
    mackerelFor(group),
    { fields: { artifact: `${name}/app.tar.gz` } },
    architecture,
    imageFor(name, group, facts, architecture.fields.architecture),
    typesFor(group, architecture.fields.architecture),
    networkFor(group, facts),
    profileFor(group),
    balancersFor(group),
  ];
  const fields = Object.assign({ name }, ...parts.map((part) => part.fields)) as ProposedFleet['fields'];
  const reasons = Object.assign({}, ...parts.map((part) => part.reasons)) as ProposedFleet['reasons'];
  const notes = [...parts.flatMap((part) => part.notes ?? []), ...keptByOthers(group)];
  return {
    fleet: { fields, reasons, why: group.why, isRunning: group.instances.length > 0 },
    notes: notes.map((note) => `${name}: ${note}`),
  };
}

/** Some fields of a fleet. */
interface Part {
  readonly fields: Partial<FleetInput>;
  readonly reasons?: ProposedFleet['reasons'];
  readonly notes?: readonly string[];
}

function mackerelFor({ role, instances }: Group): Part {
  if (role === undefined) return { fields: {} };
  return { fields: { mackerel: role }, reasons: { mackerel: `as Mackerel has ${hosts(instances)}` } };
}

const hosts = (instances: readonly FoundInstance[]) => count(instances.length, 'running host');

// ── What is launched ───────────────────────────────────────────────────────────────────────────────────────────────

function architectureFor({ instances, template }: Group, { images }: AccountFacts) {
  const given = (architecture: Architecture, why: string) => ({
    fields: { architecture },
    reasons: { architecture: why },
  });
  const common = mostCommon(instances.map((each) => each.architecture).filter(isArchitecture));
  if (common !== undefined) return given(common, `that of ${hosts(instances)}`);
  if (template?.type !== undefined) return given(architectureOf(template.type), `that of ${template.type}`);
  const own = mostCommon(images.map((each) => each.architecture).filter(isArchitecture));
  return own === undefined
    ? given('arm64', 'nothing says otherwise')
    : given(own, 'that of most of the images');
}

const isArchitecture = (name: string): name is Architecture => name === 'arm64' || name === 'x86_64';

function typesFor({ instances, template }: Group, architecture: Architecture): Part {
  const all = instances.map(({ type }) => type).filter((type) => architectureOf(type) === architecture);
  const types = byFrequency(all);
  if (types.length > 0)
    return {
      fields: { instanceTypes: types.slice(0, 20) },
      reasons: { instanceTypes: `those of ${hosts(instances)}` },
    };
  if (template?.type !== undefined && architectureOf(template.type) === architecture)
    return { fields: { instanceTypes: [template.type] }, reasons: { instanceTypes: from(template) } };
  const small = architecture === 'arm64' ? ['t4g.small', 't4g.medium'] : ['t3.small', 't3.medium'];
  return {
    fields: { instanceTypes: small },
    reasons: { instanceTypes: 'small ones: nothing says otherwise' },
  };
}

const from = ({ name }: { readonly name: string }) => `from the launch template ${name}`;

function imageFor(
  name: string,
  { instances, template }: Group,
  facts: AccountFacts,
  architecture: Architecture,
): Part {
  const { account, images } = facts;
  const used = mostCommon(instances.map(({ imageId }) => imageId)) ?? template?.imageId;
  const image = images.find(({ id }) => id === used);
  const own = images
    .filter((each) => each.owner === account && each.architecture === architecture)
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
  const chosen = image?.architecture === architecture ? image : own;
  if (chosen === undefined)
    return {
      fields: { image: { from: 'search', owner: 'self', namePattern: `${name}-*` } },
      reasons: { image: 'yours to build: the account has none of this architecture' },
      notes: [
        `there is no image of ${architecture} in ${facts.region}${used === undefined ? '' : `, and ${used} is gone`}: ` +
          `build one named ${name}-…, with the agent of Mackerel (examples/packer).`,
      ],
    };
  const why =
    chosen === image ? `${image.name} is what runs or would be launched` : `${chosen.name} is your newest`;
  return {
    fields: {
      image: { from: 'search', owner: ownerOf(chosen, account), namePattern: patternOf(chosen.name) },
      ...rootVolumeOf(chosen),
    },
    reasons: { image: why },
  };
}

const ownerOf = ({ owner, ownerAlias }: FoundImage, account: string) =>
  owner === account ? 'self' : ownerAlias === 'amazon' ? 'amazon' : owner;

/**
 * `reactio-base-2026-11-20` → `reactio-base-*`: from image to image, dates, build numbers, commits and a version at the
 * end change. Of a date with dots the first part stays, as Amazon Linux has its own version there.
 */
export function patternOf(name: string): string {
  const pieces = name.replace(/[^A-Za-z0-9()[\] ./'@_-]/g, '?').split(/([-_ ])/);
  const pattern: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    const changes =
      isDated(piece) || (isNumber(piece) && (index === pieces.length - 1 || pattern.at(-2) === '*'));
    if (index === 0 || !changes) pattern.push(piece);
    else pattern.push(piece.includes('.') && isDated(piece) ? `${piece.split('.')[0]}.*` : '*');
  }
  return pattern
    .join('')
    .replace(/\*([-_ ]\*)+/g, '*')
    .slice(0, 128);
}
const isDated = (word: string) => /\d{4}/.test(word) || (/^[0-9a-f]{7,40}$/.test(word) && /\d/.test(word));
const isNumber = (word: string) => /^v?\d[\dTZ.:]*$/.test(word);

function rootVolumeOf({ rootDevice, rootSizeGiB }: FoundImage): Partial<FleetInput> {
  const rootVolume = {
    ...(rootDevice !== undefined && rootDevice !== '/dev/xvda' && { device: rootDevice }),
    ...(rootSizeGiB !== undefined && rootSizeGiB > 20 && { sizeGiB: rootSizeGiB }),
  };
  return Object.keys(rootVolume).length === 0 ? {} : { rootVolume };
}

// ── Where it runs ──────────────────────────────────────────────────────────────────────────────────────────────────

function networkFor(group: Group, facts: AccountFacts): Part {
  const { instances } = group;
  const { subnets, why } = subnetsFor(group, facts);
  const zones = subnets.length;
  const perZone = Math.max(1, Math.ceil(instances.length / Math.max(1, zones)));
  const groups = securityGroupsFor(group, facts, subnets);
  return {
    fields: {
      ...(zones > 0 && { subnets }),
      instancesPerZone: perZone,
      ...(groups.ids.length > 0 && { securityGroups: groups.ids }),
      ...hopLimitOf(instances),
    },
    reasons: {
      subnets: why,
      instancesPerZone:
        instances.length === 0 ? 'one to begin with' : `${hosts(instances)} in ${count(zones, 'zone')}`,
      securityGroups: groups.why,
    },
    notes: [
      ...(zones === 0
        ? [`there is no subnet in ${facts.region}: make a VPC first, or name subnets of yours.`]
        : []),
      ...(zones === 1
        ? ['all of it is in one zone, which may fail as a whole: add a subnet of another one.']
        : []),
      ...(groups.ids.length === 0 ? ['there is no security group to give it: name one of yours.'] : []),
    ],
  };
}

function subnetsFor({ instances, balancers, template }: Group, { subnets }: AccountFacts) {
  const known = (ids: readonly string[]) => ids.filter((id) => subnets.some((each) => each.id === id));
  const chosen = (ids: readonly string[], why: string) => ({ subnets: onePerZone(ids, subnets), why });
  const running = known(byFrequency(instances.map(({ subnetId }) => subnetId)));
  if (running.length > 0)
    return chosen(running, `where ${hosts(instances)} ${instances.length === 1 ? 'is' : 'are'}`);
  const theirs = known(balancers.flatMap((balancer) => balancer.subnets));
  if (theirs.length > 0)
    return chosen(theirs, `those of ${list(balancers.map(({ name }) => name))}; hosts may have others`);
  const given = template?.subnetId === undefined ? [] : known([template.subnetId]);
  if (given.length > 0 && template) return chosen(given, from(template));
  const vpc = balancers.find((balancer) => balancer.vpc !== undefined)?.vpc;
  const candidates = vpc === undefined ? subnets : subnets.filter((each) => each.vpc === vpc);
  const home =
    candidates.find(({ isDefault }) => isDefault)?.vpc ?? mostCommon(candidates.map((each) => each.vpc));
  const there = candidates.filter((each) => each.vpc === home);
  const hidden = there.filter(({ isPublic }) => !isPublic);
  return chosen(
    (hidden.length > 0 ? hidden : there).map(({ id }) => id),
    `of ${home}, one for each zone`,
  );
}

/** The first of each zone. */
function onePerZone(ids: readonly string[], subnets: AccountFacts['subnets']): string[] {
  const zones = new Map<string, string>();
  for (const id of ids) {
    const zone = subnets.find((each) => each.id === id)?.zone ?? '';
    if (!zones.has(zone)) zones.set(zone, id);
  }
  return [...zones].toSorted(([a], [b]) => a.localeCompare(b)).map(([, id]) => id);
}

function securityGroupsFor(
  { instances, template }: Group,
  { securityGroups, subnets: all }: AccountFacts,
  subnets: readonly string[],
): { ids: string[]; why: string } {
  const [first = [], ...others] = instances.map((each) => each.securityGroups);
  const shared = first.filter((id) => others.every((each) => each.includes(id)));
  if (shared.length > 0) return { ids: shared.slice(0, 16), why: `those of ${hosts(instances)}` };
  if (first.length > 0)
    return { ids: first.slice(0, 16), why: `those of ${instances[0]?.id}; others have others` };
  const given = template?.securityGroups ?? [];
  if (given.length > 0 && template) return { ids: given.slice(0, 16), why: from(template) };
  const vpc = all.find(({ id }) => id === subnets[0])?.vpc;
  const byDefault = securityGroups.find((each) => each.vpc === vpc && each.name === 'default');
  return byDefault
    ? { ids: [byDefault.id], why: `the default one of ${vpc}; must let HTTPS out, and the load balancer in` }
    : { ids: [], why: '' };
}

function hopLimitOf(instances: readonly FoundInstance[]): Partial<FleetInput> {
  const most = Math.max(1, ...instances.map(({ hopLimit = 1 }) => hopLimit));
  return most > 1 ? { metadataHopLimit: most } : {};
}

// ── Who it is ──────────────────────────────────────────────────────────────────────────────────────────────────────

function profileFor({ instances }: Group): Part {
  const arn = mostCommon(instances.flatMap(({ profileArn }) => profileArn ?? []));
  if (arn === undefined) return { fields: {} };
  const roleArn = instances.find((each) => each.profileArn === arn)?.roleArn;
  if (roleArn === undefined)
    return {
      fields: {},
      notes: [
        `the role in ${arn} could not be read, so one will be made: name yours as instanceProfile to keep it.`,
      ],
    };
  return {
    fields: { instanceProfile: { kind: 'given', arn, roleArn } },
    reasons: {
      instanceProfile: `that of ${hosts(instances)}; its role needs s3:GetObjectVersion on the artifacts`,
    },
  };
}

function balancersFor({ balancers }: Group): Part {
  if (balancers.length === 0) return { fields: {} };
  const refs = balancers.map(({ kind, name, arn = '' }) =>
    kind === 'classic' ? { kind, name } : { kind, arn },
  );
  const told = balancers.map(({ name, reachedBy }) =>
    reachedBy.length === 0 ? `${name} (in no use)` : `${name} (${reachedBy.join(', ')})`,
  );
  return { fields: { loadBalancers: refs.slice(0, 10) }, reasons: { loadBalancers: list(told) } };
}

/** Whoever else launches into it would do so beside irekae. */
function keptByOthers({ instances }: Group): string[] {
  const names = [...new Set(instances.flatMap(({ tags }) => tags[SCALING_TAG] ?? []))];
  return names.length === 0
    ? []
    : [
        `its hosts are kept by the Auto Scaling group ${list(names)}, which would replace what irekae terminates: detach ` +
          'them before you adopt them.',
      ];
}

// ── What is most common ────────────────────────────────────────────────────────────────────────────────────────────

/** The most frequent first; among equals, the first one. */
const byFrequency = <T>(items: readonly T[]): T[] =>
  [...countBy(items, (item) => item)].toSorted(([, a], [, b]) => b - a).map(([item]) => item);
const mostCommon = <T>(items: readonly T[]): T | undefined => byFrequency(items)[0];
