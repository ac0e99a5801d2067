/**
 * How long calls and functions take. Figures of an ordinary day, the same in every run, rounded up: the simulation must
 * not look faster than AWS. Not all of them are published; where there is a source it is named.
 */
import type { PortCall } from './world/calls.ts';

/** Milliseconds of one request within the Region, by service. Mackerel is a public API over the internet. */
const SERVICE_MILLIS = {
  ec2: 120,
  loadBalancers: 80,
  mackerel: 150,
  artifacts: 40,
  records: 40,
  copies: 60,
  parameters: 25,
  ledger: 15,
  executions: 60,
  announcer: 50,
} as const;
/** RunInstances takes 1.5 s (daemonology.net, ec2-boot-bench, 2021). Copying a tarball takes about as long. */
const ACTION_MILLIS: Readonly<Record<string, number>> = {
  'ec2.launch': 1_500,
  'ec2.terminate': 400,
  'copies.whole': 1_500,
};

/** Calls whose adapter sends requests side by side, and how many; the others send one after the other. */
const SIDE_BY_SIDE: Readonly<Record<string, number>> = {
  'ec2.describe': Number.POSITIVE_INFINITY,
  'copies.parts': Number.POSITIVE_INFINITY,
  'mackerel.setMetadata': 64,
  'mackerel.setStatus': 10,
  'mackerel.retire': 10,
};

export function callLatencyMillis({ service, action }: PortCall, requests: number): number {
  const name = `${service}.${action}`;
  const most = SIDE_BY_SIDE[name];
  const rounds = most === undefined ? requests : Math.max(1, Math.ceil(requests / most));
  return (ACTION_MILLIS[name] ?? SERVICE_MILLIS[service]) * rounds;
}

/** From the end of a step to the start of the next: about 20 ms per state in between, and the invocation. */
export const TRANSITION_SECONDS = 0.08;

/** Step Functions starts another execution, from one state to the next. */
export const START_EXECUTION_SECONDS = TRANSITION_SECONDS + SERVICE_MILLIS.executions / 1_000;

/** A sandbox is created and the code fetched; not billed. */
export const SANDBOX_SECONDS = 0.1;
/** The bundle is imported: 150 to 300 ms. Billed since 2025. */
export const INIT_SECONDS = 0.3;
/** The first connections are opened, by the first run that asks anybody. */
export const CONNECT_SECONDS = 0.1;
/** How long a sandbox is kept that nobody needs: five to seven minutes, by what people measured; AWS does not say. */
export const KEPT_SECONDS = 300;
