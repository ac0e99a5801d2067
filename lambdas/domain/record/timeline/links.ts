/** Where to look closer: AWS's consoles, by the execution's ARN, and Mackerel. */
import {
  executionPage,
  hasPages,
  instancePage,
  logPage,
  machineIn,
  objectPage,
  placeOf,
} from '../../core/aws.ts';
import { deploymentRecordKey, machineLogName } from '../../core/names.ts';
import type { DeploymentRecord } from '../record.ts';

interface Link {
  readonly to: string;
  readonly title: string;
}

export function linksOf({ execution, fleet, deployment, kept, timeline }: DeploymentRecord): Link[] {
  const mackerel = timeline ? [mackerelLink(timeline.service, timeline.role)] : [];
  if (!hasPages(execution)) return mackerel;
  const { region } = placeOf(execution);
  const record = (bucket: string) => objectPage(region, bucket, deploymentRecordKey(fleet, deployment));
  return [
    { to: executionPage(execution), title: 'The execution, state by state (Step Functions)' },
    { to: logPage(execution), title: `The log ${machineLogName(machineIn(execution))} (CloudWatch)` },
    ...(timeline
      ? [{ to: record(timeline.bucket), title: 'The record of this deployment, with every host (S3)' }]
      : []),
    ...mackerel,
    ...(kept ? [{ to: instancePage(region, kept.instanceId), title: `${kept.instanceId} (EC2)` }] : []),
  ];
}

/** Of whatever organization the reader is in: a page cannot know its name. */
const mackerelLink = (service: string, role: string): Link => ({
  to: 'https://mackerel.io/my/hosts',
  title: `The hosts in Mackerel: service ${service}, role ${role}`,
});
