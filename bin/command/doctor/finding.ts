/** What `irekae doctor` finds: a level, a sentence, and what fixes it. */
import type { FailureName } from '../../../lambdas/domain/core/errors.ts';

/**
 * `problem`: a deployment would fail, or not start. `unknown`: it could not be checked, so it is not called fine.
 * `warning`: a deployment works, but something costs time or will cause trouble. The most important first; `worst`: the
 * outcome when nothing is worse.
 */
export const LEVELS = {
  problem: { heading: 'Problems: a deployment would fail, not start, or go wrong', worst: 'problems' },
  unknown: { heading: 'Unknown: could not be checked', worst: 'unknown' },
  warning: {
    heading: 'Warnings: a deployment works, but this costs time or causes trouble',
    worst: 'warnings',
  },
  ok: { heading: 'Fine', worst: 'healthy' },
} as const;
export type Level = keyof typeof LEVELS;

/** With the most important level first. */
export const byLevel = (findings: readonly Finding[]): [Level, Finding[]][] =>
  (Object.keys(LEVELS) as Level[]).map((level) => [level, findings.filter((each) => each.level === level)]);

/** The parts of a fleet, and the checks of each. A closed list: the tests have a world for each. */
const AREAS = {
  Stack: ['stack', 'machine', 'definition', 'upload-rule', 'hooks'],
  Lock: ['lock', 'waiting-version', 'owed', 'hold'],
  Mackerel: ['mackerel-key', 'mackerel-role', 'open-alerts', 'monitors', 'compared-metrics'],
  Hosts: ['hosts', 'hosts-in-service', 'strangers', 'leftovers', 'kept-instance'],
  Image: ['image', 'image-age', 'volume-keys', 'launch-template'],
  Network: ['subnets', 'free-addresses', 'instance-types'],
  'Load balancer': ['balancer', 'balancer-zones', 'health-check', 'draining', 'cross-zone', 'slow-start'],
  Artifacts: ['bucket-versioning', 'bucket-events', 'bucket-key', 'artifact', 'runtimes', 'release-record'],
  Clock: ['clock'],
} as const;
export type CheckName = (typeof AREAS)[keyof typeof AREAS][number];

/** Check → the part of the fleet that it is about. */
export const CHECKS = Object.fromEntries(
  Object.entries(AREAS).flatMap(([area, checks]) => checks.map((check) => [check, area])),
) as Readonly<Record<CheckName, keyof typeof AREAS>>;

export interface Finding {
  readonly check: CheckName;
  readonly level: Level;
  /** One sentence without its full stop. */
  readonly sentence: string;
  /** A shell command, or the line of the fleets file; one or more lines. */
  readonly mend?: readonly string[];
  /** What an unknown is about: its sentence begins with this and a colon. */
  readonly about?: string;
  /** The name under which a deployment would fail, or the name under which the question failed. */
  readonly failure?: FailureName;
}

type Rest = Pick<Finding, 'mend' | 'failure' | 'about'>;

const finding =
  (level: Level) =>
  (check: CheckName, sentence: string, rest: Rest = {}): Finding => ({ check, level, sentence, ...rest });

export const ok = finding('ok');
export const warning = finding('warning');
export const problem = finding('problem');
export const unknown = finding('unknown');
