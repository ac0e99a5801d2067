/** Whoever publishes a package called `irekae` is run by nobody who types what we tell people to type. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMAND, commandAt } from '../../lambdas/domain/core/names.ts';
import { run } from '../support/run.ts';

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
const TEXTS = tracked.filter(
  (file) =>
    /\.(md|ts|js|json|ya?ml|sh|html|txt)$|Jenkinsfile$/.test(file) &&
    file !== 'test/security/command-name.test.ts' &&
    // Typed where the package is installed, by a test that has just done that.
    !file.startsWith('test/package/'),
);
/** What npx would fetch if nobody has it here. */
const FETCHES = /\b(npx|npm (exec|x)|pnpm dlx|yarn dlx|bunx)\s+(-y |--yes )?(?!--no -- )irekae\b/;

describe('The command that people are told to type', () => {
  it('is never fetched from a registry: no text says otherwise', () => {
    expect(TEXTS.length).toBeGreaterThan(400);
    const bad = TEXTS.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => FETCHES.test(line))
        .map((line) => `${file}: ${line}`),
    );
    expect(bad).toEqual([]);
  });

  it.each(['npx irekae deploy shop', 'npx -y irekae', 'npm exec irekae', 'pnpm dlx irekae'])(
    'and %s would be found',
    (line) => expect(line).toMatch(FETCHES),
  );

  it('is one constant, and texts that are read elsewhere say where to type it', () => {
    expect(COMMAND).toBe('npx --no -- irekae');
    expect(commandAt('unlock', 'shop')).toBe('in your clone of irekae, npx --no -- irekae unlock shop');
  });

  it('belongs to a package whose name is under a scope, which nobody else can take, and runs under its own', () => {
    const { name, bin } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect([name, bin]).toEqual(['@irekae/irekae', { irekae: 'bin/irekae.js' }]);
  });

  it('runs in the clone; elsewhere it runs nothing, whatever a registry offers', async () => {
    const asked: string[] = [];
    const registry = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const { port } = registry.address() as { port: number };
      const dist = { tarball: `http://127.0.0.1:${port}/irekae.tgz`, shasum: '0'.repeat(40) };
      const versions = { '1.0.0': { name: 'irekae', version: '1.0.0', bin: { irekae: 'x.js' }, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: 'irekae', 'dist-tags': { latest: '1.0.0' }, versions }));
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const elsewhere = mkdtempSync(join(tmpdir(), 'irekae-npx-'));
    try {
      const { port } = registry.address() as { port: number };
      const env = {
        ...process.env,
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_cache: join(elsewhere, 'cache'),
        npm_config_update_notifier: 'false',
        // Also where whoever runs the tests has asked npm for silence.
        npm_config_loglevel: 'notice',
      };
      const type = (cwd: string) => run('sh', ['-c', `${COMMAND} --help`], { cwd, env });
      expect(await type(process.cwd())).toMatchObject({
        code: 0,
        text: expect.stringMatching(/Usage: irekae COMMAND/),
      });
      const there = await type(elsewhere);
      expect(there.code).not.toBe(0);
      expect(there.text).toMatch(/canceled due to missing packages/);
      expect(asked.filter((each) => each.endsWith('.tgz'))).toEqual([]);
    } finally {
      registry.close();
      registry.closeAllConnections();
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });
});
