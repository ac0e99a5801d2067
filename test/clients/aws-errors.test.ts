import { describe, expect, it } from 'vitest';
import { asking, failureOf, mayPass, wordsOf } from '../../lambdas/clients/wire/aws-errors.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';

/** An error as the SDK makes it from an error answer. */
function awsError(name: string, status: number, message = 'because') {
  const $fault = status >= 500 ? 'server' : 'client';
  return Object.assign(new Error(message), { name, $fault, $metadata: { httpStatusCode: status } });
}

const networkError = (code: string) => Object.assign(new Error('socket'), { code });

describe('what AWS throws becomes', () => {
  it.each([
    ['throttling, whatever its status', awsError('RequestLimitExceeded', 400)],
    ['throttling of SSM', awsError('ThrottlingException', 400)],
    ['throttling of classic ELB', awsError('Throttling', 400)],
    ['S3 asking to slow down', awsError('SlowDown', 503)],
    ['a 5xx with any name', awsError('SomethingNew', 500)],
    ['a 429 with any name', awsError('SomethingNew', 429)],
    ['an internal error', awsError('InternalError', 500)],
    ['a change that is still going on', awsError('PriorRequestNotComplete', 400)],
    ['S3’s own ServiceUnavailable', awsError('ServiceUnavailable', 503)],
    ['a time-out', Object.assign(new Error('slow'), { name: 'TimeoutError' })],
    ['a reset connection', networkError('ECONNRESET')],
    ['a name that does not resolve', networkError('EAI_AGAIN')],
    ['a body that ends too early', networkError('ERR_STREAM_PREMATURE_CLOSE')],
    ['a failed fetch', new TypeError('fetch failed')],
    ['a fetch that breaks off', new TypeError('terminated', { cause: networkError('UND_ERR_SOCKET') })],
    ['an answer that cannot be parsed', Object.assign(new Error('bad XML'), { $response: {} })],
  ])('ServiceUnavailable: %s', (_, error) => {
    const failure = failureOf(error, 'describe instances');
    expect(failure).toMatchObject({ name: 'ServiceUnavailable' });
    expect(String(failure)).toContain('AWS could not describe instances now');
  });

  it.each([
    ['a missing permission of EC2', awsError('UnauthorizedOperation', 403)],
    ['a missing permission of ELB', awsError('AccessDenied', 403)],
    ['expired credentials', awsError('ExpiredToken', 400)],
    ['a wrong parameter', awsError('ValidationError', 400)],
  ])('ServiceRefused: %s', (_, error) => {
    const failure = failureOf(error, 'describe instances');
    expect(failure).toMatchObject({ name: 'ServiceRefused' });
    expect(String(failure)).toContain(`AWS refused to describe instances: ${error.name}: because.`);
  });

  it.each([
    ['a bug', new TypeError('x is not a function')],
    ['a wrong argument', Object.assign(new Error('bad'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a failure that was told before', new DeploymentError('ServiceUnavailable', 'busy')],
    ['a failure that already has its name', new DeploymentError('LoadBalancerUnusable', 'gone')],
    ['something that is no error', 'text'],
  ])('nothing else: %s', (_, error) => {
    expect(failureOf(error, 'describe instances')).toBe(error);
  });
});

describe('the words of a failure', () => {
  it('leave out the encoded authorization message', () => {
    const error = awsError(
      'UnauthorizedOperation',
      403,
      'Not authorized. Encoded authorization failure message: 0aF3',
    );
    expect(wordsOf(error)).toBe('UnauthorizedOperation: Not authorized');
  });

  it('leave out the canonical request, which holds the session token', () => {
    const said =
      "The signature does not match. The Canonical String for this request should have been 'POST x-amz-security-token:SECRET'";
    expect(wordsOf(awsError('SignatureDoesNotMatch', 403, said))).not.toContain('SECRET');
  });

  it('are short', () => {
    expect(wordsOf(awsError('ValidationError', 400, 'x'.repeat(5_000))).length).toBeLessThan(350);
  });

  it('carry no response, request or header along', async () => {
    const error = Object.assign(awsError('AccessDenied', 403), {
      $response: { headers: { authorization: 'SECRET' } },
    });
    const failure = await asking('look', () => Promise.reject(error)).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ name: 'ServiceRefused' });
    expect((failure as Error).cause).toBeUndefined();
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('SECRET');
  });
});

it('an answer is handed through', async () => {
  expect(await asking('look', async () => 'seen')).toBe('seen');
});

it('only errors may pass', () => {
  expect(mayPass(undefined)).toBe(false);
  expect(mayPass({ name: 'Throttling' })).toBe(false);
});
