/**
 * One story on moto, inside its namespace (`namespace.ts`): everything that a deployment meets listens here, on loopback,
 * and ends with this process. Its one argument is a file of JSON. The last line that it prints is what can be told.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { artifactBucketName, functionName, machineName } from '../../lambdas/domain/core/names.ts';
import { FULL_KEY, startMackerelServer, type WireHost } from '../../test/clients/mackerel-server.ts';
import { installClock, setClock } from './clock.ts';
import { serveFunctions } from './functions.ts';
import { serveGateway } from './gateway.ts';
import { STORIES } from './list.ts';
import { Roles } from './roles.ts';
import { REQUESTS, type Run, TAGS } from './run.ts';
import type { Story, Theatre, Told } from './theatre.ts';

const [GATEWAY, FUNCTIONS, MOTO] = [443, 8001, 8000];
const SETTLED_WITHIN_SECONDS = 240;

/** moto's process: asked by lines. */
class Moto {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #asked = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async begun(python: string, file: string, log: number): Promise<Moto> {
    const program = join(import.meta.dirname, '../moto/server.py');
    const begun = spawn(python, [program, file], { stdio: ['pipe', 'pipe', log] });
    const moto = new Moto(begun);
    const ready = new Promise<void>((resolve, reject) => {
      begun.on('exit', (code) => reject(new Error(`moto ended: ${code}`)));
      if (begun.stdout)
        createInterface(begun.stdout).on('line', (line) => {
          const said = JSON.parse(line) as { ready?: unknown; id: number; answer?: unknown; error?: string };
          if (said.ready) return resolve();
          const waiting = moto.#waiting.get(said.id);
          if (said.error === undefined) waiting?.resolve(said.answer);
          else waiting?.reject(new Error(said.error));
        });
    });
    await ready;
    return moto;
  }

  ask(what: string, given: object): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    this.#process.stdin?.write(`${JSON.stringify({ id, do: what, with: given })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}

type Cues = Map<string, () => Promise<void>>;

class MotoTheatre implements Theatre {
  #started = 0;

  constructor(
    readonly moto: Moto,
    readonly run: Run,
    readonly cues: Cues,
  ) {}

  #stackOf(fleet: string) {
    const found = this.run.stacks.find(({ fleets }) => fleets.some(({ name }) => name === fleet));
    if (!found) throw new Error(`There is no fleet ${fleet}.`);
    return found;
  }

  upload(fleet: string, text: string): Promise<void> {
    return this.#put('upload', fleet, text);
  }

  place(fleet: string, text: string): Promise<void> {
    return this.#put('place', fleet, text);
  }

  async #put(how: 'upload' | 'place', fleet: string, text: string): Promise<void> {
    const { environment, account, region, fleets } = this.#stackOf(fleet);
    const key = fleets.find(({ name }) => name === fleet)?.artifact;
    const bucket = artifactBucketName({ name: environment, account, region });
    await this.moto.ask(how, { environment, bucket, key, text });
  }

  async start(fleet: string, kind: 'deploy' | 'promote', input: object): Promise<void> {
    this.#started += 1;
    const { environment } = this.#stackOf(fleet);
    const name = `by-hand-${this.#started}`;
    await this.moto.ask('start', { environment, machine: machineName(fleet, kind), name, input });
  }

  async stop(fleet: string): Promise<void> {
    const { environment } = this.#stackOf(fleet);
    await this.moto.ask('stop', { environment, machine: machineName(fleet, 'deploy') });
  }

  async wait(seconds: number): Promise<void> {
    await this.moto.ask('wait', { seconds });
  }

  async settle(): Promise<void> {
    await this.moto.ask('settle', { most: SETTLED_WITHIN_SECONDS });
  }

  when(fleet: string, step: string, act: () => Promise<void>): void {
    this.cues.set(`${fleet} ${functionName(this.#stackOf(fleet).environment, step)}`, act);
  }
}

async function played(run: Run): Promise<Told> {
  const story: Story = STORIES[run.story];
  const roles = new Roles();
  const cues: Cues = new Map();
  installClock();
  setClock(run.start);
  const log = openSync(join(run.folder, 'log'), 'a');
  const mackerel = await startMackerelServer();
  // A host says what time it is when it registers: nobody works then, and time flies.
  mackerel.fault({ on: ({ headers }) => told(Number(headers['x-now'])), reply: 'hang' });
  const { certificate, key, functions, folder, sandbox } = run;
  await serveGateway(GATEWAY, {
    ...{ key, certificate, roles, moto: MOTO, mackerel: Number(new URL(mackerel.url).port) },
    requests: join(folder, REQUESTS),
  });
  await serveFunctions(FUNCTIONS, {
    ...{ functions, sandbox, certificate, setClock, credentialsOf: roles.credentialsOf, log },
    onInvoke: async ({ name, payload }) => {
      const { document = undefined, ...rest } = JSON.parse(payload);
      const cue = `${Object(document ?? rest).fleet?.name} ${name}`;
      const act = cues.get(cue);
      cues.delete(cue);
      await act?.();
    },
  });
  const [file, noImages] = [join(folder, 'moto.json'), join(folder, 'images.json')];
  writeFileSync(noImages, '[]');
  const { stacks, start, scale } = run;
  const given = { stacks, start, scale, noImages, fates: story.fates ?? {}, key: FULL_KEY, port: MOTO };
  const places = { mackerel: mackerel.url, functions: `http://127.0.0.1:${FUNCTIONS}` };
  writeFileSync(file, JSON.stringify({ ...given, ...places }));
  const moto = await Moto.begun(run.python, file, log);
  await story.play(new MotoTheatre(moto, run, cues));
  writeFileSync(join(folder, TAGS), JSON.stringify(await moto.ask('tags', {})));
  return withMackerel((await moto.ask('told', {})) as Told, [...mackerel.organization.hosts.values()]);
}

function withMackerel({ executions, fleets }: Told, known: readonly WireHost[]): Told {
  const statusOf = (id: string) =>
    known.find(
      ({ isRetired, customIdentifier }) => !isRetired && customIdentifier === `${id}.ec2.amazonaws.com`,
    )?.status;
  const seen = Object.entries(fleets).map(([name, fleet]) => [
    name,
    {
      ...fleet,
      hosts: fleet.hosts.map((host) => {
        const status = statusOf(host.id);
        return { ...host, ...(status && { status }) };
      }),
    },
  ]);
  return { executions, fleets: Object.fromEntries(seen) };
}

function told(now: number): boolean {
  if (Number.isFinite(now)) setClock(now);
  return false;
}

// Whoever started this has gone away: so does everything here.
process.stdin.resume().on('end', () => process.exit(1));
const [, , file = ''] = process.argv;
const told_ = await played(JSON.parse(readFileSync(file, 'utf8')));
process.stdout.write(`${JSON.stringify(told_)}\n`, () => process.exit(0));
