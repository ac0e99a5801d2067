/** The boot script, run for real in a temporary root against a local IMDSv2 and S3. */
import { execFileSync } from 'node:child_process';
import { lstatSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PinnedArtifact } from '../lambdas/domain/core/artifact.ts';
import {
  type BootOrder,
  largestBootScript,
  quote,
  renderBootScript,
  startSecondsOf,
  USER_DATA_LIMIT,
} from '../lambdas/domain/launch/boot-script.ts';
import { LocalAws, SECRETS, s3Error } from './boot-script/aws.ts';
import { Host, syntaxErrors } from './boot-script/host.ts';
import { LocalProxy } from './boot-script/proxy.ts';
import { type Member, sha256, tarball } from './boot-script/tarball.ts';
import { thoroughly } from './support/thorough.ts';

const BUCKET = 'reactio-artifacts';
const APP_KEY = 'reactio/production/app.tar.gz';
const APP_VERSION = 'L4kqtJlcpXroDTDmpUMLUo.V_1-a2b3c';
const CONF = 'etc/mackerel-agent/mackerel-agent.conf';
const RELEASE = 'srv/irekae/releases/deploy-7';

let aws: LocalAws;
let host: Host;

beforeEach(async () => {
  aws = await new LocalAws().start();
  host = new Host(aws.port);
  host.write(CONF, 'apikey = "secret-of-the-image"\n');
});

afterEach(async () => {
  host.remove();
  await aws.stop();
});

