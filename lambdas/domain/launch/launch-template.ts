/**
 * From which launch template instances are launched. A given one is its owner's: volumes, spot and placement stay as it
 * says. What a deployment itself needs of it is looked at before anything is launched, and named where it is missing;
 * the version that is found then is the one that is launched from, whatever becomes the newest meanwhile.
 */
import type { LaunchRequest, TemplateVersion } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ResolvedImage } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { firstOf, list, plain } from '../core/words.ts';

/** What a fleet says of a template that was given. */
export type GivenTemplate = NonNullable<Fleet['launchTemplate']['given']>;

/** What `version` holds where it is looked up as each deployment begins. */
export const NEWEST = 'newest';

/** One thing that is wrong with a version, and what to do about it. */
export interface Misfit {
  readonly what: string;
  readonly mend: string;
}

/** A template that irekae has made is launched from as it was deployed: only a given one is looked at. */
export async function withTemplate(
  fleet: Fleet,
  image: ResolvedImage,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<ResolvedImage> {
  const { id, version, given } = fleet.launchTemplate;
  if (!given) return image;
  const template = decideTemplate(fleet, await ec2.templateVersion(id, version));
  return { ...image, templateVersion: template.version, reason: `${image.reason}; ${template.reason}` };
}

/** @throws LaunchTemplateUnusable when the version is not there, or with all that it lacks. */
export function decideTemplate(
  fleet: Fleet,
  found: TemplateVersion | undefined,
): { version: string; reason: string } {
  const { id, version, given } = fleet.launchTemplate;
  if (!found) {
    throw new DeploymentError(
      'LaunchTemplateUnusable',
      `EC2 knows no ${versionName(id, version)}. Correct \`launchTemplate\` of ${fleet.name} in the fleets file, or make ` +
        `the template again; \`aws ec2 describe-launch-template-versions --launch-template-id ${id}\` shows its versions.`,
    );
  }
  const misfits = given ? misfitsOf(given, found) : [];
  if (misfits.length > 0) {
    throw new DeploymentError(
      'LaunchTemplateUnusable',
      `${versionName(id, found.version)} cannot launch ${fleet.name}: ` +
        `${firstOf(misfits.map(({ what, mend }) => `${what} (${mend})`)).join('; ')}.` +
        (version === NEWEST ? ' A newer version that has it all is taken by the next deployment.' : ''),
    );
  }
  const newest = version === NEWEST ? ', the newest' : '';
  return { version: found.version, reason: `launched from ${versionName(id, found.version)}${newest}` };
}

const versionName = (id: string, version: string) =>
  version === NEWEST
    ? `newest version of launch template ${id}`
    : `version ${version} of launch template ${id}`;

/** @throws StepCrashed when nobody has resolved which version of a given template it is. */
export function templateOf({
  fleet: { launchTemplate },
  image: { templateVersion },
}: {
  readonly fleet: Fleet;
  readonly image: Pick<ResolvedImage, 'templateVersion'>;
}): LaunchRequest['launchTemplate'] {
  const { id, version, given } = launchTemplate;
  if (!given) return { id, version };
  if (templateVersion !== undefined) return { id, version: templateVersion };
  throw new DeploymentError(
    'StepCrashed',
    `*Resolve the image* has not found which version of ${id} to launch from. Steps are started by the state machine, not by hand.`,
  );
}

/** All of them at once: whoever mends a template makes one new version of it. */
export function misfitsOf(given: GivenTemplate, found: TemplateVersion): Misfit[] {
  return [
    ...ofItsLife(found),
    ...ofItsMetadata(given, found),
    ...ofItsNames(given, found),
    ...ofTheRequest(found),
  ];
}

const misfit = (isSo: boolean, what: string, mend: string): Misfit[] => (isSo ? [{ what, mend }] : []);

/** A host that shuts itself down has to be gone, and one that is terminated too. */
const ofItsLife = ({ shutdownBehavior, isTerminationProtected, isStopProtected, spot }: TemplateVersion) => [
  ...misfit(
    shutdownBehavior !== 'terminate',
    `its shutdown behaviour is ${shutdownBehavior ?? 'not set, which is stop'}`,
    'set InstanceInitiatedShutdownBehavior to terminate: a host whose boot fails shuts itself down, and must not linger',
  ),
  ...misfit(
    isTerminationProtected,
    'it protects its instances from termination',
    'set DisableApiTermination to false: neither an undo nor the next deployment could remove them',
  ),
  ...misfit(
    isStopProtected,
    'it protects its instances from being stopped, and so from termination',
    'set DisableApiStop to false',
  ),
  ...misfit(
    spot?.type === 'persistent',
    'its spot requests are persistent',
    'set SpotInstanceType to one-time: EC2 would launch again what a deployment has terminated',
  ),
  ...misfit(
    spot?.onInterruption !== undefined && spot.onInterruption !== 'terminate',
    `an interruption of its spot instances means ${plain(spot?.onInterruption ?? '', 20)}`,
    'set InstanceInterruptionBehavior to terminate',
  ),
];

/** The boot script asks the metadata service; what else may ask is in the fleets file. */
const ofItsMetadata = ({ metadataHopLimit }: GivenTemplate, { metadata }: TemplateVersion) => [
  ...misfit(
    metadata.endpoint === 'disabled',
    'its metadata service is disabled',
    'set HttpEndpoint to enabled: the boot script gets its credentials there',
  ),
  ...misfit(
    metadata.tokens !== 'required',
    `its metadata service does not require tokens (HttpTokens is ${metadata.tokens ?? 'not set'})`,
    'set HttpTokens to required (IMDSv2)',
  ),
  ...misfit(
    metadata.hopLimit !== undefined && metadata.hopLimit !== metadataHopLimit,
    `its metadata hop limit is ${metadata.hopLimit}, and the fleets file says ${metadataHopLimit}`,
    `set metadataHopLimit: ${metadata.hopLimit} in the fleets file, or HttpPutResponseHopLimit to ${metadataHopLimit}`,
  ),
];

/** Role, groups, key pair and KMS keys: permissions name them, so that the fleets file has to. */
const ofItsNames = (given: GivenTemplate, found: TemplateVersion) => {
  const { instanceProfile, keyPair, groupNames, securityGroups } = found;
  const keys = found.volumes.flatMap(({ kmsKey }) =>
    kmsKey === undefined || mayUse(given, kmsKey) ? [] : [kmsKey],
  );
  return [
    ...misfit(
      !isSameProfile(given.instanceProfile, instanceProfile),
      `its instance profile is ${plain(instanceProfile ?? 'not set', 200)}, and the fleets file says ${given.instanceProfile}`,
      'make both the same',
    ),
    ...misfit(
      groupNames.length > 0,
      `it calls security groups by name: ${list(groupNames)}`,
      'give them by their ids, in SecurityGroupIds',
    ),
    ...misfit(
      groupNames.length === 0 && sorted(securityGroups) !== sorted(given.securityGroups),
      `its security groups are ${list(securityGroups)}, and the fleets file says ${list(given.securityGroups)}`,
      'make both the same',
    ),
    ...misfit(
      keyPair !== given.keyPair,
      `its key pair is ${plain(keyPair ?? 'not set', 100)}, and the fleets file says ${given.keyPair ?? 'none'}`,
      'make launchTemplate.keyPair the same',
    ),
    ...misfit(
      keys.length > 0,
      `its volumes are encrypted with ${list([...new Set(keys)])}, which a deployment may not use`,
      'name the key by its ARN in the template, and in kmsKeys of the fleets file',
    ),
  ];
};

/** What a deployment's own request says, EC2 takes instead, or refuses beside it. */
const ofTheRequest = (found: TemplateVersion) => {
  const { hasUserData, hasNetworkInterfaces, hasInstanceRequirements, zone, tagKeys } = found;
  const ours = tagKeys.filter((key) => key.startsWith('irekae:'));
  return [
    ...misfit(
      hasUserData,
      'it has user data, in whose place the boot script would run',
      'move it into the image or the start command, and make a version without',
    ),
    ...misfit(
      hasNetworkInterfaces,
      'it has network interfaces, beside which EC2 takes no subnet',
      'give its security groups in SecurityGroupIds, and no NetworkInterfaces',
    ),
    ...misfit(
      hasInstanceRequirements,
      'it has instance requirements, beside which EC2 takes no instance type',
      'leave InstanceRequirements out: the fleets file has instanceTypes',
    ),
    ...misfit(
      zone !== undefined,
      `it is for the zone ${zone} alone`,
      'leave Placement.AvailabilityZone out: each of the fleet’s subnets is in a zone',
    ),
    ...misfit(
      ours.length > 0,
      `it sets the tags ${list(ours)}`,
      'leave them out: each deployment sets its own',
    ),
  ];
};

const sorted = (ids: readonly string[]) => [...new Set(ids)].sort().join(' ');

/** EC2 takes a profile by its ARN or by its name, which no other profile of the account has. */
const isSameProfile = (arn: string, found: string | undefined) =>
  found === arn || (found !== undefined && !found.startsWith('arn:') && arn.split('/').at(-1) === found);

/** AWS's own key needs no permission. A key may be called by its ARN, or by its id where it is of this account. */
const mayUse = ({ kmsKeys }: GivenTemplate, key: string) =>
  key === 'alias/aws/ebs' || kmsKeys.some((arn) => arn === key || arn.endsWith(`:key/${key}`));
