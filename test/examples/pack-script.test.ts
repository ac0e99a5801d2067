/** The example application, really packed by `examples/shell/pack.sh`; that tarball is deployed, and boots. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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

/** Committed for one packing, and taken back. */
function packWith(files: Readonly<Record<string, string>>, ...folders: string[]) {
  for (const [path, content] of Object.entries(files)) put(path, content);
  commit(...Object.keys(files));
  const packed = pack('with.tar.gz', ...folders);
  undo();
  for (const path of Object.keys(files)) rmSync(join(app, path), { force: true });
  return packed;
}
const undo = () => git('reset', '--quiet', 'HEAD~1');

const block = (label: string, lines = ['MIIB'.repeat(16), 'AgIE'.repeat(16)]) =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
const KEY = 'PRIVATE KEY';
const CHAIN = `subject=CN = a\n${block('CERTIFICATE')}${block('CERTIFICATE')}`;

describe('What looks like a secret', () => {
  it.each<[string, string, string]>([
    ['a certificate', 'tls/site.pem', block('CERTIFICATE')],
    ['a chain of them, with words between', 'tls/ca-bundle.pem', CHAIN],
    ['a chain with the line ends of Windows', 'tls/dos.pem', CHAIN.replaceAll('\n', '\r\n')],
    ['a public key', 'jwt/public.key', block('PUBLIC KEY')],
    ['an RSA public key', 'jwt/rsa.pem', block('RSA PUBLIC KEY')],
    ['the key that a package repository is signed with', 'apt/repo.key', block('PGP PUBLIC KEY BLOCK')],
    ['parameters', 'tls/dhparam.pem', block('DH PARAMETERS')],
    ['a program that knows the word', 'lib/Key.pm', `if (/-----BEGIN ${KEY}-----/) { ${'x'.repeat(80)} }\n`],
    ['a manual that shows the form', 'docs/key.md', `    -----BEGIN ${KEY}-----\n    MIIE…\n    -----END\n`],
  ])('is not %s', (_, path, content) => {
    const { code, text } = packWith({ [path]: content });
    expect(text).toMatch(/^packed /);
    expect(code).toBe(0);
    expect(namesOf('with.tar.gz')).toContain(`./${path}`);
  });

  it.each<[string, string, string]>([
    ['a private key', 'tls/site.pem', block(KEY)],
    ['an encrypted one', 'tls/enc.pem', block(`ENCRYPTED ${KEY}`)],
    ['an EC key behind its parameters', 'tls/ec.key', block('EC PARAMETERS') + block(`EC ${KEY}`)],
    ['a certificate with its key', 'tls/both.pem', CHAIN + block(`RSA ${KEY}`)],
    ['something else under such a name', 'tls/der.key', '\u0000\u0001'],
    ['a key under another name', 'tls/site.crt', CHAIN + block(`RSA ${KEY}`)],
    [
      'a key with headers',
      'deploy.txt',
      block(`RSA ${KEY}`, ['Proc-Type: 4,ENCRYPTED', '', 'MIIB'.repeat(16)]),
    ],
    ['a key of OpenSSH', 'ssh/deploy', block(`OPENSSH ${KEY}`)],
    ['a key of PGP', 'release.asc', block(`PGP ${KEY} BLOCK`, ['', 'lQOY'.repeat(16)])],
    ['a key in YAML', 'values.yaml', `key: |\n  ${block(KEY).replaceAll('\n', '\n  ')}\n`],
    ['a key in JSON', 'account.json', JSON.stringify({ private_key: block(KEY) })],
  ])('is %s', (_, path, content) => {
    const { code, text } = packWith({ [path]: content });
    expect(text).toContain(`these committed files look like secrets; nothing was packed:\n  ./${path}\n`);
    expect(text).not.toContain('MIIB');
    expect(code).toBe(1);
  });
});

describe('What git has only a note of', () => {
  const pointer = (spec: string) => `version ${spec}\noid sha256:${'0'.repeat(64)}\nsize 123456\n`;

  it.each<[string, string, string]>([
    ['Git LFS', 'assets/logo.png', pointer('https://git-lfs.github.com/spec/v1')],
    ['Git LFS', 'assets/old.png', pointer('https://hawser.github.com/spec/v1')],
    ['git-annex', 'assets/video', '/annex/objects/SHA256E-s1--0\n'],
    ['git-crypt', 'config/keys', '\u0000GITCRYPT\u0000xyz'],
  ])('a file of %s, %s, is not packed in its place', (kind, path, content) => {
    const { code, text } = packWith({ [path]: content });
    expect(text).toContain(
      `has only a note, in place of the content; nothing was packed:\n  ./${path}  (${kind})\n`,
    );
    expect(text).toContain('git lfs pull');
    expect(code).toBe(1);
  });

  it('a link of git-annex neither', () => {
    mkdirSync(join(app, 'assets'), { recursive: true });
    symlinkSync('../.git/annex/objects/aa/bb/key', join(app, 'assets/film'));
    commit('assets/film');
    const { code, text } = pack('with.tar.gz');
    undo();
    rmSync(join(app, 'assets/film'));
    expect(text).toContain('./assets/film  (git-annex)');
    expect(code).toBe(1);
  });

  it('a manual that shows such a note is packed', () => {
    const text = `# Git LFS\n\n${pointer('https://git-lfs.github.com/spec/v1')}`;
    expect(packWith({ 'docs/lfs.md': text }).code).toBe(0);
  });

  it('is packed as it is where the filter of Git LFS is at hand', () => {
    git('config', 'filter.lfs.smudge', 'sed "s/^version.*/the picture/"');
    const note = pointer('https://git-lfs.github.com/spec/v1');
    const { code } = packWith({ '.gitattributes': '*.png filter=lfs\n', 'logo.png': note });
    git('config', '--unset', 'filter.lfs.smudge');
    git('checkout', '--quiet', 'HEAD', '--', '.gitattributes');
    expect(code).toBe(0);
    const args = ['-xzOf', join(app, 'with.tar.gz'), './logo.png'];
    expect(execFileSync('tar', args, { encoding: 'utf8' })).toMatch(/^the picture\n/);
  });
});

