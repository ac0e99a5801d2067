/** From what a user wrote to what the steps see: the fleet as it stands in its state machine. */
import type { Fleet } from '../lambdas/domain/fleet.ts';
import type { EnvironmentConfig, FleetConfig } from './fleet-config.ts';

/** What CDK has made of the fleet; tokens until CloudFormation fills them in. */
export interface Made {
  readonly bucketName: string;
  readonly launchTemplateId: string;
  /** A number, so that a deployment launches what it was deployed with. */
  readonly launchTemplateVersion: string;
}

/** Security groups, instance profile and volume stay behind: they are in the launch template. */
export function toRuntimeFleet(config: FleetConfig, environment: EnvironmentConfig, made: Made): Fleet {
  return {
    name: config.name,
    environment: config.environment,
    mackerel: { ...config.mackerel, apiKeyParameter: environment.apiKeyParameter },
    artifact: { bucket: made.bucketName, key: config.artifact },
    runtimes: config.runtimes,
    image: config.image,
    architecture: config.architecture,
    instanceTypes: config.instanceTypes,
    subnets: config.subnets,
    instancesPerZone: config.instancesPerZone,
    spillOver: config.spillOver,
    keepFailedHostMinutes: config.keepFailedHostMinutes,
    replaceStragglers: config.replaceStragglers,
    launchTemplate: {
      id: made.launchTemplateId,
      version: made.launchTemplateVersion,
      rootDevice: config.rootVolume.device,
    },
    loadBalancers: config.loadBalancers,
    startCommand: config.startCommand,
    limits: config.limits,
    tags: config.tags,
  };
}
