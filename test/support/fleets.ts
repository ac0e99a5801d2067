/** A fleet of two hosts behind a classic ELB, as the steps see it; each test names only what it is about. */
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';

export const WEB = { kind: 'classic', name: 'web' } as const;
export const API = {
  kind: 'target-group',
  arn: 'arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/api/0123456789abcdef',
} as const;

type Changes = Partial<Omit<Fleet, 'limits' | 'mackerel'>> & {
  limits?: Partial<Fleet['limits']>;
  mackerel?: Partial<Fleet['mackerel']>;
};

export function aFleet({ limits, mackerel, ...changes }: Changes = {}): Fleet {
  return {
    name: 'shop',
    environment: 'production',
    mackerel: {
      service: 'Shop',
      role: 'web',
      apiKeyParameter: '/shop/mackerel',
      wantsFreshMetric: false,
      ...mackerel,
    },
    artifact: { bucket: 'artifacts', key: 'shop/app.tar.gz' },
    followers: [],
    runtimes: [],
    image: { from: 'search', owner: 'self', namePattern: 'shop-*', tags: {} },
    architecture: 'arm64',
    instanceTypes: ['t4g.small'],
    subnets: ['subnet-a', 'subnet-c'],
    instancesPerZone: 1,
    spillOver: false,
    keepFailedHostMinutes: 0,
    freezes: [],
    watch: { monitors: [] },
    pauses: [],
    hooks: [],
    compare: [],
    wantsProvenance: false,
    wantsTestedImage: false,
    replaceStragglers: false,
    learnsReadySeconds: false,
    launchTemplate: { id: 'lt-1', version: '7', rootDevice: '/dev/xvda' },
    loadBalancers: [WEB],
    startCommand: './start',
    limits: {
      readySeconds: 900,
      drainSeconds: 300,
      bakeSeconds: 60,
      terminateSeconds: 600,
      undoSeconds: 600,
      ...limits,
    },
    tags: {},
    ...changes,
  };
}
