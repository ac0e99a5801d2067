/** Attacks by the author of a tarball, and by whoever else has an account on a host. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderBootScript } from '../../lambdas/domain/launch/boot-script.ts';
import { LocalAws } from '../boot-script/aws.ts';
import { Host } from '../boot-script/host.ts';
import { type Member, sha256, tarball } from '../boot-script/tarball.ts';
import { EXAMPLES, exampleFile } from '../examples/example-files.ts';
import { some } from '../support/thorough.ts';
import { corpus } from './corpus.ts';

const RELEASE = 'srv/irekae/releases/deploy-7';
const LOG = 'var/log/irekae-boot.log';

let aws: LocalAws;
let host: Host;

beforeEach(async () => {
  aws = await new LocalAws().start();
  aws.isOpen = true;
  host = new Host(aws.port);
  host.write('etc/mackerel-agent/mackerel-agent.conf', '');
});

afterEach(async () => {
  host.remove();
  await aws.stop();
});

async function boot(bytes: Buffer, startCommand = 'true') {
  aws.objects.set('artifacts/app.tar.gz?v1', bytes);
  const script = renderBootScript({
    bucket: 'artifacts',
    fleet: 'reactio-production-app',
    deploymentId: 'deploy-7',
    artifact: { key: 'app.tar.gz', versionId: 'v1', sha256: sha256(bytes), sizeBytes: bytes.length },
    imageId: 'ami-0a1b2c3d4e5f60718',
    runtimes: [],
    startCommand,
    startSeconds: 780,
    mackerelRole: 'Reactio:app',
  });
  // Signing takes most of a boot's time and is tested elsewhere.
  return host.boot(script.replace(/^signed_headers\(\) \{.*\n(?:.*\n)*?\}\n/m, 'signed_headers() { :; }\n'));
}

/** What the release holds that would make somebody root, or let others write. */
const found = (...test: string[]) =>
  execFileSync('find', [join(host.root, 'srv'), '!', '-type', 'l', ...test], { encoding: 'utf8' });

const TAKEN: readonly Member[][] = [
  ...[0o4755, 0o2755, 0o6755, 0o1777, 0o7777, 0o666, 0o777, 0o4711, 0o2710, 0o622].flatMap((mode) => [
    [{ name: 'bin/tool', content: '#!/bin/sh\n', mode }],
    [{ name: 'tmp/', mode }, { name: 'tmp/x' }],
    [{ name: './', mode }, { name: './x' }],
  ]),
  [
    { name: 'a', mode: 0o6777, content: 'x' },
    { name: 'b', type: '1', linkTo: 'a', mode: 0o6777 },
  ],
];

const REFUSED: readonly Member[][] = [
  ...(['3', '4', '6', '7'] as const).map((type): Member[] => [{ name: 'start' }, { name: 'dev/sda', type }]),
  ...['/etc/shadow', '../../../etc/shadow', 'a/../../../etc/shadow', '..', '/', 'x/..'].map(
    (linkTo): Member[] => [{ name: 'start' }, { name: 'mine', type: '1', linkTo }],
  ),
  [
    { name: 'out', linkTo: '/etc' },
    { name: 'mine', type: '1', linkTo: 'out/shadow' },
  ],
  [
    { name: 'out', linkTo: '../../..' },
    { name: 'mine', type: '1', linkTo: 'out/etc/shadow' },
  ],
];

describe(`A tarball's author does not become root (${corpus('tarballs', [...TAKEN, ...REFUSED])})`, () => {
  it('by set-user-id, set-group-id or sticky bits, nor by files that others may write', async () => {
    // One tarball for all: a directory for each.
    const members = TAKEN.flatMap((each, n) =>
      each.map(({ name, linkTo, ...rest }) => ({
        ...rest,
        name: `${n}/${name}`,
        ...(linkTo !== undefined && { linkTo: `${n}/${linkTo}` }),
      })),
    );
    const { console } = await boot(tarball(members));
    expect(console.at(-1)).toMatch(/^irekae: started /);
    expect(found('-type', 'f').trim().split('\n').length).toBeGreaterThan(TAKEN.length);
    expect(found('-perm', '/7022')).toBe('');
    expect(found('!', '-user', String(process.getuid?.()))).toBe('');
  });

  it.each(TAKEN.slice(0, 3))('alone neither: %j %j', async (...members) => {
    await boot(tarball(members.filter((each) => each !== undefined)));
    expect(host.exists(RELEASE)).toBe(true);
    expect(found('-perm', '/7022')).toBe('');
  });

  it.each(some(REFUSED))('by a device, a pipe or a hard link outside: %j %j', async (...members) => {
    const { console, status } = await boot(tarball(members));
    expect(console.at(-1)).toMatch(/^irekae: FAILED: .*(it was not unpacked|cannot be unpacked)$/);
    expect(status).toBe(1);
    expect(host.exists(RELEASE)).toBe(false);
  });

  it('nor fills a console by the name of a member', async () => {
    const long = `${'n'.repeat(90)}/`;
    const { console } = await boot(tarball([{ name: `../${long}` }, { name: 'x' }]));
    expect(console.at(-1)?.length).toBeLessThan(500);
    expect(console.at(-1)).toMatch(/would write outside its directory/);
  });
});

