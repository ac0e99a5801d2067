import { EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ec2Adapter } from '../../lambdas/clients/ec2.ts';
import { AWS_CLIENT_OPTIONS } from '../../lambdas/clients/wire/aws-options.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { Ec2, LaunchRequest } from '../../lambdas/ports/ec2.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  ec2Error,
  startAwsEndpoint,
  testClientOptions,
  type XmlValue,
  xml,
} from './aws-endpoint.ts';

let aws: AwsEndpoint;
let ec2: Ec2;
/** Pauses of a launch that waits for its turn, in milliseconds. */
let pauses: number[];
beforeEach(async () => {
  aws = await startAwsEndpoint();
  pauses = [];
  ec2 = ec2With();
});
afterEach(() => aws.stop());

const ec2With = (reply?: AwsReply) => {
  const now = () => pauses.reduce((sum, each) => sum + each, 0);
  const sleep = async (millis: number) => void pauses.push(millis);
  return ec2Adapter(new EC2Client(testClientOptions(aws.url, reply)), { now, sleep, random: Math.random });
};

const instance = (id: string, state = 'running', more: Record<string, string> = {}) => ({
  instanceId: id,
  imageId: 'ami-1',
  instanceState: { code: '16', name: state },
  instanceType: 'c7g.large',
  launchTime: '2026-01-02T03:04:05.000Z',
  placement: { availabilityZone: 'ap-northeast-1a' },
  subnetId: 'subnet-1',
  ...more,
});

/** A DescribeInstances answer: one reservation per list. */
const reservations = (lists: ReturnType<typeof instance>[][], nextToken?: string): AwsReply => ({
  body: `<DescribeInstancesResponse>${xml({
    reservationSet: { item: lists.map((item) => ({ instancesSet: { item } })) },
    ...(nextToken === undefined ? {} : { nextToken }),
  })}</DescribeInstancesResponse>`,
});

