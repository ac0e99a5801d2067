/** Sentences of failures that people act on: nothing is told that does not explain it. */
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../lambdas/clients/wire/aws-errors.ts';
import { evidenceSentence } from '../../lambdas/domain/hosts/evidence.ts';

describe('The console of a host', () => {
  const told = (...console: string[]) => evidenceSentence([{ instanceId: 'i-1', console }]);

  it.each([
    [['irekae: FAILED: no space'], 'The console of i-1 ends with "irekae: FAILED: no space".'],
    [['irekae: unpacked app', 'irekae: started shop app.tgz version v1 in 9 s', 'login:'], ''],
    [
      ['irekae: the image has no mackerel-agent: this host will not be seen', 'irekae: started shop in 9 s'],
      'The console of i-1 ends with "irekae: the image has no mackerel-agent: this host will not be seen".',
    ],
    [['irekae: unpacked app', 'login:'], 'The console of i-1 ends with "irekae: unpacked app".'],
  ])('%j', (lines, sentence) => expect(told(...lines)).toBe(sentence));
});

describe('A bucket of another Region', () => {
  it('is told as that, with its Region where S3 says it', () => {
    const error = Object.assign(new Error('UnknownError'), {
      $fault: 'client',
      $metadata: { httpStatusCode: 301 },
      $response: { headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    });
    expect(failureOf(error, 'read s3://b/k')).toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringMatching(/: the bucket is in eu-west-1, .* correct existingBucket or region/),
    });
  });
});
