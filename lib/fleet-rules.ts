/** What must be true between a fleet's fields, and between fleets. Each rule says which field to change, and to what. */

import { isDeepStrictEqual } from 'node:util';
import { partitionOf, placeOf } from '../lambdas/domain/core/aws.ts';
import { fleetSize, loadBalancerName } from '../lambdas/domain/core/fleet.ts';
import { machineName } from '../lambdas/domain/core/names.ts';
import { LONGEST_MINUTES, MOST_HOOKS, minutesOf } from '../lambdas/domain/core/points.ts';
import { mostStragglers, SMALLEST_FLEET } from '../lambdas/domain/hosts/stragglers.ts';
import { largestBootScript, USER_DATA_LIMIT } from '../lambdas/domain/launch/boot-script.ts';
import type { Architecture } from '../lambdas/ports/ec2.ts';
import { HISTORY_BUDGET, mostEvents } from './budgets.ts';
import { DEFAULT_VOLUME, type EnvironmentConfig, type FleetConfig } from './fleet-config.ts';
import { limitsOf, startsOnNewImage } from './runtime-fleet.ts';

export interface RuleBreach {
  /** Path of the field, as in `limits.bakeSeconds`. */
  readonly field: string;
  readonly given: unknown;
  readonly allowed: string;
}

/** A rule runs when the fields that it looks at have values of their type, though perhaps not allowed ones. */
export interface FleetRule {
  readonly looksAt: readonly (keyof FleetConfig)[];
  /** For a rule that could not cope with values that are not allowed. */
  readonly allowedOnly?: boolean;
  /** @param environment the fleet's, when it is known. */
  breaches(fleet: FleetConfig, environment: EnvironmentConfig | undefined): RuleBreach[];
}

/** The typed way to write one: it sees the fields that it says it looks at, and no others. */
function rule<K extends keyof FleetConfig>(
  looksAt: readonly K[],
  breaches: (fleet: Pick<FleetConfig, K>, environment: EnvironmentConfig | undefined) => RuleBreach[],
): FleetRule {
  return { looksAt, breaches };
}

const when = (broken: boolean, field: string, given: unknown, allowed: string): RuleBreach[] =>
  broken ? [{ field, given, allowed }] : [];

/**
 * A classic ELB takes 1,000 instances, and during a deployment old and new hosts stand in it side by side. One launch
 * call per zone asks for a fleet's whole share, all or nothing.
 */
export const MOST_HOSTS = 500;

/** Who went first is in the document, and in its record: with more of them a deployment of many hosts outgrows 256 KiB. */
const MANY_HOSTS = 250;
export const MOST_FIRST_OF_MANY = 100;

/** With `spillOver`, each zone's share may be tried so often; EC2 takes two launches a second. */
const MOST_TRIES = 24;

/** EC2 names arm64 families with a `g` right after the generation: t4g, m7gd, c7gn, im4gn. a1 is older than the custom. */
export function architectureOf(instanceType: string): Architecture {
  return /^([a-z]+\d+g|a1\.)/.test(instanceType) ? 'arm64' : 'x86_64';
}

/** The host's own place for releases: a runtime that replaced it would remove the application. */
const RELEASES_DIRECTORY = '/srv/irekae';

const within = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`);

/** What the length of its waits depends on. */
const EVENTFUL = [
  'limits',
  'replaceStragglers',
  'loadBalancers',
  'watch',
  'compare',
  'first',
  'sideBySideSeconds',
  'pauses',
  'hooks',
] as const;

/** Stands for the fleet's bucket, which may have no name before it is made. */
const LONGEST_BUCKET_NAME = 'b'.repeat(63);

/** Which of the two says how the volume is, nobody could tell. */
const isDefaultVolume = (volume: FleetConfig['rootVolume']) => isDeepStrictEqual(volume, DEFAULT_VOLUME);

/** Only of fields that are allowed: a shell word cannot hold everything. */
function bootScriptFits(): FleetRule {
  return rule(['name', 'artifact', 'runtimes', 'startCommand', 'mackerel', 'httpProxy'], (fleet) => {
    const bytes = largestBootScript({
      ...fleet,
      artifact: { bucket: LONGEST_BUCKET_NAME, ...(fleet.artifact !== undefined && { key: fleet.artifact }) },
      mackerel: { ...fleet.mackerel, apiKeyParameter: '' },
    });
    return when(
      bytes > USER_DATA_LIMIT,
      'startCommand',
      fleet.startCommand,
      `a boot script of at most ${USER_DATA_LIMIT} bytes, and this fleet's could have ${bytes}: move the start ` +
        'command into the tarball, or shorten keys and directories',
    );
  });
}