describe('describing instances', () => {
  it('asks by filter, so that an unknown id does not fail the call', async () => {
    aws.answer(() => reservations([[instance('i-1')]]));
    const found = await ec2.describe(['i-1', 'i-unknown']);
    expect(found.map(({ instanceId }) => instanceId)).toEqual(['i-1']);
    expect(aws.requests[0]?.form).toMatchObject({
      Action: 'DescribeInstances',
      'Filter.1.Name': 'instance-id',
      'Filter.1.Value.1': 'i-1',
      'Filter.1.Value.2': 'i-unknown',
    });
    expect(aws.requests[0]?.form).not.toHaveProperty('InstanceId.1');
  });

  it('takes the instances of all reservations and of all pages', async () => {
    aws.answer(({ form }) =>
      form.NextToken === 'page-2'
        ? reservations([[instance('i-4')]])
        : reservations([[instance('i-1')], [instance('i-2'), instance('i-3')]], 'page-2'),
    );
    const found = await ec2.describe(['i-1', 'i-2', 'i-3', 'i-4']);
    expect(found.map(({ instanceId }) => instanceId)).toEqual(['i-1', 'i-2', 'i-3', 'i-4']);
    expect(aws.requests).toHaveLength(2);
  });

  it('asks for at most 100 ids at a time, and for each once', async () => {
    aws.answer(() => reservations([]));
    const ids = Array.from({ length: 101 }, (_, n) => `i-${n}`);
    await ec2.describe([...ids, 'i-0']);
    const asked = aws.requests.map(({ form }) =>
      Object.keys(form).filter((key) => key.startsWith('Filter.1.Value')),
    );
    expect(asked.map(({ length }) => length)).toEqual([100, 1]);
  });

  it('asks for thousands by five requests at a time, and begins no other when one has failed', async () => {
    const ids = Array.from({ length: 3_000 }, (_, n) => `i-${n}`);
    const reply = { instead: 'silence' } as const;
    aws.answer(() => reply);
    await expect(ec2With(reply).describe(ids)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(aws.requests).toHaveLength(5);
  });

  it('finds all of more than five requests', async () => {
    aws.answer(({ form }) => reservations([[instance(form['Filter.1.Value.1'] ?? '')]]));
    const ids = Array.from({ length: 700 }, (_, n) => `i-${n}`);
    const found = await ec2.describe(ids);
    expect(found.map(({ instanceId }) => instanceId)).toEqual(ids.filter((_, n) => n % 100 === 0));
  });

  it('asks nothing when there is no id: an empty filter would describe the whole account', async () => {
    expect(await ec2.describe([])).toEqual([]);
    expect(aws.requests).toEqual([]);
  });

  it('answers in our words', async () => {
    const tagSet = {
      item: [
        { key: 'irekae:fleet', value: 'blog' },
        { key: 'empty', value: '' },
      ],
    };
    aws.answer(() => ({
      body: `<R>${xml({ reservationSet: { item: { instancesSet: { item: { ...instance('i-1'), tagSet } } } } })}</R>`,
    }));
    expect(await ec2.describe(['i-1'])).toEqual([
      {
        instanceId: 'i-1',
        state: 'running',
        launchedAt: new Date('2026-01-02T03:04:05Z'),
        zone: 'ap-northeast-1a',
        subnetId: 'subnet-1',
        imageId: 'ami-1',
        instanceType: 'c7g.large',
        tags: { 'irekae:fleet': 'blog', empty: '' },
      },
    ]);
  });

  it.each([
    [
      'a plain message',
      'Server.InternalError',
      'Internal error on launch',
      'Server.InternalError: Internal error on launch',
    ],
    ['a message that repeats the code', 'Client.X', 'Client.X: You did', 'Client.X: You did'],
  ])('tells why an instance died: %s', async (_, code, message, expected) => {
    const stateReason = { code, message };
    aws.answer(() => ({
      body: `<R>${xml({
        reservationSet: {
          item: { instancesSet: { item: { ...instance('i-1', 'terminated'), stateReason } } },
        },
      })}</R>`,
    }));
    expect(await ec2.describe(['i-1'])).toMatchObject([{ state: 'terminated', stateReason: expected }]);
  });

  it('gives a living instance no reason', async () => {
    const stateReason = { code: 'pending', message: 'pending' };
    aws.answer(() => ({
      body: `<R>${xml({
        reservationSet: { item: { instancesSet: { item: { ...instance('i-1', 'pending'), stateReason } } } },
      })}</R>`,
    }));
    expect((await ec2.describe(['i-1']))[0]).not.toHaveProperty('stateReason');
  });

  it.each<[string, AwsReply]>([
    ['a state that EC2 has never had', reservations([[instance('i-1', 'melting')]])],
    ['silence', { instead: 'silence' }],
    ['a closed connection', { instead: 'hang-up' }],
    ['half an answer', { ...reservations([[instance('i-1')]]), instead: 'half' }],
    ['an answer that is not XML to its end', { body: '<R><reservationSet><item>' }],
    ['a 5xx that is no XML at all', { status: 502, body: 'Bad Gateway' }],
    ['throttling', ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503)],
  ])('does not know after %s', async (_, reply) => {
    aws.answer(() => reply);
    await expect(ec2With(reply).describe(['i-1'])).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('is refused without permission', async () => {
    aws.answer(() =>
      ec2Error('UnauthorizedOperation', 'Not you. Encoded authorization failure message: xyz', 403),
    );
    await expect(ec2.describe(['i-1'])).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.not.stringContaining('xyz'),
    });
  });
});

describe('listing instances by tag', () => {
  const tagged = (id: string, value: string) => ({
    reservationSet: {
      item: { instancesSet: { item: { ...instance(id), tagSet: { item: { key: 'd', value } } } } },
    },
  });

  it('leaves terminated instances out by a filter', async () => {
    aws.answer(() => ({ body: `<R>${xml(tagged('i-1', 'v'))}</R>` }));
    expect(await ec2.listByTag('d', 'v')).toHaveLength(1);
    const form = aws.requests[0]?.form ?? {};
    expect(form).toMatchObject({
      'Filter.1.Name': 'tag:d',
      'Filter.1.Value.1': 'v',
      'Filter.2.Name': 'instance-state-name',
    });
    const states = Object.entries(form).filter(([key]) => key.startsWith('Filter.2.Value'));
    expect(states.map(([, state]) => state).sort()).toEqual(
      ['pending', 'running', 'shutting-down', 'stopped', 'stopping'].sort(),
    );
  });

  it('does not take what only matches because EC2 reads * as a wildcard', async () => {
    aws.answer(() => ({ body: `<R>${xml(tagged('i-1', 'vain'))}</R>` }));
    expect(await ec2.listByTag('d', 'v*')).toEqual([]);
  });
});

