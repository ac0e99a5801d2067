/**
 * The outside world in our own words. Each port is the smallest interface that the steps need; the adapters beside
 * this file speak to AWS and Mackerel, `simulator/world` models them. Both pass `test/clients/*.contract.ts`.
 *
 * All adapters answer alike when things go wrong: a `ServiceUnavailable` for what may pass (throttling, 5xx, network,
 * time-out), a `ServiceRefused` or a more telling name of the closed list for what will not. Absence is only ever
 * said by an answer that was received whole: an error is "unknown", never "gone".
 */
import type { Architecture, ImageSource, LoadBalancerRef } from '../domain/fleet.ts';
import type { Message } from '../domain/news-message.ts';
import type { Place } from '../domain/promotion.ts';

export interface Clock {
  now(): Date;
}

// ── EC2 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface Instance {
  readonly instanceId: string;
  readonly state: InstanceState;
  /** EC2's `StateReason`, `code: message`; present once an instance stopped or terminated. */
  readonly stateReason?: string;
  readonly launchedAt: Date;
  readonly zone: string;
  readonly subnetId?: string;
  readonly imageId: string;
  readonly instanceType: string;
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
  readonly rootDevice: string;
  readonly createdAt: Date;
}

export interface Subnet {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly freeAddresses: number;
}

export interface Ec2 {
  /** What EC2 knows of these ids. An id that EC2 does not (yet, or anymore) know is absent, not an error. */
  describe(instanceIds: readonly string[]): Promise<readonly Instance[]>;
  /** All instances with this tag that are not terminated. Eventually consistent: empty does not mean none. */
  listByTag(key: string, value: string): Promise<readonly Instance[]>;
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
  /** The newest available image that matches, by creation date. */
  newestImage(
    query: Extract<ImageSource, { from: 'search' }> & { architecture: Architecture },
  ): Promise<Image | undefined>;
  /** Absent ids are absent in the answer. */
  subnets(subnetIds: readonly string[]): Promise<readonly Subnet[]>;
}

export interface Refusal {
  readonly id: string;
  readonly reason: string;
}

// ── Load balancers (classic ELB and target groups) ─────────────────────────────────────────────────────────────────

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

// ── Mackerel ───────────────────────────────────────────────────────────────────────────────────────────────────────

export type MackerelStatus = 'working' | 'standby' | 'maintenance' | 'poweroff';

export interface MackerelHost {
  readonly id: string;
  readonly name: string;
  readonly status: MackerelStatus;
  /** From the agent's custom identifier, else from its cloud metadata; absent for hosts that EC2 does not run. */
  readonly instanceId?: string;
  readonly createdAt: Date;
}

export interface MackerelAlert {
  readonly id: string;
  readonly status: 'CRITICAL' | 'WARNING' | 'UNKNOWN';
  /** Only alerts of hosts have one. */
  readonly hostId?: string;
  readonly message: string;
  readonly openedAt: Date;
}

