/**
 * One story on moto, inside its namespace (`namespace.ts`): everything that a deployment meets listens here, on loopback,
 * and ends with this process. Its one argument is a file of JSON. The last line that it prints is what can be told.
 */
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FULL_KEY,
  type MackerelServer,
  startMackerelServer,
  type WireHost,
} from '../../test/clients/mackerel-server.ts';
import { installClock, setClock } from './clock.ts';
import { serveFunctions } from './functions.ts';
import { serveGateway } from './gateway.ts';
import { STORIES } from './list.ts';
import { Moto } from './moto.ts';
import { MotoTheatre } from './moto-theatre.ts';
import { Roles } from './roles.ts';
import { REQUESTS, type Run, TAGS } from './run.ts';
import type { Story, Told } from './theatre.ts';

const PORTS = { gateway: 443, moto: 8000, functions: 8001 };

async function played(run: Run): Promise<Told> {
  const { folder, functions, sandbox, key, certificate } = run;
  const story: Story = STORIES[run.story];
  const roles = new Roles();
  const log = openSync(join(folder, 'log'), 'a');
  installClock();
  setClock(run.start);
  const mackerel = await startMackerelServer();
  tellTheTime(mackerel);
  const moto = new Moto(run.python, furnishing(run, mackerel.url, story.fates ?? {}), log);
  await moto.isReady();
  const theatre = new MotoTheatre(moto, run.stacks);
  await serveGateway(PORTS.gateway, {
    ...{ key, certificate, roles, moto: PORTS.moto, mackerel: Number(new URL(mackerel.url).port) },
    requests: join(folder, REQUESTS),
  });
  await serveFunctions(PORTS.functions, {
    ...{ functions, sandbox, certificate, setClock, credentialsOf: roles.credentialsOf, log },
    onInvoke: theatre.invoked,
  });
  await story.play(theatre);
  writeFileSync(join(folder, TAGS), JSON.stringify(await moto.ask('tags', {})));
  const told = (await moto.ask('told', {})) as Told;
  return withMackerel(told, [...mackerel.organization.hosts.values()]);
}

/** A host says what time it is when it registers: nobody works then, and time flies. No request is changed. */
function tellTheTime(mackerel: MackerelServer): void {
  const listen = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) => {
    if (headers['x-now']) setClock(Number(headers['x-now']));
    return false;
  };
  mackerel.fault({ on: listen, reply: 'hang' });
}

/** @returns a file */
function furnishing({ folder, stacks, start }: Run, mackerel: string, fates: object): string {
  const [file, noImages] = [join(folder, 'moto.json'), join(folder, 'images.json')];
  writeFileSync(noImages, '[]');
  const given = { stacks, start, noImages, fates, mackerel, key: FULL_KEY, port: PORTS.moto };
  writeFileSync(file, JSON.stringify({ ...given, functions: `http://127.0.0.1:${PORTS.functions}` }));
  return file;
}

function withMackerel({ executions, fleets }: Told, known: readonly WireHost[]): Told {
  const live = known.filter(({ isRetired }) => !isRetired);
  const statuses = new Map(live.map(({ customIdentifier, status }) => [customIdentifier, status]));
  const seen = Object.entries(fleets).map(([name, { hosts, ...fleet }]) => {
    const all = hosts.map((host) => {
      const status = statuses.get(`${host.id}.ec2.amazonaws.com`);
      return { ...host, ...(status && { status }) };
    });
    return [name, { ...fleet, hosts: all }];
  });
  return { executions, fleets: Object.fromEntries(seen) };
}

// Whoever started this has gone away: so does everything here.
process.stdin.resume().on('end', () => process.exit(1));
const [, , file = ''] = process.argv;
const told = await played(JSON.parse(readFileSync(file, 'utf8')));
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