const request: LaunchRequest = {
  clientToken: 'token-1',
  count: 3,
  subnetId: 'subnet-1',
  imageId: 'ami-1',
  instanceType: 'c7g.large',
  launchTemplate: { id: 'lt-1', version: '7' },
  userData: '#!/bin/sh\necho 入れ替え\n',
  tags: { 'irekae:fleet': 'blog', Name: 'blog-app' },
};

describe('launching', () => {
  it('asks for all or nothing, under the caller’s token, tagged from birth', async () => {
    aws.answer(() => ({
      body: `<R>${xml({ instancesSet: { item: [instance('i-1', 'pending'), instance('i-2', 'pending')] } })}</R>`,
    }));
    const launched = await ec2.launch(request);
    expect(launched).toMatchObject([
      { instanceId: 'i-1', state: 'pending' },
      { instanceId: 'i-2', state: 'pending' },
    ]);
    const { UserData = '', ...form } = aws.requests[0]?.form ?? {};
    expect(Buffer.from(UserData, 'base64').toString('utf8')).toBe(request.userData);
    expect(form).toEqual({
      Action: 'RunInstances',
      Version: '2016-11-15',
      ClientToken: 'token-1',
      MinCount: '3',
      MaxCount: '3',
      SubnetId: 'subnet-1',
      ImageId: 'ami-1',
      InstanceType: 'c7g.large',
      'LaunchTemplate.LaunchTemplateId': 'lt-1',
      'LaunchTemplate.Version': '7',
      'TagSpecification.1.ResourceType': 'instance',
      'TagSpecification.1.Tag.1.Key': 'irekae:fleet',
      'TagSpecification.1.Tag.1.Value': 'blog',
      'TagSpecification.1.Tag.2.Key': 'Name',
      'TagSpecification.1.Tag.2.Value': 'blog-app',
      'TagSpecification.2.ResourceType': 'volume',
      'TagSpecification.2.Tag.1.Key': 'irekae:fleet',
      'TagSpecification.2.Tag.1.Value': 'blog',
      'TagSpecification.2.Tag.2.Key': 'Name',
      'TagSpecification.2.Tag.2.Value': 'blog-app',
    });
  });

  it('sends the same token again when the connection breaks', async () => {
    const patient = ec2Adapter(new EC2Client({ ...testClientOptions(aws.url), maxAttempts: 2 }));
    aws.answer(() =>
      aws.requests.length === 1
        ? { instead: 'hang-up' }
        : { body: `<R>${xml({ instancesSet: { item: instance('i-1', 'pending') } })}</R>` },
    );
    expect(await patient.launch(request)).toHaveLength(1);
    expect(aws.requests.map(({ form }) => form.ClientToken)).toEqual(['token-1', 'token-1']);
  });

  it.each([
    ['NoCapacity', 'InsufficientInstanceCapacity', 500],
    ['NoCapacity', 'InsufficientHostCapacity', 500],
    ['NoCapacity', 'InsufficientReservedInstanceCapacity', 400],
    ['NoCapacity', 'InsufficientCapacityOnOutpost', 400],
    ['NoCapacity', 'Unsupported', 400],
    ['LaunchRefused', 'InstanceLimitExceeded', 400],
    ['LaunchRefused', 'VcpuLimitExceeded', 400],
    ['LaunchRefused', 'InsufficientFreeAddressesInSubnet', 400],
    ['LaunchRefused', 'UnauthorizedOperation', 403],
    ['LaunchRefused', 'InvalidParameterValue', 400],
    ['LaunchRefused', 'InvalidAMIID.NotFound', 400],
    ['LaunchRefused', 'IdempotentParameterMismatch', 400],
    ['LaunchRefused', 'InvalidLaunchTemplateId.NotFound', 400],
    ['LaunchRefused', 'SomethingNew', 400],
    ['ServiceUnavailable', 'RequestLimitExceeded', 503],
    ['ServiceUnavailable', 'InternalError', 500],
    ['ServiceUnavailable', 'Unavailable', 503],
    ['ServiceUnavailable', 'SomethingNew', 500],
  ])('fails as %s when EC2 says %s', async (name, code, status) => {
    aws.answer(() => ec2Error(code, 'EC2 said why', status));
    await expect(ec2.launch(request)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(new RegExp(`3 × c7g.large in subnet-1.*${code}: EC2 said why`)),
    });
  });

  it('waits for its turn, each time for another while, when the account launches much', async () => {
    aws.answer(() =>
      aws.requests.length < 5
        ? ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503)
        : { body: `<R>${xml({ instancesSet: { item: instance('i-1', 'pending') } })}</R>` },
    );
    expect(await ec2.launch(request)).toHaveLength(1);
    expect(new Set(aws.requests.map(({ form }) => form.ClientToken))).toEqual(new Set(['token-1']));
    expect(pauses).toHaveLength(4);
    expect(new Set(pauses).size).toBe(4);
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(500);
  });

  it('does not wait longer than its function has', async () => {
    aws.answer(() => ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503));
    await expect(ec2.launch(request)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    const waited = pauses.reduce((sum, each) => sum + each, 0);
    expect(waited).toBeGreaterThan(15_000);
    expect(waited).toBeLessThanOrEqual(20_000);
    // Begun in the first half of the time, it ends in the second, however slowly AWS answers then.
    expect(waited / 1_000 + AWS_CLIENT_OPTIONS.requestHandler.requestTimeout / 1_000).toBeLessThanOrEqual(
      STEPS['launch-new-instances'].seconds / 2,
    );
  });

  it('waits for nothing else', async () => {
    aws.answer(() => ec2Error('InternalError', 'EC2 said why', 500));
    await expect(ec2.launch(request)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(pauses).toEqual([]);
  });

  it.each(['silence', 'hang-up', 'half'] as const)('does not know after %s', async (instead) => {
    const reply = { instead, body: '<R><instancesSet></instancesSet></R>' };
    aws.answer(() => reply);
    await expect(ec2With(reply).launch(request)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });
});