export interface Mackerel {
  /** All live hosts of the role, in all four statuses. */
  hosts(service: string, role: string): Promise<readonly MackerelHost[]>;
  /** The roles of a service; `undefined` when there is no such service. */
  roles(service: string): Promise<readonly string[] | undefined>;
  /** In bulks of 30. A host that Mackerel does not know anymore counts as done. */
  setStatus(hostIds: readonly string[], status: MackerelStatus): Promise<void>;
  /** In bulks of 30. Already retired counts as done. Answers what Mackerel refused. */
  retire(hostIds: readonly string[]): Promise<{ readonly refused: readonly Refusal[] }>;
  /** Every open alert of the organisation, newest first. */
  openAlerts(): Promise<readonly MackerelAlert[]>;
  /** When each host last posted a metric; a host without data is absent. */
  latestMetric(hostIds: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  /** A mark on the role's graphs. */
  annotate(annotation: Annotation): Promise<void>;
  /** In one request. A point with the name and time of an earlier one takes its place. */
  postServiceMetrics(service: string, points: readonly ServicePoint[]): Promise<void>;
  /**
   * The same JSON for each of these hosts, in place of what stood there; some hosts side by side. Answers whom Mackerel
   * refused (gone or retired, say); stops at the first host of which nothing can be known.
   */
  setMetadata(
    hostIds: readonly string[],
    namespace: string,
    value: unknown,
  ): Promise<{ readonly refused: readonly Refusal[] }>;
}

/** A point of a service metric. */
export interface ServicePoint {
  /** Letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  readonly value: number;
  readonly at: Date;
}

export interface Annotation {
  readonly service: string;
  readonly role: string;
  /** ≤ 250 characters; cut by the adapter. */
  readonly title: string;
  /** ≤ 1,024 characters; cut by the adapter. */
  readonly description: string;
  readonly from: Date;
  readonly to: Date;
}

// ── S3 and SSM ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ArtifactVersion {
  readonly key: string;
  readonly versionId: string;
  readonly sizeBytes: number;
  /** Hex, where S3 or the uploader's metadata (`sha256`) knows the digest of the whole object. */
  readonly sha256?: string;
  readonly uploadedAt: Date;
}

export interface Artifacts {
  /** The newest version, or the one asked for; `undefined` when S3 says that there is none. */
  find(bucket: string, key: string, versionId?: string): Promise<ArtifactVersion | undefined>;
  /** SHA-256 in hex, computed by reading the object once. */
  digest(bucket: string, key: string, versionId: string): Promise<string>;
  /** Version ids of the key, newest first by S3's own order; at most the newest 1,000. */
  versions(bucket: string, key: string): Promise<readonly string[]>;
  /** A JSON record; `undefined` when there is none. */
  readRecord(bucket: string, key: string): Promise<unknown>;
  writeRecord(bucket: string, key: string, record: unknown): Promise<void>;
  /** A page for a browser. */
  writePage(bucket: string, key: string, html: string): Promise<void>;
  /** The record as it was in this version; `undefined` when there is none (anymore). */
  readVersion(bucket: string, key: string, versionId: string): Promise<unknown>;
  /** What is stored under keys that begin like this, in any order; of very many, the first 20,000 by key. */
  list(bucket: string, prefix: string): Promise<readonly StoredObject[]>;
}

export interface StoredObject {
  readonly key: string;
  /** To the second. */
  readonly writtenAt: Date;
}

/** What lies under a key: as S3 knows it, and as its uploader says. */
export interface Held {
  readonly versionId: string;
  /** Quoted, as S3 compares it. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** SHA-256 in hex: what the metadata says, and what S3 itself has computed of the whole object. */
  readonly claimed?: string;
  readonly computed?: string;
}

export interface CopyRequest {
  readonly from: Place & { readonly versionId: string };
  readonly to: Place;
  /** Hex; becomes the copy's metadata. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The newest version at the destination: nothing is copied once there is another one. Absent: there is none. */
  readonly onto?: { readonly etag: string } | undefined;
}

/** Copies of artifacts from place to place, made by S3 itself: no byte passes through here. */
export interface Copies {
  /** The newest version, or the one asked for; `undefined` when S3 says that there is none. */
  look(place: Place, versionId?: string): Promise<Held | undefined>;
  /** At most 5 GB. The copy's version; `undefined` when the destination has changed. */
  whole(request: CopyRequest): Promise<string | undefined>;
  /** Begins a copy in parts, of any size; answers its id. */
  begin(request: CopyRequest): Promise<string>;
  /** Copies some of the parts that are still missing. How many are left; `undefined` when S3 knows no such copy. */
  parts(request: CopyRequest, uploadId: string, size: PartSize): Promise<number | undefined>;
  /** Puts the parts together. The copy's version; `undefined` when the destination has changed, or as above. */
  finish(request: CopyRequest, uploadId: string): Promise<string | undefined>;
  /** Throws the parts away; a copy that is finished, or was thrown away before, counts as done. */
  abandon(to: Place, uploadId: string): Promise<void>;
}

