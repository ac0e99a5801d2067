/**
 * A fleets file that takes its ids from `handover.json`, which Terraform or CloudFormation has written; README.md says how.
 * Beside `bin/fleets.ts` of a clone: the types are then in `../lib/fleet-config.ts`.
 */
import { readFileSync } from 'node:fs';
import type { FleetsFile } from '../../lib/fleet-config.ts';

const handover = JSON.parse(readFileSync(new URL('handover.json', import.meta.url), 'utf8'));

export const fleetsFile: FleetsFile = {
  environments: [{ name: 'production', account: '222222222222', region: handover.region }],
  fleets: [
    {
      name: 'reactio-production-app',
      environment: 'production',
      mackerel: { service: 'reactio-production', role: 'app' },
      artifact: 'reactio/app.tar.gz',
      image: { from: 'parameter', parameter: handover.imageParameter },
      architecture: 'arm64',
      instanceTypes: ['t4g.small', 't4g.medium'],
      instancesPerZone: 1,
      subnets: handover.subnets,
      securityGroups: handover.securityGroups,
      // A new version that Terraform makes is taken by the next deployment.
      launchTemplate: { id: handover.launchTemplate, version: 'newest' },
      instanceProfile: { kind: 'given', arn: handover.instanceProfile, roleArn: handover.role },
      loadBalancers: [
        { kind: 'classic', name: handover.classicElb },
        { kind: 'target-group', arn: handover.targetGroup },
      ],
      startCommand: 'systemctl enable --now reactio-app',
    },
  ],
};
