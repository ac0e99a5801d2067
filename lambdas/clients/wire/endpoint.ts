/**
 * Where a service is asked: where the SDKs would ask it, by the same variables. VPC endpoints without a private name,
 * FIPS, a proxy and a test's own server are told so to all clients at once, ours and the SDK's.
 */
import { serviceHost } from '../../domain/core/aws.ts';
import { DeploymentError } from '../../domain/core/errors.ts';
import { plain } from '../../domain/core/words.ts';

/** Host name → the service's id in the variables of the SDKs, where it is another. */
const IDS: Readonly<Record<string, string>> = { states: 'SFN', events: 'EVENTBRIDGE' };

type Variables = Readonly<Record<string, string | undefined>>;

/** @throws ServiceRefused where a variable holds something else than a URL */
export function endpointOf(service: string, region: string, variables: Variables = process.env): string {
  const names = [`AWS_ENDPOINT_URL_${IDS[service] ?? service.toUpperCase()}`, 'AWS_ENDPOINT_URL'];
  const name = isOn(variables.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)
    ? undefined
    : names.find((each) => variables[each]);
  if (name !== undefined) return urlIn(name, variables);
  const host = isOn(variables.AWS_USE_FIPS_ENDPOINT) ? fipsName(service, region) : service;
  return `https://${serviceHost(host, region)}/`;
}

/** Mackerel's own tools look at this one. */
export const mackerelBase = (variables: Variables = process.env): string =>
  variables.MACKEREL_APIBASE ? urlIn('MACKEREL_APIBASE', variables) : 'https://api.mackerelio.com';

function urlIn(name: string, { [name]: value = '' }: Variables): string {
  if (/^https?:/i.test(value) && URL.canParse(value)) return value;
  throw new DeploymentError(
    'ServiceRefused',
    `Nothing can be asked: the variable ${name} is given as ${plain(value, 80)}, allowed: a URL such as https://HOST.`,
  );
}

const isOn = (value: string | undefined): boolean => value?.toLowerCase() === 'true';

/** GovCloud's hosts are all of FIPS, and not all of them say so: as botocore's table has it. */
const fipsName = (service: string, region: string): string =>
  PLAIN_IN_GOVCLOUD.includes(service) &&
  region.startsWith('us-gov-') &&
  !SAY_SO.includes(`${service}.${region}`)
    ? service
    : `${service}-fips`;
const PLAIN_IN_GOVCLOUD = ['cloudformation', 'events', 'sns', 'ssm', 'states', 'sts'];
const SAY_SO = ['states.us-gov-east-1'];
