/** Fleets files for tests: the example with changes, and a small one that uses every field. */
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { FleetsFileError, readFleets } from '../../lib/read-fleets.ts';

type Loose<T> = { -readonly [K in keyof T]: unknown } & Record<string, unknown>;
export interface LooseFile {
  environments: Loose<FleetsFile['environments'][number]>[];
  fleets: Loose<FleetsFile['fleets'][number]>[];
}

/** The example, free to be broken. */
export const looseExample = (): LooseFile => structuredClone(fleetsFile) as unknown as LooseFile;

/** Empty, where nothing is wrong with it. */
export function problemsOf(file: unknown): readonly string[] {
  try {
    readFleets(file);
  } catch (error) {
    if (error instanceof FleetsFileError) return error.problems;
    throw error;
  }
  return [];
}

/** The problems of the example after a change to its first fleet, *reactio-staging-app*. */
export function problemsWith(change: object): readonly string[] {
  const file = looseExample();
  file.fleets[0] = { ...file.fleets[0], ...change } as LooseFile['fleets'][number];
  return problemsOf(file);
}

/** One environment and one fleet with nothing left to its default: given, not made, wherever that can be chosen. */
export const everythingGiven = (): FleetsFile => ({
  environments: [
    {
      name: 'qa',
      account: '333333333333',
      region: 'eu-west-1',
      existingBucket: 'acme-artifacts',
      apiKeyParameter: 'mackerel-key',
      apiKeyKmsKeyArn: 'arn:aws:kms:eu-west-1:333333333333:key/11112222-3333-4444-5555-666677778888',
      alarmEmails: ['qa@acme.example', 'operations@acme.example'],
      notifyEmails: ['developers@acme.example', 'qa@acme.example'],
      endpoints: { AWS_ENDPOINT_URL_S3: 'https://vpce-1.s3.eu-west-1.vpce.amazonaws.com' },
    },
  ],
  fleets: [
    {
      name: 'acme-qa-web',
      environment: 'qa',
      mackerel: { service: 'acme-qa', role: 'web', wantsFreshMetric: true },
      artifact: 'web.tar.gz',
      runtimes: [{ key: 'perl.tar.gz', directory: '/opt/perl' }],
      image: { from: 'parameter', parameter: '/aws/service/debian/release/12/latest/amd64' },
      architecture: 'x86_64',
      instanceTypes: ['c7i.large', 'c6i.large'],
      subnets: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
      instancesPerZone: 2,
      spillOver: true,
      keepFailedHostMinutes: 30,
      replaceStragglers: true,
      securityGroups: ['sg-0a1b2c3d', 'sg-1a2b3c4d'],
      instanceProfile: {
        kind: 'given',
        arn: 'arn:aws:iam::333333333333:instance-profile/web',
        roleArn: 'arn:aws:iam::333333333333:role/hosts/web',
      },
      loadBalancers: [
        {
          kind: 'target-group',
          arn: 'arn:aws:elasticloadbalancing:eu-west-1:333333333333:targetgroup/web/0123456789abcdef',
        },
      ],
      rootVolume: { device: '/dev/xvda', sizeGiB: 40 },
      kmsKeys: ['arn:aws:kms:eu-west-1:444444444444:key/99992222-3333-4444-5555-666677778888'],
      metadataHopLimit: 2,
      startCommand: 'systemctl start web',
      limits: {
        readySeconds: 600,
        bakeSeconds: 30,
        drainSeconds: 60,
        terminateSeconds: 300,
        undoSeconds: 300,
      },
      first: { hosts: 1, watchSeconds: 300 },
      sideBySideSeconds: 60,
      freezes: [
        {
          kind: 'weekly',
          label: 'night',
          timeZone: 'Europe/Dublin',
          days: ['mon', 'fri'],
          from: '18:00',
          to: '07:00',
        },
        {
          kind: 'dated',
          label: 'audit',
          timeZone: 'UTC',
          from: '2026-12-01T00:00',
          to: '2026-12-05T12:30',
        },
      ],
      redeployOnNewImage: false,
      tags: { Name: 'web', CostCentre: '4711' },
    },
  ],
});
