/**
 * The guard of permissions. Not a step of the story: CloudFormation asks it when permissions change, before the first
 * role does (it may refuse, and nothing is changed), and again when the stack of a fleet has its new definition.
 */

import { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { liveLedger } from '../clients/ledger.ts';
import { answerChange, liveStacks } from '../clients/stacks.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { printable } from '../domain/core/words.ts';
import { beginChange, type ChangePorts, endChange, type Verdict } from '../domain/lock/permission-change.ts';

/** The request of a custom resource, as far as it matters. */
const ChangeRequest = v.object({
  RequestType: v.picklist(['Create', 'Update', 'Delete']),
  ResponseURL: v.pipe(v.string(), v.startsWith('https://')),
  StackId: v.string(),
  RequestId: v.string(),
  LogicalResourceId: v.string(),
  ResourceProperties: v.object({
    Environment: v.string(),
    /** In the stack of a fleet: this one. */
    Opens: v.optional(v.string()),
    Needs: v.record(v.string(), v.string()),
  }),
  OldResourceProperties: v.optional(v.object({ Needs: v.optional(v.record(v.string(), v.string()), {}) })),
});
export type ChangeRequest = v.InferOutput<typeof ChangeRequest>;

const logger = new Logger();

async function judged(request: ChangeRequest, ports: ChangePorts): Promise<Verdict> {
  const { RequestType, StackId: stack, ResourceProperties, OldResourceProperties } = request;
  const { Environment: environment, Needs: after, Opens: fleet } = ResourceProperties;
  if (RequestType !== 'Delete' && fleet !== undefined) return endChange(fleet, { stack, environment }, ports);
  // What is made has nobody to take from; with what is deleted go its roles.
  if (RequestType !== 'Update') return { Status: 'SUCCESS', Reason: 'nothing is taken from anybody' };
  return beginChange({ stack, environment, before: OldResourceProperties?.Needs ?? {}, after }, ports);
}

/** What CloudFormation is told: what could not be looked at is not free. */
export const answerTo = (request: ChangeRequest, ports: ChangePorts): Promise<Verdict> =>
  judged(request, ports).catch((error: unknown) => ({
    Status: 'FAILED',
    Reason: error instanceof Error ? error.message : String(error),
  }));

/** @throws StepCrashed when CloudFormation did not send it; ServiceUnavailable when it cannot be answered */
export async function handler(event: unknown): Promise<void> {
  const parsed = v.safeParse(ChangeRequest, event);
  if (!parsed.success)
    throw new DeploymentError(
      'StepCrashed',
      'The document is not what CloudFormation sends. The guard of permissions is asked by `cdk deploy`, not by hand.',
    );
  const { StackId, RequestId, LogicalResourceId, ResponseURL } = parsed.output;
  const verdict = await answerTo(parsed.output, { ledger: liveLedger(), stacks: liveStacks() });
  const answer = { ...verdict, Reason: printable(verdict.Reason) };
  logger.info(answer.Reason, { status: answer.Status });
  await answerChange(ResponseURL, {
    ...answer,
    StackId,
    RequestId,
    LogicalResourceId,
    // The same for ever: another one would have CloudFormation delete the first.
    PhysicalResourceId: LogicalResourceId,
  });
}
