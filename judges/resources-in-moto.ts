/** moto (PyPI) makes the templates' resources: its own parsers read the definitions, rules and launch templates. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';
import { FULL_KEY, startMackerelServer } from '../test/clients/mackerel-server.ts';
import type { Judge, Verdict } from './judge.ts';
import { stacksOf } from './moto/stacks.ts';
import { lacksPython, python } from './tools.ts';

export const resourcesInMoto: Judge = {
  name: 'resources-in-moto',
  missing: () => lacksPython('moto.server'),
  judge: () => made((template) => template),
  control: () =>
    made((template) =>
      JSON.parse(JSON.stringify(template).replaceAll('\\"Type\\":\\"Wait\\"', '\\"Type\\":\\"Weit\\"')),
    ),
};

async function made(broken: (template: TemplateJson) => TemplateJson): Promise<Verdict> {
  const environments = readFleets(fleetsFile);
  const templates = synthesizeTemplates(environments);
  const stacks = stacksOf(environments, ({ name }) => broken(templates[name] as TemplateJson));
  const looked = `${stacks.reduce((sum, { resources }) => sum + resources.length, 0)} resources`;
  const folder = mkdtempSync(join(tmpdir(), 'irekae-judges-'));
  const mackerel = await startMackerelServer();
  try {
    const [run, noImages] = [join(folder, 'run.json'), join(folder, 'images.json')];
    const now = Date.now() / 1000;
    writeFileSync(noImages, '[]');
    writeFileSync(
      run,
      JSON.stringify({
        ...{ port: await freePort(), start: now, fates: {}, key: FULL_KEY, noImages, stacks },
        ...{ mackerel: mackerel.url, functions: 'http://127.0.0.1:1' },
      }),
    );
    const moto = spawn(python, [join(import.meta.dirname, 'moto/server.py'), run], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    moto.stdin.end();
    const [out, err] = await Promise.all([text(moto.stdout), text(moto.stderr)]);
    if (out.includes('"ready"')) return { looked, against: [] };
    return { looked, against: [err.trim().split('\n').at(-1)?.slice(0, 200) ?? 'moto said nothing'] };
  } finally {
    await mackerel.stop();
    rmSync(folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