export const FLEET_RULES: readonly FleetRule[] = [
  rule(['name', 'promotion'], ({ name, promotion }) =>
    when(
      promotion !== undefined && machineName(name, 'promote-override').length > 80,
      'name',
      name,
      'at most 56 characters of a fleet with a promotion: irekae-<name>-promote-override is a state machine, and 80 is the longest name',
    ),
  ),
  rule(['architecture', 'instanceTypes'], ({ architecture, instanceTypes }) =>
    instanceTypes.flatMap((type, index) =>
      when(
        architectureOf(type) !== architecture,
        `instanceTypes.${index}`,
        type,
        `types of the fleet's architecture, ${architecture}; this one is ${architectureOf(type)}`,
      ),
    ),
  ),
  rule(['subnets', 'instancesPerZone'], (fleet) =>
    when(
      fleetSize(fleet) > MOST_HOSTS,
      'instancesPerZone',
      fleet.instancesPerZone,
      `at most ${MOST_HOSTS} hosts in all, and ${fleet.subnets.length} subnets make ${fleetSize(fleet)}`,
    ),
  ),
  rule(['replaceStragglers', 'subnets', 'instancesPerZone'], (fleet) =>
    when(
      fleet.replaceStragglers && mostStragglers(fleetSize(fleet)) === 0,
      'replaceStragglers',
      true,
      `false for a fleet of fewer than ${SMALLEST_FLEET} hosts: which of two is slow, nobody can tell`,
    ),
  ),
  rule(['spillOver', 'subnets', 'instanceTypes'], ({ spillOver, subnets, instanceTypes }) => {
    const tries = subnets.length * instanceTypes.length;
    return [
      ...when(spillOver && subnets.length === 1, 'spillOver', true, 'false for a fleet of one subnet'),
      ...when(
        spillOver && tries > MOST_TRIES,
        'spillOver',
        true,
        `false, or fewer subnets and types: their product is at most ${MOST_TRIES}, and here it is ${tries}`,
      ),
    ];
  }),
  rule(['keepFailedHostMinutes', 'loadBalancers'], ({ keepFailedHostMinutes, loadBalancers }) =>
    when(
      keepFailedHostMinutes > 0 && loadBalancers.length === 0,
      'keepFailedHostMinutes',
      keepFailedHostMinutes,
      '0 for a fleet without a load balancer: a host that is kept could not be taken out of service, and would go on working',
    ),
  ),
  rule(['image'], ({ image }) =>
    when(
      image.from === 'search' && image.namePattern === undefined && Object.keys(image.tags).length === 0,
      'image',
      image,
      'a namePattern or at least one tag, because an owner alone may have images for other jobs',
    ),
  ),
  // Without an artifact the image is the release: what goes with a tarball has nothing to go with.
  rule(['artifact', 'runtimes'], ({ artifact, runtimes }) =>
    when(
      artifact === undefined && runtimes.length > 0,
      'runtimes',
      runtimes,
      'none for a fleet without an artifact: its image is the release, so put them into the image',
    ),
  ),
  rule(['artifact', 'promotion'], ({ artifact, promotion }) =>
    when(
      artifact === undefined && promotion !== undefined,
      'promotion',
      promotion,
      'none for a fleet without an artifact: artifacts are promoted, and its image is the release. Share the image with the ' +
        'account, or write its id to the parameter there',
    ),
  ),
  rule(['artifact', 'after', 'redeployOnNewImage'], ({ artifact, after, redeployOnNewImage }) =>
    when(
      artifact === undefined && after !== undefined && redeployOnNewImage === true,
      'redeployOnNewImage',
      true,
      `false beside after where the image is the release: ${after} hands its image on when it is deployed`,
    ),
  ),
  rule(['artifact', 'runtimes'], ({ artifact, runtimes }) =>
    runtimes.flatMap(({ key }, index) =>
      when(key === artifact, `runtimes.${index}.key`, key, 'a key other than the application’s'),
    ),
  ),
  rule(['runtimes'], ({ runtimes }) =>
    runtimes.flatMap(({ directory }, index) => {
      const others = [RELEASES_DIRECTORY, ...runtimes.slice(0, index).map((runtime) => runtime.directory)];
      const clash = others.find((other) => within(directory, other) || within(other, directory));
      const allowed = `a directory that neither holds nor lies in ${clash}: each is replaced as a whole`;
      return when(clash !== undefined, `runtimes.${index}.directory`, directory, allowed);
    }),
  ),
  rule(['loadBalancers'], ({ loadBalancers }) => {
    const names = loadBalancers.map(loadBalancerName);
    return names.flatMap((name, index) =>
      when(
        names.indexOf(name) !== index,
        `loadBalancers.${index}`,
        name,
        'load balancers of different names, because a deployment tells them apart by name',
      ),
    );
  }),
  rule(['loadBalancers'], ({ loadBalancers }, environment) =>
    loadBalancers.flatMap((ref, index) => {
      if (ref.kind === 'classic' || environment === undefined) return [];
      const { region, account } = placeOf(ref.arn);
      return when(
        region !== environment.region || account !== environment.account,
        `loadBalancers.${index}.arn`,
        ref.arn,
        `a target group of ${environment.name}'s Region and account, ${environment.region} and ${environment.account}`,
      );
    }),
  ),
  rule(['launchTemplate', 'instanceProfile'], ({ launchTemplate, instanceProfile }) =>
    when(
      launchTemplate !== undefined && instanceProfile.kind === 'made',
      'instanceProfile',
      instanceProfile,
      "{ kind: 'given', arn, roleArn } beside a launchTemplate: the profile that it names, and the role in it",
    ),
  ),
  rule(['launchTemplate', 'rootVolume'], ({ launchTemplate, rootVolume }) =>
    when(
      launchTemplate !== undefined && !isDefaultVolume(rootVolume),
      'rootVolume',
      rootVolume,
      'left out beside a launchTemplate: volumes are as it says',
    ),
  ),
  rule(['instanceProfile'], ({ instanceProfile }, environment) => {
    if (instanceProfile.kind === 'made' || environment === undefined) return [];
    return (['arn', 'roleArn'] as const).flatMap((field) =>
      when(
        placeOf(instanceProfile[field]).account !== environment.account,
        `instanceProfile.${field}`,
        instanceProfile[field],
        `an ARN of ${environment.name}'s account, ${environment.account}`,
      ),
    );
  }),
  // China, GovCloud and the European Sovereign Cloud are clouds of their own: nothing of another is known there.
  rule(['instanceProfile', 'kmsKeys', 'loadBalancers'], (fleet, environment) => {
    if (environment === undefined) return [];
    const partition = partitionOf(environment.region);
    return arnsOf(fleet).flatMap(({ field, arn }) =>
      when(
        placeOf(arn).partition !== partition,
        field,
        arn,
        `an ARN that begins with arn:${partition}:, as all do in ${environment.region}`,
      ),
    );
  }),
  rule(['kmsKeys'], ({ kmsKeys }, environment) =>
    kmsKeys.flatMap((key, index) =>
      when(
        environment !== undefined && placeOf(key).region !== environment.region,
        `kmsKeys.${index}`,
        key,
        `a key of ${environment?.name}'s Region, ${environment?.region}: a key encrypts nothing elsewhere`,
      ),
    ),
  ),
  rule(['watch', 'limits', 'first'], ({ watch, limits, first }) =>
    when(
      watch.monitors.length > 0 && limits.bakeSeconds === 0 && first === undefined,
      'watch.monitors',
      watch.monitors,
      'monitors together with a bake (limits.bakeSeconds greater than 0) or with first: without either nobody listens to them',
    ),
  ),
  rule(['compare', 'limits', 'first'], ({ compare, limits, first }) => [
    ...when(
      compare.length > 0 && limits.bakeSeconds === 0 && first === undefined,
      'compare',
      compare,
      'metrics together with a bake (limits.bakeSeconds greater than 0) or with first: without either nobody compares them',
    ),
    ...compare.flatMap(({ metric }, index) =>
      when(
        compare.findIndex((other) => other.metric === metric) < index,
        `compare.${index}.metric`,
        metric,
        'a metric that compare does not name already',
      ),
    ),
  ]),
  rule(['first', 'subnets', 'instancesPerZone'], (fleet) =>
    when(
      fleet.first !== undefined && fleet.first.hosts >= fleetSize(fleet),
      'first.hosts',
      fleet.first?.hosts,
      fleetSize(fleet) === 1
        ? 'no first for a fleet of one host: there is nobody to follow'
        : `less than the fleet's ${fleetSize(fleet)} hosts: others have to follow`,
    ),
  ),
  rule(['first', 'subnets', 'instancesPerZone'], (fleet) =>
    when(
      fleet.first !== undefined && fleet.first.hosts > MOST_FIRST_OF_MANY && fleetSize(fleet) > MANY_HOSTS,
      'first.hosts',
      fleet.first?.hosts,
      `at most ${MOST_FIRST_OF_MANY} in a fleet of more than ${MANY_HOSTS} hosts: a few go first`,
    ),
  ),
  rule(['pauses'], ({ pauses }) => [
    ...pauses.flatMap(({ at }, index) =>
      when(
        pauses.findIndex((each) => each.at === at) < index,
        `pauses.${index}.at`,
        at,
        'a point at which there is no other pause: one person is asked once',
      ),
    ),
    ...withinADay('pauses', pauses),
  ]),
  rule(['hooks'], ({ hooks }, environment) => [
    ...hooks.flatMap((hook, index) => [
      ...when(
        hooks.slice(0, index).filter(({ at }) => at === hook.at).length >= MOST_HOOKS,
        `hooks.${index}.at`,
        hook.at,
        `at most ${MOST_HOOKS} hooks at one point`,
      ),
      ...when(
        environment !== undefined && !isIn(environment, hook.function),
        `hooks.${index}.function`,
        hook.function,
        `a function of ${environment?.name}'s account and Region, ${environment?.account} and ${environment?.region}: the fleet's state machine calls no other`,
      ),
    ]),
    ...withinADay('hooks', hooks),
  ]),
  rule(['freezes'], ({ freezes }) =>
    freezes.flatMap(({ kind, from, to }, index) => [
      ...when(kind === 'dated' && to <= from, `freezes.${index}.to`, to, `a time after ${from}`),
      ...when(
        kind === 'weekly' && to === from,
        `freezes.${index}.to`,
        to,
        'another time than `from`; a whole day is from 00:00 to 24:00',
      ),
    ]),
  ),
  rule(['redeployOnNewImage', 'image', 'artifact', 'after'], (fleet, environment) => {
    if (!startsOnNewImage(fleet)) return [];
    const { redeployOnNewImage, image } = fleet;
    const isPublic = image.from === 'parameter' && image.parameter.startsWith('/aws/');
    const isForeign = image.from === 'search' && !['self', environment?.account].includes(image.owner);
    const because = isPublic ? 'a public parameter' : 'an image of another account';
    return when(
      isPublic || isForeign,
      'redeployOnNewImage',
      redeployOnNewImage,
      `false, because AWS tells this account nothing of ${because}; or copy the image, or its id, into the account`,
    );
  }),
  rule(['redeployOnNewImage', 'promotion'], ({ redeployOnNewImage, promotion }) =>
    when(
      redeployOnNewImage === true && (promotion?.testedImage ?? false),
      'redeployOnNewImage',
      true,
      'false beside promotion.testedImage: a new image has been tested nowhere yet. Let the source fleet have it, and promote',
    ),
  ),
  rule(['promotion'], ({ promotion }) =>
    when(
      promotion?.testedImage === true && !promotion.required,
      'promotion.testedImage',
      true,
      'false where promotion.required is false: what was not promoted was tested on no image',
    ),
  ),
  rule(EVENTFUL, (fleet) =>
    when(
      eventsOf(fleet) > HISTORY_BUDGET,
      'limits',
      fleet.limits,
      `limits that need at most ${HISTORY_BUDGET} events of the execution's history, and these could need ` +
        `${eventsOf(fleet)}: shorten the longest${fleet.first || fleet.sideBySideSeconds ? ', or first.watchSeconds and sideBySideSeconds' : ''}`,
    ),
  ),
  { ...bootScriptFits(), allowedOnly: true },
];

