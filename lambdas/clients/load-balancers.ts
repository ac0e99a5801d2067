/** Both kinds of load balancer behind one port: a fleet does not care which kind it stands behind. */
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { LoadBalancerRef, LoadBalancers } from '../ports/load-balancers.ts';
import { classicElb } from './classic-elb.ts';
import type { OneLoadBalancer } from './one-load-balancer.ts';
import { targetGroup } from './target-groups.ts';
import { bounded } from './wire/answer.ts';
import { AWS_CLIENT_OPTIONS } from './wire/aws-options.ts';
import { keptClient } from './wire/kept-client.ts';

export interface LoadBalancerClients {
  readonly classic: ElasticLoadBalancingClient;
  readonly targetGroups: ElasticLoadBalancingV2Client;
}

export const liveLoadBalancers = keptClient(
  (): LoadBalancers =>
    loadBalancersAdapter({
      classic: new ElasticLoadBalancingClient(AWS_CLIENT_OPTIONS),
      targetGroups: new ElasticLoadBalancingV2Client(AWS_CLIENT_OPTIONS),
    }),
);

export function loadBalancersAdapter(clients: LoadBalancerClients): LoadBalancers {
  for (const client of Object.values(clients)) bounded(client);
  const one = (ref: LoadBalancerRef): OneLoadBalancer =>
    ref.kind === 'classic' ? classicElb(clients.classic, ref) : targetGroup(clients.targetGroups, ref);
  return {
    settings: (ref) => one(ref).settings(),
    members: (ref, instanceIds) => one(ref).members(instanceIds),
    register: (ref, instanceIds, ports) => one(ref).register(instanceIds, ports),
    deregister: (ref, instanceIds, ports) => one(ref).deregister(instanceIds, ports),
  };
}
