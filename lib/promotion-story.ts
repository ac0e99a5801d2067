/**
 * One promotion, told top to bottom: what was tested at the source becomes the destination's newest version, and its
 * upload event starts the deployments there as always. The state machine of a fleet with a `promotion`, in the
 * destination's account: it pulls.
 *
 * The proof comes before the copy, because the copy's event starts deployments that ask for the proof. A promotion that
 * ends in between leaves a proof without a copy, which says something true and starts nothing; the next one goes on.
 */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import type { PromotionPlan } from '../lambdas/domain/promotion/promotion.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import { fail, succeed } from './acts.ts';
import { PromotionStates } from './states.ts';

export function promotionStory(
  scope: Construct,
  functions: Readonly<Record<PromotionStepName, IFunction>>,
  { name, environment }: Pick<Fleet, 'name' | 'environment'>,
  plan: PromotionPlan,
): sfn.IChainable {
  const states = new PromotionStates(scope, functions);
  const onFailure = { to: givenUp(scope, states) };

  // ── Decide: nothing is changed ──────────────────────────────────────────────────────────────────────────────────
  const open = opened(scope, { name, environment }, plan);
  const choose = states.step('choose-the-candidate', onFailure);
  const isWanted = sfn.Choice.jsonPath(scope, 'Is it promoted already?');

  // ── Promote ─────────────────────────────────────────────────────────────────────────────────────────────────────
  const prove = states.step('write-the-proof', onFailure);
  const copy = states.waitUntil('copy-the-artifact', onFailure);
  const record = states.titled('Record the promotion', onFailure);

  open.next(choose).next(isWanted);
  isWanted
    .when(
      sfn.Condition.stringEquals('$.candidate.verdict', 'already-promoted'),
      succeed(scope, 'Already promoted', '$.candidate'),
    )
    .when(sfn.Condition.booleanEquals('$.candidate.dryRun', true), succeed(scope, 'Planned', '$.candidate'))
    .otherwise(prove);
  prove.next(copy.look);
  copy.whenReady(record);
  record.next(succeed(scope, 'Promoted', '$.record'));
  return open;
}

/** The document's first state: the plan as it was deployed, the input as it was given, who we are. */
function opened(scope: Construct, fleet: object, promotion: PromotionPlan): sfn.Pass {
  return sfn.Pass.jsonPath(scope, 'Open the promotion', {
    parameters: {
      fleet,
      promotion,
      'input.$': '$',
      execution: {
        'id.$': '$$.Execution.Id',
        'name.$': '$$.Execution.Name',
        'startedAt.$': '$$.Execution.StartTime',
      },
    },
  });
}

/** Every failure ends here, under the name of the first error. */
function givenUp(scope: Construct, states: PromotionStates): sfn.IChainable {
  const unexplained = sfn.Fail.jsonPath(scope, 'Not promoted, without an explanation', {
    error: 'StepCrashed',
    cause: 'Not promoted; why is in the execution’s history, at the first state that failed.',
  });
  const giveUp = states.step('give-up-the-promotion', {
    to: unexplained,
    // The first error stays where it is.
    keptAs: 'recordFailure',
  });
  giveUp.next(fail(scope, 'Not promoted'));
  return giveUp;
}