describe('terminating', () => {
  const idsOf = (form: Readonly<Record<string, string>>) =>
    Object.keys(form)
      .filter((key) => key.startsWith('InstanceId.'))
      .map((key) => form[key]);
  const terminations = () =>
    aws.requests.filter(({ form }) => form.Action === 'TerminateInstances').map(({ form }) => idsOf(form));
  const done: AwsReply = { body: '<R/>' };

  /** Refuses every termination that names one of `bad`; describes what `seen` holds. */
  function answerWith(bad: Record<string, AwsReply>, seen: ReturnType<typeof instance>[] = []) {
    aws.answer(({ form }) => {
      if (form.Action === 'DescribeInstances') return reservations([seen]);
      const first = idsOf(form).find((id) => id !== undefined && id in bad);
      return (first === undefined ? undefined : bad[first]) ?? done;
    });
  }

  it('refuses an empty list without asking EC2', async () => {
    await expect(ec2.terminate([])).rejects.toMatchObject({ name: 'TerminationRefused' });
    expect(aws.requests).toEqual([]);
  });

  it('terminates all in one call', async () => {
    answerWith({});
    expect(await ec2.terminate(['i-1', 'i-2'])).toEqual({ refused: [] });
    expect(terminations()).toEqual([['i-1', 'i-2']]);
  });

  it('sends at most 1,000 ids at a time', async () => {
    answerWith({});
    await ec2.terminate(Array.from({ length: 1_001 }, (_, n) => `i-${n}`));
    expect(terminations().map(({ length }) => length)).toEqual([1_000, 1]);
  });

  it('counts an instance that EC2 does not know as done, and terminates the rest', async () => {
    answerWith({ 'i-gone': ec2Error('InvalidInstanceID.NotFound') });
    expect(await ec2.terminate(['i-1', 'i-gone', 'i-2'])).toEqual({ refused: [] });
    expect(terminations()).toEqual([['i-1', 'i-gone', 'i-2'], ['i-1'], ['i-gone'], ['i-2']]);
  });

  it('tells which instance is protected, and spares those that are already going', async () => {
    answerWith({ 'i-kept': ec2Error('OperationNotPermitted', 'It has termination protection.') }, [
      instance('i-1'),
      instance('i-kept'),
      instance('i-going', 'shutting-down'),
      instance('i-went', 'terminated'),
    ]);
    expect(await ec2.terminate(['i-1', 'i-kept', 'i-going', 'i-went'])).toEqual({
      refused: [{ id: 'i-kept', reason: 'OperationNotPermitted: It has termination protection' }],
    });
    expect(terminations().slice(1)).toEqual([['i-1'], ['i-kept']]);
  });

  it('answers every refusal when nothing is permitted', async () => {
    const no = ec2Error('UnauthorizedOperation', 'No. Encoded authorization failure message: xyz', 403);
    answerWith({ 'i-1': no, 'i-2': no });
    expect(await ec2.terminate(['i-1', 'i-2'])).toEqual({
      refused: [
        { id: 'i-1', reason: 'UnauthorizedOperation: No' },
        { id: 'i-2', reason: 'UnauthorizedOperation: No' },
      ],
    });
  });

  it('does not know when EC2 is too busy, and does not hammer it', async () => {
    aws.answer(() => ec2Error('RequestLimitExceeded', 'slow down', 503));
    await expect(ec2.terminate(['i-1', 'i-2'])).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(aws.requests).toHaveLength(1);
  });

  it('gives the rest its turn when one instance’s answer is lost', async () => {
    aws.answer(({ form }) => {
      if (form.Action === 'DescribeInstances') return reservations([]);
      const ids = idsOf(form);
      if (ids.length > 1) return ec2Error('InvalidInstanceID.NotFound');
      return ids[0] === 'i-1' ? { instead: 'hang-up' } : done;
    });
    await expect(ec2.terminate(['i-1', 'i-2'])).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(terminations()).toEqual([['i-1', 'i-2'], ['i-1'], ['i-2']]);
  });
});

