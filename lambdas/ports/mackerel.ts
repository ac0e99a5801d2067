/** Mackerel: hosts, alerts, and what it is told. */
import type { Refusal } from './refusal.ts';

export type MackerelStatus = 'working' | 'standby' | 'maintenance' | 'poweroff';

export interface MackerelHost {
  readonly id: string;
  readonly name: string;
  readonly status: MackerelStatus;
  /** From the agent's custom identifier, else from its cloud metadata; absent for hosts that EC2 does not run. */
  readonly instanceId?: string;
  /** Of a host without an instance id: the IPv4 addresses of its interfaces, which may tell whose it is. */
  readonly addresses?: readonly string[];
  readonly createdAt: Date;
}

export interface MackerelAlert {
  readonly id: string;
  readonly status: 'CRITICAL' | 'WARNING' | 'UNKNOWN';
  /** Of all that Mackerel evaluates itself. */
  readonly monitorId?: string;
  /** Only alerts of hosts have one. */
  readonly hostId?: string;
  /** What was measured when it opened, where that is a number. */
  readonly value?: number;
  readonly message: string;
  readonly openedAt: Date;
}

export interface MackerelMonitor {
  readonly id: string;
  /** Not unique. */
  readonly name: string;
  /** `host`, `service`, `connectivity`, `external`, `expression`, `anomalyDetection`, `query`, or one of tomorrow. */
  readonly type: string;
  readonly isMute: boolean;
  /** The stretch that one evaluation looks at, in minutes, where it has one. */
  readonly durationMinutes?: number;
  /** So many evaluations in a row must be bad. */
  readonly maxCheckAttempts?: number;
}

/** A point of a host's metric. */
export interface MetricPoint {
  readonly at: Date;
  readonly value: number;
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
  /** Every monitor of the organisation. */
  monitors(): Promise<readonly MackerelMonitor[]>;
  /** When each host last posted a metric; a host without data is absent. */
  latestMetric(hostIds: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  /** What a host posted between two moments, both included; of a host or metric that Mackerel does not know, nothing. */
  metrics(hostId: string, name: string, from: Date, to: Date): Promise<readonly MetricPoint[]>;
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
  /**
   * Writes what needs no host and changes nothing: the same metadata of our own at the service, each time.
   * @throws MackerelRefused when the key may only read
   */
  proveWriting(service: string): Promise<void>;
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
