/** Mackerel with the fleet's own API key, read from its SSM SecureString at run time and kept in memory only. */
import { apiKeyReader } from '../domain/core/api-key.ts';
import type { Mackerel } from '../ports/mackerel.ts';
import { mackerelClient } from './mackerel.ts';
import { liveParameters } from './parameters.ts';

const clients = new Map<string, Mackerel>();

/** The client of a parameter's key: one per sandbox and parameter. */
export function liveMackerel(apiKeyParameter: string): Mackerel {
  const known = clients.get(apiKeyParameter);
  if (known) return known;
  const client = mackerelClient({ apiKey: apiKeyReader(liveParameters(), apiKeyParameter) });
  clients.set(apiKeyParameter, client);
  return client;
}
