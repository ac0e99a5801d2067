/** Where AWS and Mackerel are asked: by the variables that the SDKs and Mackerel's own tools go by. */
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { announcerAdapter } from '../../lambdas/clients/announcer.ts';
import { executionsAdapter } from '../../lambdas/clients/executions.ts';
import { mackerelClient } from '../../lambdas/clients/mackerel.ts';
import { parametersAdapter } from '../../lambdas/clients/parameters.ts';
import { recordsAdapter } from '../../lambdas/clients/records.ts';
import { endpointOf, mackerelBase } from '../../lambdas/clients/wire/endpoint.ts';
import { type AwsEndpoint, startAwsEndpoint, testClientOptions } from './aws-endpoint.ts';

const TOKYO = 'ap-northeast-1';

describe('A service', () => {
  const OWN = { AWS_ENDPOINT_URL_SFN: 'https://vpce-1.states.vpce.amazonaws.com' };
  const ALL = { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };

  it.each<[string, string, Record<string, string>, string]>([
    ['as it is', 'states', {}, 'https://states.ap-northeast-1.amazonaws.com/'],
    ['at its own endpoint', 'states', OWN, OWN.AWS_ENDPOINT_URL_SFN],
    ['at its own before that of all', 'states', { ...OWN, ...ALL }, OWN.AWS_ENDPOINT_URL_SFN],
    ['at that of all', 'ssm', { ...OWN, ...ALL }, ALL.AWS_ENDPOINT_URL],
    ['with an empty variable', 'ssm', { AWS_ENDPOINT_URL_SSM: '', ...ALL }, ALL.AWS_ENDPOINT_URL],
    [
      'as it is, when the variables are to be ignored',
      'states',
      { ...OWN, ...ALL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'https://states.ap-northeast-1.amazonaws.com/',
    ],
    ['at FIPS', 's3', { AWS_USE_FIPS_ENDPOINT: 'true' }, 'https://s3-fips.ap-northeast-1.amazonaws.com/'],
    ['at its own before FIPS', 'states', { ...OWN, AWS_USE_FIPS_ENDPOINT: 'true' }, OWN.AWS_ENDPOINT_URL_SFN],
  ])('is asked %s (%s)', (_, service, variables, url) =>
    expect(endpointOf(service, TOKYO, variables)).toBe(url),
  );

  it.each([
    ['cloudformation', 'CLOUDFORMATION'],
    ['dynamodb', 'DYNAMODB'],
    ['events', 'EVENTBRIDGE'],
    ['kms', 'KMS'],
    ['s3', 'S3'],
    ['sns', 'SNS'],
    ['ssm', 'SSM'],
    ['states', 'SFN'],
    ['sts', 'STS'],
  ])('%s goes by AWS_ENDPOINT_URL_%s', (service, id) => {
    expect(endpointOf(service, TOKYO, { [`AWS_ENDPOINT_URL_${id}`]: 'https://vpce' })).toBe('https://vpce');
  });

  // What botocore's rules answer, with use_fips_endpoint.
  it.each([
    [
      'us-gov-west-1',
      'dynamodb-fips dynamodb kms-fips kms s3-fips s3 ssm ssm sts sts sns sns events events states states',
    ],
    ['us-gov-east-1', 'dynamodb-fips dynamodb states-fips states cloudformation cloudformation'],
    ['us-east-1', 'ssm-fips ssm sts-fips sts states-fips states events-fips events sns-fips sns'],
  ])('has its host of FIPS in %s', (region, names) => {
    const words = names.split(' ');
    for (let at = 0; at < words.length; at += 2)
      expect(endpointOf(words[at + 1] ?? '', region, { AWS_USE_FIPS_ENDPOINT: 'true' })).toBe(
        `https://${words[at]}.${region}.amazonaws.com/`,
      );
  });

  it.each(['vpce-1.amazonaws.com', 'ftp://vpce', 'https://'])('is not asked at %s, and that is said', (url) =>
    expect(() => endpointOf('ssm', TOKYO, { AWS_ENDPOINT_URL_SSM: url })).toThrow(
      expect.objectContaining({
        name: 'ServiceRefused',
        message: expect.stringContaining('AWS_ENDPOINT_URL_SSM'),
      }),
    ),
  );
});

describe('Mackerel', () => {
  it('is asked where its own tools ask', () => {
    expect(mackerelBase({})).toBe('https://api.mackerelio.com');
    expect(mackerelBase({ MACKEREL_APIBASE: 'https://proxy.example' })).toBe('https://proxy.example');
    expect(() => mackerelBase({ MACKEREL_APIBASE: 'proxy.example' })).toThrow('MACKEREL_APIBASE');
  });
});

describe('Every client', () => {
  let aws: AwsEndpoint;
  beforeEach(async () => {
    aws = await startAwsEndpoint();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  });
  const options = () => ({
    region: TOKYO,
    credentials: async () => testClientOptions(aws.url).credentials,
    pauseMs: 1,
  });
  const CALLS: Readonly<Record<string, [string, () => Promise<unknown>]>> = {
    ssm: ['AWS_ENDPOINT_URL_SSM', () => parametersAdapter(options()).read('/key')],
    states: [
      'AWS_ENDPOINT_URL_SFN',
      () => executionsAdapter(options()).describe('arn:aws:states:r:1:execution:a:b'),
    ],
    s3: ['AWS_ENDPOINT_URL_S3', () => recordsAdapter(options()).readRecord('bucket', 'key')],
    sns: [
      'AWS_ENDPOINT_URL_SNS',
      () =>
        announcerAdapter('arn', options()).tellPeople({ subject: 's', body: 'b', chat: {}, attributes: {} }),
    ],
    events: [
      'AWS_ENDPOINT_URL_EVENTBRIDGE',
      () =>
        announcerAdapter('', options()).tellMachines({
          detailType: 'd',
          detail: {},
          resources: [],
          at: new Date(),
        }),
    ],
    mackerel: ['MACKEREL_APIBASE', () => mackerelClient({ apiKey: async () => 'k', attempts: 1 }).roles('s')],
  };

  it.each(Object.keys(CALLS))('asks %s where the variable says', async (name) => {
    const [variable = '', call] = CALLS[name] ?? [];
    vi.stubEnv(variable, aws.url);
    aws.answer(() => ({ status: 403, body: '{}' }));
    await call?.().catch(() => {});
    expect(aws.requests).toHaveLength(1);
  });

  it('keeps the path of an endpoint, as the SDK does', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', `${aws.url}/base/`);
    aws.answer(() => ({ status: 403 }));
    await recordsAdapter(options())
      .readRecord('bucket', 'a/b')
      .catch(() => {});
    expect(aws.requests.map(({ path }) => path)).toEqual(['/base/bucket/a/b']);
  });

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL_S3'])(
    'of the SDK goes by the same variables (%s)',
    async (variable) => {
      vi.stubEnv(variable, aws.url);
      aws.answer(() => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }));
      const { credentials } = testClientOptions(aws.url);
      const own = { region: TOKYO, credentials, maxAttempts: 1 };
      if (!variable.endsWith('S3'))
        await new EC2Client(own).send(new DescribeInstancesCommand({})).catch(() => {});
      if (!variable.endsWith('EC2'))
        await new S3Client(own).send(new ListObjectsV2Command({ Bucket: 'bucket' })).catch(() => {});
      expect(aws.requests).toHaveLength(variable === 'AWS_ENDPOINT_URL' ? 2 : 1);
    },
  );
});