describe('A host that boots', () => {
  it('fetches the pinned versions, unpacks them, starts the application and says so last', async () => {
    const perl = upload('runtimes/perl-5.20.tar.gz', [{ name: 'bin/perl', content: 'old', mode: 0o755 }]);
    const boot = await host.boot(
      renderBootScript(order({ runtimes: [{ ...perl, directory: '/opt/perl' }] })),
    );

    expect(boot.console).toEqual([
      `irekae: unpacked s3://${BUCKET}/runtimes/perl-5.20.tar.gz version ${APP_VERSION} into /opt/perl`,
      `irekae: unpacked s3://${BUCKET}/${APP_KEY} version ${APP_VERSION} into /${RELEASE}`,
      'irekae: starting the application',
      expect.stringMatching(
        new RegExp(`^irekae: started reactio-production-app ${APP_KEY} version ${APP_VERSION} in \\d+ s$`),
      ),
    ]);
    expect(boot.status).toBe(0);
    expect(host.read('opt/perl/bin/perl')).toBe('old');
    expect(statSync(join(host.root, 'opt/perl/bin/perl')).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(host.root, 'srv/irekae/current'))).toBe('releases/deploy-7');
    expect(aws.s3Log).toEqual([
      `GET ${BUCKET}/runtimes/perl-5.20.tar.gz?${APP_VERSION} → 200`,
      `GET ${BUCKET}/${APP_KEY}?${APP_VERSION} → 200`,
    ]);
    expect(host.callsOf('shutdown')).toEqual([]);
  });

  it('runs the start command in the current release, with the names of fleet, deployment and version', async () => {
    const startCommand =
      'printf "%s\\n" "$PWD" "$IREKAE_FLEET" "$IREKAE_DEPLOYMENT" "$IREKAE_ARTIFACT_VERSION" >seen';
    await host.boot(unsigned({ startCommand }));
    expect(host.read(`${RELEASE}/seen`).trim().split('\n')).toEqual([
      join(host.root, 'srv/irekae/current'),
      'reactio-production-app',
      'deploy-7',
      APP_VERSION,
    ]);
  });

  it('leaves the output of the start command in the log, off the console', async () => {
    const boot = await host.boot(afterTheDownload({ startCommand: 'echo listening on 8080; echo oops >&2' }));
    expect(boot.log).toContain('listening on 8080\noops\n');
    expect(boot.console.join()).not.toContain('listening');
  });

  it('is not held up by a daemon that the start command leaves behind', async () => {
    const startCommand = `${process.execPath} -e 'setTimeout(() => {}, 60000)' & echo $! >pid`;
    const boot = await host.boot(unsigned({ startCommand }));
    // It lives still: a boot that waited for it would be over only after it.
    expect(process.kill(Number(host.read(`${RELEASE}/pid`)))).toBe(true);
    expect(boot.status).toBe(0);
  });

  it('gives the unpacked files to root and lets every user enter the release', async () => {
    upload(APP_KEY, [
      { name: './', mode: 0o700 },
      { name: './start', content: '' },
    ]);
    await host.boot(unsigned());
    expect(statSync(join(host.root, RELEASE)).mode & 0o777).toBe(0o755);
    expect(statSync(join(host.root, RELEASE, 'start')).uid).toBe(process.getuid?.());
  });

  it('replaces a runtime that was baked into the image, as a whole', async () => {
    host.write('opt/perl/lib/of-the-image', '');
    const perl = upload('perl.tar.gz', [{ name: 'bin/perl', content: 'pinned' }]);
    await host.boot(unsigned({ runtimes: [{ ...perl, directory: '/opt/perl' }] }));
    expect(host.exists('opt/perl/lib')).toBe(false);
    expect(host.read('opt/perl/bin/perl')).toBe('pinned');
    expect(host.exists('opt/perl.old')).toBe(false);
  });

  it('begins afresh where an earlier run was cut off', async () => {
    host.write(`${RELEASE}.new/half`, '');
    host.write(`${RELEASE}.old/gone`, '');
    host.write('srv/irekae/work/tarball', 'half');
    expect((await host.boot(unsigned())).status).toBe(0);
    expect(host.exists(`${RELEASE}/half`)).toBe(false);
    expect(host.exists(`${RELEASE}.old`)).toBe(false);
  });

  it('does nothing when it runs a second time', async () => {
    const script = renderBootScript(order({ startCommand: 'echo x >>../../starts' }));
    await host.boot(script);
    const calls = host.calls.length;
    const again = await host.boot(script);

    expect(again.status).toBe(0);
    expect(again.console.at(-1)).toMatch(/was started before; nothing to do$/);
    expect(host.read('srv/irekae/starts')).toBe('x\n');
    const since = host.calls.slice(calls);
    expect(since.filter((call) => /^(systemctl|shutdown)|https:/.test(call))).toEqual([]);
  });

  it('does nothing when it runs a second time and nobody tells it which instance it is', async () => {
    const script = renderBootScript(order({ startCommand: 'echo x >>../../starts' }));
    await host.boot(script);
    await aws.stop();
    expect((await host.boot(script)).console.at(-1)).toMatch(/was started before; nothing to do$/);
    expect(host.read('srv/irekae/starts')).toBe('x\n');
  });

  it.each([
    ['the same deployment’s name', 'deploy-7 i-0fedcba9876543210'],
    ['a deployment of another fleet', 'deploy-6 i-0fedcba9876543210'],
    ['a name that begins alike', 'deploy-70 i-0123456789abcdef0'],
    ['nothing', ''],
  ])('starts its release on an image that was made from a host, whose file says %s', async (_, started) => {
    host.write('srv/irekae/started', `${started}\n`);
    host.write('srv/irekae/releases/deploy-6/start', '');
    symlinkSync('releases/deploy-6', join(host.root, 'srv/irekae/current'));
    const boot = await host.boot(unsigned({ startCommand: 'echo x >>../../starts' }));
    expect(boot.console.at(-1)).toMatch(/^irekae: started /);
    expect(host.read('srv/irekae/starts')).toBe('x\n');
    expect(host.read('srv/irekae/started')).toBe(`deploy-7 ${aws.instanceId}\n`);
    expect(readlinkSync(join(host.root, 'srv/irekae/current'))).toBe('releases/deploy-7');
  });

  it('leaves nothing of the image’s host to be started when its own release cannot be', async () => {
    host.write('srv/irekae/started', 'deploy-6 i-0fedcba9876543210\n');
    host.write('srv/irekae/current', '');
    await host.boot(unsigned({ artifact: { ...pinned(APP_KEY, Buffer.from('')), versionId: 'gone' } }));
    expect(host.exists('srv/irekae/started') || host.exists('srv/irekae/current')).toBe(false);
  });

  it('uses the path-style address for a bucket with dots, whose name fits no certificate', async () => {
    const dotted = 'artifacts.reactio.jp';
    const artifact = upload(APP_KEY, [{ name: 'start' }], dotted);
    const boot = await host.boot(renderBootScript(order({ bucket: dotted, artifact })));
    expect(boot.status).toBe(0);
    expect(host.callsOf('curl').join('\n')).toContain(`https://s3.ap-northeast-1.amazonaws.com/${dotted}/`);
  });

  it('fetches a key with any characters', async () => {
    const artifact = upload("a b/(c)!*'~+%é&?=.tar.gz", [{ name: 'start' }]);
    expect((await host.boot(renderBootScript(order({ artifact })))).console.at(-1)).toMatch(
      /^irekae: started /,
    );
  });

  it('waits for a role whose credentials lag behind the boot', async () => {
    aws.metadataMissing.set('iam/security-credentials/', 3);
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.status).toBe(0);
    expect(host.callsOf('sleep')).toHaveLength(3);
  });

  it.each([
    ['a hiccup', s3Error(503, 'SlowDown')],
    ['a clock that is not set yet', s3Error(403, 'RequestTimeTooSkewed')],
    ['a connection that breaks', { status: 200, body: 'x'.repeat(100_000), cutAfter: 50_000 }],
  ])('tries S3 again after %s', async (_, hiccup) => {
    aws.s3Hiccups.push(hiccup, hiccup);
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.status).toBe(0);
    expect(aws.s3Log).toHaveLength(3);
    expect(host.callsOf('sleep')).toEqual(['sleep 1', 'sleep 2']);
  });

  it('goes on with new credentials when the old ones end between two tries', async () => {
    aws.isRotating = true;
    const CODES = ['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId'];
    aws.s3Hiccups.push(...CODES.map((code) => s3Error(code === 'ExpiredToken' ? 400 : 403, code)));
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.status).toBe(0);
    expect(aws.s3Log.map((line) => line.split(' ').at(-1))).toEqual(['400', '403', '403', '200']);
  });

  it('never shows a secret: not in an argument, not in the log, not on the disk', async () => {
    await host.boot(renderBootScript(order()));
    expect(host.calls.length).toBeGreaterThan(50);
    for (const secret of SECRETS) {
      expect(() => execFileSync('grep', ['-rlF', '--', secret.slice(0, 20), host.root])).toThrow();
    }
  });

  thoroughly('signs with any secret key that AWS could give', async () => {
    const letters = fc.string({ unit: fc.constantFrom(...BASE64), minLength: 40, maxLength: 64 - 4 });
    const keys = fc.sample(letters, { numRuns: 10, seed: 7 });
    // Credentials are read anew for each download: one boot with ten of them signs with all the keys.
    const runtimes = keys.slice(1).map((_, index) => ({
      ...upload(`runtimes/${index}.tar.gz`, [{ name: 'x' }]),
      directory: `/opt/${index}`,
    }));
    aws.secretAccessKeys = keys;
    expect((await host.boot(renderBootScript(order({ runtimes })))).status).toBe(0);
    expect(aws.secretAccessKeys).toEqual([]);
    expect(aws.s3Log).toHaveLength(10);
    expect(aws.s3Log.filter((line) => !line.endsWith(' → 200'))).toEqual([]);
  });
});

