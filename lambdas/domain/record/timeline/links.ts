/** Where to look closer: AWS's consoles, by the execution's ARN, and Mackerel. */
import { machineLogName } from '../../core/names.ts';

export interface Link {
  readonly to: string;
  readonly title: string;
}

interface Place {
  readonly region: string;
  readonly account: string;
  readonly machine: string;
  readonly console: string;
}

/** AWS's partitions have consoles of their own. */
const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** Of `arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME`; nothing of what is none. */
function placeOf(execution: string): Place | undefined {
  const parts = /^arn:([a-z-]+):states:([a-z0-9-]+):(\d+):execution:([^:]+):[^:]+$/.exec(execution);
  const [, partition = '', region = '', account = '', machine = ''] = parts ?? [];
  const console = CONSOLES[partition];
  return console === undefined
    ? undefined
    : { region, account, machine, console: `https://${region}.${console}` };
}

export function executionLink(execution: string): Link | undefined {
  const place = placeOf(execution);
  if (!place) return undefined;
  const { console, region } = place;
  return {
    to: `${console}/states/home?region=${region}#/v2/executions/details/${encodeURIComponent(execution)}`,
    title: 'The execution, state by state (Step Functions)',
  };
}

/** The log of the state machine: what went into every state, and what came out. */
export function logLink(execution: string): Link | undefined {
  const place = placeOf(execution);
  if (!place) return undefined;
  const { console, region, machine } = place;
  const log = machineLogName(machine);
  // The CloudWatch console encodes twice, and writes the outer percent sign as a dollar.
  const group = encodeURIComponent(encodeURIComponent(log)).replaceAll('%', '$');
  return {
    to: `${console}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${group}`,
    title: `The log ${log} (CloudWatch)`,
  };
}

export function recordLink(execution: string, bucket: string, key: string): Link | undefined {
  const place = placeOf(execution);
  if (!place) return undefined;
  const { console, region } = place;
  return {
    to: `${console}/s3/object/${encodeURIComponent(bucket)}?region=${region}&prefix=${encodeURIComponent(key)}`,
    title: 'The record of this deployment, with every host (S3)',
  };
}

export function instanceLink(execution: string, instanceId: string): Link | undefined {
  const place = placeOf(execution);
  if (!place) return undefined;
  const { console, region } = place;
  return {
    to: `${console}/ec2/home?region=${region}#InstanceDetails:instanceId=${encodeURIComponent(instanceId)}`,
    title: `${instanceId} (EC2)`,
  };
}

/** Of whatever organization the reader is in: a page cannot know its name. */
export function mackerelLink(service: string, role: string): Link {
  return {
    to: 'https://mackerel.io/my/hosts',
    title: `The hosts in Mackerel: service ${service}, role ${role}`,
  };
}
