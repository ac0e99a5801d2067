/** Answers that have the right shape but are wrong. */
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { PortCall } from '../world/calls.ts';
import type { FaultName } from './catalogue.ts';

/**
 * @param truth what the world answers; nothing for a call that does not reach it
 * @param earlier what it answered before, if the same call was made within a minute
 */
export function wrongAnswer(fault: FaultName, call: PortCall, truth: unknown, earlier: unknown): unknown {
  switch (fault) {
    case 'empty':
      return emptied(call, truth);
    case 'missing':
      return Array.isArray(truth) ? truth.slice(0, -1) : truth;
    case 'duplicate':
      return Array.isArray(truth) ? [...truth.slice(0, 1), ...truth] : truth;
    case 'stale':
      return staleOf(call, truth) ?? earlier ?? truth;
    case 'withdrawn':
      return Array.isArray(truth) ? truth.map(withdrawn) : truth && withdrawn(truth);
    case 'no-capacity':
      throw new DeploymentError('NoCapacity', 'EC2 has no capacity for this instance type.');
    case 'turned-down': {
      const [ids] = call.args as [readonly string[]];
      return { refused: ids.map((id) => ({ id, reason: 'turned down' })) };
    }
    default:
      throw new Error(`${fault} is not a wrong answer of ${call.service}.${call.action}`);
  }
}

/** From before the execution ended. */
function staleOf({ service }: PortCall, truth: unknown): unknown {
  if (service !== 'executions') return undefined;
  return Array.isArray(truth) ? truth.filter(({ kind }) => kind !== 'ended') : { state: 'running' };
}

/** Of an image and of a tarball alike. */
const withdrawn = (found: unknown) => ({
  ...Object(found),
  deprecatedAt: new Date(0),
  archive: { name: 'DEEP_ARCHIVE', isRestoring: false },
});

/** What each port answers when there is nothing: an empty list, `undefined`, an unknown execution. */
function emptied({ service, action }: PortCall, truth: unknown): unknown {
  if (service === 'executions' && !Array.isArray(truth)) return { state: 'unknown' };
  if (action === 'latestMetric') return new Map();
  return Array.isArray(truth) ? [] : undefined;
}
