/** What the doctor asks about a classic ELB beyond its settings. */
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  type ElasticLoadBalancingClient,
} from '@aws-sdk/client-elastic-load-balancing';
import { asking, isNamed } from '../../../lambdas/clients/wire/aws-errors.ts';
import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';

/** On the wire and in AWS's documentation: LoadBalancerNotFound. */
const NO_SUCH_LOAD_BALANCER = 'AccessPointNotFoundException';

export function classicDetails(client: ElasticLoadBalancingClient, name: string): Promise<BalancerDetails> {
  return asking(`look at the load balancer ${name}`, async () => {
    try {
      const [described, attributes] = await Promise.all([
        client.send(new DescribeLoadBalancersCommand({ LoadBalancerNames: [name] })),
        client.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerName: name })),
      ]);
      const [found] = described.LoadBalancerDescriptions ?? [];
      if (found === undefined) throw missing(name);
      return {
        target: found.HealthCheck?.Target ?? '',
        timeoutSeconds: found.HealthCheck?.Timeout ?? 5,
        crossZone: attributes.LoadBalancerAttributes?.CrossZoneLoadBalancing?.Enabled ?? false,
        zones: found.AvailabilityZones ?? [],
        inUse: true,
      };
    } catch (error) {
      throw isNamed(error, NO_SUCH_LOAD_BALANCER) ? missing(name) : error;
    }
  });
}

const missing = (name: string) =>
  new DeploymentError(
    'LoadBalancerUnusable',
    `There is no classic load balancer ${name}. Correct the fleet's loadBalancers in bin/fleets.ts.`,
  );
