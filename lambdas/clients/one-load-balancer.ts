/** What the two kinds of load balancer have in common: `classic-elb.ts` and `target-groups.ts` say the rest. */
import { chunksOf } from '../domain/core/collections.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { list } from '../domain/core/words.ts';
import type { LoadBalancerSettings, Member, TargetPorts } from '../ports/load-balancers.ts';
import { asking, isNamed, unavailable, wordsOf } from './wire/aws-errors.ts';
import { inChunks } from './wire/in-chunks.ts';

/** The port, for one load balancer. */
export interface OneLoadBalancer {
  settings(): Promise<LoadBalancerSettings>;
  members(instanceIds?: readonly string[]): Promise<readonly Member[]>;
  register(instanceIds: readonly string[], ports?: TargetPorts): Promise<void>;
  deregister(instanceIds: readonly string[], ports?: TargetPorts): Promise<void>;
}

type Kind = 'load balancer' | 'target group';

/** Its requests, each as AWS takes it: so many ids at most, and errors as they come. */
export interface BalancerRequests<Health> {
  readonly kind: Kind;
  readonly name: string;
  /** The names of AWS's errors for a load balancer, and for an instance, that it does not know. */
  readonly noSuchBalancer: string;
  readonly noSuchInstance: string;
  settings(): Promise<LoadBalancerSettings>;
  /** Of all members, or of these. */
  health(ids?: readonly string[]): Promise<readonly Health[]>;
  /** No member when AWS says that the instance is not registered. */
  toMember(health: Health): Member[];
  register(ids: readonly string[], ports?: TargetPorts): Promise<unknown>;
  deregister(ids: readonly string[], ports?: TargetPorts): Promise<unknown>;
}

/**
 * Ids per request, for reading and for registering. AWS documents no limit but the 1,000 members of a load balancer;
 * 100 ids are a request of 3 KB, and one bad id makes at most 99 others be asked for alone.
 */
const IDS_PER_REQUEST = 100;

export function oneLoadBalancer<Health>(requests: BalancerRequests<Health>): OneLoadBalancer {
  const { kind, name, noSuchBalancer, noSuchInstance, health } = requests;
  const isUnknown = (error: unknown): error is Error => isNamed(error, noSuchInstance);
  /** Only makes sense when the load balancer exists. */
  const ask = <T>(doing: string, request: () => Promise<T>): Promise<T> =>
    asking(doing, () =>
      request().catch((error: unknown) => {
        throw isNamed(error, noSuchBalancer) ? noSuch(requests) : error;
      }),
    );
  return {
    settings: () => ask(`describe ${kind} ${name}`, requests.settings),
    // With ids, those are really asked for: the answer to "all" need not hold the ones that drain. An unknown id among
    // them is looked for alone, rather than in the answer to "all": a draining host must never look gone.
    members: (ids) =>
      ask(`describe the members of ${kind} ${name}`, async () => {
        const answers = ids ? await inChunks(ids, IDS_PER_REQUEST, isUnknown, health) : [await health()];
        return answers.flat().flatMap(requests.toMember);
      }),
    register: (instanceIds, ports) =>
      ask(`register hosts with ${kind} ${name}`, async () => {
        for (const ids of chunksOf(instanceIds, IDS_PER_REQUEST))
          await requests.register(ids, ports).catch((error: unknown) => {
            // A young instance may not be known everywhere yet. If it died instead, the next look at it tells.
            if (!isUnknown(error)) throw error;
            throw unavailable(`register ${list(ids)} with ${name}`, wordsOf(error));
          });
      }),
    // An unknown id is as good as deregistered.
    deregister: (ids, ports) =>
      ask(`deregister hosts from ${kind} ${name}`, async () => {
        await inChunks(ids, IDS_PER_REQUEST, isUnknown, (some) => requests.deregister(some, ports));
      }),
  };
}

type Named = Pick<BalancerRequests<never>, 'kind' | 'name'>;

export const noSuch = (balancer: Named): DeploymentError =>
  unusable(balancer, `there is no such ${balancer.kind}`);

export const unusable = ({ kind, name }: Named, why: string): DeploymentError =>
  new DeploymentError(
    'LoadBalancerUnusable',
    `The ${kind === 'load balancer' ? 'classic ' : ''}${kind} ${name} cannot be used: ${why}. Correct the fleet's loadBalancers in the fleets file.`,
  );
