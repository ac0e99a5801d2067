/** What `irekae doctor` finds: a level, a sentence, and what mends it. */
import type { FailureName } from '../../../lambdas/domain/core/errors.ts';

/**
 * `problem`: a deployment would fail, or not start. `unknown`: nobody could look, so nobody may call it fine.
 * `warning`: a deployment works, and something costs time or will cost trouble.
 */
export type Level = 'problem' | 'unknown' | 'warning' | 'ok';

/** The most important first. */
export const LEVELS: readonly Level[] = ['problem', 'unknown', 'warning', 'ok'];

/** Check → the part of the fleet that it is about. A closed list: the tests have a world for each. */
export const CHECKS = {
  stack: 'Stack',
  machine: 'Stack',
  definition: 'Stack',
  'upload-rule': 'Stack',
  lock: 'Lock',
  'waiting-version': 'Lock',
  'mackerel-key': 'Mackerel',
  'mackerel-role': 'Mackerel',
  'open-alerts': 'Mackerel',
  hosts: 'Hosts',
  'hosts-in-service': 'Hosts',
  strangers: 'Hosts',
  leftovers: 'Hosts',
  'kept-instance': 'Hosts',
  image: 'Image',
  'image-age': 'Image',
  subnets: 'Network',
  'free-addresses': 'Network',
  'instance-types': 'Network',
  balancer: 'Load balancer',
  'balancer-zones': 'Load balancer',
  'health-check': 'Load balancer',
  draining: 'Load balancer',
  'cross-zone': 'Load balancer',
  'bucket-versioning': 'Artifacts',
  'bucket-events': 'Artifacts',
  artifact: 'Artifacts',
  runtimes: 'Artifacts',
  'release-record': 'Artifacts',
  clock: 'Clock',
} as const;
export type CheckName = keyof typeof CHECKS;

export interface Finding {
  readonly check: CheckName;
  readonly level: Level;
  /** One sentence without its full stop. */
  readonly sentence: string;
  /** A shell command, or the line of `bin/fleets.ts`; one or more lines. */
  readonly mend?: readonly string[];
  /** What an unknown is about: its sentence begins with it, and a colon. */
  readonly about?: string;
  /** The name under which a deployment would fail, or the question did. */
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
