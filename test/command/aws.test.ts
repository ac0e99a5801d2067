/** What the command asks AWS beyond the ports of the steps: whose credentials, a stack's outputs, tags. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callerName } from '../../bin/command/command.ts';
import { findCaller, stackOutputs } from '../../bin/command/live/aws-query.ts';
import { taggerAdapter } from '../../bin/command/live/tagger.ts';
import {
  type AwsEndpoint,
  ec2Error,
  elbError,
  startAwsEndpoint,
  testClientOptions,
  xml,
} from '../clients/aws-endpoint.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

const options = () => ({
  region: 'ap-northeast-1',
  endpoint: aws.url,
  credentials: async () => testClientOptions('').credentials,
  timeoutMs: 200,
});
const named = (name: string) => expect.objectContaining({ name });

describe('whose credentials these are', () => {
  const identity = {
    Arn: 'arn:aws:sts::123456789012:assumed-role/Operator/hanako',
    UserId: 'A:b',
    Account: '123456789012',
  };

  it('is asked of STS in the Region, signed', async () => {
    aws.answer(() => ({ body: xml({ GetCallerIdentityResponse: { GetCallerIdentityResult: identity } }) }));
    expect(await findCaller(options())).toEqual({ account: identity.Account, arn: identity.Arn });
    expect(aws.requests[0]).toMatchObject({
      form: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: {
        authorization: expect.stringContaining('/ap-northeast-1/sts/aws4_request'),
        'x-amz-security-token': 'session-token',
      },
    });
  });

  it.each([
    ['expired', elbError('ExpiredToken', 'The security token is expired', 403), 'ServiceRefused'],
    ['unanswered', { instead: 'silence' } as const, 'ServiceUnavailable'],
    ['cut off', { body: '<GetCallerIdentityResponse>', instead: 'half' } as const, 'ServiceUnavailable'],
    ['not understood', { body: '<html>' }, 'ServiceUnavailable'],
    ['503', { status: 503, body: '' }, 'ServiceUnavailable'],
  ])('when the question is %s, fails by name', async (_what, reply, name) => {
    aws.answer(() => reply);
    await expect(findCaller(options())).rejects.toThrow(named(name));
  });

  it.each([
    [identity.Arn, 'Operator/hanako'],
    ['arn:aws:iam::123456789012:user/people/hanako', 'people/hanako'],
    ['arn:aws:iam::123456789012:root', 'root'],
  ])('%s is called %s', (arn, name) => expect(callerName({ account: '123456789012', arn })).toBe(name));
});

describe('the outputs of a stack', () => {
  const output = (OutputKey: string, OutputValue: string) => ({ OutputKey, OutputValue, Description: 'd' });

  it('are read by their names', async () => {
    const member = [output('ArtifactBucket', 'bucket-1'), output('LedgerTable', 'irekae-qa-Ledger-1')];
    aws.answer(() => ({ body: xml({ DescribeStacksResponse: { Outputs: { member } } }) }));
    const outputs = await stackOutputs(options(), 'irekae-qa');
    expect(Object.fromEntries(outputs)).toEqual({
      ArtifactBucket: 'bucket-1',
      LedgerTable: 'irekae-qa-Ledger-1',
    });
    expect(aws.requests[0]?.form).toMatchObject({ Action: 'DescribeStacks', StackName: 'irekae-qa' });
  });

  it('of a stack that is not there: says that nothing was deployed', async () => {
    aws.answer(() => elbError('ValidationError', 'Stack with id irekae-qa does not exist'));
    await expect(stackOutputs(options(), 'irekae-qa')).rejects.toThrow(
      'There is no stack irekae-qa in ap-northeast-1: nothing was deployed there yet (npx cdk deploy irekae-qa).',
    );
  });

  it('that may not be read are refused by name', async () => {
    aws.answer(() => elbError('AccessDenied', 'not authorized', 403));
    await expect(stackOutputs(options(), 'irekae-qa')).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('tagging', () => {
  const tag = (ids: string[]) =>
    taggerAdapter(new EC2Client(testClientOptions(aws.url))).tag(ids, { 'irekae:fleet': 'shop' });
  const yes = { body: xml({ CreateTagsResponse: { return: 'true' } }) };

  it('asks once for up to a hundred', async () => {
    aws.answer(() => yes);
    expect(await tag(['i-1', 'i-2', 'i-1'])).toEqual({ refused: [] });
    expect(aws.requests.map(({ form }) => form)).toEqual([
      expect.objectContaining({
        Action: 'CreateTags',
        'ResourceId.1': 'i-1',
        'ResourceId.2': 'i-2',
        'Tag.1.Key': 'irekae:fleet',
        'Tag.1.Value': 'shop',
      }),
    ]);
  });

  it('tags the others when one is refused, and says why that one was', async () => {
    aws.answer(({ body }) =>
      body.includes('i-bad') ? ec2Error('InvalidInstanceID.NotFound', 'no i-bad') : yes,
    );
    expect(await tag(['i-1', 'i-bad', 'i-2'])).toEqual({
      refused: [{ id: 'i-bad', reason: 'InvalidInstanceID.NotFound: no i-bad' }],
    });
    expect(aws.requests.map(({ form }) => form['ResourceId.1'])).toEqual(['i-1', 'i-1', 'i-bad', 'i-2']);
  });

  it('that is not answered is unknown, not refused', async () => {
    aws.answer(() => ({ instead: 'hang-up' }));
    await expect(tag(['i-1'])).rejects.toThrow(named('ServiceUnavailable'));
  });

  it('sends nothing for nobody', async () => {
    expect(await tag([])).toEqual({ refused: [] });
    expect(aws.requests).toEqual([]);
  });
});
