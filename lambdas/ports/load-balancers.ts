/** Load balancers: classic ELBs and target groups. */

/** One of a fleet's load balancers. Classic ELBs are known by name, target groups by ARN. */
export type LoadBalancerRef =
  | { readonly kind: 'classic'; readonly name: string }
  | { readonly kind: 'target-group'; readonly arn: string };

export interface LoadBalancerSettings {
  readonly ref: LoadBalancerRef;
  readonly vpcId: string;
  /** Zones that the load balancer serves; empty when it does not say (a target group). */
  readonly zones: readonly string[];
  readonly intervalSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** 0: draining is off, requests in flight are cut. */
  readonly drainSeconds: number;
}

export type MemberState = 'in-service' | 'out-of-service' | 'draining' | 'unused';

export interface Member {
  readonly instanceId: string;
  /**
   * `draining` although a classic ELB still says InService. `unused`: a target group that no listener uses, or a zone
   * that is not enabled: never becomes healthy.
   */
  readonly state: MemberState;
  /** The load balancer's own words; empty when in service. */
  readonly reason: string;
}

export interface LoadBalancers {
  /** Throws `LoadBalancerUnusable` when there is no such load balancer. */
  settings(ref: LoadBalancerRef): Promise<LoadBalancerSettings>;
  /**
   * Health of all that is registered or draining; with ids, of these only. What is not registered (anymore) is absent
   * from the answer.
   */
  members(ref: LoadBalancerRef, instanceIds?: readonly string[]): Promise<readonly Member[]>;
  /**
   * Set semantics: registering twice is harmless. The answer means "accepted", not "in service". An instance that does
   * not run (yet) is a `ServiceUnavailable`: look again.
   */
  register(ref: LoadBalancerRef, instanceIds: readonly string[]): Promise<void>;
  /** Absent instances count as done. */
  deregister(ref: LoadBalancerRef, instanceIds: readonly string[]): Promise<void>;
}
