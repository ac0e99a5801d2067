/** What stands in an account already, as far as a fleet can be read out of it. Everything here only reads. */

export interface AccountFacts {
  readonly account: string;
  readonly region: string;
  /** The running ones. */
  readonly instances: readonly FoundInstance[];
  readonly balancers: readonly FoundBalancer[];
  readonly subnets: readonly FoundSubnet[];
  readonly securityGroups: readonly FoundSecurityGroup[];
  /** Those of the account, and those that the instances and launch templates name. */
  readonly images: readonly FoundImage[];
  readonly launchTemplates: readonly FoundLaunchTemplate[];
  /** Absent without an API key. */
  readonly mackerel?: FoundMackerel;
  /** What could not be read, in a sentence each. */
  readonly unread: readonly string[];
}

export interface FoundInstance {
  readonly id: string;
  readonly type: string;
  readonly architecture: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly profileArn?: string;
  /** The role in its instance profile; absent when nobody may tell. */
  readonly roleArn?: string;
  readonly hopLimit?: number;
}

/** A classic load balancer, or a target group with the load balancers that use it. */
export interface FoundBalancer {
  readonly kind: 'classic' | 'target-group';
  readonly name: string;
  /** Of a target group. */
  readonly arn?: string;
  /** Of a target group: `instance`, `ip`, `lambda`, `alb`. */
  readonly targetType?: string;
  /** What its targets are reached by: `classic`, `application`, `network`; nothing for a target group in no use. */
  readonly reachedBy: readonly string[];
  readonly vpc?: string;
  readonly subnets: readonly string[];
  readonly instances: readonly string[];
}

export interface FoundSubnet {
  readonly id: string;
  readonly zone: string;
  readonly vpc: string;
  readonly isDefault: boolean;
  /** Instances there get a public address. */
  readonly isPublic: boolean;
}

export interface FoundSecurityGroup {
  readonly id: string;
  readonly name: string;
  readonly vpc: string;
}

export interface FoundImage {
  readonly id: string;
  readonly name: string;
  readonly architecture: string;
  /** An account id. */
  readonly owner: string;
  /** `amazon`, where Amazon is the owner. */
  readonly ownerAlias?: string;
  readonly createdAt: string;
  readonly rootDevice?: string;
  readonly rootSizeGiB?: number;
}

/** Its default version. */
export interface FoundLaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly imageId?: string;
  readonly type?: string;
  readonly securityGroups: readonly string[];
  readonly subnetId?: string;
}

export interface FoundMackerel {
  readonly services: readonly { readonly name: string; readonly roles: readonly string[] }[];
  /** Of those that EC2 runs: the instance, and its roles as `service:role`. */
  readonly hosts: readonly { readonly instanceId: string; readonly roles: readonly string[] }[];
}
