/** Going back from the point of no return. */
import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { enterPhase } from './fence.ts';

/**
 * Nothing has ended: the story undoes the deployment on the error's name. Another run of this step, given up for lost, may
 * see it otherwise at the same moment; the ledger lets one of the two go on, the one that wrote first.
 * @returns the error
 * @throws LockLost when that was the other one: a clean-up finishes what it began
 */
export async function goingBack<Failed>(
  error: Failed,
  deployment: Deployment,
  ports: Pick<Ports, 'ledger'>,
): Promise<Failed> {
  // Silence is waited for.
  if (!(error instanceof DeploymentError) || error.name === 'ServiceUnavailable') return error;
  const failure = { Error: error.name, Cause: error.message };
  await enterPhase('undo', { ...deployment, failure }, ports, { unless: 'remove' });
  return error;
}
