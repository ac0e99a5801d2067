/** EC2: instances, images and subnets. */
import type { Refusal } from './refusal.ts';

export type Architecture = 'arm64' | 'x86_64';

/** Where the newest machine image is found: an SSM parameter that holds its id, or the newest that matches. */
export type ImageSource =
  | {
      readonly from: 'parameter';
      readonly parameter: string;
      /** Whose images it may name, beside the account's own. */
      readonly owner?: string | undefined;
    }
  | {
      readonly from: 'search';
      readonly owner: string;
      /** Name pattern with `*` and `?`, as in `DescribeImages`. */
      readonly namePattern?: string | undefined;
      readonly tags: Readonly<Record<string, string>>;
    };

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface Instance {
  readonly instanceId: string;
  readonly state: InstanceState;
  /** EC2's `StateReason`, `code: message`; present once an instance stopped or terminated. */
  readonly stateReason?: string;
  readonly launchedAt: Date;
  readonly zone: string;
  readonly subnetId?: string;
  /** Its private IPv4 address, until it has ended. */
  readonly address?: string;
  readonly imageId: string;
  readonly instanceType: string;
  /** Of its launch: what only EC2 can write. */
  readonly clientToken?: string;
  /** Whoever may tag can write these, but for those that begin with `aws:`. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface LaunchRequest {
  /** ≤ 64 ASCII characters. The same token with the same request launches nothing new. */
  readonly clientToken: string;
  readonly count: number;
  readonly subnetId: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly launchTemplate: { readonly id: string; readonly version: string };
  /** Plain text, ≤ 16 KB; the adapter encodes it. */
  readonly userData: string;
  /** On instance and volumes, from birth. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface Image {
  readonly imageId: string;
  readonly name: string;
  readonly architecture: Architecture | string;
  readonly state: string;
  /** The account that owns it, and EC2's name for who that is (`amazon`), where it has one. */
  readonly owner: string;
  readonly ownerAlias?: string;
  /** The image that it is a copy of, byte for byte, by EC2's word: not the one that an instance was made into this from. */
  readonly copyOf?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly rootDevice: string;
  readonly createdAt: Date;
  /** From when on its owner does not want it used; still to come for most images that have one. */
  readonly deprecatedAt?: Date;
}

export interface Subnet {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly freeAddresses: number;
}

/**
 * What irekae has to know of one version of a launch template. Its user data is not among it: it may hold anything. What
 * the version leaves open is absent.
 */
export interface TemplateVersion {
  readonly id: string;
  readonly version: string;
  /** The ARN or the name. */
  readonly instanceProfile?: string;
  readonly securityGroups: readonly string[];
  /** Groups that are named and not given by their ids. */
  readonly groupNames: readonly string[];
  readonly keyPair?: string | undefined;
  readonly shutdownBehavior?: string;
  readonly isTerminationProtected: boolean;
  readonly isStopProtected: boolean;
  readonly metadata: { readonly endpoint?: string; readonly tokens?: string; readonly hopLimit?: number };
  readonly hasUserData: boolean;
  readonly hasNetworkInterfaces: boolean;
  readonly hasInstanceRequirements: boolean;
  readonly zone?: string;
  /** Present for spot instances. */
  readonly spot?: { readonly type?: string; readonly onInterruption?: string };
  readonly tagKeys: readonly string[];
  readonly volumes: readonly {
    readonly device: string;
    readonly kmsKey?: string;
    /** Does it outlive its instance? */
    readonly stays: boolean;
  }[];
}

export interface Ec2 {
  /** What EC2 knows of these ids. An id that EC2 does not (yet, or anymore) know is absent, not an error. */
  describe(instanceIds: readonly string[]): Promise<readonly Instance[]>;
  /** All instances with this tag that are not terminated. Eventually consistent: empty does not mean none. */
  listByTag(key: string, value: string): Promise<readonly Instance[]>;
  /** The same of what was launched under client tokens that begin so. */
  listByToken(beginning: string): Promise<readonly Instance[]>;
  /** All or nothing. Throws `NoCapacity` where another instance type may help, else `LaunchRefused`. */
  launch(request: LaunchRequest): Promise<readonly Instance[]>;
  /**
   * Terminates; already gone, or not visible yet, counts as done: look again. Never called with an empty list. One bad id never keeps the rest from
   * being terminated: what EC2 refused is answered with EC2's reason.
   */
  terminate(instanceIds: readonly string[]): Promise<{ readonly refused: readonly Refusal[] }>;
  /** Adds tags, or gives those that are there another value. Doing it twice does it once. */
  tag(instanceId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  /** What the instance wrote to its console, the newest at the end; empty when EC2 has none (yet). */
  consoleOutput(instanceId: string): Promise<string>;
  /** `undefined` when EC2 says that there is no such image (or none that this account may use). */
  findImage(imageId: string): Promise<Image | undefined>;
  /** The available images that match, in any order. Of deprecated ones EC2 shows an owner its own, and nobody else's. */
  matchingImages(
    query: Extract<ImageSource, { from: 'search' }> & { architecture: Architecture },
  ): Promise<readonly Image[]>;
  /** @param version a number, or `newest`; `undefined` when EC2 says that there is no such template or version. */
  templateVersion(id: string, version: string): Promise<TemplateVersion | undefined>;
  /** Absent ids are absent in the answer. */
  subnets(subnetIds: readonly string[]): Promise<readonly Subnet[]>;
}
