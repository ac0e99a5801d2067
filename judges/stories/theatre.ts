/** What happens to the accounts from outside, in words that moto's stage and the model's both understand. */
import type { StepName } from '../../lambdas/domain/core/steps.ts';

/** What becomes of a host that is launched. */
export type Fate = 'dies' | 'never-registers';

export interface Theatre {
  /** Of the fleet's artifact, from CI. What it starts is for the templates' rules to say. */
  upload(fleet: string, text: string): Promise<void>;
  /** The same, before the rules were there. */
  place(fleet: string, text: string): Promise<void>;
  /** By hand. */
  start(fleet: string, kind: 'deploy' | 'promote', input: object): Promise<void>;
  /** *Stop execution*, of the one that runs. */
  stop(fleet: string): Promise<void>;
  /** Lets time pass in which nothing happens. */
  wait(seconds: number): Promise<void>;
  /** Until nothing runs anymore. */
  settle(): Promise<void>;
  /** Acts once, right before the fleet's step runs for the first time. */
  when(fleet: string, step: StepName, act: () => Promise<void>): void;
}

export interface Story {
  /** One sentence. */
  readonly tells: string;
  /** `fleet how-manieth`: the others are healthy. */
  readonly fates?: Readonly<Record<string, Fate>>;
  readonly play: (on: Theatre) => Promise<void>;
  /** Machine, without its prefix, and the last state of its last execution: one that ends elsewhere tells something else. */
  readonly ends: Readonly<Record<string, string>>;
}

/** What can be told when it is over. */
export interface Told {
  readonly executions: readonly Execution[];
  readonly fleets: Readonly<Record<string, FleetTold>>;
}

export interface Execution {
  readonly machine: string;
  readonly status: string;
  readonly error?: string;
  readonly cause?: string;
  /** Those that were entered, in order. */
  readonly states: readonly string[];
}

export interface FleetTold {
  /** That are alive. */
  readonly hosts: readonly HostTold[];
  readonly lock: 'held' | 'free';
  /** How its deployments have ended, by their records. */
  readonly records: readonly string[];
}

export interface HostTold {
  readonly id: string;
  readonly state: string;
  /** At every load balancer of the fleet; one without any serves nobody. */
  readonly serves: boolean;
  /** Launched by a deployment. */
  readonly isNew: boolean;
  /** In Mackerel; absent: it is not there. */
  readonly status?: string;
}
