/** Mackerel's API key: read from its SSM SecureString at run time, and kept in memory only. */
import type { Parameters } from '../../ports/parameters.ts';
import { DeploymentError, isFailure } from './errors.ts';

/** A key that was changed in SSM is used after this long at the latest. */
const KEY_LIFETIME_MS = 60_000;

/** @throws MackerelKeyUnreadable (from the returned function) when SSM has no such parameter or refuses to show it. */
export function apiKeyReader(
  parameters: Parameters,
  name: string,
  now: () => number = Date.now,
): () => Promise<string> {
  let kept: { key: string; until: number } | undefined;
  return async () => {
    if (kept && now() < kept.until) return kept.key;
    const key = await readKey(parameters, name);
    kept = { key, until: now() + KEY_LIFETIME_MS };
    return key;
  };
}

async function readKey(parameters: Parameters, name: string): Promise<string> {
  const hint = `Put Mackerel's API key into an SSM SecureString of this name, in this Region; its KMS key must let the step's role decrypt.`;
  const key = await parameters.read(name).catch((error: unknown) => {
    if (!isFailure(error, 'ServiceRefused')) throw error;
    throw new DeploymentError('MackerelKeyUnreadable', `SSM refused to show ${name}. ${hint}`);
  });
  if (key?.trim()) return key.trim();
  throw new DeploymentError('MackerelKeyUnreadable', `SSM has no parameter ${name}, or it is empty. ${hint}`);
}
