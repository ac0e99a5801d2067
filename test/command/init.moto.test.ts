/** `irekae init` on an account in moto: it finds what stands there, and writes nothing there. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateLaunchTemplateCommand,
  DescribeSubnetsCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateLoadBalancerCommand,
  ElasticLoadBalancingClient,
  RegisterInstancesWithLoadBalancerCommand,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  CreateListenerCommand,
  CreateTargetGroupCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
  CreateLoadBalancerCommand as V2CreateLoadBalancerCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { irekae } from '../../bin/command/irekae.ts';
import { ownRegion, readAccount } from '../../bin/command/live/account.ts';
import { sendQuery } from '../../lambdas/clients/wire/aws-query.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { testClientOptions } from '../clients/aws-endpoint.ts';
import { FULL_KEY, startMackerelServer } from '../clients/mackerel-server.ts';
import { type MotoServer, motoIsInstalled, startMoto } from '../clients/moto-server.ts';

const IMAGE = { ami_id: 'ami-00000001', name: 'shop-base-2026-11-20', architecture: 'x86_64', tags: {} };

interface Asked {
  readonly service: string;
  readonly action: string;
}

/** In front of moto: notes what is asked, and passes it on. */
async function startRecorder(behind: string, asked: Asked[]): Promise<Server> {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { host: _, connection: __, ...headers } = incoming.headers;
    const target = String(headers['x-amz-target'] ?? '').split('.')[1];
    asked.push({
      service: /\/([a-z0-9-]+)\/aws4_request/.exec(String(headers.authorization))?.[1] ?? '',
      action:
        target ?? new URLSearchParams(body.toString()).get('Action') ?? `${incoming.method} ${incoming.url}`,
    });
    const answer = await fetch(`${behind}${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers: headers as Record<string, string>,
      ...(body.length > 0 && { body }),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/xml' });
    response.end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe.skipIf(!motoIsInstalled())('init, in front of moto', () => {
  let moto: MotoServer;
  let recorder: Server;
  const asked: Asked[] = [];
  let folder: string;
  beforeAll(async () => {
    moto = await startMoto([IMAGE]);
    recorder = await startRecorder(moto.url, asked);
  }, 60_000);
  afterAll(async () => {
    recorder?.close();
    await moto?.stop();
  });
  beforeEach(async () => {
    await moto.reset();
    folder = mkdtempSync(join(tmpdir(), 'irekae-init-'));
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
    vi.stubEnv('AWS_REGION', 'ap-northeast-1');
    vi.stubEnv('AWS_ENDPOINT_URL', urlOf(recorder));
    vi.stubEnv('MACKEREL_APIKEY', '');
    asked.length = 0;
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const clientOptions = () => ({
    ...testClientOptions(moto.url),
    requestHandler: { requestTimeout: 20_000, throwOnRequestTimeout: true },
  });

  /** Two hosts behind a classic load balancer, one behind an ALB and an NLB, a launch template that is used by none. */
  async function furnish() {
    const ec2 = new EC2Client(clientOptions());
    const classic = new ElasticLoadBalancingClient(clientOptions());
    const v2 = new ElasticLoadBalancingV2Client(clientOptions());
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const subnets = Subnets.map(({ SubnetId = '' }) => SubnetId);
    const launch = async (index: number) => {
      const { Instances = [] } = await ec2.send(
        new RunInstancesCommand({
          ImageId: IMAGE.ami_id,
          InstanceType: 't3.small',
          MinCount: 1,
          MaxCount: 1,
          SubnetId: subnets[index],
          IamInstanceProfile: { Name: 'web' },
        }),
      );
      return Instances[0]?.InstanceId ?? '';
    };
    const iam = (form: Record<string, string>) =>
      sendQuery(
        { region: 'us-east-1', endpoint: moto.url, credentials: async () => clientOptions().credentials },
        'iam',
        { Version: '2010-05-08', ...form },
      );
    await iam({ Action: 'CreateRole', RoleName: 'hosts', AssumeRolePolicyDocument: '{}' });
    await iam({ Action: 'CreateInstanceProfile', InstanceProfileName: 'web' });
    await iam({ Action: 'AddRoleToInstanceProfile', InstanceProfileName: 'web', RoleName: 'hosts' });
    const hosts = [await launch(0), await launch(1), await launch(2)] as const;
    await classic.send(
      new CreateLoadBalancerCommand({
        LoadBalancerName: 'shop',
        Listeners: [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 80 }],
        Subnets: subnets.slice(0, 2),
      }),
    );
    await classic.send(
      new RegisterInstancesWithLoadBalancerCommand({
        LoadBalancerName: 'shop',
        Instances: hosts.slice(0, 2).map((InstanceId) => ({ InstanceId })),
      }),
    );
    for (const [Name, Type, Protocol] of [
      ['api', 'application', 'HTTP'],
      ['api-tcp', 'network', 'TCP'],
    ] as const) {
      const group = { Name, Protocol, Port: 80, VpcId: Subnets[0]?.VpcId };
      const { TargetGroups = [] } = await v2.send(new CreateTargetGroupCommand(group));
      const TargetGroupArn = TargetGroups[0]?.TargetGroupArn ?? '';
      await v2.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: hosts[2] }] }));
      const { LoadBalancers = [] } = await v2.send(
        new V2CreateLoadBalancerCommand({ Name, Type, Subnets: subnets.slice(0, 2) }),
      );
      await v2.send(
        new CreateListenerCommand({
          LoadBalancerArn: LoadBalancers[0]?.LoadBalancerArn,
          Protocol,
          Port: 80,
          DefaultActions: [{ Type: 'forward', TargetGroupArn }],
        }),
      );
    }
    await ec2.send(
      new CreateLaunchTemplateCommand({
        LaunchTemplateName: 'jobs',
        LaunchTemplateData: { InstanceType: 'c7g.large', SecurityGroupIds: ['sg-0a1b2c3d'] },
      }),
    );
    return { hosts, subnets };
  }

  async function init(...options: string[]) {
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    const exitCode = await irekae(['init', ...options], {
      fleetsFile: {},
      connect: async () => {
        throw new Error('no fleet is there yet');
      },
      print: say,
      complain: say,
      project: { folder, fleets: {}, ownRegion, readAccount },
    });
    return { exitCode, said: said.join('\n') };
  }

  const ANSWERS = [
    ...['--service', 'shop', '--role', 'shop=app', '--role', 'api=api'],
    ...['--start-command', 'systemctl start --no-block shop'],
  ];

  it('finds load balancers, hosts, subnets, images, launch templates, and changes nothing', async () => {
    const { subnets } = await furnish();
    const before = await readAccount('ap-northeast-1');
    asked.length = 0;
    const { exitCode, said } = await init(...ANSWERS);
    expect(said).toContain(
      'Account 123456789012, ap-northeast-1: 3 running instances, 1 classic load balancer, 2 target groups, ' +
        '3 subnets, 2 security groups, 1 image of its own and 1 launch template.',
    );
    expect(said).toContain('  shop: 2 running instances behind shop');
    expect(said).toMatch(/ {2}api: the running instance i-\w+ behind api and api-tcp/);
    expect(said).toContain('Not taken: launch templates from which nothing runs: jobs.');
    expect(exitCode).toBe(0);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter(({ action }) => !/^(Describe|Get)/.test(action))).toEqual([]);
    expect(await readAccount('ap-northeast-1')).toEqual(before);
    const { fleetsFile } = await import(join(folder, 'fleets.ts'));
    const [environment] = readFleets(fleetsFile);
    expect(environment).toMatchObject({
      name: 'production',
      account: '123456789012',
      region: 'ap-northeast-1',
    });
    const [shop, api] = environment?.fleets ?? [];
    expect(shop).toMatchObject({
      name: 'shop',
      mackerel: { service: 'shop', role: 'app' },
      image: { from: 'search', owner: 'self', namePattern: 'shop-base-*' },
      architecture: 'x86_64',
      instanceTypes: ['t3.small'],
      subnets: subnets.slice(0, 2),
      instanceProfile: { kind: 'given', roleArn: 'arn:aws:iam::123456789012:role/hosts' },
      loadBalancers: [{ kind: 'classic', name: 'shop' }],
    });
    expect(api?.loadBalancers.map(({ kind }) => kind)).toEqual(['target-group', 'target-group']);
    expect(readFileSync(join(folder, 'fleets.ts'), 'utf8')).toContain('// 2 running instances behind shop\n');
    expect(readdirSync(folder).toSorted()).toEqual([
      '.gitignore',
      'README.md',
      'cdk.json',
      'fleets.ts',
      'package.json',
    ]);
  });

  it('takes services and roles from Mackerel', async () => {
    const { hosts } = await furnish();
    const mackerel = await startMackerelServer();
    try {
      vi.stubEnv('MACKEREL_APIBASE', mackerel.url);
      vi.stubEnv('MACKEREL_APIKEY', FULL_KEY);
      mackerel.addService('shop', ['app', 'api']);
      for (const [index, id] of hosts.entries())
        mackerel.addHost({
          name: id,
          meta: {},
          customIdentifier: `${id}.ec2.amazonaws.com`,
          roleFullnames: [index < 2 ? 'shop:app' : 'shop:api'],
        });
      const { exitCode, said } = await init('--start-command', 'systemctl start x', '--environment', 'qa');
      expect(exitCode, said).toBe(0);
      expect(said).toContain('shop-app: 2 running instances that Mackerel has as shop:app');
      const { fleetsFile } = await import(join(folder, 'fleets.ts'));
      expect(readFleets(fleetsFile)[0]?.fleets.map(({ mackerel }) => mackerel)).toMatchObject([
        { service: 'shop', role: 'app' },
        { service: 'shop', role: 'api' },
      ]);
    } finally {
      await mackerel.stop();
    }
  });

  it('says what an empty account lacks', async () => {
    const { exitCode, said } = await init('--name', 'shop', ...ANSWERS.slice(0, 2), '--role', 'app');
    expect(said).toContain('Nothing runs in ap-northeast-1 that could be a fleet');
    expect(said).toContain('--start-command …: missing, but required');
    expect(exitCode).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says what may not be read, and goes on with the rest', async () => {
    await furnish();
    vi.stubEnv('AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING', 'http://127.0.0.1:1');
    const { said } = await init(...ANSWERS);
    expect(said).toContain('AWS could not list the classic load balancers now');
    expect(said).toContain('2 target groups');
  });
});