export interface PartSize {
  /** Of each part but the last; at least 5 MiB, at most 5 GiB, and at most 10,000 parts in all. */
  readonly bytes: number;
  /** At most so many in this call. */
  readonly most: number;
}

/** The records alone, for steps that ask EC2 too: the SDK's clients of both are more than a bundle may be. */
export type Records = Pick<Artifacts, 'readRecord'>;

/** The writing alone, for steps that need nothing else of S3: its SDK client would be most of their bundle. */
export type RecordWriter = Pick<Artifacts, 'writeRecord' | 'writePage'>;

export interface Parameters {
  /** The parameter's value, decrypted; `undefined` when SSM says that there is none. */
  read(name: string): Promise<string | undefined>;
}

// ── The ledger (DynamoDB) and executions (Step Functions) ──────────────────────────────────────────────────────────

/** How far the holder of a fleet's lock is. Written before the first call of the phase is made. */
export type Phase = 'agree' | 'bring-up' | 'shift' | 'remove' | 'undo';

/** Who holds a lock: an execution, and the how-manieth holder of this fleet it is. A late call of a dead one differs. */
export interface Hold {
  /** The execution's ARN. */
  readonly holder: string;
  /** Grows with every holder. */
  readonly generation: number;
}

/** A start that came while the lock was held: one per fleet, it is started when the lock is free. */
export interface PendingRequest {
  /** Name of the execution that asked; the pending start is named after it, so that it starts once. */
  readonly id: string;
  /** The execution input, as JSON. */
  readonly input: string;
  /** The artifact version that it would deploy. */
  readonly versionId: string;
  /** The newest version of that moment, where it would deploy another one: only a newer upload takes its place. */
  readonly newestVersionId?: string;
  readonly since: Date;
}

export interface LedgerRow {
  readonly fleet: string;
  /** Grows with every holder; stays when the lock is released. */
  readonly generation: number;
  /** Absent: the lock is free. */
  readonly held?: Hold & {
    readonly phase: Phase;
    readonly since: Date;
    readonly startedBy: string;
    readonly why?: string;
    /** The holder's document when it entered the phase, as JSON: what a clean-up works from. */
    readonly document?: string;
    /** Why no clean-up may touch what the holder left: an undo that failed, a stop halfway. */
    readonly needsHuman?: string;
    /** Once the lock was taken over: when the first of its dead holders died. */
    readonly orphanedSince?: Date;
    /** Somebody asked the holder to undo itself. */
    readonly cancel?: { readonly by: string; readonly at: Date };
  };
  readonly pending?: PendingRequest;
}

export interface Claim {
  /** The execution's ARN. */
  readonly holder: string;
  readonly startedBy: string;
  readonly why?: string;
}

/** One row per fleet. All writes are conditional, all reads consistent. */
export interface Ledger {
  /** `undefined`: this fleet was never deployed. */
  read(fleet: string): Promise<LedgerRow | undefined>;
  /** Takes a free lock (phase `agree`), or finds one's own: taking it twice takes it once. */
  take(fleet: string, claim: Claim): Promise<Hold | undefined>;
  /**
   * Takes the lock over from `from`, if that still holds it: phase, document, `startedBy` and `why` stay, `cancel`
   * goes. Taking it over twice takes it over once.
   * @param diedAt when `from` died: the row's `orphanedSince`, unless an earlier take-over has written one.
   */
  takeOver(fleet: string, from: Hold, holder: string, diedAt: Date): Promise<Hold | undefined>;
  /**
   * Writes down that the holder enters a phase, with its document.
   * @throws LockLost when `hold` does not hold the lock, or has entered a later phase already; Cancelled when somebody asked for it and the phase is not
   * `undo`.
   */
  enter(fleet: string, hold: Hold, phase: Phase, document: string): Promise<void>;
  /** Keeps the lock for a human. @throws LockLost */
  keepForHuman(fleet: string, hold: Hold, why: string): Promise<void>;
  /** Frees the lock; one that is not held by `hold` (anymore) counts as done. */
  release(fleet: string, hold: Hold): Promise<void>;
  /** Puts a request into the pending slot, if the lock is held and the slot is as `replaces` says. */
  pend(fleet: string, request: PendingRequest, replaces: PendingRequest | undefined): Promise<boolean>;
  /** Empties the slot of this request; an empty or other one counts as done. */
  clearPending(fleet: string, id: string): Promise<void>;
  /** Asks the holder to undo itself; `false` when it does not hold the lock or has passed the point of no return. */
  requestCancel(fleet: string, holder: string, by: string): Promise<boolean>;
}

