/** The news over the wire: the adapter passes the contract, and minds what SNS and EventBridge answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcerAdapter } from '../../lambdas/clients/announcer.ts';
import type { Announcer, MachineEvent } from '../../lambdas/ports/announcer.ts';
import { announcerContract } from './announcer.contract.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  type AwsRequest,
  elbError,
  patienceFor,
  startAwsEndpoint,
  testClientOptions,
} from './aws-endpoint.ts';

const TOPIC = 'arn:aws:sns:ap-northeast-1:123456789012:irekae-production-News';
const PUBLISHED: AwsReply = {
  body: '<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>',
};
const PUT: AwsReply = { body: '{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}' };

const isPublish = ({ form }: AwsRequest) => form.Action === 'Publish';

/** What both services would say no to. */
function judge(request: AwsRequest): AwsReply {
  if (isPublish(request)) {
    const { Subject = '', Message = '' } = request.form;
    const texts = JSON.parse(Message) as Record<string, unknown>;
    const isWrong =
      typeof texts.default !== 'string' ||
      !/^[!-~][ -~]{0,98}$/.test(Subject) ||
      Buffer.byteLength(Message) > 262_144;
    return isWrong ? elbError('InvalidParameter', 'Invalid parameter: Subject or Message') : PUBLISHED;
  }
  return Buffer.byteLength(request.body) > 262_144
    ? { status: 400, body: '{"__type":"ValidationException","message":"Total size is too large"}' }
    : PUT;
}

const adapter = (aws: AwsEndpoint, topic = TOPIC, reply: AwsReply = {}): Announcer => {
  const { region, credentials } = testClientOptions(aws.url);
  const options = { region, endpoint: aws.url, credentials: async () => credentials };
  return announcerAdapter(topic, { ...options, timeoutMs: patienceFor(reply), pauseMs: 1 });
};

function messageIn({ form }: AwsRequest) {
  const attributes: Record<string, string> = {};
  for (let n = 1; form[`MessageAttributes.entry.${n}.Name`] !== undefined; n += 1)
    attributes[form[`MessageAttributes.entry.${n}.Name`] ?? ''] =
      form[`MessageAttributes.entry.${n}.Value.StringValue`] ?? '';
  const { default: body, email, https } = JSON.parse(form.Message ?? '') as Record<string, string>;
  expect(email).toBe(body);
  return { subject: form.Subject ?? '', body: body ?? '', chat: JSON.parse(https ?? ''), attributes };
}

function eventIn({ body }: AwsRequest): MachineEvent {
  const [entry] = JSON.parse(body).Entries;
  return {
    detailType: entry.DetailType,
    detail: JSON.parse(entry.Detail),
    resources: entry.Resources,
    at: new Date(entry.Time * 1_000),
  };
}

announcerContract('SNS and EventBridge over HTTP', async () => {
  const aws = await startAwsEndpoint();
  aws.answer(judge);
  const taken = (ofPublish: boolean) =>
    aws.requests.filter(
      (request) => isPublish(request) === ofPublish && (judge(request).status ?? 200) < 300,
    );
  return {
    announcer: adapter(aws),
    messages: async () => taken(true).map(messageIn),
    events: async () => taken(false).map(eventIn),
    stop: () => aws.stop(),
  };
});

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

const MESSAGE = {
  subject: 'Deployed: shop',
  body: 'shop was deployed.',
  chat: { version: '1.0' },
  attributes: { fleet: 'shop' },
};
const EVENT = {
  detailType: 'Deployment ended',
  detail: {},
  resources: [],
  at: new Date('2026-03-01T09:00:00Z'),
};
const named = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) });

describe('telling people', () => {
  it('is one signed form to SNS', async () => {
    aws.answer(() => PUBLISHED);
    await adapter(aws).tellPeople(MESSAGE);
    expect(aws.requests).toHaveLength(1);
    expect(aws.requests[0]?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      authorization: expect.stringContaining('/ap-northeast-1/sns/aws4_request'),
    });
    expect(aws.requests[0]?.form).toEqual({
      Action: 'Publish',
      Version: '2010-03-31',
      TopicArn: TOPIC,
      Subject: 'Deployed: shop',
      MessageStructure: 'json',
      Message:
        '{"default":"shop was deployed.","email":"shop was deployed.","https":"{\\"version\\":\\"1.0\\"}"}',
      'MessageAttributes.entry.1.Name': 'fleet',
      'MessageAttributes.entry.1.Value.DataType': 'String',
      'MessageAttributes.entry.1.Value.StringValue': 'shop',
    });
  });

  it.each<[string, string, AwsReply, number]>([
    ['ServiceUnavailable', 'throttling', elbError('Throttling'), 3],
    ['ServiceUnavailable', 'an internal error', elbError('InternalFailure', '', 500), 3],
    ['ServiceUnavailable', 'silence', { instead: 'silence' }, 3],
    ['ServiceRefused', 'a missing permission', elbError('AuthorizationError', '', 403), 1],
    ['ServiceRefused', 'a topic that is gone', elbError('NotFound', 'Topic does not exist', 404), 1],
  ])('is a %s after %s', async (name, _, reply, requests) => {
    aws.answer(() => reply);
    await expect(adapter(aws, TOPIC, reply).tellPeople(MESSAGE)).rejects.toEqual(named(name, TOPIC));
    expect(aws.requests).toHaveLength(requests);
  });

  it('is refused, without a request, where the stack named no topic', async () => {
    await expect(adapter(aws, '').tellPeople(MESSAGE)).rejects.toEqual(
      named('ServiceRefused', 'IREKAE_NEWS_TOPIC'),
    );
    expect(aws.requests).toEqual([]);
  });
});

describe('telling machines', () => {
  it('is one signed request to the default bus, from the source irekae', async () => {
    aws.answer(() => PUT);
    await adapter(aws).tellMachines(EVENT);
    expect(aws.requests[0]?.headers).toMatchObject({
      'x-amz-target': 'AWSEvents.PutEvents',
      'content-type': 'application/x-amz-json-1.1',
      authorization: expect.stringContaining('/ap-northeast-1/events/aws4_request'),
    });
    const [entry, ...others] = JSON.parse(aws.requests[0]?.body ?? '').Entries;
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ Source: 'irekae', DetailType: 'Deployment ended', Time: 1772355600 });
    expect(entry).not.toHaveProperty('EventBusName');
  });

  const failed = (code: string): AwsReply => ({
    body: JSON.stringify({ FailedEntryCount: 1, Entries: [{ ErrorCode: code, ErrorMessage: 'because' }] }),
  });

  it('is tried again when a success says that the entry failed', async () => {
    aws.answer(() => (aws.requests.length === 1 ? failed('ThrottlingException') : PUT));
    await adapter(aws).tellMachines(EVENT);
    expect(aws.requests).toHaveLength(2);
  });

  it.each<[string, AwsReply]>([
    ['InternalFailure', failed('InternalFailure')],
    ['does not say', { body: '{}' }],
  ])('never takes a failed entry for told (%s)', async (words, reply) => {
    aws.answer(() => reply);
    await expect(adapter(aws).tellMachines(EVENT)).rejects.toEqual(named('ServiceUnavailable', words));
    expect(aws.requests).toHaveLength(3);
  });

  it('is refused without the permission', async () => {
    aws.answer(() => ({ status: 400, body: '{"__type":"AccessDeniedException","message":"not allowed"}' }));
    await expect(adapter(aws).tellMachines(EVENT)).rejects.toEqual(
      named('ServiceRefused', 'Deployment ended'),
    );
  });
});
