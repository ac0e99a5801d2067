/** The options: what each takes and what is allowed, by the rules of the execution's own input. */
import * as v from 'valibot';
import { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import { shown } from '../../lambdas/domain/core/problems.ts';
import { A_REASON, saysWhy } from '../../lambdas/domain/core/reason.ts';
import { SCENARIOS } from '../../lambdas/ports/command.ts';

/** By their names on the command line. Values were checked when they were parsed. */
export interface Options {
  readonly reason?: string;
  /** A time, or how long from now. */
  readonly until?: string;
  readonly yes?: boolean;
  readonly abandon?: boolean;
  /** An S3 version id. */
  readonly version?: string;
  readonly ami?: string;
  /** Names of gates, separated by commas. */
  readonly override?: string;
  readonly redeploy?: boolean;
  readonly wait?: boolean;
  /** Until when to follow it. */
  readonly 'wait-until'?: string;
  /** Minutes, as digits. */
  readonly timeout?: string;
  readonly token?: string;
  /** A deployment's id, or `previous`. */
  readonly to?: string;
  /** How many, as digits. */
  readonly limit?: string;
  /** A fleet's name that is none anymore. */
  readonly from?: string;
  readonly 'dry-run'?: boolean;
  /** A file. */
  readonly out?: string;
  readonly 'no-open'?: boolean;
  readonly json?: boolean;
  /** The scenario, where one is named. */
  readonly local?: boolean | string;
  readonly fleets?: string;
  readonly help?: boolean;
}

/** What any command says of an option. */
export interface ToldOption {
  readonly name: string;
  /** The placeholder of its value; absent for a flag. */
  readonly takes?: string;
  readonly short?: string;
  readonly meaning: string;
}

export interface OptionSpec extends ToldOption {
  readonly name: keyof Options;
  /** The placeholder of a value that it may do without. */
  readonly mayTake?: string;
  /** What is allowed, for a value that is not. Default: one line of text. */
  readonly check?: Allowed | undefined;
  /** All that is allowed. */
  readonly oneOf?: readonly string[];
  readonly isRequired?: boolean;
}
type Allowed = (value: string) => string | undefined;

export const flag = (name: keyof Options, meaning: string): OptionSpec => ({ name, meaning });

export const option = (name: keyof Options, takes: string, meaning: string, check?: Allowed) =>
  ({ name, takes, meaning, check }) satisfies OptionSpec;

export const JSON_OPTION = flag('json', 'one JSON document instead of text');
export const FLEETS_OPTION = option(
  'fleets',
  'FILE',
  'the fleets file; default: IREKAE_FLEETS, the CDK context, else fleets.ts, .json or .yaml here',
);
export const HELP_OPTION: OptionSpec = { ...flag('help', 'show this help'), short: 'h' };

/** What every command takes that is about fleets. */
export const COMMON: readonly OptionSpec[] = [
  JSON_OPTION,
  {
    ...flag(
      'local',
      `run on a modelled region: needs no account; nothing in AWS is read or changed. What happens there: ${SCENARIOS.join(', ')}; default: two releases were deployed, a third is uploaded`,
    ),
    mayTake: 'SCENARIO',
    oneOf: SCENARIOS,
  },
  FLEETS_OPTION,
  HELP_OPTION,
];

// ── Of more than one command ───────────────────────────────────────────────────────────────────────────────────────

/** A check by the schema with which the deployment itself parses its input. */
const asIn = (schema: v.GenericSchema) => (value: string) => {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? undefined : (parsed.issues[0]?.message ?? 'something else');
};

const wholeNumber = (least: number, most: number) => (value: string) =>
  /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
    ? undefined
    : `a whole number from ${least} to ${most}`;

const { versionId, amiId } = DeploymentInput.entries;

export const VERSION = option(
  'version',
  'ID',
  'the artifact’s S3 version; default: the newest',
  asIn(versionId),
);
export const AMI = option(
  'ami',
  'ID',
  'the machine image; default: the newest one for the fleet',
  asIn(amiId),
);
export const REASON = option('reason', 'TEXT', 'why; kept in the release record');
export const YES: OptionSpec = { ...flag('yes', 'do it without asking'), short: 'y' };
export const LIMIT = option('limit', 'N', 'how many; default: 10', wholeNumber(1, 100));
export const TIMEOUT = option(
  'timeout',
  'MINUTES',
  'how long to wait at most; default: longer than it can take',
  wholeNumber(1, 1440),
);

/** Until when a command follows a deployment. */
export const WAIT_UNTIL: OptionSpec = {
  ...option(
    'wait-until',
    'STATE',
    'follow it until it is deployed, as --wait does; or shifted: all traffic is on the new hosts, the old ones still run',
  ),
  oneOf: ['shifted', 'deployed'],
};
export const waits = ({ wait = false, 'wait-until': until }: Options): boolean => wait || until !== undefined;

/** For a command that starts something: how to follow it, and how to start it only once. */
export const STARTING: readonly OptionSpec[] = [
  flag('wait', 'follow it to its end; the exit code says how it ended'),
  WAIT_UNTIL,
  TIMEOUT,
  option(
    'token',
    'TEXT',
    'with the same token, the command starts it only once; for a CI step that may be repeated',
  ),
];

/** The one before the current release, whichever that is when the deployment begins. */
export const PREVIOUS = 'previous';

/** An execution's name: which identifies a deployment. */
const DEPLOYMENT = /^[A-Za-z0-9._-]{1,80}$/;
export const aDeployment = (value: string): string | undefined =>
  DEPLOYMENT.test(value) ? undefined : 'a deployment’s id, as `irekae history` shows it';

export const TO = option(
  'to',
  'DEPLOYMENT',
  'whose release; default: previous, the release before the current one',
  (value) => {
    const allowed = aDeployment(value);
    return allowed && `${allowed}, or previous`;
  },
);

export function overrideOption(gates: readonly string[]): OptionSpec {
  const all = gates.join(', ');
  return option(
    'override',
    'GATE,…',
    `override this gate: ${all}; requires --reason, and is recorded`,
    (value) =>
      value.split(',').every((gate) => gates.includes(gate))
        ? undefined
        : `one or more of ${all}, separated by commas`,
  );
}

/** What is wrong with the options of a command that starts something, and may override gates. */
export const checkStart = (options: Options): string[] => {
  const { override, reason, timeout } = options;
  return [
    // A gate is only overridden for a reason that others can read later.
    ...(override !== undefined && reason === undefined
      ? ['--override: requires --reason, which is kept in the release record']
      : []),
    ...(override !== undefined && reason !== undefined && !saysWhy(reason)
      ? [`--reason: given ${shown(reason)}, allowed: ${A_REASON}`]
      : []),
    ...(timeout !== undefined && !waits(options) ? ['--timeout: only with --wait or --wait-until'] : []),
  ];
};

export const gatesOf = ({ override }: Options): string[] => [...new Set(override?.split(',') ?? [])];
