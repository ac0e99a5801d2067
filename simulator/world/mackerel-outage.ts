/**
 * What keeps people from Mackerel, as `test/clients/mackerel-server.ts` and the documents have it: it is down (and the
 * connection is refused, answered with 503 or a page, or hangs), or it refuses the key.
 */
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';

/** What a call meets: nothing in its way, or an error in the adapter's words. */
const MEETS = {
  down: () => unavailable('did not answer a request in 3 attempts (last: ECONNREFUSED)'),
  'answers-503': () => unavailable('did not answer a request in 3 attempts (last: status 503)'),
  'answers-html': () => unavailable('gave an answer that is not understood: it is not JSON'),
  hangs: () => unavailable('did not answer a request in 3 attempts (last: no whole answer within 5000 ms)'),
  'read-only': (writes: boolean) => (writes ? refused(403, 'Forbidden') : undefined),
  'key-revoked': () => refused(401, 'Authentication failed'),
  'ip-refused': () => refused(403, 'Your IP address is not allowed'),
} as const satisfies Readonly<Record<string, (writes: boolean) => DeploymentError | undefined>>;

export type Outage = keyof typeof MEETS;
export const OUTAGES = Object.keys(MEETS) as Outage[];

export const metBy = (outage: Outage, writes: boolean): DeploymentError | undefined => MEETS[outage](writes);

const unavailable = (what: string) => new DeploymentError('ServiceUnavailable', `Mackerel ${what}.`);
const refused = (status: number, said: string) =>
  new DeploymentError(
    'MackerelRefused',
    `Mackerel refused the API key with ${status}: ${said}. Check in Mackerel that the key exists, has both Read and ` +
      'Write switched on, and that the organization’s IP address restriction lets this function in.',
  );
