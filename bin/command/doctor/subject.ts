/** Whom the doctor looks at, beside the facts: what the checks are written against. */
import type { Fleet } from '../../../lambdas/domain/core/fleet.ts';
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import type { WorkingTree } from './working-tree.ts';

export interface Subject {
  /** As its deployments see it, but for the launch template, which is in AWS alone. */
  readonly fleet: Fleet;
  readonly region: string;
  readonly tree: WorkingTree;
}

/** Pure. One finding at least: what is fine is said too. */
export type Check = (facts: Facts, subject: Subject) => readonly Finding[];
