/** What CloudFormation asks the guard of permissions: a custom resource's request, and what it is answered, whatever it is. */
import * as v from 'valibot';
import { beginChange, type ChangePorts, endChange, type Verdict } from './permission-change.ts';

/** Where CloudFormation waits for an answer, and what it knows it by: enough to say no. */
export const Asking = v.object({
  RequestType: v.picklist(['Create', 'Update', 'Delete']),
  ResponseURL: v.pipe(v.string(), v.startsWith('https://')),
  StackId: v.string(),
  RequestId: v.string(),
  LogicalResourceId: v.string(),
  /** Not of what is made. */
  PhysicalResourceId: v.optional(v.string()),
});
export type Asking = v.InferOutput<typeof Asking>;

/** The request of a custom resource, as far as it matters. */
const ChangeRequest = v.object({
  ...Asking.entries,
  ResourceProperties: v.object({
    Environment: v.string(),
    /** In the stack of a fleet: this one. */
    Opens: v.optional(v.string()),
    Needs: v.record(v.string(), v.string()),
  }),
  OldResourceProperties: v.optional(v.object({ Needs: v.optional(v.record(v.string(), v.string()), {}) })),
});
export type ChangeRequest = v.InferOutput<typeof ChangeRequest>;

const failed = (error: unknown): Verdict => ({
  Status: 'FAILED',
  Reason: error instanceof Error ? error.message : String(error),
});
const TAKES_NOTHING: Verdict = { Status: 'SUCCESS', Reason: 'nothing is taken from anybody' };

async function judged(request: ChangeRequest, ports: ChangePorts): Promise<Verdict> {
  const { RequestType, StackId: stack, ResourceProperties, OldResourceProperties } = request;
  const { Environment: environment, Needs: after, Opens: fleet } = ResourceProperties;
  if (RequestType !== 'Delete' && fleet !== undefined) return endChange(fleet, { stack, environment }, ports);
  // What is made has nobody to take from; with what is deleted go its roles.
  if (RequestType !== 'Update') return TAKES_NOTHING;
  return beginChange({ stack, environment, before: OldResourceProperties?.Needs ?? {}, after }, ports);
}

/** What CloudFormation is told: what could not be looked at is not free. */
export const answerTo = (request: ChangeRequest, ports: ChangePorts): Promise<Verdict> =>
  judged(request, ports).catch(failed);

/** Also where nothing can be looked at, or asked for: whoever gets no answer waits until the time of the stack is up. */
export async function verdictOn(
  { RequestType }: Asking,
  event: unknown,
  ports: () => ChangePorts,
): Promise<Verdict> {
  // Whatever it is that goes: a stack that is rolled back must get rid of it.
  if (RequestType === 'Delete') return TAKES_NOTHING;
  const request = v.safeParse(ChangeRequest, event);
  if (!request.success)
    return {
      Status: 'FAILED',
      Reason: 'Environment and Needs are missing. Nothing was changed: deploy again with `npx cdk deploy`.',
    };
  try {
    return await answerTo(request.output, ports());
  } catch (error) {
    return failed(error);
  }
}