describe('A host that cannot start its release', () => {
  const FAILURES: [string, () => Partial<BootOrder>, RegExp][] = [
    [
      'an artifact with another SHA-256',
      () => ({ artifact: { ...upload(APP_KEY, [{ name: 'start' }]), sha256: 'f'.repeat(64) } }),
      /app\.tar\.gz version \S+ has the SHA-256 [0-9a-f]{64} instead of f{64}; it was not unpacked$/,
    ],
    [
      'an object that is missing',
      () => ({ artifact: { ...pinned(APP_KEY, Buffer.from('')), versionId: 'gone' } }),
      /S3 did not give s3:\/\/reactio-artifacts\/reactio\/production\/app\.tar\.gz version gone: 404 NoSuchVersion$/,
    ],
    [
      'a tarball that was uploaded in part',
      () => ({
        artifact: uploadBytes(APP_KEY, tarball([{ name: 'a', content: noise(9_999) }]).subarray(0, 5_000)),
      }),
      /is not a whole \.tar\.gz; it was not unpacked$/,
    ],
    [
      'a file that is no tarball',
      () => ({ artifact: uploadBytes(APP_KEY, Buffer.from('hello')) }),
      /is not a whole \.tar\.gz; it was not unpacked$/,
    ],
    ['an empty tarball', () => ({ artifact: upload(APP_KEY, []) }), /is an empty tarball$/],
    ...['../evil', 'a/../../evil', '/evil', '..'].map(
      (name) =>
        [
          `a tarball with the path ${name}`,
          () => ({ artifact: upload(APP_KEY, [{ name: 'start' }, { name, content: 'evil' }]) }),
          /would write outside its directory \(.*\); it was not unpacked$/,
        ] as [string, () => Partial<BootOrder>, RegExp],
    ),
    [
      'a start command that fails',
      () => ({ startCommand: 'echo port 8080 is taken; exit 3' }),
      /the start command ended with status 3; its last lines are above$/,
    ],
    [
      'a start command that is no bash',
      () => ({ startCommand: 'if then' }),
      /the start command ended with status \d+; its last lines are above$/,
    ],
    [
      'a runtime that is missing',
      () => ({ runtimes: [{ ...pinned('perl.tar.gz', Buffer.from('')), directory: '/opt/perl' }] }),
      /S3 did not give s3:\/\/reactio-artifacts\/perl\.tar\.gz version \S+: 404 NoSuchVersion$/,
    ],
  ];
  it.each(FAILURES)(
    'shuts down over %s, says why last, and stays out of Mackerel',
    async (_, change, reason) => {
      const boot = await host.boot(unsigned(change()));

      expect(boot.console.at(-1)).toMatch(/^irekae: FAILED: /);
      expect(boot.console.at(-1)).toMatch(reason);
      expect(boot.status).toBe(1);
      expect(host.calls.at(-1)).toBe('shutdown -h now');
      expect(host.callsOf('systemctl')).toEqual(['systemctl stop mackerel-agent']);
      expect(host.read(CONF)).toBe('apikey = "secret-of-the-image"\n');
      expect(host.exists('srv/irekae/work')).toBe(false);
      expect(host.exists('srv/irekae/started')).toBe(false);
      expect(execFileSync('find', [host.root, '-name', 'evil'], { encoding: 'utf8' })).toBe('');
    },
  );

  it('shows no secret that the application echoes, wherever and however often', async () => {
    const key = 'aGent/Key+0123456789==';
    host.write(CONF, `apikey = "${key}"\ninclude = "/etc/mackerel-agent/conf.d/*.conf"\n`);
    host.write('etc/mackerel-agent/conf.d/key.conf', 'apikey = "another-key-of-the-agent"\n');
    const credentials = 'iam/security-credentials/reactio-production-app-host';
    const startCommand = [
      'set -x',
      `K='${key}'`,
      'echo "$K$K and $K" "?key=aGent%2FKey%2B0123456789%3D%3D" another-key-of-the-agent',
      `T=$(curl --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)`,
      `curl --header "X-aws-ec2-metadata-token: $T" http://169.254.169.254/latest/meta-data/${credentials}`,
      'echo short',
      'exit 3',
    ].join('\n');
    const boot = await host.boot(renderBootScript(order({ startCommand })));
    const said = boot.console.join('\n');
    for (const secret of [...SECRETS, key, 'aGent%2FKey%2B', 'another-key-of-the-agent'])
      expect(said).not.toContain(secret.slice(0, 20));
    expect(said).toContain('*** and ***');
    expect(said).toContain('short');
    expect(boot.console.at(-1)).toMatch(/^irekae: FAILED: the start command ended with status 3/);
  });

  it('masks nothing where there is no secret, or a very short one', async () => {
    host.write(CONF, 'apikey = ""\n');
    const boot = await host.boot(unsigned({ startCommand: 'echo "a [x]* & \\\\ / line"; exit 3' }));
    expect(boot.console).toContain('a [x]* & \\ / line');
    host.write(CONF, 'apikey = "line"\n');
    expect((await host.boot(unsigned({ startCommand: 'echo a line; exit 3' }))).console).toContain('a line');
  });

  it('shows the last words of the start command on the console', async () => {
    const boot = await host.boot(unsigned({ startCommand: 'echo port 8080 is taken; exit 3' }));
    expect(boot.console.slice(1)).toEqual([
      'irekae: starting the application',
      'port 8080 is taken',
      expect.stringMatching(/^irekae: FAILED: the start command ended with status 3/),
    ]);
  });

  it('does not write through a symbolic link that leads out of the release', async () => {
    upload(APP_KEY, [
      { name: 'out', linkTo: join(host.root, 'outside') },
      { name: 'out/evil', content: 'evil' },
    ]);
    host.write('outside/kept', '');
    const boot = await host.boot(unsigned());
    expect(boot.console.at(-1)).toMatch(/^irekae: FAILED: .* cannot be unpacked$/);
    expect(host.exists('outside/evil')).toBe(false);
  });

  it('lets symbolic links of the tarball be, wherever they lead', async () => {
    upload(APP_KEY, [{ name: 'log', linkTo: '/var/log/app' }]);
    expect((await host.boot(unsigned())).status).toBe(0);
    expect(lstatSync(join(host.root, RELEASE, 'log')).isSymbolicLink()).toBe(true);
  });

  it('gives up on S3 after five tries', async () => {
    aws.s3Hiccups.push(...Array.from({ length: 6 }, () => s3Error(500, 'InternalError')));
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.console.at(-1)).toMatch(/^irekae: FAILED: S3 did not give .*: 500 InternalError$/);
    expect(aws.s3Log).toHaveLength(5);
  });

  it('does not ask again when S3 refuses', async () => {
    aws.s3Hiccups.push(s3Error(403, 'AccessDenied'));
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.console.at(-1)).toMatch(/: 403 AccessDenied$/);
    expect(aws.s3Log).toHaveLength(1);
  });

  it('says that the instance has no role', async () => {
    aws.metadataMissing.set('iam/security-credentials/', 99);
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.console.at(-1)).toBe(
      'irekae: FAILED: the instance has no role: give the launch template an instance profile',
    );
  });

  it('says that the instance metadata service gives no token', async () => {
    await aws.stop();
    const boot = await host.boot(renderBootScript(order()));
    expect(boot.console.at(-1)).toBe('irekae: FAILED: the instance metadata service (IMDSv2) gives no token');
    expect(host.calls.at(-1)).toBe('shutdown -h now');
  });

  it.each(['curl', 'tar', 'gzip', 'awk', 'timeout'])('says that the image has no %s', async (program) => {
    host.lacks(program);
    const boot = await host.boot(unsigned());
    expect(boot.console.at(-1)).toBe(`irekae: FAILED: the image has no ${program}: install it in the image`);
  });

  it.each([
    ['ends when it is told', 'echo waiting for nginx; sleep() { read -t "$1" <> <(:); }; sleep 60'],
    ['does not end when it is told', "trap '' TERM; echo waiting for nginx; while :; do :; done"],
  ])(
    'shuts down over a start command that hangs and %s, and says what to look for',
    async (_, startCommand) => {
      const script = afterTheDownload({ startCommand, startSeconds: 2 }).replace(
        'timeout -k 9',
        'timeout -k 1',
      );
      const boot = await host.boot(script);
      expect(boot.console).toContain('waiting for nginx');
      expect(boot.console.at(-1)).toMatch(
        /^irekae: FAILED: the start command did not end within [12] s: .*\(systemctl start --no-block\); its last/,
      );
      expect(host.calls.at(-1)).toBe('shutdown -h now');
      expect(host.exists('srv/irekae/started')).toBe(false);
    },
  );

  it.each([
    [900, 780],
    [7_200, 7_080],
    [240, 120],
    [100, 50],
    [60, 30],
  ])('of a fleet that waits %i s has %i s for its start command', (readySeconds, seconds) =>
    expect(startSecondsOf(readySeconds)).toBe(seconds),
  );

  it('takes a start command that fails with the status of a timeout for what it is', async () => {
    const boot = await host.boot(afterTheDownload({ startCommand: 'exit 124' }));
    expect(boot.console.at(-1)).toMatch(/the start command ended with status 124/);
  });

  it('shuts down when it is told to stop before the application was started', async () => {
    const boot = await host.boot(
      afterTheDownload({ startCommand: 'read -r _ _ _ boot _ </proc/$PPID/stat; kill -TERM $boot' }),
    );
    expect(boot.console.at(-1)).toBe(
      'irekae: FAILED: the boot script was told to stop before the application was started',
    );
    expect(host.calls.at(-1)).toBe('shutdown -h now');
  });

  it('shuts down over a failure that nobody thought of, and names the command', async () => {
    host.lacks('mkdir');
    const boot = await host.boot(unsigned());
    expect(boot.console.at(-1)).toMatch(/^irekae: FAILED: the boot script stopped unexpectedly at: mkdir /);
    expect(host.calls.at(-1)).toBe('shutdown -h now');
  });
});