describe('A submodule', () => {
  const library = () => mkdtempSync(join(tmpdir(), 'irekae-pack-library-'));
  const quiet = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@reactio.example',
    '-c',
    'protocol.file.allow=always',
  ];
  const within = (folder: string, ...args: string[]) =>
    execFileSync('git', [...quiet, ...args], {
      cwd: folder,
      stdio: 'pipe',
      env: {
        PATH: process.env.PATH,
        HOME: app,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
      },
    });
  const repositories: string[] = [];

  /** With a submodule of its own, if one is given. */
  function repository(files: Readonly<Record<string, string>>, inner?: string): string {
    const folder = library();
    repositories.push(folder);
    within(folder, 'init', '--quiet');
    for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
    if (inner !== undefined) within(folder, 'submodule', '--quiet', 'add', inner, 'inner');
    within(folder, 'add', '.');
    within(folder, 'commit', '--quiet', '--message', 'x');
    return folder;
  }
  const add = (from: string, path = 'vendor/library') => {
    within(app, 'submodule', '--quiet', 'add', from, path);
    within(app, 'commit', '--quiet', '--message', 'x');
  };
  afterEach(() => {
    within(app, 'reset', '--quiet', '--hard', 'HEAD~1');
    within(app, 'clean', '--quiet', '-dff', 'vendor');
    rmSync(join(app, '.git/modules'), { recursive: true, force: true });
    within(app, 'config', '--remove-section', 'submodule.vendor/library');
    for (const folder of repositories.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it('is refused where nobody has named it: git archive leaves it out', () => {
    add(repository({ 'lib.pl': '1;\n' }));
    const { code, text } = pack('with.tar.gz', 'local');
    expect(text).toContain(
      'are submodules, of which git archive packs nothing; nothing was packed:\n  vendor/library\n',
    );
    expect(text).toContain('name their folders');
    expect(code).toBe(1);
  });

  it.each(['vendor', 'vendor/library', 'vendor/', 'vendor/library/'])(
    'is packed with the folder %s',
    (folder) => {
      add(repository({ 'lib.pl': '1;\n' }));
      const { code, text } = pack('with.tar.gz', folder);
      expect(text).toMatch(/^packed /);
      expect(code).toBe(0);
      expect(namesOf('with.tar.gz').filter((name) => name.includes('vendor/library/'))).toEqual([
        './vendor/library/',
        './vendor/library/lib.pl',
      ]);
    },
  );

  it('is left out where export-ignore says so', () => {
    add(repository({ 'lib.pl': '1;\n' }));
    put('.git/info/attributes', '/vendor export-ignore\n');
    const { code } = pack('with.tar.gz');
    rmSync(join(app, '.git/info/attributes'));
    expect(code).toBe(0);
    expect(namesOf('with.tar.gz').join()).not.toContain('vendor');
  });

  it('that is not checked out is refused, named or not', () => {
    add(repository({ 'lib.pl': '1;\n' }));
    within(app, 'submodule', '--quiet', 'deinit', '--force', 'vendor/library');
    mkdirSync(join(app, 'vendor/library'), { recursive: true });
    const { code, text } = pack('with.tar.gz', 'vendor');
    within(app, 'submodule', '--quiet', 'init');
    expect(text).toContain('  vendor/library  (not checked out)\n');
    expect(text).toContain('git submodule update --init --recursive');
    expect(code).toBe(1);
  });

  it('in a submodule is looked for, too', () => {
    add(repository({ 'lib.pl': '1;\n' }, repository({ 'deep.pl': '1;\n' })));
    const { code, text } = pack('with.tar.gz', 'vendor');
    expect(text).toContain('  vendor/library/inner  (not checked out)\n');
    expect(code).toBe(1);
  });

  it('is searched for notes of Git LFS', () => {
    add(
      repository({
        'a.png': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`,
      }),
    );
    const { code, text } = pack('with.tar.gz', 'vendor');
    expect(text).toContain('  vendor/library/a.png  (Git LFS)\n');
    expect(code).toBe(1);
  });
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
          imageId: 'ami-0a1b2c3d4e5f60718',
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
