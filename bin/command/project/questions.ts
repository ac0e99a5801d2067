/** What a fleet needs that no account tells: asked for on a terminal, an option elsewhere. */
import * as v from 'valibot';
import type { FoundMackerel } from '../../../lambdas/ports/account.ts';
import { EnvironmentConfig, FleetConfig } from '../../../lib/fleet-config.ts';
import { allowedBy } from '../../../lib/fleet-problems.ts';
import type { ToldOption } from '../options.ts';
import type { FleetInput, ProposedFleet } from './proposal.ts';

type Fields = ProposedFleet['fields'];

export interface Question {
  readonly option: ToldOption & { readonly takes: string };
  /** For a person: completes "…: ". */
  readonly words: string;
  /** What is there already; nothing where it has to be asked. */
  of(fields: Fields): string | undefined;
  /** What it may be: nothing where it is allowed. */
  refuses(answer: string): string | undefined;
  set(fields: Fields, answer: string): Fields;
  /** What Mackerel has of it. */
  known?(mackerel: FoundMackerel, fields: Fields): readonly string[];
}

const allowed = (schema: v.GenericSchema, answer: unknown): string | undefined => {
  const [issue] = v.safeParse(schema, answer).issues ?? [];
  return issue && allowedBy(issue);
};

const itemsOf = (answer: string) =>
  answer
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

const { entries } = FleetConfig;
const { service, role } = entries.mackerel.entries;

/** Asked first: what is called after it follows. */
export const NAME = { name: 'name', takes: '[FLEET=]NAME', meaning: 'the fleet’s name' };
export const refusesName = (answer: string) => allowed(entries.name, answer);

/** In this order. The proposal has an answer to most of them. */
export const QUESTIONS: readonly Question[] = [
  {
    option: { name: 'service', takes: '[FLEET=]NAME', meaning: 'the Mackerel service of its hosts' },
    words: 'the Mackerel service of its hosts',
    of: ({ mackerel }) => mackerel?.service || undefined,
    refuses: (answer) => allowed(service, answer),
    set: (fields, answer) => ({ ...fields, mackerel: { role: '', ...fields.mackerel, service: answer } }),
    known: ({ services }) => services.map(({ name }) => name),
  },
  {
    option: { name: 'role', takes: '[FLEET=]NAME', meaning: 'their role in that service' },
    words: 'their role in that service',
    of: ({ mackerel }) => mackerel?.role || undefined,
    refuses: (answer) => allowed(role, answer),
    set: (fields, answer) => ({ ...fields, mackerel: { service: '', ...fields.mackerel, role: answer } }),
    known: ({ services }, { mackerel }) =>
      services.find(({ name }) => name === mackerel?.service)?.roles ?? [],
  },
  {
    option: { name: 'artifact', takes: '[FLEET=]KEY', meaning: 'the S3 key of the tarball that is uploaded' },
    words: 'the S3 key of the tarball that is uploaded',
    of: ({ artifact }) => artifact,
    refuses: (answer) => allowed(entries.artifact, answer),
    set: (fields, artifact) => ({ ...fields, artifact }),
  },
  {
    option: {
      name: 'start-command',
      takes: '[FLEET=]COMMAND',
      meaning: 'starts the application, as root, and ends',
    },
    words: 'the command that starts the application, as root, and ends (systemctl start --no-block …)',
    of: ({ startCommand }) => startCommand,
    refuses: (answer) => allowed(entries.startCommand, answer),
    set: (fields, startCommand) => ({ ...fields, startCommand }),
  },
  listQuestion('subnets', 'subnets', 'the subnets, one for each zone'),
  listQuestion('security-groups', 'securityGroups', 'the security groups'),
];

function listQuestion(name: string, field: 'subnets' | 'securityGroups', meaning: string): Question {
  return {
    option: { name, takes: '[FLEET=]ID,…', meaning },
    words: `${meaning}, separated by commas`,
    of: (fields) => fields[field]?.join(','),
    refuses: (answer) => allowed(entries[field], itemsOf(answer)),
    set: (fields, answer) =>
      ({ ...fields, [field]: itemsOf(answer) }) as Fields & Pick<FleetInput, typeof field>,
  };
}

/** Of the environment, which all of them are in. */
export const refusesEnvironment = (answer: string) => allowed(EnvironmentConfig.entries.name, answer);
export const refusesRegion = (answer: string) => allowed(EnvironmentConfig.entries.region, answer);

/** Of the values given for an option, the last one that is meant for this fleet: `web=…`, or for all. */
export function answerFor(
  values: readonly string[],
  fleet: string,
  fleets: readonly string[],
): string | undefined {
  const meant = values.map((value) => {
    const at = value.indexOf('=');
    const before = value.slice(0, Math.max(0, at));
    return fleets.includes(before)
      ? { fleet: before, value: value.slice(at + 1) }
      : { fleet: undefined, value };
  });
  return (
    meant.findLast((each) => each.fleet === fleet) ?? meant.findLast((each) => each.fleet === undefined)
  )?.value;
}