export type ExecutionState =
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
      readonly at: Date;
    }
  /** Step Functions does not know it (anymore): older than 90 days, or so young that its answer lags. */
  | { readonly state: 'unknown' };

/** All that Step Functions tells about one execution. */
export interface ExecutionDescription {
  readonly state: Exclude<ExecutionState, { state: 'unknown' }>;
  readonly startedAt: Date;
  /** As JSON. */
  readonly input?: string;
  /** Of one that succeeded. */
  readonly output?: unknown;
  /** Of one that failed: under which name, and why. */
  readonly error?: string;
  readonly cause?: string;
}

/** A turn of an execution's story, from its history. */
export interface Turn {
  /** The event's number: grows from turn to turn. */
  readonly id: number;
  readonly at: Date;
  readonly state: string;
  readonly kind: 'entered' | 'answered' | 'failed';
  /** Of `answered`: the answer of the state's function. */
  readonly answer?: unknown;
  /** Of `failed`. */
  readonly error?: string;
  /** As Lambda hands it over: often the JSON of `{errorType, errorMessage, trace}`. */
  readonly cause?: string;
}

export interface Executions {
  status(executionArn: string): Promise<ExecutionState>;
  /** `undefined`: Step Functions does not know it (anymore, or yet). */
  describe(executionArn: string): Promise<ExecutionDescription | undefined>;
  /** Its newest turns, oldest first: those of its last hundred events. Empty for one that Step Functions does not know. */
  recent(executionArn: string): Promise<readonly Turn[]>;
  /** The same name is the same execution: starting it twice starts it once, whatever became of it. */
  start(machineArn: string, name: string, input: string): Promise<void>;
}

// ── News (SNS and EventBridge), and the log ────────────────────────────────────────────────────────────────────────

export interface MachineEvent {
  readonly detailType: string;
  /** JSON; at most 256 KB. */
  readonly detail: object;
  /** ARNs of what it is about. */
  readonly resources: readonly string[];
  readonly at: Date;
}

/** Neither knows what it was told before: telling twice tells twice. */
export interface Announcer {
  /** To everybody who subscribed to the environment's deployment news. */
  tellPeople(message: Message): Promise<void>;
  /** On the account's default event bus, from the source `irekae`. */
  tellMachines(event: MachineEvent): Promise<void>;
}

/** One structured line each, under the fleet, the deployment and the step. Never fails. */
export interface Log {
  info(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(sentence: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** All that a step could ask for. A step names what it takes: `Pick<Ports, 'ec2' | 'clock'>`. */
export interface Ports {
  readonly clock: Clock;
  readonly ec2: Ec2;
  readonly loadBalancers: LoadBalancers;
  readonly mackerel: Mackerel;
  readonly artifacts: Artifacts;
  readonly records: Records;
  readonly copies: Copies;
  readonly parameters: Parameters;
  readonly ledger: Ledger;
  readonly executions: Executions;
  readonly announcer: Announcer;
  readonly log: Log;
}
