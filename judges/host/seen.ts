/** What a launch that was booted has to show, and what it may not. */
import { isDeepStrictEqual } from 'node:util';
import { mackerelClient } from '../../lambdas/clients/mackerel.ts';
import type { PinnedArtifact } from '../../lambdas/domain/core/artifact.ts';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { FULL_KEY, type MackerelServer } from '../../test/clients/mackerel-server.ts';
import type { Verdict } from '../judge.ts';
import type { Machine } from './metadata.ts';

export interface Seen {
  readonly fleet: Fleet;
  readonly artifact: PinnedArtifact;
  readonly runtimes: readonly PinnedArtifact[];
  readonly machine: Machine;
  readonly mackerel: MackerelServer;
  /** Access log. */
  readonly s3: string;
  readonly seconds: number;
  readonly console: string;
  readonly log: string;
  readonly cloudInit: string;
  /** What it answers. */
  readonly application: string;
}

/** The agent's own order, on a host that nobody has registered yet. */
const REGISTRATION = ['GET hosts', 'POST hosts', 'GET hosts/ID', 'POST hosts/ID/status', 'PUT hosts/ID'];

export async function verdictOn(seen: Seen): Promise<Verdict> {
  const said = seen.console.split(/\r?\n/).filter((line) => line.startsWith('irekae: '));
  const against = [
    ...bootAgainst(seen, said),
    ...storeAgainst(seen),
    ...(await mackerelAgainst(seen)),
    ...secretsAgainst(seen),
  ];
  const asked = seen.mackerel.requests.filter(({ headers }) => 'x-agent-version' in headers);
  return {
    looked: `a launch booted under cloud-init in ${seen.seconds} s; ${said.length} lines on its console, ${downloads(seen).length} downloads, ${asked.length} requests of its agent`,
    against,
  };
}

function bootAgainst(seen: Seen, said: readonly string[]): string[] {
  const { fleet, artifact, runtimes, application } = seen;
  const wanted = [
    ...runtimes.map((each, at) => unpacked(seen, each, `${fleet.runtimes[at]?.directory}`)),
    unpacked(seen, artifact, '/srv/irekae/releases/'),
    'irekae: starting the application',
    `irekae: started ${fleet.name} ${artifact.key} version ${artifact.versionId} in `,
  ];
  const isAsWanted = said.length === wanted.length && wanted.every((line, at) => said[at]?.startsWith(line));
  return [
    ...(isAsWanted ? [] : [`its console says: ${said.at(-1) ?? seen.console.slice(-300)}`]),
    ...(application.startsWith('Reactio') ? [] : [`the application answers "${application}"`]),
  ];
}

const unpacked = ({ fleet }: Seen, { key, versionId }: PinnedArtifact, directory: string) =>
  `irekae: unpacked s3://${fleet.artifact.bucket}/${key} version ${versionId} into ${directory}`;

const downloads = ({ s3 }: Seen) => s3.split('\n').filter((line) => line.includes(' s3_GetObject '));

function storeAgainst(seen: Seen): string[] {
  const given = downloads(seen).filter((line) => / 200 - /.test(line)).length;
  const wanted = 1 + seen.runtimes.length;
  if (given === wanted && downloads(seen).length === wanted) return [];
  return [`S3 was asked ${downloads(seen).length} times and gave ${given} of ${wanted} objects`];
}

async function mackerelAgainst({ fleet, machine, mackerel }: Seen): Promise<string[]> {
  const { service, role } = fleet.mackerel;
  const client = mackerelClient({ apiKey: async () => FULL_KEY, baseUrl: mackerel.url });
  const ids = [...mackerel.organization.hosts.keys()];
  const requests = mackerel.requests.map(({ method, url }) =>
    `${method} ${url.replace('/api/v0/', '').replace(/\?.*/, '')}`.replace(ids[0] ?? '-', 'ID'),
  );
  const seen = (await client.hosts(service, role)).map(({ instanceId, status }) => ({ instanceId, status }));
  const [host] = mackerel.organization.hosts.values();
  const meta = (host?.meta ?? {}) as { 'agent-version'?: string; cloud?: { metadata?: object } };
  const facts: readonly (readonly [what: string, found: unknown, wanted: unknown])[] = [
    ['hosts', seen, [{ instanceId: machine.instanceId, status: 'working' }]],
    ['roles', host?.roles, { [service]: [role] }],
    ['identifier', host?.customIdentifier, `${machine.instanceId}.ec2.amazonaws.com`],
    ['instance in its metadata', of(meta.cloud?.metadata, 'instance-id'), machine.instanceId],
    ['type in its metadata', of(meta.cloud?.metadata, 'instance-type'), machine.instanceType],
    ['image in its metadata', of(meta.cloud?.metadata, 'ami-id'), machine.imageId],
    ['agent', typeof meta['agent-version'], 'string'],
    // Nobody is there, asks the agent, three times.
    ['requests', requests.filter((each, at) => each !== requests[at - 1]).slice(0, 5), REGISTRATION],
  ];
  return facts
    .filter(([, found, wanted]) => !isDeepStrictEqual(found, wanted))
    .map(
      ([what, found, wanted]) =>
        `Mackerel's ${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`,
    );
}

const of = (object: object | undefined, key: string): unknown =>
  object && (object as Record<string, unknown>)[key];

function secretsAgainst({ machine, ...seen }: Seen): string[] {
  const { SecretAccessKey, Token } = machine.credentials;
  const places = { console: seen.console, log: seen.log, 'output of cloud-init': seen.cloudInit };
  return Object.entries(places)
    .filter(([, text]) => [SecretAccessKey, Token, FULL_KEY].some((secret) => text.includes(secret)))
    .map(([place]) => `its ${place} holds a secret`);
}
