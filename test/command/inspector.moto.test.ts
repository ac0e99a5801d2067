/** The inspector's adapter in front of moto, which was written by others from the same API models. */
import { DescribeAvailabilityZonesCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
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
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectorAdapter } from '../../bin/command/live/inspector.ts';
import { jsonCaller } from '../../lambdas/clients/wire/aws-json.ts';
import { testClientOptions } from '../clients/aws-endpoint.ts';
import { type MotoServer, motoIsInstalled, startMoto } from '../clients/moto-server.ts';

describe.skipIf(!motoIsInstalled())('in front of moto', () => {
  let moto: MotoServer;
  beforeAll(async () => {
    moto = await startMoto([]);
  }, 60_000);
  afterAll(() => moto?.stop());
  beforeEach(() => moto.reset());

  function set() {
    const clientOptions = {
      ...testClientOptions(moto.url),
      // moto answers within seconds.
      requestHandler: { requestTimeout: 20_000, throwOnRequestTimeout: true },
    };
    const options = {
      region: 'ap-northeast-1',
      endpoint: moto.url,
      credentials: async () => clientOptions.credentials,
      timeoutMs: 20_000,
    };
    const clients = {
      ec2: new EC2Client(clientOptions),
      classic: new ElasticLoadBalancingClient(clientOptions),
      targetGroups: new ElasticLoadBalancingV2Client(clientOptions),
      s3: new S3Client({ ...clientOptions, forcePathStyle: true }),
    };
    return { ...clients, options, inspector: inspectorAdapter({ ...clients, options }) };
  }

  it('tells which types the zones have', async () => {
    const { ec2, inspector } = set();
    const { AvailabilityZones: zones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
    const zone = zones[0]?.ZoneName ?? '';
    expect(await inspector.offerings(['t3.small', 'x9.imaginary'], [zone])).toEqual([
      { instanceType: 't3.small', zone },
    ]);
  });

  it('looks at a bucket', async () => {
    const { s3, inspector } = set();
    const Bucket = 'artifacts';
    const LocationConstraint = 'ap-northeast-1';
    expect(await inspector.bucket(Bucket)).toBeUndefined();
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));
    expect(await inspector.bucket(Bucket)).toMatchObject({ versioned: false, eventBridge: false });
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    // moto keeps what a bucket notifies, and does not tell of EventBridge.
    expect(await inspector.bucket(Bucket)).toMatchObject({ versioned: true });
  });

  it('looks at a classic load balancer', async () => {
    const { classic, inspector } = set();
    await classic.send(
      new CreateLoadBalancerCommand({
        LoadBalancerName: 'blog',
        Listeners: [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 80 }],
        AvailabilityZones: ['ap-northeast-1a'],
      }),
    );
    const HealthCheck = {
      Target: 'HTTP:80/',
      Interval: 10,
      Timeout: 3,
      HealthyThreshold: 2,
      UnhealthyThreshold: 2,
    };
    await classic.send(new ConfigureHealthCheckCommand({ LoadBalancerName: 'blog', HealthCheck }));
    expect(await inspector.balancer({ kind: 'classic', name: 'blog' })).toEqual({
      target: 'HTTP:80/',
      crossZone: false,
      zones: ['ap-northeast-1a'],
      inUse: true,
    });
  });

  it('looks at a target group through the load balancer that uses it', async () => {
    const { ec2, targetGroups, inspector } = set();
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const [one, two] = Subnets;
    const { TargetGroups = [] } = await targetGroups.send(
      new CreateTargetGroupCommand({ Name: 'blog', Protocol: 'HTTP', Port: 80, VpcId: one?.VpcId }),
    );
    const arn = TargetGroups[0]?.TargetGroupArn ?? '';
    expect(await inspector.balancer({ kind: 'target-group', arn })).toMatchObject({ inUse: false });
    const { LoadBalancers = [] } = await targetGroups.send(
      new V2CreateLoadBalancerCommand({ Name: 'blog', Subnets: [one?.SubnetId ?? '', two?.SubnetId ?? ''] }),
    );
    await targetGroups.send(
      new CreateListenerCommand({
        LoadBalancerArn: LoadBalancers[0]?.LoadBalancerArn,
        Protocol: 'HTTP',
        Port: 80,
        DefaultActions: [{ Type: 'forward', TargetGroupArn: arn }],
      }),
    );
    const found = await inspector.balancer({ kind: 'target-group', arn });
    expect(found).toMatchObject({ inUse: true, crossZone: true });
    expect([...found.zones].sort()).toEqual([one?.AvailabilityZone, two?.AvailabilityZone].sort());
  });

  it('finds a state machine and the rules that start it', async () => {
    const { inspector, options } = set();
    const name = 'irekae-blog';
    const arn = `arn:aws:states:ap-northeast-1:123456789012:stateMachine:${name}`;
    expect(await inspector.machine(arn)).toBeUndefined();
    const roleArn = 'arn:aws:iam::123456789012:role/machine';
    const definition = { StartAt: 'Done', States: { Done: { Type: 'Succeed' } } };
    await jsonCaller(
      'states',
      options,
    )({
      operation: 'CreateStateMachine',
      input: { name, roleArn, definition: JSON.stringify(definition) },
      doing: 'make it',
    });
    expect(await inspector.machine(arn)).toEqual({ definition });
    expect(await inspector.rulesThatStart(arn)).toEqual([]);
    const events = jsonCaller('events', options);
    const pattern = { source: ['aws.s3'] };
    const rule = { Name: 'upload', EventPattern: JSON.stringify(pattern), State: 'DISABLED' };
    await events({ operation: 'PutRule', input: rule, doing: 'make a rule' });
    const Targets = [{ Id: 'machine', Arn: arn, RoleArn: roleArn }];
    await events({ operation: 'PutTargets', input: { Rule: 'upload', Targets }, doing: 'give it a target' });
    expect(await inspector.rulesThatStart(arn)).toEqual([{ name: 'upload', enabled: false, pattern }]);
  });

  it('reads the time', async () => {
    const { inspector } = set();
    expect(Math.abs((await inspector.awsTime()).getTime() - Date.now())).toBeLessThan(30_000);
  });
});