const isIn = ({ account, region }: EnvironmentConfig, arn: string): boolean => {
  const place = placeOf(arn);
  return place.account === account && place.region === region && place.partition === partitionOf(region);
};

const withinADay = (
  field: 'pauses' | 'hooks',
  those: readonly { readonly timeoutMinutes: number }[],
): RuleBreach[] =>
  when(
    those.length > 1 && minutesOf(those) > LONGEST_MINUTES,
    field,
    those.map(({ timeoutMinutes }) => timeoutMinutes),
    `timeoutMinutes of at most ${LONGEST_MINUTES} together, a day`,
  );

type WithArns = Pick<FleetConfig, 'instanceProfile' | 'kmsKeys' | 'loadBalancers'>;

const arnsOf = ({ instanceProfile, kmsKeys, loadBalancers }: WithArns): { field: string; arn: string }[] => [
  ...(instanceProfile.kind === 'given'
    ? (['arn', 'roleArn'] as const).map((of) => ({
        field: `instanceProfile.${of}`,
        arn: instanceProfile[of],
      }))
    : instanceProfile.managedPolicies.map((arn, index) => ({
        field: `instanceProfile.managedPolicies.${index}`,
        arn,
      }))),
  ...kmsKeys.map((arn, index) => ({ field: `kmsKeys.${index}`, arn })),
  ...loadBalancers.flatMap((ref, index) =>
    ref.kind === 'classic' ? [] : [{ field: `loadBalancers.${index}.arn`, arn: ref.arn }],
  ),
];

/**
 * A deployment takes its old hosts from the Mackerel role, so a role must belong to one fleet. Two environments that
 * read the same parameter in the same place are surely one Mackerel organisation; of others nothing is known here.
 */
export function roleIdentity(fleet: Pick<FleetConfig, 'mackerel'>, environment: EnvironmentConfig): string {
  const { account, region, apiKeyParameter } = environment;
  return [account, region, apiKeyParameter, fleet.mackerel.service, fleet.mackerel.role].join(' ');
}

const eventsOf = (fleet: Pick<FleetConfig, (typeof EVENTFUL)[number]>): number =>
  mostEvents({ ...fleet, limits: limitsOf(fleet) });
