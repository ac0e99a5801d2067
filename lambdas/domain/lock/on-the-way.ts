/** What a fleet has on the way, before anything was launched: from the first of it on, a failure is undone and recorded. */
import type { LedgerRow } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { enterPhase } from './fence.ts';

const NO_LAUNCH = 'none';

/**
 * No launch has begun: the undo has none to wait for. Once: a look that comes late must not write an older document
 * down, of a time when nothing was launched.
 * @throws Cancelled, LockLost
 */
export async function beginBringUp(
  deployment: Deployment,
  { phase }: Pick<NonNullable<LedgerRow['held']>, 'phase'>,
  ports: Pick<Ports, 'ledger' | 'clock'>,
): Promise<void> {
  if (phase !== 'agree') return;
  const run = { id: NO_LAUNCH, until: ports.clock.now(), isOver: true } as const;
  await enterPhase('bring-up', deployment, ports, { run });
}
