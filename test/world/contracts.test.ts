/** The modelled world behind the ports does what the real adapters do: they pass the same suites. */
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import { World } from '../../simulator/world/world.ts';
import { announcerContract } from '../clients/announcer.contract.ts';
import { artifactsContract } from '../clients/artifacts.contract.ts';
import { copiesContract } from '../clients/copies.contract.ts';
import { ec2Contract } from '../clients/ec2.contract.ts';
import { executionsContract } from '../clients/executions.contract.ts';
import { ledgerContract } from '../clients/ledger.contract.ts';
import { loadBalancersContract } from '../clients/load-balancers.contract.ts';
import { mackerelContract } from '../clients/mackerel.contract.ts';
import { parametersContract } from '../clients/parameters.contract.ts';
import { oldHost, START, smallWorld } from './small-world.ts';

const stop = async () => undefined;

/** Long enough for a boot, a registration, a drain and a termination. */
const SETTLE_SECONDS = 120;

/** A small world with a step of time that settles it. */
function settlingWorld() {
  const small = smallWorld();
  let passed = 0;
  const settle = async () => {
    passed += SETTLE_SECONDS;
    small.at(passed);
  };
  return { ...small, settle };
}

ec2Contract('the modelled world', async () => {
  const { world, ports, settle } = settlingWorld();
  const tags = { Role: 'blog-app' };
  world.ec2.addImage({ imageId: 'ami-older', tags, createdAt: new Date(START.getTime() - 2000) });
  world.ec2.addImage({ imageId: 'ami-newest', tags, createdAt: new Date(START.getTime() - 1000) });
  return {
    ec2: ports.ec2,
    subnetIds: ['subnet-a', 'subnet-c'],
    imageId: 'ami-1',
    instanceType: 't4g.small',
    launchTemplate: { id: 'lt-1', version: '1' },
    search: { from: 'search', owner: 'self', tags, architecture: 'arm64' },
    matchingImageIds: ['ami-newest', 'ami-older'],
    honours: { clientToken: true, launchTemplates: true },
    settle,
    addTemplateVersion: async () =>
      world.ec2.addLaunchTemplate({
        id: 'lt-1',
        version: '2',
        isTerminationProtected: true,
        hasUserData: true,
      }),
    protect: async (instanceId) => world.ec2.protect(instanceId),
    stop,
  };
});

const ZONES = ['ap-northeast-1a', 'ap-northeast-1c'];

loadBalancersContract('the modelled world, classic ELB', async () => {
  const { world, ports, settle } = settlingWorld();
  const ref = world.loadBalancers.addClassic({ name: 'blog', vpcId: 'vpc-1', zones: ZONES });
  const missing: LoadBalancerRef = { kind: 'classic', name: 'nowhere' };
  const hosts = [oldHost(world, []), oldHost(world, [], 'subnet-c')] as const;
  return { loadBalancers: ports.loadBalancers, ref, missing, vpcId: 'vpc-1', hosts, honours, settle, stop };
});

loadBalancersContract('the modelled world, target group', async () => {
  const { world, ports, settle } = settlingWorld();
  const ref = world.loadBalancers.addTargetGroup({ name: 'blog', vpcId: 'vpc-1', zones: ZONES });
  const missing: LoadBalancerRef = { ...ref, arn: ref.arn.replace('/blog/', '/nowhere/') };
  const hosts = [oldHost(world, []), oldHost(world, [], 'subnet-c')] as const;
  return { loadBalancers: ports.loadBalancers, ref, missing, vpcId: 'vpc-1', hosts, honours, settle, stop };
});

/** All that a stand-in may lack. */
const honours = { missing: true, setSemantics: true, absence: true, registrationLag: true, draining: true };

mackerelContract('the modelled world', async () => {
  const { mackerel, ports } = new World({ seed: 1, now: () => START });
  return {
    mackerel: ports.mackerel,
    add: async ({ roles, ...host }) => mackerel.addHost({ ...host, roles: roles.map(toRole) }),
    openAlert: async (hostId, message) => {
      mackerel.openAlert({ hostId, message, status: 'CRITICAL' });
    },
    openMonitor: async (monitor, value) => {
      const monitorId = mackerel.addMonitor(monitor);
      mackerel.openAlert({ monitorId, value, message: '', status: 'CRITICAL' });
    },
    postMetric: async (...post) => mackerel.postMetric(...post),
    addService: async (name, roles) => mackerel.addService(name, roles),
    hostState: async (hostId) => {
      const host = mackerel.host(hostId);
      if (host === undefined) throw new Error(`there is no host ${hostId}`);
      return { status: host.status, retired: host.retiredAt !== undefined };
    },
    servicePoints: async (service, name) => mackerel.servicePoints(service, name),
    metadata: async (hostId, namespace) => mackerel.metadata(hostId, namespace),
    stop,
  };
});

function toRole(fullName: string) {
  const [service = '', role = ''] = fullName.split(':');
  return { service, role };
}

artifactsContract('the modelled world', async () => {
  const { world, ports } = smallWorld();
  world.s3.addBucket('artifacts');
  return {
    artifacts: ports.artifacts,
    records: ports.records,
    bucket: 'artifacts',
    put: async (key, body, metadata = {}) => world.s3.put('artifacts', key, body, { metadata }).versionId,
    remove: async (key) => world.s3.delete('artifacts', key),
    stop,
  };
});

copiesContract('the modelled world', async () => {
  const { world, ports } = smallWorld();
  const content = new Map<string, string>();
  for (const bucket of ['source', 'destination']) world.s3.addBucket(bucket);
  return {
    copies: ports.copies,
    source: 'source',
    destination: 'destination',
    put: async (bucket, key, body) => {
      const { versionId } = world.s3.put(bucket, key, body);
      content.set(await ports.artifacts.digest(bucket, key, versionId), body);
      return versionId;
    },
    read: async (bucket, key) => {
      const [newest = ''] = await ports.artifacts.versions(bucket, key);
      return content.get(await ports.artifacts.digest(bucket, key, newest)) ?? 'unknown';
    },
    honours: { conditions: true },
    stop,
  };
});

parametersContract('the modelled world', async () => {
  const { world, ports } = smallWorld();
  return {
    parameters: ports.parameters,
    put: async (name, value) => world.parameters.set(name, value),
    stop,
  };
});

ledgerContract('the modelled world', async () => {
  const { ledger } = smallWorld().ports;
  return { ledger, honours: { largeOverwrites: true, atomicWrites: true }, stop };
});

ledgerContract('the modelled world, every call repeated', async () => {
  const { world, ports } = smallWorld();
  // As a request is that takes effect and whose answer is lost.
  world.intercept = async (_call, proceed) => {
    await proceed().catch(() => undefined);
    return proceed();
  };
  return { ledger: ports.ledger, honours: { largeOverwrites: true, atomicWrites: true }, stop };
});

announcerContract('the modelled world', async () => {
  const { world, ports } = smallWorld();
  return {
    announcer: ports.announcer,
    messages: async () => world.announcer.messages,
    events: async () => world.announcer.events,
    stop,
  };
});

executionsContract('the modelled world', async () => {
  const { world, ports } = smallWorld();
  const started: string[] = [];
  world.executions.onStart((_machineArn, name) => started.push(name));
  return {
    executions: ports.executions,
    machineArn: 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-shop',
    started: async () => started,
    stopExecution: async (arn) => world.executions.end(arn, 'ABORTED'),
    stop,
  };
});
