/** What each name of the closed list means. */
import type { FailureName } from './errors.ts';

/** Failure name → what it means, in one clause. The runbook's table of contents is generated from this. */
export const FAILURES = {
  // Before anything was changed.
  InvalidInput: 'the execution input is not one that a deployment can start from',
  ArtifactNotFound: 'no such object or version in the artifact bucket',
  ArtifactUnusable: 'the tarball is empty, archived or without a version, or has no trustworthy checksum',
  NotProven: 'nothing proves that the version was deployed successfully where it has to run first',
  ImageNotFound: 'no machine image matches the fleet',
  ImageUnusable:
    'the machine image cannot run this fleet (architecture, state or root volume), or is deprecated',
  LaunchTemplateUnusable:
    'the launch template that was given is missing, or its version lacks what a deployment needs',
  MackerelKeyUnreadable: 'the Mackerel API key cannot be read from its SSM parameter',
  MackerelRefused: 'Mackerel refused the API key or the request',
  MackerelRoleUnknown: 'the fleet’s service or role does not exist in Mackerel',
  LoadBalancerUnusable: 'a load balancer of the fleet is missing or cannot serve the fleet’s subnets',
  SubnetUnusable: 'a subnet of the fleet is missing, full or in another VPC',
  FleetWouldShrink: 'more hosts are in service than the fleet would launch',
  SnapshotContradicts: 'Mackerel, EC2 and the load balancers disagree about which hosts are in service',
  UnlistedHostServes: 'an instance with the fleet’s tag is in service, but Mackerel does not list it',
  MonitorUnusable: 'a monitor that the fleet names is unknown to Mackerel, or muted',
  AlreadyAlerting: 'a monitor that decides, or an old host, already has an open alert in Mackerel',
  Frozen: 'the fleet is in one of its freeze windows',
  OnHold: 'somebody has put the fleet on hold, with a reason',
  OlderImage: 'the newest machine image of the fleet’s kind is older than the one that it runs on',
  NothingToRollBackTo: 'the release to roll back to is unknown, never ran, or is already running',
  NotTold:
    'the deployment that was told to go on, or to be undone, does not run, does not wait, or is past that',
  // While the old hosts still serve: undone.
  NoCapacity: 'EC2 has no capacity for any of the fleet’s instance types in a zone',
  LaunchRefused: 'EC2 refused the launch (limit, permission or parameter)',
  NewHostDied: 'a new instance stopped or terminated by itself',
  NewHostsNotReady: 'the new hosts were not ready in time',
  ReadinessLost: 'a new host was ready but no longer is',
  DrainingStuck: 'a load balancer did not deregister an old host',
  AlertDuringBake: 'Mackerel opened an alert on a new host, or of a monitor that decides',
  HookFailed: 'a hook of the fleet failed, answered something else, or did not succeed in time',
  NotContinued: 'the deployment was paused, and nobody let it go on in time',
  WorseThanBefore:
    'a metric of the new hosts that the fleet compares is clearly worse than that of the old ones',
  TerminationRefused: 'an instance may not be terminated by this deployment',
  Stopped: 'the execution was stopped or timed out, and was undone by the clean-up',
  Cancelled: 'somebody cancelled the deployment',
  // While undoing.
  OldHostsNotServing: 'an old host that was put back is not in service',
  NewHostsNotRemoved: 'a new instance could not be terminated or retired',
  // After the point of no return.
  OldHostsNotTerminated: 'an old instance did not terminate',
  // While promoting.
  CopyFailed:
    'the artifact could not be copied to its destination, or the copy is not what was to be promoted',
  // Anywhere.
  ServiceUnavailable: 'Mackerel or AWS did not answer, or throttled, for longer than the retries last',
  ServiceRefused: 'AWS refused a request (most often a missing permission)',
  StepTimedOut: 'a step’s function reached its time limit',
  StepCrashed: 'a step’s function ended without an answer',
  LockLost: 'the execution no longer holds the fleet’s lock; another execution is responsible for the fleet',
  // How an execution ends.
  RolledBack: 'the deployment failed and was undone; the old hosts are serving',
  RollbackFailed: 'the deployment failed and the undo failed too; a human is needed',
  StoppedHalfway:
    'the deployment failed after the point of no return; the new hosts are serving, a human is needed',
} as const satisfies Readonly<Record<FailureName, string>>;
