/** Mackerel with the fleet's own API key, read from its SSM SecureString at run time and kept in memory only. */
import { apiKeyReader } from '../domain/core/api-key.ts';
import type { Mackerel } from '../ports/mackerel.ts';
import { type MackerelOptions, mackerelClient, mackerelReader } from './mackerel.ts';
import { liveParameters } from './parameters.ts';

const clients = new Map<string, Mackerel>();

/** The client of a parameter's key: one per sandbox and parameter. */
export const liveMackerel = (apiKeyParameter: string): Mackerel => kept(apiKeyParameter, mackerelClient);

/** The same for steps that only read. */
export const liveMackerelReader = (apiKeyParameter: string): Mackerel =>
  kept(apiKeyParameter, mackerelReader);

function kept(apiKeyParameter: string, make: (options: MackerelOptions) => Mackerel): Mackerel {
  const known = clients.get(apiKeyParameter);
  if (known) return known;
  const client = make({ apiKey: apiKeyReader(liveParameters(), apiKeyParameter) });
  clients.set(apiKeyParameter, client);
  return client;
}
