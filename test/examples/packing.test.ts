/** The example application, really packed by `examples/shell/pack.sh`; that tarball is deployed, and boots. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderBootScript } from '../../lambdas/domain/launch/boot-script.ts';
import { Stage } from '../../simulator/stage.ts';
import { LocalAws } from '../boot-script/aws.ts';
import { Host } from '../boot-script/host.ts';
import { synthesize } from '../synth.ts';
import { EXAMPLES } from './example-files.ts';

const FIRST = '2026-11-22T03:00:00Z';
const git = (...args: string[]) =>
  execFileSync('git', args, {
    cwd: app,
    stdio: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: app,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      GIT_AUTHOR_DATE: FIRST,
      GIT_COMMITTER_DATE: FIRST,
    },
  });
const commit = (...paths: string[]) => {
  git('add', '--force', ...paths);
  git('-c', 'user.name=t', '-c', 'user.email=t@reactio.example', 'commit', '--quiet', '--message', 'x');
};

let app: string;
const put = (path: string, content: string) => {
  mkdirSync(dirname(join(app, path)), { recursive: true });
  writeFileSync(join(app, path), content);
};

/** Packs; the tarball is beside the application, as a person or a CI job may have it. */
function pack(...args: string[]): { code: number | null; text: string; bytes: () => Buffer } {
  const { status, stdout, stderr } = spawnSync('bash', ['scripts/pack.sh', ...args], {
    cwd: app,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: status, text: stdout + stderr, bytes: () => readFileSync(join(app, args[0] ?? '')) };
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const listOf = (tarball: string): string[] =>
  execFileSync('tar', ['-tvzf', join(app, tarball), '--utc', '--full-time'], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
const namesOf = (tarball: string) => listOf(tarball).map((line) => line.replace(/^(\S+\s+){5}/, ''));

beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'irekae-pack-'));
  cpSync(join(EXAMPLES, 'app'), app, { recursive: true });
  cpSync(join(EXAMPLES, 'shell'), join(app, 'scripts'), { recursive: true });
  put('lib/Reactio/Web.pm', 'package Reactio::Web; 1;\n');
  put('t/web.t', 'ok 1;\n');
  put('.gitattributes', '/t export-ignore\n/scripts export-ignore\n/.gitattributes export-ignore\n');
  git('init', '--quiet');
  commit('.');
  // What lies about in a working directory, and what a build vendors.
  put('.env', 'API_KEY=a-secret\n');
  put('core.dump', 'rubbish\n');
  put('local/lib/perl5/Plack.pm', 'package Plack; 1;\n');
  put('local/lib/perl5/Mozilla/CA/cacert.pem', 'a public certificate\n');
  put('local/.git/config', 'of a module\n');
  put('local/bin/plackup', '#!/usr/bin/env perl\n');
  chmodSync(join(app, 'local/bin/plackup'), 0o700);
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

describe('The packed application', () => {
  it('holds what is committed and what was vendored, and nothing else', () => {
    const { code, text } = pack('app.tar.gz', 'local');
    expect(text).toMatch(/^packed app\.tar\.gz: 7 files, \d+ bytes, SHA-256 [0-9a-f]{64}\n$/);
    expect(code).toBe(0);
    expect(namesOf('app.tar.gz')).toEqual([
      './',
      './README.md',
      './bin/',
      './bin/start',
      './bin/worker',
      './lib/',
      './lib/Reactio/',
      './lib/Reactio/Web.pm',
      './local/',
      './local/bin/',
      './local/bin/plackup',
      './local/lib/',
      './local/lib/perl5/',
      './local/lib/perl5/Mozilla/',
      './local/lib/perl5/Mozilla/CA/',
      './local/lib/perl5/Mozilla/CA/cacert.pem',
      './local/lib/perl5/Plack.pm',
    ]);
  });

  it('belongs to root, may be read by everyone, and has the time of the commit', () => {
    pack('app.tar.gz', 'local');
    const lines = listOf('app.tar.gz');
    expect(lines.find((line) => line.endsWith('./bin/start'))).toMatch(
      /^-rwxr-xr-x 0\/0 .* 2026-11-22 03:00:00 /,
    );
    expect(lines.find((line) => line.endsWith('./local/bin/plackup'))).toMatch(/^-rwxr-xr-x 0\/0 /);
    expect(lines.find((line) => line.endsWith('./README.md'))).toMatch(/^-rw-r--r-- 0\/0 /);
  });

  it('is the same bytes however often, wherever and by whomever it is packed', () => {
    const first = sha256(pack('app.tar.gz', 'local').bytes());
    put('local/lib/perl5/Plack.pm', 'package Plack; 1;\n'); // the same content, a new time
    chmodSync(join(app, 'README.md'), 0o600);
    const other = mkdtempSync(join(tmpdir(), 'irekae-pack-again-'));
    cpSync(app, other, { recursive: true });
    const { status } = spawnSync('bash', ['-c', 'umask 077; scripts/pack.sh app.tgz local'], { cwd: other });
    const second = sha256(readFileSync(join(other, 'app.tgz')));
    rmSync(other, { recursive: true });
    expect(status).toBe(0);
    expect(second).toBe(first);
  });

  it('is other bytes when a vendored file has changed', () => {
    const first = sha256(pack('app.tar.gz', 'local').bytes());
    put('local/lib/perl5/Plack.pm', 'package Plack; 2;\n');
    expect(sha256(pack('app.tar.gz', 'local').bytes())).not.toBe(first);
    put('local/lib/perl5/Plack.pm', 'package Plack; 1;\n');
  });

  it.each<[string, string[], number, RegExp]>([
    ['no name', [], 2, /the name of the tarball is missing/],
    ['another kind of archive', ['app.zip'], 2, /given as "app\.zip"; it must end in \.tar\.gz/],
    [
      'a folder that no build has made',
      ['app.tar.gz', 'vendor'],
      2,
      /no folder "vendor" here\. Run the build first/,
    ],
    ['a folder outside', ['app.tar.gz', '../app'], 2, /must be a folder below this one/],
  ])('is not made of %s', (_, args, status, message) => {
    const { code, text } = pack(...args);
    expect(text).toMatch(message);
    expect(code).toBe(status);
  });

  it.each(['.env', 'config/.env.production', 'deploy/id_ed25519', 'tls/server.key', 'credentials.json'])(
    'is refused while %s is committed',
    (path) => {
      put(path, 'a secret\n');
      commit(path);
      const { code, text } = pack('refused.tar.gz', 'local');
      git('rm', '--quiet', '--cached', path);
      git('-c', 'user.name=t', '-c', 'user.email=t@reactio.example', 'commit', '--quiet', '--message', 'x');
      expect(text).toContain(`these committed files look like secrets; nothing was packed:\n  ./${path}\n`);
      expect(text).not.toContain('a secret');
      expect(code).toBe(1);
      expect(() => readFileSync(join(app, 'refused.tar.gz'))).toThrow();
    },
  );
});

describe('The tarball of the packed application', () => {
  it('is deployed on staging, and its bytes then on production', async () => {
    const bytes = pack('app.tar.gz', 'local').bytes();
    const staging = new Stage({ template: synthesize('staging'), fleet: 'reactio-staging-app', seed: 5 });
    const production = new Stage({
      template: synthesize(),
      fleet: 'reactio-production-app',
      seed: 5,
      beside: staging,
    });
    try {
      for (const stage of [staging, production]) {
        const versionId = stage.upload(bytes);
        const { endedIn, output } = await stage.deploy({ versionId });
        expect(endedIn).toBe('Deployed');
        expect(output).toMatchObject({
          artifact: { versionId, sha256: sha256(bytes), sizeBytes: bytes.length },
        });
      }
    } finally {
      production.close();
      staging.close();
    }
  });

  it('is unpacked and started by the boot script of a new host', async () => {
    const bytes = pack('app.tar.gz', 'local').bytes();
    const aws = await new LocalAws().start();
    const host = new Host(aws.port);
    try {
      aws.objects.set('artifacts/reactio/app.tar.gz?v1', bytes);
      host.write('etc/mackerel-agent/mackerel-agent.conf', 'apikey = "k"\n');
      const boot = await host.boot(
        renderBootScript({
          bucket: 'artifacts',
          fleet: 'reactio-staging-app',
          deploymentId: 'deploy-1',
          artifact: {
            key: 'reactio/app.tar.gz',
            versionId: 'v1',
            sha256: sha256(bytes),
            sizeBytes: bytes.length,
          },
          runtimes: [],
          startCommand: 'test -x bin/start && test -f local/lib/perl5/Plack.pm',
          startSeconds: 780,
          mackerelRole: 'reactio-staging:app',
        }),
      );
      expect(boot.console.at(-1)).toMatch(/^irekae: started reactio-staging-app /);
      expect(host.exists('srv/irekae/current/bin/start')).toBe(true);
    } finally {
      host.remove();
      await aws.stop();
    }
  });
});
