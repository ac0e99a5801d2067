import type { LoadBalancerRef } from './load-balancers.ts';
/**
 * What only `irekae doctor` asks: settings that no step of a deployment looks at, because they do not change from one
 * deployment to the next. A port like those of `lambdas/clients/ports.ts`, and its answers fail alike. Reads only.
 */

/** An instance type that EC2 has in a zone; whether there is room for one more, nobody says in advance. */
export interface Offering {
  readonly instanceType: string;
  readonly zone: string;
}

export interface BalancerDetails {
  /** What a classic ELB's health check asks, as in `HTTP:80/health`. A target group keeps its own. */
  readonly target?: string;
  readonly crossZone: boolean;
  /** Zones that are served; of a target group, those of the load balancers that use it. */
  readonly zones: readonly string[];
  /** `false`: a target group that no listener uses. */
  readonly inUse: boolean;
}

export interface BucketSettings {
  readonly versioned: boolean;
  readonly eventBridge: boolean;
  /** The KMS key of its owner's that encrypts what is put into it; absent for S3's and AWS's own. */
  readonly kmsKey?: string;
  /** All that S3 has to notify, in its own words: who switches EventBridge on has to give the rest again. */
  readonly notifications: Readonly<Record<string, unknown>>;
}

export interface DeployedMachine {
  /** Amazon States Language, parsed. */
  readonly definition: unknown;
}

export interface EventRule {
  readonly name: string;
  readonly enabled: boolean;
  /** Parsed; `undefined` for a rule with a schedule. */
  readonly pattern: unknown;
}

export interface HookFunction {
  /** Lambda's own word: `Active`, `Pending`, `Inactive`, `Failed`. */
  readonly state: string;
  readonly timeoutSeconds: number;
}

export interface Inspector {
  /** Which of these types EC2 has in which of these zones. Never called with an empty list. */
  offerings(instanceTypes: readonly string[], zones: readonly string[]): Promise<readonly Offering[]>;
  /**
   * ARNs of the KMS keys that volumes of this image are decrypted and encrypted with: that of the account's EBS
   * encryption, and those of the image's snapshots. AWS's own are left out: everybody may use these through EC2.
   */
  volumeKeys(imageId: string): Promise<readonly string[]>;
  /** @throws LoadBalancerUnusable when there is no such load balancer. */
  balancer(ref: LoadBalancerRef): Promise<BalancerDetails>;
  /** `undefined` when S3 says that there is no such bucket. */
  bucket(name: string): Promise<BucketSettings | undefined>;
  /** CloudFormation's own word, `UPDATE_COMPLETE`; `undefined` when there is no such stack. */
  stackStatus(name: string): Promise<string | undefined>;
  /** `undefined` when Step Functions says that there is no such state machine. */
  machine(arn: string): Promise<DeployedMachine | undefined>;
  /** The rules of EventBridge that start this state machine. */
  rulesThatStart(machineArn: string): Promise<readonly EventRule[]>;
  /** `undefined` when Lambda says that there is no such function, version or alias. */
  lambda(functionArn: string): Promise<HookFunction | undefined>;
  /** What AWS's clock says now. */
  awsTime(): Promise<Date>;
}