describe('A host that joins Mackerel', () => {
  const role = 'roles = ["Reactio:app"]';

  it.each<[string, string, string]>([
    ['no roles', 'apikey = "k"\n', `${role}\napikey = "k"\n`],
    [
      'tables',
      'apikey = "k"\n[plugin.metrics.x]\ncommand = "x"\n',
      `${role}\napikey = "k"\n[plugin.metrics.x]\ncommand = "x"\n`,
    ],
    [
      'roles of its own',
      'apikey = "k"\nroles = ["Old:app", "Old:b"] # old\nverbose = true\n',
      `${role}\napikey = "k"\nverbose = true\n`,
    ],
    [
      'roles over several lines, in capitals',
      'ROLES = [\n  "Old:app",\n  "Old:b"\n]\nverbose = true\n',
      `${role}\nverbose = true\n`,
    ],
    [
      'a comment and a table that speak of roles',
      '# roles = ["x"]\n[plugin.checks.roles]\nroles = "not mine"\n',
      `${role}\n# roles = ["x"]\n[plugin.checks.roles]\nroles = "not mine"\n`,
    ],
  ])('puts its role into a configuration with %s', async (_, before, after) => {
    host.write(CONF, before);
    await host.boot(afterTheDownload());
    expect(host.read(CONF)).toBe(after);
  });

  it('drops the roles of included files, which would win', async () => {
    const include = 'etc/mackerel-agent/conf d/';
    host.write(CONF, `include = "/${include}*.conf"\n`);
    host.write(`${include}more.conf`, 'roles = ["Old:app"]\n[plugin.metrics.x]\ncommand = "x"\n');
    host.write(`${include}kept.txt`, 'roles = ["Old:app"]\n');
    await host.boot(afterTheDownload());
    expect(host.read(CONF)).toBe(`${role}\ninclude = "/${include}*.conf"\n`);
    expect(host.read(`${include}more.conf`)).toBe('[plugin.metrics.x]\ncommand = "x"\n');
    expect(host.read(`${include}kept.txt`)).toBe('roles = ["Old:app"]\n');
  });

  it('keeps the mode of the configuration, which holds the API key', async () => {
    execFileSync('chmod', ['640', join(host.root, CONF)]);
    await host.boot(afterTheDownload());
    expect(statSync(join(host.root, CONF)).mode & 0o777).toBe(0o640);
  });

  it.each([
    ['the usual place', '', 'var/lib/mackerel-agent/id'],
    ['a place of its own', 'root = "/data/mackerel"\n', 'data/mackerel/id'],
  ])('forgets a host id that was baked into the image in %s', async (_, conf, id) => {
    host.write(CONF, conf);
    host.write(id, '4HkPz9QxYtB');
    await host.boot(afterTheDownload());
    expect(host.exists(id)).toBe(false);
  });

  it('starts the agent after the application, and not before', async () => {
    await host.boot(afterTheDownload());
    const told = host.calls.filter((call) => /^(systemctl|bash)/.test(call));
    expect(told).toEqual([
      'systemctl stop mackerel-agent',
      'bash -c true',
      'systemctl cat mackerel-agent.service',
      'systemctl enable mackerel-agent',
      'systemctl restart mackerel-agent',
    ]);
  });

  it('starts without Mackerel where the image has no agent, and says so', async () => {
    host.systemctlFailsAt.push('cat', 'stop');
    const boot = await host.boot(afterTheDownload());
    expect(boot.status).toBe(0);
    expect(boot.console).toContain(
      'irekae: the image has no mackerel-agent: this host will not be seen in Mackerel',
    );
    expect(boot.console.at(-1)).toMatch(/^irekae: started /);
  });

  it('shuts down where the agent does not start, since nobody would ever see the host', async () => {
    host.systemctlFailsAt.push('restart');
    const boot = await host.boot(afterTheDownload());
    expect(boot.console.at(-1)).toBe('irekae: FAILED: mackerel-agent does not start');
    expect(host.calls.at(-1)).toBe('shutdown -h now');
  });

  it('shuts down where the agent has no configuration', async () => {
    rmSync(join(host.root, CONF));
    const boot = await host.boot(afterTheDownload());
    expect(boot.console.at(-1)).toMatch(
      /^irekae: FAILED: the image has mackerel-agent, but no .*mackerel-agent\.conf$/,
    );
  });
});

