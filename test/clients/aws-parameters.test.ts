import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parametersAdapter } from '../../lambdas/clients/parameters.ts';
import type { Parameters } from '../../lambdas/ports/parameters.ts';
import { type AwsEndpoint, type AwsReply, patienceFor, startAwsEndpoint } from './aws-endpoint.ts';

const SECRET = 'mackerel-key-5up3r-s3cret';

let aws: AwsEndpoint;
let parameters: Parameters;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  parameters = parametersWith();
});
afterEach(() => aws.stop());

const parametersWith = (reply: AwsReply = {}) =>
  parametersAdapter({
    region: 'ap-northeast-1',
    endpoint: aws.url,
    credentials: async () => ({
      accessKeyId: 'AKIDTEST',
      secretAccessKey: 'not-a-secret',
      sessionToken: 'session-token',
    }),
    timeoutMs: patienceFor(reply),
    pauseMs: 1,
  });

const value: AwsReply = {
  body: JSON.stringify({ Parameter: { Name: '/key', Type: 'SecureString', Value: SECRET } }),
};
const refusal = (__type: string, status = 400): AwsReply => ({
  status,
  body: JSON.stringify({ __type, message: 'because' }),
});

describe('reading a parameter', () => {
  it('answers the decrypted value, from one signed request', async () => {
    aws.answer(() => value);
    expect(await parameters.read('/key')).toBe(SECRET);
    expect(aws.requests).toHaveLength(1);
    const [request] = aws.requests;
    expect(JSON.parse(request?.body ?? '')).toEqual({ Name: '/key', WithDecryption: true });
    expect(request).toMatchObject({
      method: 'POST',
      headers: {
        'x-amz-target': 'AmazonSSM.GetParameter',
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-security-token': 'session-token',
        authorization: expect.stringMatching(
          /^AWS4-HMAC-SHA256 Credential=AKIDTEST\/\d{8}\/ap-northeast-1\/ssm\/aws4_request, SignedHeaders=.*x-amz-target/,
        ),
      },
    });
  });

  it.each(['ParameterNotFound', 'com.amazonaws.ssm#ParameterNotFound', 'ParameterVersionNotFound'])(
    'answers undefined after %s',
    async (code) => {
      aws.answer(() => refusal(code));
      expect(await parameters.read('/key')).toBeUndefined();
    },
  );

  it.each([
    ['AccessDeniedException', 400],
    ['InvalidKeyId', 400],
    ['UnrecognizedClientException', 400],
  ])('is refused with %s, and not tried again', async (code, status) => {
    aws.answer(() => refusal(code, status));
    await expect(parameters.read('/key')).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining(`read the parameter /key: ${code}: because`),
    });
    expect(aws.requests).toHaveLength(1);
  });

  it.each<[string, AwsReply]>([
    ['throttling', refusal('ThrottlingException')],
    ['an internal error', refusal('InternalServerError', 500)],
    ['a 503 without a body', { status: 503 }],
    ['a closed connection', { instead: 'hang-up' }],
    ['silence', { instead: 'silence' }],
    ['half an answer', { ...value, instead: 'half' }],
  ])('tries again after %s, and at most three times', async (_, first) => {
    const reader = parametersWith(first);
    aws.answer(() => (aws.requests.length === 1 ? first : value));
    expect(await reader.read('/key')).toBe(SECRET);
    aws.answer(() => first);
    await expect(reader.read('/key')).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(aws.requests).toHaveLength(2 + 3);
  });

  it.each<[string, AwsReply]>([
    ['is not JSON', { body: `oops ${SECRET}` }],
    ['breaks off', { body: value.body?.slice(0, -3) ?? '' }],
    ['has another shape', { body: JSON.stringify({ Parameter: { Values: [SECRET] } }) }],
  ])('never shows the value of an answer that %s', async (_, reply) => {
    aws.answer(() => reply);
    const failure = await parameters.read('/key').catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ name: 'ServiceUnavailable' });
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('s3cret');
  });

  it('does not follow a redirect with its credentials', async () => {
    aws.answer(() => ({ status: 307, headers: { location: `${aws.url}/elsewhere` } }));
    await expect(parameters.read('/key')).rejects.toMatchObject({ name: 'ServiceRefused' });
    expect(aws.requests).toHaveLength(1);
  });
});
