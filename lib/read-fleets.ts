/** Reads a fleets file: either environments with their fleets, all defaults filled in, or all its problems at once. */
import * as v from 'valibot';
import { partitionOf, placeOf } from '../lambdas/domain/core/aws.ts';
import { firstOf, plain } from '../lambdas/domain/core/words.ts';
import { EnvironmentConfig, FleetConfig, only } from './fleet-config.ts';
import { didYouMean, type Home, type Problem, refusal, sentences, textsOf } from './fleet-problems.ts';
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

  constructor(
    message: string,
    readonly problems: readonly string[],
  ) {
    super(message);
  }
}

/** @param name of the file */
export function withProblems(name: string, problems: readonly string[]): FleetsFileError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const message = [`${name} has ${count}:`, ...firstOf(problems, MOST_PROBLEMS)].join('\n  - ');
  return new FleetsFileError(message, problems);
}

/** Where fields may belong. */
const HOMES: readonly Home[] = [
  { what: 'a fleet', schema: FleetConfig },
  { what: 'an environment', schema: EnvironmentConfig },
];

/** One entry of the file: who it is, what is wrong with it, and its content as far as that could be read. */
interface Entry<T> {
  readonly noun: string;
  readonly name: string;
  readonly problems: readonly string[];
  /** Fields whose content is not even of the type; '' when that is the entry itself. */
  readonly untyped: ReadonlySet<unknown>;
  /** Fields with any problem. */
  readonly wrong: ReadonlySet<unknown>;
  readonly config: Partial<T>;
}

/**
 * @param file what the fleets file says. TypeScript has looked at it in an editor at best: `cdk synth` does not.
 * @param name how a person would name the file
 * @throws FleetsFileError with every problem: fleet, field, value given, what is allowed.
 */
export function readFleets(file: unknown, name = 'The fleets file'): readonly Environment[] {
  const { environments: givenEnvironments, fleets: givenFleets } = lists(file, name);
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
    ...known.flatMap(boundaryElsewhere),
    ...flowProblems(fleets.map(asFlowFleet), known),
    ...environments.flatMap((environment) => wrongNumberOfFleets(environment, fleets)),
  ];
  if (all.length > 0) throw withProblems(name, sentences(all));
  return known.map((environment) => ({
    ...environment,
    fleets: fleets
      .map(({ config }) => config as FleetConfig)
      .filter((fleet) => fleet.environment === environment.name),
  }));
}

function lists(file: unknown, name: string): { environments: unknown[]; fleets: unknown[] } {
  const allowed = 'a list of at least one';
  const entries = v.pipe(v.array(v.unknown(), allowed), v.minLength(1, allowed));
  const schema = only({ environments: entries, fleets: entries });
  const parsed = v.safeParse(schema, file);
  if (!parsed.success) throw withProblems(name, textsOf(parsed.issues, { what: 'the file', schema }, HOMES));
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
    noun,
    name: typeof name === 'string' && name !== '' ? plain(name, 80) : `number ${index + 1}`,
    problems: parsed.success ? [] : textsOf(parsed.issues, { what: noun, schema }, HOMES),
    untyped: fieldsOf(parsed.issues?.filter(({ kind }) => kind === 'schema')),
    wrong: fieldsOf(parsed.issues),
    config: Object(parsed.output) as Partial<T>,
  };
}

const fieldsOf = (issues: readonly v.BaseIssue<unknown>[] = []) =>
  new Set(issues.map((issue) => issue.path?.[0]?.key ?? ''));

const problemOf = ({ noun, name }: Pick<Entry<unknown>, 'noun' | 'name'>, text: string): Problem => ({
  noun,
  name,
  text,
});

const told = (each: Entry<unknown>) => each.problems.map((text) => problemOf(each, text));

const sentence = ({ field, given, allowed }: RuleBreach) => refusal(field, given, allowed);

function unknownHome(
  fleet: Entry<FleetConfig>,
  environments: readonly Entry<EnvironmentConfig>[],
): Problem[] {
  const { untyped, config } = fleet;
  const home = config.environment;
  if (untyped.has('') || untyped.has('environment')) return [];
  const names = environments.flatMap(({ config: { name } }) => (typeof name === 'string' ? [name] : []));
  if (home !== undefined && names.includes(home)) return [];
  const text = sentence({ field: 'environment', given: home, allowed: names.join(', ') });
  return [problemOf(fleet, text + didYouMean(home, names))];
}