describe('A host whose way out is a proxy', () => {
  let proxy: LocalProxy;
  let httpProxy: string;
  beforeEach(async () => {
    proxy = new LocalProxy(aws.port);
    httpProxy = await proxy.start();
  });
  afterEach(() => proxy.stop());

  it('gets its release through it, and asks its own metadata service directly', async () => {
    const { status, log } = await host.boot(renderBootScript(order({ httpProxy })));
    expect([status, log]).toEqual([0, expect.stringContaining('started reactio-production-app')]);
    // Each request once: the test's curl has its connections made to the local AWS, also those of the proxy.
    expect(aws.s3Log.length).toBeGreaterThan(0);
    expect(proxy.asked).toHaveLength(aws.s3Log.length);
    const asksMetadata = host.callsOf('curl').filter((call) => call.includes('169.254.169.254'));
    expect(asksMetadata.filter((call) => call.includes('--proxy'))).toEqual([]);
  });

  it('asks for it directly where there is none', async () => {
    expect((await host.boot(renderBootScript(order()))).status).toBe(0);
    expect(proxy.asked).toEqual([]);
  });

  it('says so where the proxy does not answer', async () => {
    await proxy.stop();
    const { status, console } = await host.boot(renderBootScript(order({ httpProxy })));
    expect(status).toBe(1);
    expect(console.at(-1)).toMatch(/^irekae: FAILED: S3 did not give .*: curl: \(\d+\)/);
    proxy = new LocalProxy(aws.port);
    await proxy.start();
  });

  it.each([
    ['none', 'apikey = "k"\n', 'apikey = "k"\n'],
    [
      'another one',
      'apikey = "k"\nHTTP_PROXY = "http://old:1"\nhttps_proxy="http://old:2"\n[plugin.metrics.x]\nhttp_proxy = "mine"\n',
      'apikey = "k"\n[plugin.metrics.x]\nhttp_proxy = "mine"\n',
    ],
  ])('tells its agent of it, where the image says %s', async (_, before, after) => {
    host.write(CONF, before);
    await host.boot(afterTheDownload({ httpProxy }));
    expect(host.read(CONF)).toBe(
      `roles = ["Reactio:app"]\nhttp_proxy = "${httpProxy}"\nhttps_proxy = "${httpProxy}"\n${after}`,
    );
  });

  it('keeps the proxy of the image where the fleets file has none', async () => {
    host.write(CONF, 'http_proxy = "http://image:1"\n');
    await host.boot(afterTheDownload());
    expect(host.read(CONF)).toBe('roles = ["Reactio:app"]\nhttp_proxy = "http://image:1"\n');
  });
});

