/** The state machine of a fleet with a `promotion`, started by a person, by CI or by the command; and its door. */

import type * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { machineName } from '../lambdas/domain/core/names.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import { type Doors, overrideDoor } from './override-door.ts';
import { promotionStory } from './promotion-story.ts';
import type { Promotion } from './promotions.ts';
import type { Environment } from './read-fleets.ts';
import { stateMachine } from './state-machine.ts';

/** Longer than the copy's own limit, with every retry of the other steps: it ends runaway executions only. */
export const PROMOTION_SECONDS = 16 * 3_600;

export interface PromotionShared {
  readonly functions: Readonly<Record<PromotionStepName, IFunction>>;
  readonly machineRole: iam.IRole;
  readonly doors: Doors;
}

export class PromotionMachine extends Construct {
  readonly machine: sfn.StateMachine;

  constructor(
    scope: Construct,
    { fleet, plan }: Promotion,
    environment: Environment,
    shared: PromotionShared,
  ) {
    super(scope, `promotion ${fleet}`);
    const destination = { name: fleet, environment: environment.name };
    this.machine = stateMachine(this, {
      name: machineName(fleet, 'promote'),
      comment: `Promotes what runs on ${plan.from.environment} to ${fleet}.`,
      start: promotionStory(this, shared.functions, destination, plan),
      seconds: PROMOTION_SECONDS,
      role: shared.machineRole,
    });
    overrideDoor(this, fleet, { kind: 'promote', machine: this.machine }, shared.doors);
  }
}
