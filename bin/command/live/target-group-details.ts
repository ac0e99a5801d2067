/** What the doctor asks about a target group beyond its settings: the load balancers that use it, above all. */
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { asking, isNamed } from '../../../lambdas/clients/wire/aws-errors.ts';
import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import type { BalancerDetails } from '../../../lambdas/ports/inspector.ts';

const CROSS_ZONE = 'load_balancing.cross_zone.enabled';

export function targetGroupDetails(
  client: ElasticLoadBalancingV2Client,
  arn: string,
): Promise<BalancerDetails> {
  return asking(`look at the target group ${arn}`, async () => {
    try {
      const { TargetGroups: groups = [] } = await client.send(
        new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }),
      );
      const [group] = groups;
      if (group === undefined) throw missing(arn);
      const balancers = await balancersOf(client, group.LoadBalancerArns ?? []);
      return {
        timeoutSeconds: group.HealthCheckTimeoutSeconds ?? 5,
        crossZone: await isCrossZone(client, arn, balancers),
        zones: zonesOf(balancers),
        inUse: balancers.length > 0,
      };
    } catch (error) {
      throw isNamed(error, 'TargetGroupNotFoundException') ? missing(arn) : error;
    }
  });
}

/** Without a name, AWS would describe all load balancers of the account. */
async function balancersOf(
  client: ElasticLoadBalancingV2Client,
  LoadBalancerArns: string[],
): Promise<readonly LoadBalancer[]> {
  if (LoadBalancerArns.length === 0) return [];
  const { LoadBalancers = [] } = await client.send(new DescribeLoadBalancersCommand({ LoadBalancerArns }));
  return LoadBalancers;
}

/** Of several load balancers, what all of them serve: a host elsewhere would be missing at one. */
function zonesOf(balancers: readonly LoadBalancer[]): string[] {
  const [first = [], ...others] = balancers.map(({ AvailabilityZones: zones = [] }) =>
    zones.flatMap(({ ZoneName }) => ZoneName ?? []),
  );
  return first.filter((zone) => others.every((zones) => zones.includes(zone)));
}

/** The group's own word, or else that of its load balancers: an ALB spreads always, an NLB when it is told to. */
async function isCrossZone(
  client: ElasticLoadBalancingV2Client,
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

const missing = (arn: string) =>
  new DeploymentError(
    'LoadBalancerUnusable',
    `There is no target group ${arn}. Correct the fleet's loadBalancers in bin/fleets.ts.`,
  );
