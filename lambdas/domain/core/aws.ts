/** AWS's geography: its partitions, the hosts of its services, ARNs of what runs, and where its console shows things. */
import { machineLogName, machineName } from './names.ts';

interface Partition {
  /** How its Regions begin. */
  readonly regions: string;
  /** How the hosts of its services end. */
  readonly suffix: string;
  /** Absent: none that we know. */
  readonly console?: string;
}

/** What the SDK knows in 10 kB. A test holds it against that; `aws` is last, because it has all other Regions. */
const PARTITIONS: Readonly<Record<string, Partition>> = {
  'aws-cn': { regions: 'cn-', suffix: 'amazonaws.com.cn', console: 'console.amazonaws.cn' },
  'aws-us-gov': { regions: 'us-gov-', suffix: 'amazonaws.com', console: 'console.amazonaws-us-gov.com' },
  'aws-eusc': { regions: 'eusc-', suffix: 'amazonaws.eu', console: 'console.amazonaws-eusc.eu' },
  'aws-iso': { regions: 'us-iso-', suffix: 'c2s.ic.gov' },
  'aws-iso-b': { regions: 'us-isob-', suffix: 'sc2s.sgov.gov' },
  'aws-iso-e': { regions: 'eu-isoe-', suffix: 'cloud.adc-e.uk' },
  'aws-iso-f': { regions: 'us-isof-', suffix: 'csp.hci.ic.gov' },
  aws: { regions: '', suffix: 'amazonaws.com', console: 'console.aws.amazon.com' },
};

/** Also of a Region that is newer than this. */
export const partitionOf = (region: string): string =>
  Object.entries(PARTITIONS).find(([, { regions }]) => region.startsWith(regions))?.[0] ?? 'aws';

/** As KMS's `kms:ViaService` names it, too. */
export const serviceHost = (service: string, region: string): string =>
  `${service}.${region}.${PARTITIONS[partitionOf(region)]?.suffix}`;

/** How IAM knows a service: everywhere as under the first name, and in other partitions under their own suffix, too. */
export function servicePrincipals(service: string, region: string): string | string[] {
  const everywhere = `${service}.amazonaws.com`;
  const here = `${service}.${PARTITIONS[partitionOf(region)]?.suffix}`;
  return here === everywhere ? everywhere : [everywhere, here];
}

// ── ARNs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface AwsPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:…` */
export function placeOf(arn: string): AwsPlace {
  const [, partition = '', , region = '', account = ''] = arn.split(':');
  return { partition, region, account };
}

export const functionArn = ({ partition, region, account }: AwsPlace, name: string): string =>
  ['arn', partition, 'lambda', region, account, 'function', name].join(':');

const statesArn = ({ partition, region, account }: AwsPlace, ...what: readonly string[]): string =>
  ['arn', partition, 'states', region, account, ...what].join(':');

export const machineArn = (place: AwsPlace, machine: string): string =>
  statesArn(place, 'stateMachine', machine);

export const executionArn = (place: AwsPlace, machine: string, name: string): string =>
  statesArn(place, 'execution', machine, name);

/** The state machines of a fleet, from the ARN of one of its environment's machines or executions. */
export const machinesOf = (
  arn: string,
  fleet: string,
): { deploy: string; cleanUp: string; override: string } => ({
  deploy: machineArn(placeOf(arn), machineName(fleet, 'deploy')),
  cleanUp: machineArn(placeOf(arn), machineName(fleet, 'clean-up')),
  override: machineArn(placeOf(arn), machineName(fleet, 'override')),
});

/** `…:stateMachine:MACHINE` → `…:execution:MACHINE:NAME` */
export const executionOf = (machine: string, name: string): string =>
  executionArn(placeOf(machine), machineIn(machine), name);

/** The name of a state machine, from its ARN or that of an execution. */
export const machineIn = (arn: string): string => arn.split(':')[6] ?? '';

/** An execution's name, from its ARN: what people know it by. */
export const executionName = (arn: string): string => arn.split(':').at(-1) ?? arn;

/** `irekae-shop:deploy-7`: the same execution, whichever way its ARN was made; and a clean-up's name says that it is one. */
export const machineAndName = (execution: string): string => execution.split(':').slice(6).join(':');

// ── The console ────────────────────────────────────────────────────────────────────────────────────────────────────

const pageIn = (region: string, path: string): string =>
  `https://${region}.${PARTITIONS[partitionOf(region)]?.console ?? PARTITIONS.aws?.console}/${path}`;

/** All state machines of a Region. */
export const machinesPage = (region: string): string =>
  pageIn(region, `states/home?region=${region}#/statemachines`);

/** Before an execution's ARN, for what puts it there itself: nothing in one needs to be encoded. */
export const executionPages = (region: string): string =>
  pageIn(region, `states/home?region=${region}#/v2/executions/details/`);

/** An execution's graph, its events, its error and cause. */
export function executionPage(execution: string): string {
  return `${executionPages(placeOf(execution).region)}${encodeURIComponent(execution)}`;
}

/** The log of an execution's state machine: when it entered and left every state. */
export function logPage(execution: string): string {
  const { region } = placeOf(execution);
  // This console encodes twice, and writes the outer percent sign as a dollar.
  const group = encodeURIComponent(encodeURIComponent(machineLogName(machineIn(execution))));
  const groups = `cloudwatch/home?region=${region}#logsV2:log-groups/log-group`;
  return pageIn(region, `${groups}/${group.replaceAll('%', '$')}`);
}

export const objectPage = (region: string, bucket: string, key: string): string =>
  pageIn(
    region,
    `s3/object/${encodeURIComponent(bucket)}?region=${region}&prefix=${encodeURIComponent(key)}`,
  );

export const instancePage = (region: string, instanceId: string): string =>
  pageIn(region, `ec2/home?region=${region}#InstanceDetails:instanceId=${encodeURIComponent(instanceId)}`);

/** Is it an execution's ARN, in a partition whose console we know? A record that we read may be written by others. */
export const hasPages = (execution: string): boolean =>
  /^arn:[a-z-]+:states:[a-z0-9-]+:\d+:execution:[^:]+:[^:]+$/.test(execution) &&
  PARTITIONS[placeOf(execution).partition]?.console !== undefined;
