/**
 * The guard of permissions. Not a step of the story: CloudFormation asks it when permissions change, before the first
 * role does (it may refuse, and nothing is changed), and again when the stack of a fleet has its new definition.
 */

import { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { liveLedger } from '../clients/ledger.ts';
import { answerChange, liveStacks } from '../clients/stacks.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { cut, printable } from '../domain/core/words.ts';
import { Asking, verdictOn } from '../domain/lock/change-request.ts';

const logger = new Logger();

/** CloudFormation takes 4,096 bytes for the whole answer, of which an ARN and a few names are the rest. */
const MOST_CHARACTERS = 700;

/** @throws StepCrashed when CloudFormation did not send it; ServiceUnavailable when it cannot be answered */
export async function handler(event: unknown): Promise<void> {
  const parsed = v.safeParse(Asking, event);
  if (!parsed.success)
    throw new DeploymentError(
      'StepCrashed',
      'The document is not what CloudFormation sends. The guard of permissions is asked by `cdk deploy`, not by hand.',
    );
  const { StackId, RequestId, LogicalResourceId, PhysicalResourceId, ResponseURL } = parsed.output;
  const { Status, Reason } = await verdictOn(parsed.output, event, () => ({
    ledger: liveLedger(),
    stacks: liveStacks(),
  }));
  const answer = { Status, Reason: cut(printable(Reason), MOST_CHARACTERS) };
  logger.info(answer.Reason, { status: Status });
  await answerChange(ResponseURL, {
    ...answer,
    StackId,
    RequestId,
    LogicalResourceId,
    // The same for ever: another one would have CloudFormation delete the first.
    PhysicalResourceId: PhysicalResourceId ?? LogicalResourceId,
  });
}
