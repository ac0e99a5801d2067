/**
 * One fleet: what its hosts are launched from, its state machines, what starts them, and its alarms. A change of it
 * deploys it alone. It leans on its environment by names that both can build, and by weak references: a strong one could
 * be neither changed nor deleted for as long as any fleet has it.
 */

import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { artifactBucketName, fleetStackName } from '../lambdas/domain/core/names.ts';
import { alarmsOf } from './alarms.ts';
import { boundRoles } from './boundary.ts';
import type { EnvironmentStack } from './environment-stack.ts';
import { withOwnFlags } from './feature-flags.ts';
import type { FleetConfig } from './fleet-config.ts';
import { launchTemplateOf } from './fleet-hosts.ts';
import { FleetMachine } from './fleet-machine.ts';
import { machineRoles } from './machine-roles.ts';
import { watchFleet } from './orphan-watch.ts';
import { openAgain } from './permission-guard.ts';
import { PromotionMachine } from './promotion-machine.ts';
import { promotionsInto } from './promotions.ts';
import type { Environment } from './read-fleets.ts';
import { startsOnNewImage, toRuntimeFleet } from './runtime-fleet.ts';

export class FleetStack extends Stack {
  constructor(
    scope: Construct,
    fleet: FleetConfig,
    environment: Environment,
    shared: EnvironmentStack,
    all: readonly Environment[],
  ) {
    super(scope, fleetStackName(environment.name, fleet.name), {
      description: `irekae: deploys the EC2 fleet ${fleet.name} of ${environment.name}`,
      env: { account: environment.account, region: environment.region },
      suppressTemplateIndentation: true,
    });
    withOwnFlags(this);
    boundRoles(this, environment);
    // Also where no reference says so: permissions and the bucket come first.
    this.addStackDependency(shared);
    const { steps, promotionSteps, wakes, alarms, guard } = shared.parts;
    const template = launchTemplateOf(this, fleet, environment);
    const promotion = promotionsInto(environment, all).find((each) => each.fleet === fleet.name);
    const roles = machineRoles(this, environment, fleet.name, promotion !== undefined, wakes);
    const runtimeFleet = toRuntimeFleet(fleet, environment, {
      bucketName: artifactBucketName(environment),
      launchTemplateId: template.id,
      launchTemplateVersion: template.version,
    });
    const machine = new FleetMachine(
      this,
      runtimeFleet,
      { functions: steps, wakeMachine: wakes, ...roles },
      {
        newImage: startsOnNewImage(fleet),
      },
    );
    alarmsOf(machine, fleet.name, alarms, roles.starterRole);
    watchFleet(this, fleet, environment, template.id, alarms);
    if (promotion && promotionSteps)
      new PromotionMachine(this, promotion, environment, { functions: promotionSteps, ...roles });
    openAgain(this, environment.name, fleet, guard.needsOf(fleet));
  }
}
