/** From what a user wrote to what the steps see: the fleet as it stands in its state machine. */
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { Environment } from './read-fleets.ts';

/** From launch until all new hosts are ready, at most, where the fleets file does not say. */
const READY_SECONDS = 900;

/** What CDK has made of the fleet; tokens until CloudFormation fills them in. */
export interface Made {
  readonly bucketName: string;
  readonly launchTemplateId: string;
  /** A number, so that a deployment launches what it was deployed with. */
  readonly launchTemplateVersion: string;
}

/** With what nobody has set. */
export const limitsOf = ({ limits }: Pick<FleetConfig, 'limits'>): Fleet['limits'] => ({
  ...limits,
  readySeconds: limits.readySeconds ?? READY_SECONDS,
});

/** Its artifact, as a list: none where the image is the release. */
export const artifactsOf = ({ artifact }: Pick<FleetConfig, 'artifact'>): string[] =>
  artifact === undefined ? [] : [artifact];

/** All that its hosts download, by their keys. */
export const filesOf = (fleet: Pick<FleetConfig, 'artifact' | 'runtimes'>): string[] => [
  ...artifactsOf(fleet),
  ...fleet.runtimes.map(({ key }) => key),
];

/** Of a given template also what it has to name. */
function templateOf(
  config: FleetConfig,
  { launchTemplateId: id, launchTemplateVersion: version }: Made,
): Fleet['launchTemplate'] {
  const { launchTemplate, instanceProfile, securityGroups, metadataHopLimit, kmsKeys, rootVolume } = config;
  if (launchTemplate === undefined || instanceProfile.kind === 'made')
    return { id, version, rootDevice: rootVolume.device };
  return {
    id: launchTemplate.id,
    version: String(launchTemplate.version),
    given: {
      instanceProfile: instanceProfile.arn,
      securityGroups,
      ...(launchTemplate.keyPair !== undefined && { keyPair: launchTemplate.keyPair }),
      metadataHopLimit,
      kmsKeys,
    },
  };
}

/**
 * A fleet without an artifact has no other release than an image: it would not be started by itself at all. One that
 * follows another is started by that one.
 */
export const startsOnNewImage = ({
  redeployOnNewImage,
  artifact,
  after,
}: Pick<FleetConfig, 'redeployOnNewImage' | 'artifact' | 'after'>): boolean =>
  redeployOnNewImage ?? (artifact === undefined && after === undefined);

/** Security groups, instance profile and volume stay behind: they are in the launch template. */
export function toRuntimeFleet(config: FleetConfig, environment: Environment, made: Made): Fleet {
  const { after } = config;
  const followers = environment.fleets.filter((fleet) => fleet.after === config.name);
  return {
    name: config.name,
    environment: config.environment,
    mackerel: { ...config.mackerel, apiKeyParameter: environment.apiKeyParameter },
    artifact: { bucket: made.bucketName, ...(config.artifact !== undefined && { key: config.artifact }) },
    ...(after !== undefined && { after }),
    followers: followers.map(({ name }) => name),
    runtimes: config.runtimes,
    image: config.image,
    architecture: config.architecture,
    instanceTypes: config.instanceTypes,
    subnets: config.subnets,
    instancesPerZone: config.instancesPerZone,
    spillOver: config.spillOver,
    keepFailedHostMinutes: config.keepFailedHostMinutes,
    freezes: config.freezes,
    watch: config.watch,
    pauses: config.pauses,
    hooks: config.hooks,
    compare: config.compare,
    ...(config.first && { first: config.first }),
    ...(config.sideBySideSeconds !== undefined && { sideBySideSeconds: config.sideBySideSeconds }),
    wantsProvenance: config.promotion?.required ?? false,
    wantsTestedImage: config.promotion?.testedImage ?? false,
    replaceStragglers: config.replaceStragglers,
    launchTemplate: templateOf(config, made),
    loadBalancers: config.loadBalancers,
    startCommand: config.startCommand,
    ...(config.httpProxy !== undefined && { httpProxy: config.httpProxy }),
    learnsReadySeconds: config.limits.readySeconds === undefined,
    limits: limitsOf(config),
    tags: config.tags,
  };
}
