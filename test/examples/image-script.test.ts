/** The machine image of `examples/packer`: provisioned in a directory that stands for a host, checked, released. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { renderBootScript } from '../../lambdas/domain/launch/boot-script.ts';
import { LocalAws } from '../boot-script/aws.ts';
import { Host } from '../boot-script/host.ts';
import { sha256, tarball } from '../boot-script/tarball.ts';
import { answering } from './aws-queries.ts';
import { EXAMPLES, exampleFile } from './example-files.ts';
import { ImageHost } from './image-host.ts';

let host: ImageHost;
beforeEach(() => {
  host = new ImageHost();
});
afterEach(() => host.remove());

describe('provision.sh', () => {
  it('runs no other set-up script than the one that was read', () => {
    const { code, text } = host.provision('0'.repeat(64));
    expect(text).toContain('is not the script that was read');
    expect(code).not.toBe(0);
    expect(host.calls).not.toContain('set up');
    expect(host.calls.filter((call) => call.includes('install mackerel-agent'))).toEqual([]);
  });

  it('installs the agent, but neither starts it nor leaves it to start by itself', () => {
    const { code, text } = host.provision();
    expect(text).toMatch(/provision: done\n$/);
    expect(code).toBe(0);
    const calls = host.calls;
    const install = calls.indexOf('dnf --assumeyes --quiet install mackerel-agent');
    expect(calls.indexOf('set up')).toBeLessThan(install);
    expect(calls.indexOf('systemctl disable --now mackerel-agent')).toBeGreaterThan(install);
    expect(calls.filter((call) => /systemctl (enable|start|restart)/.test(call))).toEqual([]);
  });

  it('leaves a configuration without a key, a key fetcher, and the units that the fleets start', () => {
    host.provision();
    expect(host.read('etc/mackerel-agent/mackerel-agent.conf')).toContain('on_start = "working"');
    expect(host.read('etc/mackerel-agent/mackerel-agent.conf')).not.toMatch(/^\s*apikey/m);
    expect(host.mode('usr/local/sbin/mackerel-api-key')).toBe(0o755);
    expect(host.list('etc/systemd/system')).toEqual([
      'mackerel-agent.service.d',
      'reactio-app.service',
      'reactio-worker.service',
    ]);
  });

  it('forgets who the build’s host was', () => {
    host.write('var/lib/mackerel-agent/id', '4HkPz9QxYtB');
    host.write('etc/ssh/ssh_host_ed25519_key', 'private');
    host.write('etc/machine-id', '0123456789abcdef');
    host.write('srv/irekae/current/file', '');
    host.provision();
    expect(host.exists('var/lib/mackerel-agent/id')).toBe(false);
    expect(host.list('etc/ssh')).toEqual([]);
    expect(host.read('etc/machine-id')).toBe('');
    expect(host.exists('srv/irekae')).toBe(false);
    expect(host.exists('tmp/files')).toBe(false);
    expect(host.calls).toContain('cloud-init clean --logs');
  });

  it('fails the build when a package cannot be had', () => {
    host.program('dnf', 'case $* in *install\\ mackerel-agent*) exit 1 ;; esac');
    expect(host.provision().code).not.toBe(0);
    expect(host.exists('etc/mackerel-agent')).toBe(false);
  });

  it('fails the build when the package repository cannot be set up', () => {
    host.program('curl', 'exit 22');
    expect(host.provision().code).not.toBe(0);
    expect(host.calls).not.toContain('dnf --assumeyes --quiet install mackerel-agent');
  });
});

describe('check-image.sh', () => {
  beforeEach(() => void host.provision());
  const check = () => host.run('check-image.sh', '--stay-up');

  it('finds nothing wrong with what provision.sh made', () => {
    const { code, text } = check();
    expect(text).toBe('irekae-image: VERDICT ok\n');
    expect(code).toBe(0);
    expect(host.calls.filter((call) => call.startsWith('shutdown'))).toEqual([]);
  });

  it.each<[string, () => void, string]>([
    ['a host id', () => host.write('var/lib/mackerel-agent/id', 'x'), 'every host would claim that id'],
    [
      'an agent that starts by itself',
      () => host.program('systemctl', 'case $1 in is-active) exit 1 ;; esac'),
      'mackerel-agent starts automatically',
    ],
    [
      'no agent',
      () => host.program('systemctl', 'case "$1 $2" in is-*|"cat mackerel-agent.service") exit 1 ;; esac'),
      'mackerel-agent is not installed',
    ],
    [
      'a unit that is missing',
      () => host.program('systemctl', 'case "$1 $2" in is-*|"cat reactio-worker.service") exit 1 ;; esac'),
      'there is no reactio-worker.service',
    ],
    [
      'an API key in the image',
      () =>
        host.write(
          'etc/mackerel-agent/mackerel-agent.conf',
          'apikey = "k"\n[host_status]\non_start = "working"\n',
        ),
      'holds an API key',
    ],
    ['no status at the start', () => host.write('etc/mackerel-agent/mackerel-agent.conf', ''), 'no on_start'],
    ['a release', () => host.write('srv/irekae/current/x', ''), 'a release is part of the image'],
    ['no IMDSv2', () => host.program('curl', 'exit 22'), 'gives no token'],
    ['another tar', () => host.program('tar', 'echo bsdtar'), 'tar is not GNU tar'],
  ])('refuses an image with %s', (_, spoil, message) => {
    spoil();
    const { code, text } = check();
    expect(text).toContain(message);
    expect(text).toContain('VERDICT 1 wrong');
    expect(code).toBe(1);
  });

  it('as user data says its verdict on the console, and shuts the instance down', () => {
    host.run('check-image.sh');
    expect(host.read('dev/console')).toBe('irekae-image: VERDICT ok\n');
    expect(host.calls.at(-1)).toBe('shutdown -h +3');
  });
});

describe('The key of mackerel-agent', () => {
  it('is fetched by the agent’s own unit, from the parameter of the environments', () => {
    const parameters = new Set(
      fleetsFile.environments.map(({ apiKeyParameter }) => apiKeyParameter ?? '/irekae/mackerel-api-key'),
    );
    const script = exampleFile('packer/files/mackerel-api-key');
    expect([...parameters]).toEqual([/^parameter=(.*)$/m.exec(script)?.[1]]);
    expect(exampleFile('packer/files/api-key.conf')).toContain(
      'ExecStartPre=/usr/local/sbin/mackerel-api-key',
    );
    expect(exampleFile('packer/files/mackerel-agent.conf')).toContain(
      'include = "/run/mackerel-agent-key/*.conf"',
    );
  });
});

describe('A host that boots from the image', () => {
  it('starts its release and joins its role, with the agent’s configuration as the image has it', async () => {
    const aws = await new LocalAws().start();
    const booted = new Host(aws.port);
    try {
      const bytes = tarball([{ name: 'bin/start', content: '', mode: 0o755 }]);
      aws.objects.set('artifacts/reactio/app.tar.gz?v1', bytes);
      booted.write('etc/mackerel-agent/mackerel-agent.conf', exampleFile('packer/files/mackerel-agent.conf'));
      const boot = await booted.boot(
        renderBootScript({
          bucket: 'artifacts',
          fleet: 'reactio-staging-app',
          deploymentId: 'd-1',
          artifact: {
            key: 'reactio/app.tar.gz',
            versionId: 'v1',
            sha256: sha256(bytes),
            sizeBytes: bytes.length,
          },
          imageId: 'ami-0a1b2c3d4e5f60718',
          runtimes: [],
          startCommand: 'systemctl enable --now reactio-app',
          startSeconds: 780,
          mackerelRole: 'reactio-staging:app',
        }),
      );
      expect(boot.status).toBe(0);
      expect(booted.read('etc/mackerel-agent/mackerel-agent.conf')).toBe(
        `roles = ["reactio-staging:app"]\n${exampleFile('packer/files/mackerel-agent.conf')}`,
      );
      expect(booted.callsOf('systemctl').slice(-2)).toEqual([
        'systemctl enable mackerel-agent',
        'systemctl restart mackerel-agent',
      ]);
    } finally {
      booted.remove();
      await aws.stop();
    }
  });

  it('has the unit of every start command, which runs a program of the tarball', () => {
    const units = fleetsFile.fleets.map(
      ({ startCommand }) => /systemctl enable --now ([\w-]+)/.exec(startCommand)?.[1],
    );
    for (const unit of new Set(units)) {
      const program = /^ExecStart=\/srv\/irekae\/current\/(\S+)$/m.exec(
        exampleFile(`packer/files/${unit}.service`),
      );
      expect(readFileSync(join(EXAMPLES, 'app', program?.[1] ?? ''), 'utf8')).toMatch(/^#!/);
    }
  });
});

describe('test-image.sh', () => {
  const test = () =>
    host.run('test-image.sh', 'ami-0123456789abcdef0', 'subnet-0a1b2c3d4e5f60001', 'sg-0a1b2c3d4e5f60009');
  const consoleSays = (text: string) =>
    host.program(
      'aws',
      answering(exampleFile('packer/test-image.sh'), {
        'run-instances': { Instances: [{ InstanceId: 'i-1', State: { Name: 'pending' } }] },
        'get-console-output': { InstanceId: 'i-1', ...(text && { Output: text }) },
      }),
    );

  it('boots the image once and reads the verdict; the instance is gone afterwards', () => {
    consoleSays('[  1.0] cloud-init: irekae-image: VERDICT ok\r\n');
    const { code, text } = test();
    expect(text).toContain('ami-0123456789abcdef0 is good.');
    expect(code).toBe(0);
    const launches = host.calls.filter((call) => call.includes('run-instances'));
    expect(launches).toHaveLength(1);
    expect(launches[0]).toMatch(
      /--instance-initiated-shutdown-behavior terminate .*HttpTokens=required.*check-image\.sh/,
    );
    expect(host.calls.at(-1)).toBe('aws ec2 terminate-instances --instance-ids i-1');
  });

  it.each([
    [
      'says what is wrong',
      'irekae-image: there is no awk\nirekae-image: VERDICT 1 wrong\n',
      'there is no awk',
    ],
    ['says that no verdict came, after ten minutes', 'kernel panic\n', 'kernel panic'],
    ['says so when there is no console yet, after ten minutes', '', 'has not given its verdict'],
  ])('%s', (_, output, message) => {
    consoleSays(output);
    const { code, text } = test();
    expect(text).toContain(message);
    expect(code).toBe(1);
    expect(host.calls.filter((call) => call.startsWith('sleep')).length).toBeLessThanOrEqual(40);
    expect(host.calls.at(-1)).toBe('aws ec2 terminate-instances --instance-ids i-1');
  });

  it('tags all that it makes as the build’s, which is all that CI’s role may touch', () => {
    consoleSays('irekae-image: VERDICT ok\n');
    test();
    const [launch = ''] = host.calls.filter((call) => call.includes('run-instances'));
    for (const type of ['instance', 'network-interface', 'volume'])
      expect(launch).toMatch(new RegExp(`ResourceType=${type},Tags=\\S.*?Key=image-build,Value=reactio`));
    expect(launch).toContain('--security-group-ids sg-0a1b2c3d4e5f60009');
  });

  it('launches nothing without an image, a subnet and a security group', () => {
    const rest = ['subnet-0a1b2c3d4e5f60001', 'sg-0a1b2c3d4e5f60009'];
    expect(host.run('test-image.sh', 'latest', ...rest).code).toBe(2);
    expect(host.run('test-image.sh', 'ami-0123456789abcdef0', rest[0] ?? '').code).toBe(2);
    expect(host.calls).toEqual([]);
  });
});

describe('release-image.sh', () => {
  const release = (...args: string[]) =>
    host.run(
      'release-image.sh',
      'ami-0123456789abcdef0',
      'reactio-base-20261122',
      '--from',
      'ap-northeast-1',
      ...args,
    );
  const imageIs = (state: string) =>
    host.program(
      'aws',
      answering(exampleFile('packer/release-image.sh'), {
        'copy-image': { ImageId: 'ami-new' },
        'describe-images': { Images: state === '' ? [] : [{ ImageId: 'ami-new', State: state }] },
      }),
    );

  it('copies the candidate, tagged from birth, and waits until the copy is available', () => {
    imageIs('available');
    const { code, text } = release();
    expect(code).toBe(0);
    // Standard output comes first here: the id alone.
    expect(text.split('\n')[0]).toBe('ami-new');
    expect(host.calls[0]).toMatch(
      /copy-image .*--source-region ap-northeast-1 .*ResourceType=image,Tags=.*Key=stage,Value=released/,
    );
    expect(host.calls.filter((call) => call.includes('put-parameter'))).toEqual([]);
  });

  it('writes the id into the fleet’s parameter when it is told one', () => {
    imageIs('available');
    release('--parameter', '/reactio/image');
    expect(host.calls.at(-1)).toBe(
      'aws ssm put-parameter --name /reactio/image --type String --data-type aws:ec2:image --overwrite --value ami-new',
    );
  });

  it.each([
    ['failed', 'failed'],
    ['was deregistered meanwhile', 'deregistered'],
    ['never appeared', ''],
  ])('releases no copy that %s', (_, state) => {
    imageIs(state);
    const { code, text } = release('--parameter', '/reactio/image');
    expect(text).toContain(`ami-new is ${state || 'None'}, not available: it was not released`);
    expect(code).toBe(1);
    expect(host.calls.filter((call) => call.includes('put-parameter'))).toEqual([]);
  });

  it.each(['pending', 'transient'])(
    'releases nothing that is %s, and says that the copy goes on',
    (state) => {
      imageIs(state);
      const { code, text } = release('--parameter', '/reactio/image');
      expect(text).toContain(
        `ami-new is ${state}, not available, after an hour: it was not released, and is copied on`,
      );
      expect(text).toContain('The same command, run again, joins that copy.');
      // Nothing on standard output: whoever reads the id there reads none.
      expect(text.split('\n')[0]).not.toBe('ami-new');
      expect(code).toBe(6);
      expect(host.calls.filter((call) => call.includes('put-parameter'))).toEqual([]);
    },
  );

  it.each([
    [
      'An error occurred (RequestExpired) when calling the DescribeImages operation: Request has expired.',
      6,
      1,
    ],
    ['An error occurred (AuthFailure) when calling the DescribeImages operation', 6, 1],
    ['Could not connect to the endpoint URL', 6, 120],
  ])('releases nothing while EC2 does not say how it is (%s)', (message, wanted, times) => {
    const copied = answering(exampleFile('packer/release-image.sh'), {
      'copy-image': { ImageId: 'ami-new' },
    });
    host.program('aws', `case "$*" in *describe-images*) echo '${message}' >&2; exit 254 ;; esac\n${copied}`);
    const { code, text } = release('--parameter', '/reactio/image');
    expect(text).toContain('it was not released, and is copied on');
    expect(code).toBe(wanted);
    expect(host.calls.filter((call) => call.startsWith('sleep'))).toHaveLength(times - (times > 1 ? 0 : 1));
    expect(host.calls.filter((call) => call.includes('put-parameter'))).toEqual([]);
  });

  it('releases no copy of a candidate that cannot be copied yet', () => {
    host.program('aws', "echo 'An error occurred (InvalidAMIID.Unavailable): pending' >&2; exit 254");
    const { code, text } = release('--parameter', '/reactio/image');
    expect(text).toContain('ami-0123456789abcdef0 was not copied, and nothing was released');
    expect(code).toBe(1);
    expect(host.calls).toHaveLength(1);
  });

  it('asks under a token that EC2 takes, the same for the same copy, however long the name', () => {
    imageIs('available');
    const run = (image: string, name: string) =>
      host.run('release-image.sh', image, name, '--from', 'ap-northeast-1');
    for (const [image, name] of [
      ['ami-0123456789abcdef0', 'n'.repeat(128)],
      ['ami-0123456789abcdef0', 'n'.repeat(128)],
      ['ami-0123456789abcdef0', `${'n'.repeat(127)}m`],
      ['ami-0123456789abcdef1', 'n'.repeat(128)],
    ] as const)
      expect(run(image, name).code).toBe(0);
    const tokens = host.calls.flatMap((call) => /--client-token (\S+)/.exec(call)?.slice(1) ?? []);
    for (const token of tokens) expect(token).toMatch(/^[!-~]{1,64}$/);
    expect(tokens[1]).toBe(tokens[0]);
    expect(new Set(tokens).size).toBe(3);
  });

  it('gives the image the name and the tag that the fleets look for', () => {
    const workflow = exampleFile('github-actions/workflows/image.yml');
    const name = /name=(reactio-base-)/.exec(workflow)?.[1];
    for (const { image } of fleetsFile.fleets) {
      expect(image).toMatchObject({
        from: 'search',
        owner: 'self',
        namePattern: `${name}*`,
        tags: { stage: 'released' },
      });
    }
    expect(exampleFile('packer/reactio.pkr.hcl')).toMatch(/stage = "candidate"/);
  });
});
