/** Events as AWS documents them, that our rules wait for; and beside each, some that differ from it in one thing. */

import { cleanUpName } from '../lambdas/domain/core/names.ts';

export interface Event {
  /** What it is, for whoever reads that it was taken wrongly. */
  readonly is: string;
  readonly event: Readonly<Record<string, unknown>>;
}

interface At {
  readonly account: string;
  readonly region: string;
}

const told = ({ account, region }: At, source: string, type: string, detail: object) => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': type,
  source,
  account,
  time: '2026-11-22T03:00:00Z',
  region,
  resources: [],
  detail,
});

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const uploaded = (at: At, bucket: string, key: string) =>
  told(at, 'aws.s3', 'Object Created', {
    version: '0',
    bucket: { name: bucket },
    object: {
      key,
      size: 5,
      etag: 'b1946ac92492d2347c6235b4d2611184',
      'version-id': 'v1',
      sequencer: '00617F08299329D189',
    },
    'request-id': 'N4N7GDK58NMKJ12R',
    requester: at.account,
    'source-ip-address': '1.2.3.4',
    reason: 'PutObject',
  });

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const ended = (at: At, machine: string, status: string, name = 'd-1') => {
  const arn = `arn:aws:states:${at.region}:${at.account}`;
  return told(at, 'aws.states', 'Step Functions Execution Status Change', {
    executionArn: `${arn}:execution:${machine}:${name}`,
    stateMachineArn: `${arn}:stateMachine:${machine}`,
    name,
    status,
    startDate: 1_551_225_271_984,
    stopDate: null,
    input: '{}',
    output: null,
  });
};

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-ami-events.html */
const image = (at: At, State: string) =>
  told(at, 'aws.ec2', 'EC2 AMI State Change', { RequestId: 'r', ImageId: 'ami-1', State, ErrorMessage: '' });

/** https://docs.aws.amazon.com/tag-editor/latest/userguide/monitoring-tag-changes.html */
const tagged = (at: At, changes: object = {}) =>
  told(at, 'aws.tag', 'Tag Change on Resource', {
    'changed-tag-keys': ['stage', 'Name'],
    service: 'ec2',
    'resource-type': 'image',
    version: 1,
    tags: { stage: 'released', Name: 'base' },
    ...changes,
  });

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html */
const parameter = (at: At, name: string, operation: string) =>
  told(at, 'aws.ssm', 'Parameter Store Change', { operation, name, type: 'String', description: '' });

const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'];

export function eventsFor(
  at: At,
  buckets: readonly string[],
  keys: readonly string[],
  machines: readonly string[],
): Event[] {
  const elsewhere = { ...at, region: 'us-east-1' };
  return [
    ...['other', ...buckets].flatMap((bucket) =>
      [...keys, ...keys.map((key) => `${key}.sig`), 'irekae/x/current.json'].map((key) => ({
        is: `an upload of ${key} to ${bucket}`,
        event: uploaded(at, bucket, key),
      })),
    ),
    ...[...machines, 'payroll', ...machines.map((name) => `${name}x`)].flatMap((machine) =>
      STATUSES.map((status) => ({ is: `${machine} is ${status}`, event: ended(at, machine, status) })),
    ),
    ...machines.map((machine) => ({
      is: `${machine}, sent by the watch, failed`,
      event: ended(at, machine, 'FAILED', cleanUpName({ generation: 7 }, new Date('2026-11-22T10:05:00Z'))),
    })),
    ...machines.map((machine) => ({
      is: `${machine} elsewhere failed`,
      event: ended(elsewhere, machine, 'FAILED'),
    })),
    ...['available', 'pending', 'failed', 'deregistered', 'disabled'].map((state) => ({
      is: `an image is ${state}`,
      event: image(at, state),
    })),
    { is: 'an image is released', event: tagged(at) },
    { is: 'an image is a candidate', event: tagged(at, { tags: { stage: 'candidate' } }) },
    { is: 'another tag of a released image', event: tagged(at, { 'changed-tag-keys': ['Name'] }) },
    { is: 'a tag of an instance', event: tagged(at, { 'resource-type': 'instance' }) },
    { is: 'a tag of another service', event: tagged(at, { service: 'rds' }) },
    ...['Create', 'Update', 'Delete'].map((operation) => ({
      is: `${operation} of another parameter`,
      event: parameter(at, '/somebody/elses', operation),
    })),
  ];
}