describe('The boot log is root’s', () => {
  it('whatever the application prints', async () => {
    await boot(tarball([{ name: 'x' }]), 'echo password=hunter2');
    expect(host.read(LOG)).toContain('hunter2');
    expect(statSync(join(host.root, LOG)).mode & 0o777).toBe(0o600);
  });

  it('also where the image carries one that everybody may read', async () => {
    host.write(LOG, 'old\n');
    chmodSync(join(host.root, LOG), 0o666);
    await boot(tarball([{ name: 'x' }]));
    expect(statSync(join(host.root, LOG)).mode & 0o777).toBe(0o600);
    expect(host.read(LOG)).toMatch(/^old\n/);
  });

  it('and writes to nothing that a link stands for', async () => {
    host.write('etc/victim', 'mine\n');
    mkdirSync(join(host.root, 'var/log'), { recursive: true });
    symlinkSync(join(host.root, 'etc/victim'), join(host.root, LOG));
    await boot(tarball([{ name: 'x' }]));
    expect(host.read('etc/victim')).toBe('mine\n');
    expect(host.read(LOG)).toContain('irekae: started');
  });

  it('and nobody else looks into the work directory, where the tarball lies', async () => {
    await boot(tarball([{ name: 'x' }]), '/usr/bin/stat -c %a ../../work >mode');
    expect(host.read(`${RELEASE}/mode`)).toBe('700\n');
  });
});

describe('pack.sh', () => {
  const app = mkdtempSync(join(tmpdir(), 'irekae-pack-'));
  afterAll(() => rmSync(app, { recursive: true }));
  const run = (program: string, ...args: string[]) =>
    spawnSync(program, args, { cwd: app, encoding: 'utf8', timeout: 60_000 });
  const pack = () => run('bash', join(EXAMPLES, 'shell/pack.sh'), 'out.tar.gz', 'local');

  it('packs no set-user-id file, and refuses a pipe', () => {
    writeFileSync(join(app, 'a'), 'x');
    mkdirSync(join(app, 'local'));
    run('git', 'init', '--quiet');
    run('git', 'add', 'a');
    run('git', '-c', 'user.name=t', '-c', 'user.email=t@reactio.example', 'commit', '--quiet', '-m', 'x');
    writeFileSync(join(app, 'local/tool'), '#!/bin/sh\n');
    chmodSync(join(app, 'local/tool'), 0o6777);
    mkdirSync(join(app, 'local/dir'));
    chmodSync(join(app, 'local/dir'), 0o3777);
    expect(pack().status).toBe(0);
    const listed = run('tar', '-tvzf', 'out.tar.gz').stdout;
    expect(listed).toMatch(/^-rwxr-xr-x .*local\/tool$/m);
    expect(listed).toMatch(/^drwxr-xr-x .*local\/dir\/$/m);
    rmSync(join(app, 'out.tar.gz'));
    run('mkfifo', 'local/pipe');
    const refused = pack();
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/local\/pipe\n.*remove the devices/s),
    ]);
    expect(run('ls', 'out.tar.gz').status).not.toBe(0);
  });
});

describe('The application’s user', () => {
  it.each(['app', 'worker'])('reaches neither the host’s credentials nor root (%s)', (name) => {
    const unit = exampleFile(`packer/files/reactio-${name}.service`);
    const set = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
    expect(set('User')).not.toMatch(/^(root|0)?$/);
    expect(set('IPAddressDeny')?.split(' ')).toEqual(['169.254.169.254', 'fd00:ec2::254']);
    expect(unit).not.toMatch(/^IPAddressAllow|^AmbientCapabilities|^Environment=.*(KEY|SECRET|TOKEN)/m);
    expect(set('CapabilityBoundingSet')).toBe('');
    for (const on of ['NoNewPrivileges', 'RestrictSUIDSGID', 'ProtectHome', 'PrivateTmp'])
      expect(set(on)).toBe('yes');
    expect(set('ProtectSystem')).toBe('strict');
  });
});

describe('No secret stands in an argument', () => {
  /** What the shell expands into the arguments of a program that is no builtin. */
  const IN_ARGUMENTS =
    /(?<![\w-])(aws|curl|openssl|mkr|gh|docker|ssh)\s[^|\n]*\$\{?\w*(KEY|key|SECRET|secret|TOKEN|token|PASSWORD|password)\b(?![^|\n]*<<<)/;
  const DOCUMENTS = [
    ...execFileSync('git', ['ls-files', '*.md', 'examples'], { encoding: 'utf8' }).trim().split('\n'),
    'lambdas/domain/launch/boot-script.ts',
  ];

  it('of a command in README, documents, examples and the boot script', () => {
    expect(DOCUMENTS.length).toBeGreaterThan(50);
    const bad = DOCUMENTS.flatMap((file) =>
      readFileSync(file, 'utf8')
        .replaceAll(/\\+\n/g, ' ')
        .split('\n')
        .filter((line) => IN_ARGUMENTS.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(bad).toEqual([]);
  });

  it.each([
    'aws ssm put-parameter --value "$KEY"',
    'curl -H "X-Api-Key: $KEY" https://api.mackerelio.com',
    'curl --header "X-aws-ec2-metadata-token: $token" http://169.254.169.254/',
    'openssl dgst -hmac "$secret_key"',
  ])('and would be found: %s', (line) => expect(line).toMatch(IN_ARGUMENTS));
});
