/**
 * What EC2 is asked for when instances of a release are launched: tagged from birth, under a token that tells a
 * repetition from another request, and all of them or none.
 */
import { createHash } from 'node:crypto';
import type { Instance, LaunchRequest } from '../../ports/ec2.ts';
import { type After, deploymentId } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { TAG } from '../core/fleet.ts';
import { launchTokens } from '../core/names.ts';
import { count } from '../core/words.ts';
import { renderBootScript, startSecondsOf } from './boot-script.ts';
import { templateOf } from './launch-template.ts';

/** A deployment that knows what to launch. */
export type Launching = After<'image' | 'release'>;

export interface Wanted {
  readonly count: number;
  readonly subnetId: string;
  readonly instanceType: string;
  /** Whose instances: what else tells this request from the deployment's others, the same in each repetition. */
  readonly whose: readonly string[];
}

export function launchRequest(deployment: Launching, wanted: Wanted): LaunchRequest {
  const { fleet, release, image, execution } = deployment;
  const { subnetId, instanceType, whose } = wanted;
  // Whose, where and as what: another try is another request, not a repetition of the first.
  const request = createHash('sha256')
    .update([...whose, subnetId, instanceType].join('|'))
    .digest('hex');
  return {
    // EC2 takes 64 characters.
    clientToken: `${launchTokens(execution.id)}${request}`.slice(0, 64),
    count: wanted.count,
    subnetId,
    imageId: image.imageId,
    instanceType,
    launchTemplate: templateOf(deployment),
    userData: renderBootScript({
      bucket: fleet.artifact.bucket,
      fleet: fleet.name,
      deploymentId: deploymentId(deployment),
      artifact: release.artifact,
      imageId: image.imageId,
      runtimes: release.runtimes,
      startCommand: fleet.startCommand,
      startSeconds: startSecondsOf(fleet.limits.readySeconds),
      httpProxy: fleet.httpProxy,
      mackerelRole: `${fleet.mackerel.service}:${fleet.mackerel.role}`,
    }),
    tags: {
      Name: fleet.name,
      ...fleet.tags,
      [TAG.fleet]: fleet.name,
      [TAG.deployment]: deploymentId(deployment),
      ...(release.artifact && { [TAG.artifactVersion]: release.artifact.versionId.slice(0, 256) }),
    },
  };
}

/** @throws ServiceUnavailable for half an answer: fewer hosts than asked for would make the fleet shrink (rule 2). */
export function wholeLaunch(wanted: Wanted, launched: readonly Instance[]): readonly Instance[] {
  if (launched.length === wanted.count) return launched;
  throw new DeploymentError(
    'ServiceUnavailable',
    `EC2 was asked for ${count(wanted.count, 'instance')} in ${wanted.subnetId} and answered with ${launched.length}. ` +
      'The launch is retried under the same token.',
  );
}
