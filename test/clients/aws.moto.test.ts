/** The AWS adapters pass their contracts in front of moto, which was written by others from the same API models. */

import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DescribeSubnetsCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
} from '@aws-sdk/client-ec2';
import {
  ConfigureHealthCheckCommand,
  CreateLoadBalancerCommand,
  ElasticLoadBalancingClient,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  CreateListenerCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
  CreateLoadBalancerCommand as V2CreateLoadBalancerCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { artifactsAdapter } from '../../lambdas/clients/artifacts.ts';
import { copiesAdapter } from '../../lambdas/clients/copies.ts';
import { ec2Adapter } from '../../lambdas/clients/ec2.ts';
import { executionsAdapter } from '../../lambdas/clients/executions.ts';
import { lastLookAdapter } from '../../lambdas/clients/last-look.ts';
import { ledgerAdapter } from '../../lambdas/clients/ledger.ts';
import { loadBalancersAdapter } from '../../lambdas/clients/load-balancers.ts';
import { parametersAdapter } from '../../lambdas/clients/parameters.ts';
import { recordsAdapter } from '../../lambdas/clients/records.ts';
import { type CallJson, jsonCaller } from '../../lambdas/clients/wire/aws-json.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import { type ArtifactsSubject, artifactsContract } from './artifacts.contract.ts';
import { testClientOptions } from './aws-endpoint.ts';
import { copiesContract } from './copies.contract.ts';
import { type Ec2Subject, ec2Contract } from './ec2.contract.ts';
import { executionsContract } from './executions.contract.ts';
import { ledgerContract } from './ledger.contract.ts';
import { type LoadBalancersSubject, loadBalancersContract } from './load-balancers.contract.ts';
import { type MotoServer, motoIsInstalled, startMoto } from './moto-server.ts';
import { parametersContract } from './parameters.contract.ts';

/** moto dates its images to the second in which it was reset, so only one may match the search for the newest. */
const image = (ami_id: string, role: string) => ({
  ami_id,
  name: `app-${ami_id}`,
  architecture: 'x86_64',
  tags: { Role: role },
});

describe.skipIf(!motoIsInstalled())('in front of moto', () => {
  let moto: MotoServer;
  beforeAll(async () => {
    moto = await startMoto([image('ami-00000001', 'app'), image('ami-00000002', 'other')]);
  }, 60_000);
  afterAll(() => moto?.stop());

  /** moto answers within seconds, not within the 300 ms of the other tests. */
  const clientOptions = () => ({
    ...testClientOptions(moto.url),
    requestHandler: { requestTimeout: 20_000, throwOnRequestTimeout: true },
  });
  const nothing = async () => {};

  async function arrangeEc2(): Promise<Ec2Subject> {
    await moto.reset();
    const client = new EC2Client(clientOptions());
    const { Subnets = [] } = await client.send(new DescribeSubnetsCommand({}));
    const [one, two] = Subnets.map(({ SubnetId }) => SubnetId ?? '');
    const { LaunchTemplate } = await client.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: 'fleet',
        LaunchTemplateData: { InstanceType: 't3.micro' },
      }),
    );
    return {
      ec2: ec2Adapter(client),
      subnetIds: [one ?? '', two ?? ''],
      imageId: 'ami-00000001',
      instanceType: 't3.micro',
      launchTemplate: { id: LaunchTemplate?.LaunchTemplateId ?? '', version: '1' },
      search: {
        from: 'search',
        owner: 'amazon',
        namePattern: 'app-*',
        tags: { Role: 'app' },
        architecture: 'x86_64',
      },
      matchingImageIds: ['ami-00000001'],
      honours: { clientToken: false, launchTemplates: false },
      settle: nothing,
      addTemplateVersion: () =>
        client.send(
          new CreateLaunchTemplateVersionCommand({
            LaunchTemplateId: LaunchTemplate?.LaunchTemplateId ?? '',
            LaunchTemplateData: { DisableApiTermination: true, UserData: 'IyEvYmluL3NoCg==' },
          }),
        ),
      protect: async (InstanceId) => {
        await client.send(
          new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: true } }),
        );
      },
      stop: nothing,
    };
  }

  ec2Contract('moto', arrangeEc2);

  /** Two running hosts, in moto and in the shape of a subject but for the load balancer itself. */
  async function arrangeHosts() {
    const { ec2, subnetIds, ...fleet } = await arrangeEc2();
    const [subnet] = await ec2.subnets([subnetIds[0]]);
    const launched = await ec2.launch({
      ...fleet,
      clientToken: 'hosts',
      count: 2,
      subnetId: subnetIds[0],
      userData: '',
      tags: { Name: 'host' },
    });
    const [one, two] = launched.map(({ instanceId }) => instanceId);
    // moto's instances run from the first look on.
    await ec2.describe([one ?? '', two ?? '']);
    const classic = new ElasticLoadBalancingClient(clientOptions());
    const targetGroups = new ElasticLoadBalancingV2Client(clientOptions());
    const hosts: [string, string] = [one ?? '', two ?? ''];
    return {
      classic,
      targetGroups,
      hosts,
      vpcId: subnet?.vpcId ?? '',
      zone: subnet?.zone ?? '',
      subnetIds,
      settle: nothing,
      stop: nothing,
    };
  }

  async function arrangeClassic(): Promise<LoadBalancersSubject> {
    const { classic, targetGroups, subnetIds, zone, ...subject } = await arrangeHosts();
    const Listeners = [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 80 }];
    const LoadBalancerName = 'blog';
    // By zone: moto tells the zones of a load balancer only when it was made with them, not with subnets.
    const AvailabilityZones = [zone];
    await classic.send(new CreateLoadBalancerCommand({ LoadBalancerName, Listeners, AvailabilityZones }));
    const HealthCheck = {
      Target: 'HTTP:80/',
      Interval: 10,
      Timeout: 5,
      HealthyThreshold: 2,
      UnhealthyThreshold: 2,
    };
    await classic.send(new ConfigureHealthCheckCommand({ LoadBalancerName, HealthCheck }));
    return {
      ...subject,
      loadBalancers: loadBalancersAdapter({ classic, targetGroups }),
      ref: { kind: 'classic', name: 'blog' },
      missing: { kind: 'classic', name: 'missing' },
      honours: {
        missing: false,
        setSemantics: false,
        absence: false,
        registrationLag: false,
        draining: false,
      },
    };
  }

  async function arrangeTargetGroup(): Promise<LoadBalancersSubject> {
    const { classic, targetGroups, subnetIds, zone, ...subject } = await arrangeHosts();
    const { TargetGroups = [] } = await targetGroups.send(
      new CreateTargetGroupCommand({ Name: 'blog', Protocol: 'HTTP', Port: 80, VpcId: subject.vpcId }),
    );
    const { LoadBalancers = [] } = await targetGroups.send(
      new V2CreateLoadBalancerCommand({ Name: 'blog', Subnets: [...subnetIds] }),
    );
    const arn = TargetGroups[0]?.TargetGroupArn ?? '';
    await targetGroups.send(
      new CreateListenerCommand({
        LoadBalancerArn: LoadBalancers[0]?.LoadBalancerArn,
        Protocol: 'HTTP',
        Port: 80,
        DefaultActions: [{ Type: 'forward', TargetGroupArn: arn }],
      }),
    );
    const ref: LoadBalancerRef = { kind: 'target-group', arn };
    return {
      ...subject,
      loadBalancers: loadBalancersAdapter({ classic, targetGroups }),
      ref,
      missing: { kind: 'target-group', arn: arn.replace('/blog/', '/missing/') },
      honours: { missing: true, setSemantics: true, absence: true, registrationLag: false, draining: false },
    };
  }

  it.each([
    ['classic ELB', arrangeClassic],
    ['target group', arrangeTargetGroup],
  ] as const)('The last look sees what the SDK’s clients see: %s', async (_, arrange) => {
    const { loadBalancers, ref, hosts } = await arrange();
    await loadBalancers.register(ref, hosts);
    const look = lastLookAdapter({ ...jsonOptions(), timeoutMs: 20_000 });
    const ec2 = ec2Adapter(new EC2Client(clientOptions()));
    const plainly = (found: readonly { instanceId: string; state: string; tags?: object }[]) =>
      found.map(({ instanceId, state, tags }) => ({ instanceId, state, tags })).sort();
    expect(plainly(await look.ec2.describe(hosts))).toEqual(plainly(await ec2.describe(hosts)));
    expect(plainly(await look.ec2.listByTag('Name', 'host'))).toHaveLength(2);
    expect(await look.ec2.listByTag('Name', 'h*')).toEqual([]);
    expect(await look.loadBalancers.members(ref)).toEqual(await loadBalancers.members(ref));
  });

  loadBalancersContract('moto, classic ELB', arrangeClassic);
  loadBalancersContract('moto, target group', arrangeTargetGroup);

  async function arrangeArtifacts(Status: 'Enabled' | 'none' = 'Enabled'): Promise<ArtifactsSubject> {
    await moto.reset();
    const client = new S3Client({ ...clientOptions(), forcePathStyle: true });
    const bucket = 'artifacts';
    await client.send(
      new CreateBucketCommand({
        Bucket: bucket,
        CreateBucketConfiguration: { LocationConstraint: 'ap-northeast-1' },
      }),
    );
    if (Status === 'Enabled') {
      await client.send(
        new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }),
      );
    }
    return {
      artifacts: artifactsAdapter(client),
      records: recordsAdapter({ ...jsonOptions(), timeoutMs: 20_000 }),
      bucket,
      put: async (Key, Body, Metadata = {}) => {
        const { VersionId = '' } = await client.send(
          new PutObjectCommand({ Bucket: bucket, Key, Body, Metadata: { ...Metadata } }),
        );
        return VersionId;
      },
      remove: async (Key) => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      },
      stop: nothing,
    };
  }

  artifactsContract('moto', arrangeArtifacts);

  copiesContract('moto', async () => {
    const { bucket, put } = await arrangeArtifacts();
    const client = new S3Client({
      ...clientOptions(),
      forcePathStyle: true,
      // moto computes a CRC32 where it says CRC64NVME, which the SDK finds wrong.
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    const destination = 'production';
    await client.send(
      new CreateBucketCommand({
        Bucket: destination,
        CreateBucketConfiguration: { LocationConstraint: 'ap-northeast-1' },
      }),
    );
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: destination, VersioningConfiguration }));
    return {
      copies: copiesAdapter(client),
      source: bucket,
      destination,
      put: async (Bucket, Key, Body) => {
        if (Bucket === bucket) return put(Key, Body);
        const { VersionId = '' } = await client.send(new PutObjectCommand({ Bucket, Key, Body }));
        return VersionId;
      },
      read: async (Bucket, Key) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return (await Body?.transformToString()) ?? '';
      },
      // It looks at no condition of a copy.
      honours: { conditions: false },
      stop: nothing,
    };
  });

  it('Artifacts: an object of an unversioned bucket cannot be deployed', async () => {
    const { artifacts, bucket, put } = await arrangeArtifacts('none');
    await put('app.tar.gz', 'tarball');
    await expect(artifacts.find(bucket, 'app.tar.gz')).rejects.toMatchObject({
      name: 'ArtifactUnusable',
      message: expect.stringContaining('Switch on versioning'),
    });
  });

  const jsonOptions = () => {
    const { region, credentials } = testClientOptions(moto.url);
    return { region, endpoint: moto.url, credentials: async () => credentials };
  };

  parametersContract('moto', async () => {
    await moto.reset();
    const ssm = jsonCaller('ssm', jsonOptions());
    return {
      parameters: parametersAdapter(jsonOptions()),
      put: async (Name, Value) => {
        const input = { Name, Value, Type: 'SecureString' };
        await ssm({ operation: 'PutParameter', input, doing: `put ${Name}` });
      },
      stop: nothing,
    };
  });

  async function arrangeLedger(through: (call: CallJson) => CallJson, largeOverwrites: boolean) {
    await moto.reset();
    const call = jsonCaller('dynamodb', jsonOptions());
    const input = {
      TableName: 'irekae-ledger',
      KeySchema: [{ AttributeName: 'fleet', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'fleet', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    };
    await call({ operation: 'CreateTable', input, doing: 'create the table' });
    const ledger = ledgerAdapter({ call: through(call), tableName: 'irekae-ledger' });
    return { ledger, honours: { largeOverwrites, atomicWrites: false }, stop: nothing };
  }

  ledgerContract('moto', () => arrangeLedger((call) => call, true));

  // As if the answer to each first try were lost after it took effect.
  ledgerContract('moto, every request repeated', () =>
    arrangeLedger(
      (call) => async (request) => {
        await call(request);
        return call(request);
      },
      false,
    ),
  );

  executionsContract('moto', async () => {
    await moto.reset();
    const call = jsonCaller('states', jsonOptions());
    const ask = async (operation: string, input: object) =>
      (await call({ operation, input, doing: operation })).body;
    const { stateMachineArn } = await ask('CreateStateMachine', {
      name: 'irekae-blog',
      definition: JSON.stringify({
        StartAt: 'Wait',
        States: { Wait: { Type: 'Wait', Seconds: 60, End: true } },
      }),
      roleArn: 'arn:aws:iam::123456789012:role/irekae',
    });
    return {
      executions: executionsAdapter(jsonOptions()),
      machineArn: String(stateMachineArn),
      started: async () => {
        const { executions } = await ask('ListExecutions', { stateMachineArn });
        return (executions as { name: string }[]).map(({ name }) => name);
      },
      stopExecution: async (executionArn) => {
        await ask('StopExecution', { executionArn });
      },
      stop: nothing,
    };
  });
});
