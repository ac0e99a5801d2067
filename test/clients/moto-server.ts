/** moto's server for one test file: an emulator of AWS in Python that some developers have installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface MotoServer {
  readonly url: string;
  /** Forgets everything; the default VPC and its subnets are there again. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** In the words of moto's file of images. */
export interface MotoImage {
  readonly ami_id: string;
  readonly name: string;
  readonly architecture: string;
  readonly tags: Readonly<Record<string, string>>;
}

const START_SECONDS = 30;

/** Says so loudly when it is not. */
export function motoIsInstalled(): boolean {
  const installed = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0;
  if (!installed) {
    console.warn(
      '!!! moto_server is not installed: the AWS adapters are NOT checked against moto. pip install "moto[server]"',
    );
  }
  return installed;
}

/** With these machine images of the account's own, in place of the hundreds that moto knows (resets stay quick). */
export async function startMoto(images: readonly MotoImage[]): Promise<MotoServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const directory = mkdtempSync(join(tmpdir(), 'moto-'));
  const imageFile = join(directory, 'images.json');
  writeFileSync(imageFile, JSON.stringify(images));
  const server = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, MOTO_AMIS_PATH: imageFile },
    stdio: 'ignore',
  });
  await answers(url, server);
  return {
    url,
    reset: async () => {
      const { status } = await fetch(`${url}/moto-api/reset`, { method: 'POST' });
      if (status !== 200) throw new Error(`moto_server could not be reset: HTTP ${status}`);
    },
    stop: async () => {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      rmSync(directory, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (let tenths = 0; tenths < START_SECONDS * 10; tenths += 1) {
    if (server.exitCode !== null) throw new Error(`moto_server ended with ${server.exitCode}`);
    const answered = await fetch(`${url}/moto-api/data.json`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  server.kill();
  throw new Error(`moto_server did not answer within ${START_SECONDS} s`);
}
