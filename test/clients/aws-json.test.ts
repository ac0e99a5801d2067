import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JsonService, jsonCaller } from '../../lambdas/clients/wire/aws-json.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  patienceFor,
  startAwsEndpoint,
  testClientOptions,
} from './aws-endpoint.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

function caller(service: JsonService = 'dynamodb', reply: AwsReply = {}) {
  const { credentials, region } = testClientOptions('');
  const options = { region, endpoint: aws.url, timeoutMs: patienceFor(reply), pauseMs: 1 };
  return jsonCaller(service, { ...options, credentials: async () => credentials });
}
const request = { operation: 'GetItem', input: { TableName: 't' }, doing: 'read the row' };
const refusal = (__type: string, more: object = {}, status = 400): AwsReply => ({
  status,
  body: JSON.stringify({ __type, ...more }),
});

describe('a request to a JSON service', () => {
  it.each<[JsonService, string, string]>([
    ['ssm', 'AmazonSSM.GetItem', 'application/x-amz-json-1.1'],
    ['dynamodb', 'DynamoDB_20120810.GetItem', 'application/x-amz-json-1.0'],
    ['states', 'AWSStepFunctions.GetItem', 'application/x-amz-json-1.0'],
    ['events', 'AWSEvents.GetItem', 'application/x-amz-json-1.1'],
  ])('of %s is addressed and signed as such', async (service, target, type) => {
    aws.answer(() => ({ body: '{"Item":1}' }));
    expect(await caller(service)(request)).toEqual({ body: { Item: 1 } });
    expect(aws.requests[0]).toMatchObject({
      method: 'POST',
      body: '{"TableName":"t"}',
      headers: {
        'x-amz-target': target,
        'content-type': type,
        'x-amz-security-token': 'session-token',
        authorization: expect.stringContaining(`/ap-northeast-1/${service}/aws4_request`),
      },
    });
  });

  it('is signed anew for each try, with the credentials of that moment', async () => {
    const keys = ['AKIDFIRST', 'AKIDSECOND'];
    const options = { region: 'ap-northeast-1', endpoint: aws.url, pauseMs: 1 };
    const call = jsonCaller('dynamodb', {
      ...options,
      credentials: async () => ({ accessKeyId: keys.shift() ?? '', secretAccessKey: 'not-a-secret' }),
    });
    aws.answer(() => (aws.requests.length === 1 ? { status: 500 } : { body: '{}' }));
    await call(request);
    expect(aws.requests.map(({ headers }) => /AKID\w+/.exec(headers.authorization ?? '')?.[0])).toEqual([
      'AKIDFIRST',
      'AKIDSECOND',
    ]);
  });

  it('that is refused as expected is answered, with all that the service said', async () => {
    const Item = { holder: { S: 'arn:one' } };
    aws.answer(() => refusal('com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', { Item }));
    expect(await caller()({ ...request, expects: ['ConditionalCheckFailedException'] })).toMatchObject({
      refusal: 'ConditionalCheckFailedException',
      body: { Item },
    });
    expect(aws.requests).toHaveLength(1);
  });

  it('that is refused unexpectedly throws, and shows nothing but the service’s words', async () => {
    aws.answer(() => refusal('ConditionalCheckFailedException', { message: 'because', Item: 'secret' }));
    const failure = await caller()(request).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining('refused to read the row: ConditionalCheckFailedException: because'),
    });
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('secret');
    expect(aws.requests).toHaveLength(1);
  });

  it.each<[string, AwsReply]>([
    ['DynamoDB’s throttling', refusal('ProvisionedThroughputExceededException')],
    ['throttling', refusal('ThrottlingException')],
    ['an internal error', refusal('InternalServerError', {}, 500)],
    ['a gateway’s page', { status: 502, body: '<html>' }],
    ['a closed connection', { instead: 'hang-up' }],
    ['silence', { instead: 'silence' }],
    ['half an answer', { body: '{"Item":1}', instead: 'half' }],
    ['an answer that is not JSON', { body: '{"Item":' }],
    ['an empty answer', { body: '' }],
    ['JSON that is not an object', { body: 'null' }],
  ])('is sent three times at most after %s', async (_, reply) => {
    aws.answer(() => (aws.requests.length === 1 ? reply : { body: '{}' }));
    const call = caller('dynamodb', reply);
    expect(await call(request)).toEqual({ body: {} });
    aws.answer(() => reply);
    await expect(call(request)).rejects.toMatchObject({
      name: 'ServiceUnavailable',
      message: expect.stringContaining('read the row'),
    });
    expect(aws.requests).toHaveLength(2 + 3);
  });
});
