/** What the doctor reads about a load balancer beyond its settings. */
import {
  type ElasticLoadBalancingClient as ClassicClient,
  DescribeLoadBalancerAttributesCommand as DescribeClassicAttributes,
  DescribeLoadBalancersCommand as DescribeClassicLoadBalancers,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  type ElasticLoadBalancingV2Client as Client,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { asking, isNamed } from '../../../lambdas/clients/wire/aws-errors.ts';
import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';

/** LoadBalancerNotFound on the wire and in AWS's documentation. */
const NO_SUCH_LOAD_BALANCER = 'AccessPointNotFoundException';

export const classicDetails = (client: ClassicClient, name: string): Promise<BalancerDetails> =>
  asking(`look at the load balancer ${name}`, () =>
    existing(`classic load balancer ${name}`, NO_SUCH_LOAD_BALANCER, async () => {
      const [described, attributes] = await Promise.all([
        client.send(new DescribeClassicLoadBalancers({ LoadBalancerNames: [name] })),
        client.send(new DescribeClassicAttributes({ LoadBalancerName: name })),
      ]);
      const [found] = described.LoadBalancerDescriptions ?? [];
      return (
        found && {
          target: found.HealthCheck?.Target ?? '',
          crossZone: attributes.LoadBalancerAttributes?.CrossZoneLoadBalancing?.Enabled ?? false,
          zones: found.AvailabilityZones ?? [],
          inUse: true,
        }
      );
    }),
  );

/** Mainly the load balancers that use it. */
export const targetGroupDetails = (client: Client, arn: string): Promise<BalancerDetails> =>
  asking(`look at the target group ${arn}`, () =>
    existing(`target group ${arn}`, 'TargetGroupNotFoundException', async () => {
      const described = await client.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
      const [group] = described.TargetGroups ?? [];
      if (!group) return undefined;
      const balancers = await balancersOf(client, group.LoadBalancerArns ?? []);
      return {
        crossZone: await isCrossZone(client, arn, balancers),
        zones: zonesOf(balancers),
        inUse: balancers.length > 0,
      };
    }),
  );

/** @throws LoadBalancerUnusable when AWS answers that there is none, by an error of this name or by nothing */
async function existing<T>(what: string, absent: string, ask: () => Promise<T | undefined>): Promise<T> {
  const answer = await ask().catch((error: unknown) => {
    if (!isNamed(error, absent)) throw error;
  });
  if (answer) return answer;
  throw new DeploymentError(
    'LoadBalancerUnusable',
    `There is no ${what}. Correct the fleet's loadBalancers in the fleets file.`,
  );
}

/** Without ARNs, AWS would describe all load balancers of the account. */
async function balancersOf(client: Client, LoadBalancerArns: string[]): Promise<readonly LoadBalancer[]> {
  if (LoadBalancerArns.length === 0) return [];
  const { LoadBalancers = [] } = await client.send(new DescribeLoadBalancersCommand({ LoadBalancerArns }));
  return LoadBalancers;
}

/** The zones that all of the load balancers serve: a host elsewhere would be missing at one. */
function zonesOf(balancers: readonly LoadBalancer[]): string[] {
  const [first = [], ...others] = balancers.map(({ AvailabilityZones: zones = [] }) =>
    zones.flatMap(({ ZoneName }) => ZoneName ?? []),
  );
  return first.filter((zone) => others.every((zones) => zones.includes(zone)));
}

const CROSS_ZONE = 'load_balancing.cross_zone.enabled';

/** The group's own setting, or else that of its load balancers: an ALB always spreads, an NLB when configured to. */
async function isCrossZone(
  client: Client,
  TargetGroupArn: string,
  balancers: readonly LoadBalancer[],
): Promise<boolean> {
  const { Attributes } = await client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }));
  const own = Attributes?.find(({ Key }) => Key === CROSS_ZONE)?.Value;
  if (own === 'true' || own === 'false') return own === 'true';
  const answers = await Promise.all(
    balancers.map(async ({ LoadBalancerArn, Type }) => {
      if (Type === 'application') return true;
      const asked = new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn });
      const { Attributes: found } = await client.send(asked);
      return found?.find(({ Key }) => Key === CROSS_ZONE)?.Value === 'true';
    }),
  );
  return answers.every(Boolean);
}
