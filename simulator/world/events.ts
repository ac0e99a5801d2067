/** What the world reports to its listeners: one event per call that changed something, after it changed. */
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';

/** The ports that are calls. */
export type Service = Exclude<keyof Ports, 'clock' | 'log'>;

/** Who did it: a call of a port (numbered since the world was created), or the scenario itself. */
export type Origin =
  | { readonly service: Service; readonly action: string; readonly serial: number }
  | 'scenario';

/**
 * `ids` is everything that the call named, `changed` what it really changed: registering twice names the host twice but
 * changes it once. Rules about foreign hosts look at `ids`, pictures at `changed`.
 */
interface Touched {
  readonly ids: readonly string[];
  readonly changed: readonly string[];
}

export type WorldChange =
  | ({ readonly kind: 'instances-launched' } & Touched)
  | ({ readonly kind: 'instances-terminated' } & Touched)
  | ({ readonly kind: 'instances-tagged' } & Touched)
  | ({ readonly kind: 'instances-registered'; readonly loadBalancer: LoadBalancerRef } & Touched)
  | ({ readonly kind: 'instances-deregistered'; readonly loadBalancer: LoadBalancerRef } & Touched)
  | ({ readonly kind: 'host-status-set'; readonly status: MackerelStatus } & Touched)
  | ({ readonly kind: 'hosts-retired' } & Touched)
  | ({ readonly kind: 'host-metadata-set' } & Touched)
  | ({ readonly kind: 'annotated'; readonly title: string } & Touched)
  | ({ readonly kind: 'alert-opened'; readonly hostId?: string } & Touched)
  | ({ readonly kind: 'alert-closed' } & Touched)
  | ({ readonly kind: 'application-broken' | 'application-healed' } & Touched)
  | ({ readonly kind: 'instance-died' | 'instance-stopped' } & Touched)
  | ({ readonly kind: 'object-created'; readonly bucket: string; readonly versionId: string } & Touched);

export type WorldEvent = { readonly at: Date; readonly by: Origin } & WorldChange;
