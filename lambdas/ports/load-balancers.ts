/** Load balancers: classic ELBs and target groups. */

/** One of a fleet's load balancers. Classic ELBs are known by name, target groups by ARN. */
export type LoadBalancerRef =
  | { readonly kind: 'classic'; readonly name: string }
  | { readonly kind: 'target-group'; readonly arn: string };

export interface LoadBalancerSettings {
  readonly ref: LoadBalancerRef;
  readonly vpcId: string;
  /** Of a target group: where a target is registered that names no port. */
  readonly port?: number;
  /** Zones that the load balancer serves; empty when it does not say (a target group). */
  readonly zones: readonly string[];
  readonly intervalSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly timeoutSeconds: number;
  /** 0: draining is off, requests in flight are cut. */
  readonly drainSeconds: number;
  /** Of a target group: until a new target gets its full share of the requests. Absent or 0: at once. */
  readonly slowStartSeconds?: number;
}

export type MemberState = 'in-service' | 'out-of-service' | 'draining' | 'unused';

export interface Member {
  readonly instanceId: string;
  /** Of a target group's member: a part of its identity, as AWS has it. An instance may be there with several. */
  readonly port?: number;
  /**
   * `draining` although a classic ELB still says InService. `unused`: a target group that no listener uses, or a zone
   * that is not enabled: never becomes healthy.
   */
  readonly state: MemberState;
  /** The load balancer's own words; empty when in service. */
  readonly reason: string;
}

/** Of target groups: instance id → the ports under which it is registered; all others are on the group's own. */
export type TargetPorts = Readonly<Record<string, readonly number[]>>;

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
  register(ref: LoadBalancerRef, instanceIds: readonly string[], ports?: TargetPorts): Promise<void>;
  /** Absent instances count as done. One under a port that is not named counts as absent. */
  deregister(ref: LoadBalancerRef, instanceIds: readonly string[], ports?: TargetPorts): Promise<void>;
}
