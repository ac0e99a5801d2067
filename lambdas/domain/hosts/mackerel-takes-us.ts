/** Does Mackerel have the fleet's role, and does it take what a deployment will tell it? Found out before a launch. */
import type { Mackerel } from '../../ports/mackerel.ts';
import type { After } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { list } from '../core/words.ts';

/** What the end of a deployment tells Mackerel must not fail then for a key that may only read. */
export async function assertMackerelTakesUs(
  { fleet, release }: After<'release'>,
  mackerel: Mackerel,
): Promise<void> {
  const proof = release.dryRun ? Promise.resolve() : mackerel.proveWriting(fleet.mackerel.service);
  const refusal = proof.then(
    () => undefined,
    (error: unknown) => error,
  );
  // Its sentence is the more telling one.
  await assertRoleExists(fleet, mackerel);
  if (await refusal) throw await refusal;
}

async function assertRoleExists(
  { name, mackerel: { service, role } }: Fleet,
  mackerel: Mackerel,
): Promise<void> {
  const roles = await mackerel.roles(service);
  if (roles?.includes(role)) return;
  const what = roles
    ? `no role ${role} in the service ${service} (it has ${list(roles)})`
    : `no service ${service}`;
  throw new DeploymentError(
    'MackerelRoleUnknown',
    `Mackerel has ${what}. Create it there, or correct \`mackerel\` of ${name} in the fleets file.`,
  );
}
