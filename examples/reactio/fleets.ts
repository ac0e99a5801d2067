/**
 * The README's example: *Reactio*, an application behind a classic load balancer, and its worker, in two environments,
 * each host in a zone of its own. Ids and accounts are made up. Copy it and write your own fleets: all fields and their
 * defaults are in `docs/fleets.md`. Tests and documents are made from this file, whatever your own says.
 */
import type { FleetsFile } from '../../lib/fleet-config.ts';

/** The same in all four fleets. Each host gets its Perl from the bucket, not from the image. */
const reactio = {
  runtimes: [{ key: 'runtimes/perl-5.38-arm64.tar.gz', directory: '/opt/perl' }],
  image: { from: 'search', owner: 'self', namePattern: 'reactio-base-*', tags: { stage: 'released' } },
  architecture: 'arm64',
  instanceTypes: ['t4g.small', 't4g.medium'],
  instancesPerZone: 1,
} as const satisfies Partial<FleetsFile['fleets'][number]>;

const staging = {
  environment: 'staging',
  subnets: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
  tags: { Environment: 'staging' },
  // A new base image is tried here first, as soon as it is released.
  redeployOnNewImage: true,
};

const production = {
  environment: 'production',
  // Only what was deployed on staging and ran there for half an hour.
  promotion: { from: 'reactio-staging-app', soakMinutes: 30 },
  subnets: ['subnet-0a1b2c3d4e5f60003', 'subnet-0a1b2c3d4e5f60004'],
  tags: { Environment: 'production' },
  // Nobody is in the office to look after a deployment.
  freezes: [
    {
      kind: 'dated',
      label: 'year end',
      timeZone: 'Asia/Tokyo',
      from: '2026-12-28T00:00',
      to: '2027-01-04T09:00',
    },
  ],
} as const satisfies Partial<FleetsFile['fleets'][number]>;

export const fleetsFile: FleetsFile = {
  environments: [
    { name: 'staging', account: '111111111111', region: 'ap-northeast-1' },
    {
      name: 'production',
      account: '222222222222',
      region: 'ap-northeast-1',
      alarmEmails: ['operations@reactio.example'],
      notifyEmails: ['developers@reactio.example'],
    },
  ],

  fleets: [
    {
      ...reactio,
      ...staging,
      name: 'reactio-staging-app',
      mackerel: { service: 'reactio-staging', role: 'app' },
      artifact: 'reactio/app.tar.gz',
      securityGroups: ['sg-0a1b2c3d4e5f60001'],
      loadBalancers: [{ kind: 'classic', name: 'reactio-staging' }],
      startCommand: 'systemctl enable --now reactio-app',
      limits: { bakeSeconds: 0 },
    },
    {
      ...reactio,
      ...staging,
      name: 'reactio-staging-worker',
      mackerel: { service: 'reactio-staging', role: 'worker' },
      // Built from the same sources: one upload deploys both.
      artifact: 'reactio/app.tar.gz',
      securityGroups: ['sg-0a1b2c3d4e5f60002'],
      startCommand: 'systemctl enable --now reactio-worker',
      limits: { bakeSeconds: 0 },
    },
    {
      ...reactio,
      ...production,
      name: 'reactio-production-app',
      mackerel: { service: 'reactio-production', role: 'app' },
      artifact: 'reactio/app.tar.gz',
      securityGroups: ['sg-0a1b2c3d4e5f60003'],
      loadBalancers: [{ kind: 'classic', name: 'reactio-production' }],
      startCommand: 'systemctl enable --now reactio-app',
      limits: { bakeSeconds: 300 },
    },
    {
      ...reactio,
      ...production,
      name: 'reactio-production-worker',
      mackerel: { service: 'reactio-production', role: 'worker' },
      artifact: 'reactio/app.tar.gz',
      // Deployed after the application, not beside it; if that fails, the worker stays as it is.
      after: 'reactio-production-app',
      securityGroups: ['sg-0a1b2c3d4e5f60004'],
      startCommand: 'systemctl enable --now reactio-worker',
      limits: { bakeSeconds: 300 },
    },
  ],
};
