/** Mackerel with the fleet's own API key, read from its SSM SecureString at run time and kept in memory only. */
import { apiKeyReader } from '../domain/core/api-key.ts';
import type { Mackerel } from '../ports/mackerel.ts';
import { type MackerelOptions, mackerelClient, mackerelReader } from './mackerel.ts';
import { liveParameters } from './parameters.ts';

/** The client of a parameter's key: one per sandbox and parameter. */
export const liveMackerel = kept(mackerelClient);

/** The same for steps that only read. */
export const liveMackerelReader = kept(mackerelReader);

function kept(make: (options: MackerelOptions) => Mackerel): (apiKeyParameter: string) => Mackerel {
  const clients = new Map<string, Mackerel>();
  return (apiKeyParameter) => {
    const client =
      clients.get(apiKeyParameter) ?? make({ apiKey: apiKeyReader(liveParameters(), apiKeyParameter) });
    clients.set(apiKeyParameter, client);
    return client;
  };
}
