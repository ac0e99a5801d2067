/** What moto is furnished with: the resources of each template, and what the fleets file names beside them. */
import type { Environment, readFleets } from '../../lib/read-fleets.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { type Made, resourcesOf } from './resources.ts';

export interface Stack {
  readonly environment: string;
  readonly account: string;
  readonly region: string;
  readonly resources: readonly Made[];
  readonly fleets: readonly { readonly name: string; readonly artifact?: string | undefined }[];
}

export const stacksOf = (
  environments: ReturnType<typeof readFleets>,
  templateOf: (environment: Environment) => TemplateJson,
): Stack[] =>
  environments.map((environment) => {
    const { name, account, region, apiKeyParameter, fleets } = environment;
    return {
      environment: name,
      account,
      region,
      resources: resourcesOf(templateOf(environment), { account, region }),
      fleets: fleets.map((fleet) => ({
        ...fleet,
        launchTemplate: { rootDevice: '/dev/xvda' },
        mackerel: { ...fleet.mackerel, apiKeyParameter },
      })),
    };
  });