describe('machine images', () => {
  const image = (id: string, creationDate: string) => ({
    imageId: id,
    name: `app-${id}`,
    architecture: 'arm64',
    imageState: 'available',
    rootDeviceName: '/dev/xvda',
    creationDate,
  });
  const images = (
    item: (ReturnType<typeof image> & Readonly<Record<string, string>>)[],
    nextToken?: string,
  ): AwsReply => ({
    body: `<R>${xml({ imagesSet: { item }, ...(nextToken === undefined ? {} : { nextToken }) })}</R>`,
  });

  it('one by its id, deprecated or not', async () => {
    aws.answer(() => images([image('ami-1', '2026-01-01T00:00:00.000Z')]));
    expect(await ec2.findImage('ami-1')).toEqual({
      imageId: 'ami-1',
      name: 'app-ami-1',
      architecture: 'arm64',
      state: 'available',
      owner: expect.any(String),
      tags: {},
      rootDevice: '/dev/xvda',
      createdAt: new Date('2026-01-01T00:00:00Z'),
    });
    expect(aws.requests[0]?.form).toMatchObject({ 'ImageId.1': 'ami-1', IncludeDeprecated: 'true' });
  });

  it('with the day from which its owner does not want it used', async () => {
    const deprecationTime = '2026-10-01T00:00:00.000Z';
    aws.answer(() => images([{ ...image('ami-1', '2026-01-01T00:00:00.000Z'), deprecationTime }]));
    expect(await ec2.findImage('ami-1')).toMatchObject({ deprecatedAt: new Date(deprecationTime) });
  });

  it.each([
    [
      'of a copy, with the image that it is a copy of',
      { sourceImageId: 'ami-9', sourceImageRegion: 'eu-west-1' },
      'ami-9',
    ],
    // EC2 then names the image that the instance came from, whatever was changed on it since.
    [
      'of one made from an instance, with none',
      { sourceImageId: 'ami-9', sourceInstanceId: 'i-1' },
      undefined,
    ],
  ])('%s', async (_, source, copyOf) => {
    aws.answer(() => images([{ ...image('ami-1', '2026-01-01T00:00:00.000Z'), ...source }]));
    expect((await ec2.findImage('ami-1'))?.copyOf).toBe(copyOf);
  });

  it.each(['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable', 'InvalidAMIID.Malformed'])(
    'none when EC2 says %s',
    async (code) => {
      aws.answer(() => ec2Error(code));
      expect(await ec2.findImage('ami-1')).toBeUndefined();
    },
  );

  it('unknown, rather than none, when EC2 fails', async () => {
    aws.answer(() => ec2Error('InternalError', 'oops', 500));
    await expect(ec2.findImage('ami-1')).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('all pages of what matches, of this owner, available, of this architecture', async () => {
    aws.answer(({ form }) =>
      form.NextToken === 'more'
        ? images([image('ami-newest', '2026-03-01T00:00:00.000Z')])
        : images(
            [image('ami-old', '2025-12-31T00:00:00.000Z'), image('ami-newer', '2026-02-01T00:00:00.000Z')],
            'more',
          ),
    );
    const found = await ec2.matchingImages({
      from: 'search',
      owner: 'self',
      namePattern: 'app-*',
      tags: { Role: 'app' },
      architecture: 'arm64',
    });
    expect(found.map(({ imageId }) => imageId)).toEqual(['ami-old', 'ami-newer', 'ami-newest']);
    expect(aws.requests[0]?.form).toMatchObject({
      'Owner.1': 'self',
      'Filter.1.Name': 'state',
      'Filter.1.Value.1': 'available',
      'Filter.2.Name': 'architecture',
      'Filter.2.Value.1': 'arm64',
      'Filter.3.Name': 'name',
      'Filter.3.Value.1': 'app-*',
      'Filter.4.Name': 'tag:Role',
      'Filter.4.Value.1': 'app',
    });
  });

  it('none when nothing matches', async () => {
    aws.answer(() => images([]));
    const query = { from: 'search', owner: 'self', tags: {}, architecture: 'arm64' } as const;
    expect(await ec2.matchingImages(query)).toEqual([]);
  });
});

describe('a version of a launch template', () => {
  const versionOf = (data: XmlValue) => ({
    body: `<R>${xml({
      launchTemplateVersionSet: {
        item: { launchTemplateId: 'lt-1', versionNumber: '7', launchTemplateData: data },
      },
    })}</R>`,
  });

  it('is told without its user data, and with all that a deployment needs of it', async () => {
    aws.answer(() =>
      versionOf({
        iamInstanceProfile: { name: 'web' },
        securityGroupIdSet: { item: 'sg-1' },
        securityGroupSet: { item: 'default' },
        keyName: 'operations',
        instanceInitiatedShutdownBehavior: 'terminate',
        disableApiTermination: 'true',
        disableApiStop: 'true',
        metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: '2' },
        userData: 'c2VjcmV0',
        networkInterfaceSet: { item: { deviceIndex: '0' } },
        instanceRequirements: { vCpuCount: { min: '2' } },
        placement: { availabilityZone: 'ap-northeast-1a' },
        instanceMarketOptions: {
          marketType: 'spot',
          spotOptions: { spotInstanceType: 'persistent', instanceInterruptionBehavior: 'stop' },
        },
        tagSpecificationSet: {
          item: { resourceType: 'volume', tagSet: { item: { key: 'Team', value: 'web' } } },
        },
        blockDeviceMappingSet: {
          item: {
            deviceName: '/dev/sdf',
            ebs: { kmsKeyId: 'alias/web', deleteOnTermination: 'false' },
          },
        },
      }),
    );
    expect(await ec2.templateVersion('lt-1', 'newest')).toEqual({
      id: 'lt-1',
      version: '7',
      instanceProfile: 'web',
      securityGroups: ['sg-1'],
      groupNames: ['default'],
      keyPair: 'operations',
      shutdownBehavior: 'terminate',
      isTerminationProtected: true,
      isStopProtected: true,
      metadata: { endpoint: 'enabled', tokens: 'required', hopLimit: 2 },
      hasUserData: true,
      hasNetworkInterfaces: true,
      hasInstanceRequirements: true,
      zone: 'ap-northeast-1a',
      spot: { type: 'persistent', onInterruption: 'stop' },
      tagKeys: ['Team'],
      volumes: [{ device: '/dev/sdf', kmsKey: 'alias/web', stays: true }],
    });
    expect(aws.requests[0]?.form).toMatchObject({
      LaunchTemplateId: 'lt-1',
      'LaunchTemplateVersion.1': '$Latest',
    });
  });

  it('may name its zone by the id of the zone', async () => {
    aws.answer(() => versionOf({ placement: { availabilityZoneId: 'apne1-az4' } }));
    expect(await ec2.templateVersion('lt-1', '7')).toMatchObject({ zone: 'apne1-az4' });
  });

  it('leaves open what it does not say', async () => {
    aws.answer(() => versionOf({ imageId: 'ami-1' }));
    expect(await ec2.templateVersion('lt-1', '7')).toEqual({
      id: 'lt-1',
      version: '7',
      securityGroups: [],
      groupNames: [],
      isTerminationProtected: false,
      isStopProtected: false,
      metadata: {},
      hasUserData: false,
      hasNetworkInterfaces: false,
      hasInstanceRequirements: false,
      tagKeys: [],
      volumes: [],
    });
    expect(aws.requests[0]?.form).toMatchObject({ 'LaunchTemplateVersion.1': '7' });
  });
});

describe('subnets', () => {
  it('are asked for by filter; an absent one is absent', async () => {
    const subnet = {
      subnetId: 'subnet-1',
      vpcId: 'vpc-1',
      availabilityZone: 'az-1',
      availableIpAddressCount: '250',
    };
    aws.answer(() => ({ body: `<R>${xml({ subnetSet: { item: subnet } })}</R>` }));
    expect(await ec2.subnets(['subnet-1', 'subnet-2'])).toEqual([
      { subnetId: 'subnet-1', vpcId: 'vpc-1', zone: 'az-1', freeAddresses: 250 },
    ]);
    expect(aws.requests[0]?.form).toMatchObject({
      'Filter.1.Name': 'subnet-id',
      'Filter.1.Value.2': 'subnet-2',
    });
  });
});

describe('tagging an instance', () => {
  it('names one instance and its tags', async () => {
    aws.answer(() => ({ body: '<R><return>true</return></R>' }));
    await ec2.tag('i-1', { 'irekae:keep-until': '2026-03-01T10:00:00Z' });
    expect(aws.requests.map(({ form }) => form)).toMatchObject([
      {
        Action: 'CreateTags',
        'ResourceId.1': 'i-1',
        'Tag.1.Key': 'irekae:keep-until',
        'Tag.1.Value': '2026-03-01T10:00:00Z',
      },
    ]);
  });

  it.each([
    ['ServiceUnavailable', ec2Error('RequestLimitExceeded', 'slow down', 503)],
    ['ServiceRefused', ec2Error('UnauthorizedOperation', 'no', 403)],
    ['ServiceRefused', ec2Error('InvalidInstanceID.NotFound')],
  ])('is a %s when EC2 does not do it', async (name, reply) => {
    aws.answer(() => reply);
    await expect(ec2.tag('i-1', { a: 'b' })).rejects.toMatchObject({
      name,
      message: expect.stringContaining('tag i-1'),
    });
  });
});

describe('the console of an instance', () => {
  const output = (text: string): AwsReply => ({
    body: `<R>${xml({ instanceId: 'i-1', output: Buffer.from(text).toString('base64') })}</R>`,
  });

  it('is the newest, decoded', async () => {
    aws.answer(() => output('booting\r\n入れ替え\r\n'));
    expect(await ec2.consoleOutput('i-1')).toBe('booting\r\n入れ替え\r\n');
    expect(aws.requests.map(({ form }) => form)).toMatchObject([
      { Action: 'GetConsoleOutput', InstanceId: 'i-1', Latest: 'true' },
    ]);
  });

  it.each<[string, AwsReply]>([
    ['the instance type has no newest output', ec2Error('UnsupportedOperation')],
    ['the instance does not run anymore', ec2Error('IncorrectInstanceState')],
    ['the newest output is empty', output('')],
    ['the newest output is absent', { body: '<R><instanceId>i-1</instanceId></R>' }],
  ])('is what EC2 kept when %s', async (_, newest) => {
    aws.answer(({ form }) => (form.Latest === 'true' ? newest : output('kept')));
    expect(await ec2.consoleOutput('i-1')).toBe('kept');
    expect(aws.requests).toHaveLength(2);
  });

  it('is empty when EC2 has none yet, or does not know the instance', async () => {
    aws.answer(() => ({ body: '<R><instanceId>i-1</instanceId></R>' }));
    expect(await ec2.consoleOutput('i-1')).toBe('');
    aws.answer(() => ec2Error('InvalidInstanceID.NotFound'));
    expect(await ec2.consoleOutput('i-1')).toBe('');
  });

  it('is cut to its last 64 KB, between two characters', async () => {
    aws.answer(() => output(`${'入'.repeat(30_000)} the end`));
    const text = await ec2.consoleOutput('i-1');
    expect(text).toMatch(/^入+ the end$/);
    expect(Buffer.byteLength(text)).toBeGreaterThan(64 * 1024 - 3);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024);
  });

  it.each([
    ['ServiceUnavailable', ec2Error('RequestLimitExceeded', 'slow down', 503), 1],
    ['ServiceRefused', ec2Error('UnauthorizedOperation', 'no', 403), 2],
  ])('is a %s when EC2 does not answer with one', async (name, reply, requests) => {
    aws.answer(() => reply);
    await expect(ec2.consoleOutput('i-1')).rejects.toMatchObject({
      name,
      message: expect.stringContaining('read the console of i-1'),
    });
    expect(aws.requests).toHaveLength(requests);
  });
});
