/**
 * The outside world in our own words, a file per service. Each port is the smallest interface that the steps need;
 * `clients` speak to AWS and Mackerel, `simulator/world` models them. Both pass `test/clients/*.contract.ts`.
 *
 * All adapters answer alike when things go wrong: a `ServiceUnavailable` for what may pass (throttling, 5xx, network,
 * time-out), a `ServiceRefused` or a more telling name of the closed list for what will not. Absence is only ever
 * said by an answer that was received whole: an error is "unknown", never "gone".
 */
import type { Announcer } from './announcer.ts';
import type { Clock } from './clock.ts';
import type { Ec2 } from './ec2.ts';
import type { Executions } from './executions.ts';
import type { Ledger } from './ledger.ts';
import type { LoadBalancers } from './load-balancers.ts';
import type { Log } from './log.ts';
import type { Mackerel } from './mackerel.ts';
import type { Parameters } from './parameters.ts';
import type { Artifacts, Copies, Records } from './s3.ts';

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

/** What the look at the end asks EC2 and the load balancers. */
export interface LastLook {
  readonly ec2: Pick<Ec2, 'describe' | 'listByTag'>;
  readonly loadBalancers: Pick<LoadBalancers, 'members'>;
}
