/** Reads `bin/fleets.ts`: either environments with their fleets, all defaults filled in, or all its problems at once. */
import * as v from 'valibot';
import { partitionOf, placeOf } from '../lambdas/domain/core/aws.ts';
import { problems, shown } from '../lambdas/domain/core/problems.ts';
import { firstOf } from '../lambdas/domain/core/words.ts';
import { EnvironmentConfig, FleetConfig } from './fleet-config.ts';
import { FLEET_RULES, type FleetRule, type RuleBreach, roleIdentity } from './fleet-rules.ts';
import { type FlowFleet, flowProblems } from './release-flow-rules.ts';

/** An environment with the fleets that its stack holds. */
export type Environment = EnvironmentConfig & { readonly fleets: readonly FleetConfig[] };

/**
 * A bus has 300 rules, of which a fleet needs four; and the functions' roles name every fleet. Whoever has more makes a
 * second environment.
 */
export const MOST_FLEETS = 50;

/** As many as a person mends before the next look. */
const MOST_PROBLEMS = 50;

/** The fleets file has problems. The message lists all of them and is meant to be shown without a stack trace. */
export class FleetsFileError extends Error {
  override readonly name = 'FleetsFileError';

  constructor(readonly problems: readonly string[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super([`bin/fleets.ts has ${count}:`, ...firstOf(problems, MOST_PROBLEMS)].join('\n  - '));
  }
}

/** One entry of the file: who it is, what is wrong with it, and its content as far as that could be read. */
interface Entry<T> {
  readonly who: string;
  readonly problems: readonly string[];
  /** Fields whose content is not even of the type; '' when that is the entry itself. */
  readonly untyped: ReadonlySet<unknown>;
  /** Fields with any problem. */
  readonly wrong: ReadonlySet<unknown>;
  readonly config: Partial<T>;
}

/**
 * @param file what `bin/fleets.ts` exports. TypeScript has looked at it in an editor at best: `cdk synth` does not.
 * @throws FleetsFileError with every problem: fleet, field, value given, what is allowed.
 */
export function readFleets(file: unknown): readonly Environment[] {
  const { environments: givenEnvironments, fleets: givenFleets } = lists(file);
  const environments = givenEnvironments.map((given, i) => entry(EnvironmentConfig, given, 'environment', i));
  const fleets = givenFleets.map((given, i) => entry(FleetConfig, given, 'fleet', i));
  const known = environments.flatMap(({ untyped, config }) =>
    untyped.size === 0 ? [config as EnvironmentConfig] : [],
  );

  const all = [
    ...environments.flatMap(told),
    ...fleets.flatMap((fleet) => [
      ...told(fleet),
      ...unknownHome(fleet, environments),
      ...brokenRules(fleet, known),
    ]),
    ...repeatedNames(environments),
    ...repeatedNames(fleets),
    ...sharedRoles(fleets, known),
    ...known.flatMap(keyElsewhere),
    ...flowProblems(fleets.map(asFlowFleet), known),
    ...environments.flatMap((environment) => wrongNumberOfFleets(environment, fleets)),
  ];
  if (all.length > 0) throw new FleetsFileError(all);
  return known.map((environment) => ({
    ...environment,
    fleets: fleets
      .map(({ config }) => config as FleetConfig)
      .filter((fleet) => fleet.environment === environment.name),
  }));
}

function lists(file: unknown): { environments: unknown[]; fleets: unknown[] } {
  const entries = v.pipe(v.array(v.unknown()), v.minLength(1, 'a list of at least one'));
  const parsed = v.safeParse(v.strictObject({ environments: entries, fleets: entries }), file);
  if (!parsed.success) throw new FleetsFileError(problems(parsed.issues));
  return parsed.output;
}

function entry<T>(
  schema: v.GenericSchema<unknown, T>,
  given: unknown,
  noun: string,
  index: number,
): Entry<T> {
  const parsed = v.safeParse(schema, given);
  const name = Object(given).name;
  return {
    who: typeof name === 'string' && name !== '' ? `${noun} ${name}` : `${noun} number ${index + 1}`,
    problems: parsed.success ? [] : problems(parsed.issues),
    untyped: fieldsOf(parsed.issues?.filter(({ kind }) => kind === 'schema')),
    wrong: fieldsOf(parsed.issues),
    config: Object(parsed.output) as Partial<T>,
  };
}

const fieldsOf = (issues: readonly v.BaseIssue<unknown>[] = []) =>
  new Set(issues.map((issue) => issue.path?.[0]?.key ?? ''));

const told = ({ who, problems: list }: Entry<unknown>) => list.map((problem) => `${who}: ${problem}`);

const sentence = ({ field, given, allowed }: RuleBreach) =>
  `${field}: given ${shown(given)}, allowed: ${allowed}`;

function unknownHome(
  { who, untyped, config: { environment: home } }: Entry<FleetConfig>,
  environments: readonly Entry<EnvironmentConfig>[],
): string[] {
  if (untyped.has('') || untyped.has('environment')) return [];
  const names = environments.flatMap(({ config: { name } }) => (typeof name === 'string' ? [name] : []));
  return home !== undefined && names.includes(home)
    ? []
    : [`${who}: ${sentence({ field: 'environment', given: home, allowed: names.join(', ') })}`];
}

function brokenRules(fleet: Entry<FleetConfig>, environments: readonly EnvironmentConfig[]): string[] {
  const environment = environments.find(({ name }) => name === fleet.config.environment);
  const readable = ({ looksAt, allowedOnly }: FleetRule) => {
    const unreadable = allowedOnly ? fleet.wrong : fleet.untyped;
    return !fleet.untyped.has('') && !looksAt.some((field) => unreadable.has(field));
  };
  return FLEET_RULES.filter(readable)
    .flatMap((rule) => rule.breaches(fleet.config as FleetConfig, environment))
    .map((breach) => `${fleet.who}: ${sentence(breach)}`);
}

function repeatedNames(entries: readonly Entry<{ name: string }>[]): string[] {
  const names = entries.map(({ config }) => config.name);
  return entries
    .filter((_, index) => names[index] !== undefined && names.indexOf(names[index]) !== index)
    .map(({ who, config }) => `${who}: name: given ${shown(config.name)}, allowed: a name that no other has`);
}

/** SSM decrypts with a key of its own Region, and so of its own partition. */
function keyElsewhere({ name, region, apiKeyKmsKeyArn: key }: EnvironmentConfig): string[] {
  if (key === undefined || (placeOf(key).region === region && placeOf(key).partition === partitionOf(region)))
    return [];
  const allowed = `a key of the environment's Region, arn:${partitionOf(region)}:kms:${region}:…`;
  return [`environment ${name}: ${sentence({ field: 'apiKeyKmsKeyArn', given: key, allowed })}`];
}

function sharedRoles(
  fleets: readonly Entry<FleetConfig>[],
  environments: readonly EnvironmentConfig[],
): string[] {
  const owners = new Map<string, string>();
  return fleets.flatMap(({ who, untyped, config: { environment: home, mackerel } }) => {
    const environment = environments.find(({ name }) => name === home);
    if (environment === undefined || mackerel === undefined || untyped.has('mackerel')) return [];
    const role = roleIdentity({ mackerel }, environment);
    const owner = owners.get(role);
    if (owner === undefined) owners.set(role, who);
    const given = `${mackerel.service}:${mackerel.role}`;
    return owner === undefined
      ? []
      : [`${who}: mackerel: given ${shown(given)}, allowed: a role of its own; this one is that of ${owner}`];
  });
}

/** With what is allowed alone: the rules of the release flow follow names from fleet to fleet. */
function asFlowFleet({ who, untyped, wrong, config }: Entry<FleetConfig>): FlowFleet {
  const fields = ['name', 'environment', 'artifact', 'image', 'promotion', 'after'] as const;
  const readable = fields.filter((field) => !untyped.has('') && !wrong.has(field));
  return {
    who,
    config: Object.fromEntries(readable.map((field) => [field, config[field]])),
    isImageOnly: !untyped.has('') && !wrong.has('artifact') && config.artifact === undefined,
    isUnclear: wrong.has('promotion'),
  };
}

function wrongNumberOfFleets(
  environment: Entry<EnvironmentConfig>,
  fleets: readonly Entry<FleetConfig>[],
): string[] {
  const { name } = environment.config;
  const count = fleets.filter(({ config }) => config.environment === name).length;
  return count >= 1 && count <= MOST_FLEETS
    ? []
    : [
        `${environment.who}: number of fleets: given ${count}, allowed: 1 to ${MOST_FLEETS} in an environment`,
      ];
}
