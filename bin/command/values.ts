/** What the options of more than one command take, and what is allowed there: the execution input's own rules. */
import * as v from 'valibot';
import { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import type { OptionSpec, Options } from './command.ts';

/** A check by the schema that the deployment itself parses its input with. */
const asIn = (schema: v.GenericSchema) => (value: string) => {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? undefined : (parsed.issues[0]?.message ?? 'something else');
};

const wholeNumber = (least: number, most: number) => (value: string) =>
  /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
    ? undefined
    : `a whole number from ${least} to ${most}`;

const { versionId, amiId } = DeploymentInput.entries;

export const VERSION: OptionSpec = {
  name: 'version',
  takes: 'ID',
  meaning: 'the artifact’s version in S3; default: the newest',
  check: asIn(versionId),
};

export const AMI: OptionSpec = {
  name: 'ami',
  takes: 'ID',
  meaning: 'the machine image; default: the newest of the fleet’s kind',
  check: asIn(amiId),
};

export const REASON: OptionSpec = {
  name: 'reason',
  takes: 'TEXT',
  meaning: 'why; kept in the release record',
};

export const YES: OptionSpec = { name: 'yes', short: 'y', meaning: 'do it without asking' };

export const TIMEOUT: OptionSpec = {
  name: 'timeout',
  takes: 'MINUTES',
  meaning: 'how long to wait at most; default: longer than it can take',
  check: wholeNumber(1, 1440),
};

/** Of a command that starts something: how it is followed, and started once. */
export const STARTING: readonly OptionSpec[] = [
  { name: 'wait', meaning: 'follow it to its end; the exit code says how it ended' },
  TIMEOUT,
  {
    name: 'token',
    takes: 'TEXT',
    meaning:
      'the same token starts once, however often the command is run; for a CI step that may be repeated',
  },
];

export const LIMIT: OptionSpec = {
  name: 'limit',
  takes: 'N',
  meaning: 'how many; default: 10',
  check: wholeNumber(1, 100),
};

/** An execution's name: what a deployment is known by. */
const DEPLOYMENT = /^[A-Za-z0-9._-]{1,80}$/;

export const TO: OptionSpec = {
  name: 'to',
  takes: 'DEPLOYMENT',
  meaning: 'whose release; default: previous, which is the one that ran before the one that runs',
  check: (value) =>
    DEPLOYMENT.test(value) ? undefined : 'a deployment’s id, as `irekae history` shows it, or previous',
};

export function overrideOption(gates: readonly string[]): OptionSpec {
  return {
    name: 'override',
    takes: 'GATE,…',
    meaning: `let it through this gate: ${gates.join(', ')}; wants a --reason, and is recorded`,
    check: (value) =>
      value.split(',').every((gate) => gates.includes(gate))
        ? undefined
        : `of ${gates.join(', ')}, with commas between them`,
  };
}

/** What is wrong with the options of a command that starts something, and that may open gates. */
export const checkStart = ({ override, reason, wait, timeout }: Options): string[] => [
  // A gate is opened for a reason that others can read later.
  ...(override !== undefined && reason === undefined
    ? ['--override: wants a --reason, which is kept in the release record']
    : []),
  ...(timeout !== undefined && !wait ? ['--timeout: only with --wait'] : []),
];

export const gatesOf = ({ override }: Options): string[] => [...new Set(override?.split(',') ?? [])];
