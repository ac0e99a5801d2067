/**
 * One run of a launch at a time. Lambda may run a step twice at once, or go on with a run that was given up for lost. EC2
 * may have no room for one of them and, a moment later, room for the other: each would launch the same share, elsewhere.
 * And an undo has to know until when something may still be launched.
 */
import { randomUUID } from 'node:crypto';
import type { Run } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Deployment, Launch } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { LAUNCH_SECONDS } from '../core/steps.ts';
import { enterPhase } from './fence.ts';

/** What of the launch whoever comes next has to know. */
export interface Notes {
  /** Before a call. */
  writeDown(progress: object): Promise<void>;
  /** After one: written down with the end of the run, if that fails. */
  keep(progress: object): void;
}

/**
 * @param held as the ledger has it: whoever has begun since has written down more than is known here
 * @param act notes how far it is
 * @returns what it launched. That, and that the run is over, stands in the ledger: also when the run has failed.
 * @throws ServiceUnavailable while another run may be at work; Cancelled; LockLost
 */
export async function launchingAlone(
  deployment: Deployment,
  held: { readonly run?: Run },
  ports: Pick<Ports, 'ledger' | 'clock'>,
  act: (notes: Notes) => Promise<Launch>,
): Promise<Launch> {
  const { clock } = ports;
  const [id, after] = [randomUUID(), held.run?.id];
  const end = new Date(clock.now().getTime() + LAUNCH_SECONDS * 1_000);
  const write = (progress: object, run: Omit<Run, 'id'>) =>
    enterPhase('bring-up', { ...deployment, ...progress }, ports, { run: { id, ...run }, after });
  let written: object | undefined;
  const keep = (progress: object) => {
    written = progress;
  };
  const writeDown = async (progress: object) => {
    await write(progress, { until: end });
    keep(progress);
  };
  try {
    const launch = await act({ writeDown, keep });
    // What ends before anybody looks is listed by no token anymore: whoever cleans up has its id, for Mackerel, from here.
    await write({ launch }, { until: clock.now(), isOver: true });
    return launch;
  } catch (error) {
    // A call without an answer may still take effect, the same for the next run, which asks under the same token.
    const until = isFailure(error, 'ServiceUnavailable') ? end : clock.now();
    if (written) await write(written, { until, isOver: true });
    throw error;
  }
}