function brokenRules(fleet: Entry<FleetConfig>, environments: readonly EnvironmentConfig[]): Problem[] {
  const environment = environments.find(({ name }) => name === fleet.config.environment);
  const readable = ({ looksAt, allowedOnly }: FleetRule) => {
    const unreadable = allowedOnly ? fleet.wrong : fleet.untyped;
    return !fleet.untyped.has('') && !looksAt.some((field) => unreadable.has(field));
  };
  return FLEET_RULES.filter(readable)
    .flatMap((rule) => rule.breaches(fleet.config as FleetConfig, environment))
    .map((breach) => problemOf(fleet, sentence(breach)));
}

function repeatedNames(entries: readonly Entry<{ name: string }>[]): Problem[] {
  const names = entries.map(({ config }) => config.name);
  return entries
    .filter((_, index) => names[index] !== undefined && names.indexOf(names[index]) !== index)
    .map((each) => problemOf(each, refusal('name', each.config.name, 'a name that no other has')));
}

/** SSM and S3 use a key of their own Region, and so of their own partition. */
function keyElsewhere(environment: EnvironmentConfig): Problem[] {
  const { name, region } = environment;
  return (['apiKeyKmsKeyArn', 'bucketKmsKeyArn'] as const).flatMap((field) => {
    const key = environment[field];
    if (
      key === undefined ||
      (placeOf(key).region === region && placeOf(key).partition === partitionOf(region))
    )
      return [];
    const allowed = `a key of the environment's Region, arn:${partitionOf(region)}:kms:${region}:…`;
    return [problemOf({ noun: 'environment', name }, refusal(field, key, allowed))];
  });
}

/** A role is bounded by a policy of its own account, or one of AWS's. */
function boundaryElsewhere(environment: EnvironmentConfig): Problem[] {
  const { name, region, account, permissionsBoundaryArn: given } = environment;
  if (given === undefined) return [];
  const of = placeOf(given);
  if (of.partition === partitionOf(region) && ['aws', account].includes(of.account)) return [];
  const allowed = `a policy of the environment's account, arn:${partitionOf(region)}:iam::${account}:policy/…`;
  return [problemOf({ noun: 'environment', name }, refusal('permissionsBoundaryArn', given, allowed))];
}

function sharedRoles(
  fleets: readonly Entry<FleetConfig>[],
  environments: readonly EnvironmentConfig[],
): Problem[] {
  const owners = new Map<string, string>();
  return fleets.flatMap((fleet) => {
    const { untyped, config } = fleet;
    const { environment: home, mackerel } = config;
    const environment = environments.find(({ name }) => name === home);
    if (environment === undefined || mackerel === undefined || untyped.has('mackerel')) return [];
    const role = roleIdentity({ mackerel }, environment);
    const owner = owners.get(role);
    if (owner === undefined) owners.set(role, `${fleet.noun} ${fleet.name}`);
    const given = `${mackerel.service}:${mackerel.role}`;
    return owner === undefined
      ? []
      : [problemOf(fleet, refusal('mackerel', given, `a role of its own; this one is that of ${owner}`))];
  });
}

/** With what is allowed alone: the rules of the release flow follow names from fleet to fleet. */
function asFlowFleet({ name, untyped, wrong, config }: Entry<FleetConfig>): FlowFleet {
  const fields = ['name', 'environment', 'artifact', 'image', 'promotion', 'after'] as const;
  const readable = fields.filter((field) => !untyped.has('') && !wrong.has(field));
  return {
    who: name,
    config: Object.fromEntries(readable.map((field) => [field, config[field]])),
    isImageOnly: !untyped.has('') && !wrong.has('artifact') && config.artifact === undefined,
    isUnclear: wrong.has('promotion'),
  };
}

function wrongNumberOfFleets(
  environment: Entry<EnvironmentConfig>,
  fleets: readonly Entry<FleetConfig>[],
): Problem[] {
  const { name } = environment.config;
  const count = fleets.filter(({ config }) => config.environment === name).length;
  return count >= 1 && count <= MOST_FLEETS
    ? []
    : [problemOf(environment, refusal('number of fleets', count, `1 to ${MOST_FLEETS} in an environment`))];
}
