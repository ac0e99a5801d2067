/** Fleets files that have little in common with the example: whoever has one of them finds all tests green. */
import type { FleetsFile } from '../../lib/fleet-config.ts';

type Fleet = FleetsFile['fleets'][number];

const LEAST = {
  image: { from: 'parameter', parameter: '/aws/service/debian/release/12/latest/amd64' },
  architecture: 'x86_64',
  instanceTypes: ['c7i.large'],
  subnets: ['subnet-0123abcd'],
  instancesPerZone: 2,
  securityGroups: ['sg-0123abcd'],
  startCommand: 'systemctl start it',
} as const satisfies Partial<Fleet>;

/** In another Region, with a promotion or a predecessor for every second one. */
function twelve(): FleetsFile {
  const places = ['us-east-1', 'eu-west-3', 'sa-east-1'];
  const environments = places.map((region, index) => ({
    name: `stage-${index + 1}`,
    account: `${index + 5}`.repeat(12),
    region,
  }));
  const fleets = environments.flatMap(({ name, account, region }, index) =>
    ['api', 'jobs', 'search', 'mail'].map((role, at): Fleet => {
      const behind = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${role}/0123456789abcdef`;
      return {
        ...LEAST,
        name: `${name}-${role}`,
        environment: name,
        mackerel: { service: `acme-${name}`, role },
        artifact: `${role}.tar.gz`,
        ...(at % 2 === 0 && { loadBalancers: [{ kind: 'target-group', arn: behind }] }),
        ...(index > 0 && at < 2 && { promotion: { from: `stage-${index}-${role}`, soakMinutes: 5 } }),
      };
    }),
  );
  return { environments, fleets };
}

export const ODD_FILES: Readonly<Record<string, FleetsFile>> = {
  'one-worker': {
    environments: [{ name: 'only', account: '999999999999', region: 'ca-central-1' }],
    fleets: [
      {
        ...LEAST,
        name: 'lonely',
        environment: 'only',
        mackerel: { service: 'lonely', role: 'worker' },
        artifact: 'x.tgz',
      },
    ],
  },
  'twelve-fleets': twelve(),
  // The example's names for something else: whoever looks them up in the user's file finds the wrong thing.
  'same-names': {
    environments: [
      { name: 'production', account: '123412341234', region: 'us-gov-west-1', existingBucket: 'mine' },
    ],
    fleets: ['reactio-production-app', 'reactio-production-worker'].map((name, index) => ({
      ...LEAST,
      name,
      environment: 'production',
      mackerel: { service: 'other', role: `r${index}` },
      artifact: `${index}/a.tar.gz`,
    })),
  },
};
