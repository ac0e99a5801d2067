/** The tarball that the demo uploads: whole, the same each time, and one that a host could start. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarball } from '../../simulator/demo/tarball.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'app');
const has = (command: string) => spawnSync(command, ['--version']).status === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'irekae-tarball-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('A packed folder', () => {
  it('is the same whatever the files’ times are', () => {
    writeFileSync(join(folder, 'one'), '1');
    const first = tarball(folder);
    utimesSync(join(folder, 'one'), 1_000_000_000, 1_000_000_000);
    expect(gunzipSync(tarball(folder))).toEqual(gunzipSync(first));
  });

  it('fills whole blocks and ends with two empty ones', () => {
    writeFileSync(join(folder, 'a'), 'x'.repeat(512));
    writeFileSync(join(folder, 'b'), 'x'.repeat(513));
    const bytes = gunzipSync(tarball(folder));
    expect(bytes).toHaveLength(512 * (2 + 3 + 2));
    expect(bytes.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  });

  it('is refused when a name does not fit', () => {
    writeFileSync(join(folder, 'n'.repeat(101)), '');
    expect(() => tarball(folder)).toThrow(/too long/);
  });

  it.runIf(has('tar'))('is unpacked by the system’s tar, with content and mode', () => {
    const target = mkdtempSync(join(tmpdir(), 'irekae-unpacked-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'start'), 'echo ä\n');
    chmodSync(join(folder, 'bin', 'start'), 0o755);
    writeFileSync(join(folder, 'empty'), '');
    const { status, stderr } = spawnSync('tar', ['-xzf', '-', '-C', target], { input: tarball(folder) });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(join(target, 'bin', 'start'), 'utf8')).toBe('echo ä\n');
    expect(statSync(join(target, 'bin', 'start')).mode & 0o777).toBe(0o755);
    expect(statSync(join(target, 'empty'))).toMatchObject({ size: 0 });
    rmSync(target, { recursive: true });
  });
});

describe('The example application', () => {
  it('is packed with its start script', () => {
    const names = gunzipSync(tarball(EXAMPLE)).toString('latin1');
    expect(names).toContain('bin/start\0');
    expect(names).toContain('README.md\0');
  });

  it.runIf(has('perl'))('answers the health check with its version', async () => {
    const env = { ...process.env, PORT: '0', ADDRESS: '127.0.0.1', IREKAE_ARTIFACT_VERSION: 'v42' };
    const server = spawn('perl', [join(EXAMPLE, 'bin', 'start')], { env });
    try {
      const port = await new Promise<string>((resolve, reject) => {
        server.stdout.on('data', (data) => resolve(/port (\d+)/.exec(String(data))?.[1] ?? ''));
        server.on('exit', (code) => reject(new Error(`ended with ${code}`)));
      });
      const health = await fetch(`http://127.0.0.1:${port}/health`);
      expect([health.status, await health.text()]).toEqual([200, 'ok v42\n']);
      const home = await fetch(`http://127.0.0.1:${port}/`);
      expect(await home.text()).toBe('Reactio, version v42\n');
    } finally {
      server.kill();
    }
  });
});