describe('The text of the boot script', () => {
  it('carries any value unchanged through bash', () => {
    const values = fc.sample(textForBash(), 100);
    expect(values.filter((value) => value.includes("'"))).not.toEqual([]);
    // One bash for all of them: each starts slower than it reads.
    const script = values.map((value) => `printf '%s\\0' ${quote(value)}\n`).join('');
    const said = execFileSync('/bin/bash', { input: script, encoding: 'utf8', cwd: host.root });
    expect(said.split('\0').slice(0, -1)).toEqual(values);
  });

  it.each(['a\0b', '\ud800'])('refuses a value that no shell word can carry: %j', (startCommand) => {
    expect(() => renderBootScript(order({ startCommand }))).toThrow(
      expect.objectContaining({ name: 'InvalidInput' }),
    );
  });

  it('is bash, whatever the values are', () => {
    const text = textForBash(50);
    const change = fc.record({ fleet: text, startCommand: text, mackerelRole: text, bucket: text });
    fc.assert(
      fc.property(change, (values) => {
        expect(syntaxErrors(renderBootScript(order(values)))).toBe('');
      }),
      { numRuns: 30 },
    );
  });

  it('is the same for the same order, as an idempotent launch needs it', () => {
    expect(renderBootScript(order())).toBe(renderBootScript(order()));
  });

  it('is ASCII up to the values, and begins as cloud-init wants it', () => {
    expect(renderBootScript(order())).toMatch(/^#!\/bin\/bash\n[\t\n -~]*$/);
  });

  it('leaves a third of the user data free for a fleet with one runtime', () => {
    const runtime = { key: 'runtimes/perl-5.20.tar.gz', directory: '/opt/perl' };
    expect(largestBootScript(fleet({ runtimes: [runtime] }))).toBeLessThan((USER_DATA_LIMIT * 2) / 3);
  });

  it('fits a fleet with the longest values that the validation lets pass', () => {
    const largest = fleet({
      name: 'f'.repeat(64),
      artifact: { bucket: 'b'.repeat(63), key: 'k'.repeat(256) },
      runtimes: Array.from({ length: 8 }, () => ({ key: 'k'.repeat(256), directory: `/${'d'.repeat(127)}` })),
      startCommand: 's'.repeat(1024),
      mackerel: { ...fleet({}).mackerel, service: 's'.repeat(63), role: 'r'.repeat(63) },
    });
    expect(largestBootScript(largest)).toBeLessThan(USER_DATA_LIMIT);
  });

  it('is measured at synth at least as large as it gets', () => {
    const rendered = renderBootScript(order({ startCommand: "echo 'かな'", deploymentId: 'd'.repeat(80) }));
    expect(largestBootScript(fleet({ startCommand: "echo 'かな'" }))).toBeGreaterThanOrEqual(
      Buffer.byteLength(rendered),
    );
  });

  it('is refused when EC2 would refuse it', () => {
    expect(() => renderBootScript(order({ startCommand: 'あ'.repeat(4_000) }))).toThrow(
      expect.objectContaining({
        name: 'LaunchRefused',
        message: expect.stringMatching(
          /reactio-production-app has \d+ bytes and EC2 takes 16384: .* the fleets file/,
        ),
      }),
    );
  });
});

/** Any text without NUL, rich in what is special to bash: of all characters, one in a million would be a quote. */
const textForBash = (maxLength?: number) => {
  const special = fc.constantFrom(...'\'"\\$`! \n');
  const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((text) => text !== '\0');
  return fc.string({ unit: fc.oneof(special, any), ...(maxLength !== undefined && { maxLength }) });
};

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Text that gzip cannot shrink much: a part of the tarball is then a part of the content. */
const noise = (length: number) =>
  fc.sample(fc.string({ minLength: length, maxLength: length }), { numRuns: 1, seed: 1 }).join('');

function pinned(key: string, bytes: Buffer): PinnedArtifact {
  return { key, versionId: APP_VERSION, sha256: sha256(bytes), sizeBytes: bytes.length };
}

function uploadBytes(key: string, bytes: Buffer, bucket = BUCKET): PinnedArtifact {
  aws.objects.set(`${bucket}/${key}?${APP_VERSION}`, bytes);
  return pinned(key, bytes);
}

const upload = (key: string, members: readonly Member[], bucket = BUCKET) =>
  uploadBytes(key, tarball(members), bucket);

/**
 * The script without its signatures, which take most of a boot's time, for an S3 that does not ask for them: what is
 * tested is what comes after.
 */
function unsigned(change: Partial<BootOrder> = {}): string {
  const script = renderBootScript(order(change));
  const open = script.replace(/^signed_headers\(\) \{.*\n(?:.*\n)*?\}\n/m, 'signed_headers() { :; }\n');
  expect(open.length).toBeLessThan(script.length - 500);
  aws.isOpen = true;
  return open;
}

/**
 * The script on a host that has fetched its release: to sign requests takes most of a boot's time, and is tested by
 * itself.
 */
function afterTheDownload(change: Partial<BootOrder> = {}): string {
  host.write(`${RELEASE}/start`, 'exit 0');
  const script = renderBootScript(order(change));
  const rest = script
    .replace(/^identify_host$/m, 'instance=i-0')
    .replace(/^(identify_bucket|deliver .*)\n/gm, '');
  expect(script.split('\n').length - rest.split('\n').length).toBe(2);
  return rest;
}

/** An order whose application artifact is what S3 holds, or a plain one that is put there. */
function order(change: Partial<BootOrder> = {}): BootOrder {
  const held = aws.objects.get(`${BUCKET}/${APP_KEY}?${APP_VERSION}`);
  return {
    bucket: BUCKET,
    fleet: 'reactio-production-app',
    deploymentId: 'deploy-7',
    artifact: held ? pinned(APP_KEY, held) : upload(APP_KEY, [{ name: 'start', content: 'exit 0' }]),
    imageId: 'ami-0a1b2c3d4e5f60718',
    runtimes: [],
    startCommand: 'true',
    startSeconds: 780,
    mackerelRole: 'Reactio:app',
    ...change,
  };
}

type SizedFleet = Parameters<typeof largestBootScript>[0];

function fleet(change: Partial<SizedFleet>): SizedFleet {
  return {
    name: 'reactio-production-app',
    artifact: { bucket: BUCKET, key: APP_KEY },
    runtimes: [],
    startCommand: 'true',
    mackerel: { service: 'Reactio', role: 'app', apiKeyParameter: '/mackerel/key', wantsFreshMetric: false },
    ...change,
  };
}
