/** The second half of an undo: removing what this deployment launched. What has to be known before anything is removed. */
import type { Instance } from '../clients/ports.ts';
import { type Deployment, newInstanceIds, oldInstanceIds } from './deployment.ts';
import { FAILURES } from './errors.ts';
import { STEPS } from './steps.ts';

/** EC2 shows a launched instance by its tag after this long at the latest. */
const VISIBILITY_SECONDS = 10;
/** A function that was cut off may still be launching until its own time limit is over; then visibility. */
const IN_FLIGHT_SECONDS = STEPS['launch-new-instances'] + VISIBILITY_SECONDS;

/**
 * Until when "EC2 shows nothing that we launched" is no proof. A launch that answered with its instances needs no
 * proof; one that answered with an error of ours is over; any other may still be in flight.
 */
export function settledAfterSeconds({ launch, failure }: Deployment): number {
  if (launch) return 0;
  const answered =
    failure !== undefined && failure.Error in FAILURES && failure.Error !== 'ServiceUnavailable';
  return answered ? VISIBILITY_SECONDS : IN_FLIGHT_SECONDS;
}

/** Launched by this deployment, by the launch's own answer and by tag; an old host is never among them. */
export function removalCandidates(deployment: Deployment, tagged: readonly Instance[]): string[] {
  const old = new Set(oldInstanceIds(deployment));
  const ids = new Set([...newInstanceIds(deployment), ...tagged.map((instance) => instance.instanceId)]);
  return [...ids].filter((id) => !old.has(id));
}
