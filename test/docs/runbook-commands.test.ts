/**
 * Who reads the runbook at 3 a.m. copies from it: each of its commands exists with these options. irekae's are read by
 * its own command line; those of the AWS CLI and of mkr are compared with what was verified, and the call of Mackerel's
 * API is made, against the tests' server.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommandLine } from '../../bin/command/command-line.ts';
import { COMMANDS } from '../../bin/command/irekae.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { FULL_KEY, type MackerelServer, startMackerelServer } from '../clients/mackerel-server.ts';
import { codeBlocksOf, commandsOf, read } from './documents.ts';

const runbook = read('docs/runbook.md');
const commands = commandsOf(runbook);

/** Words of a shell, as far as the runbook needs one: quotes, and up to a pipe. */
const wordsOf = (command: string) =>
  (command.match(/(?:[^\s"'$]|\$\([^)]*\)|\$|"[^"]*"|'[^']*')+/g) ?? [])
    .join('\n')
    .split(/\n[|;]/)[0]
    ?.split('\n') ?? [];

const flagsIn = (words: readonly string[]) => words.filter((word) => /^--?[a-z]/i.test(word));

/**
 * `service operation` → its options, as far as the runbook uses them: by the AWS CLI's own reference (version 2), and by
 * mkr's sources (0.65). `mkr update` is none of them: it rewrites the host without its identifier and its checks.
 */
const VERIFIED: Readonly<Record<string, readonly string[]>> = {
  'aws cloudformation describe-stacks': ['--stack-name', '--query'],
  'aws ec2 create-launch-template-version': [
    '--launch-template-id',
    '--source-version',
    '--launch-template-data',
  ],
  'aws ec2 delete-tags': ['--resources', '--tags'],
  'aws ec2 describe-instances': ['--filters', '--query', '--output'],
  'aws ec2 get-console-output': ['--instance-id', '--output'],
  'aws ec2 modify-instance-attribute': ['--instance-id', '--no-disable-api-termination'],
  'aws ec2 terminate-instances': ['--instance-ids'],
  'aws elb deregister-instances-from-load-balancer': ['--load-balancer-name', '--instances'],
  'aws elb describe-instance-health': ['--load-balancer-name'],
  'aws elb register-instances-with-load-balancer': ['--load-balancer-name', '--instances'],
  'aws elbv2 deregister-targets': ['--target-group-arn', '--targets'],
  'aws elbv2 describe-target-health': ['--target-group-arn'],
  'aws elbv2 register-targets': ['--target-group-arn', '--targets'],
  'aws s3 cp': ['--metadata'],
  'aws s3 ls': ['--recursive'],
  'aws s3api delete-object': ['--bucket', '--key', '--version-id'],
  'aws s3api head-object': ['--bucket', '--key', '--version-id', '--query'],
  'aws s3api list-object-versions': ['--bucket', '--prefix'],
  'aws s3api put-object': ['--checksum-algorithm'],
  'aws s3api put-bucket-versioning': ['--bucket', '--versioning-configuration'],
  'aws s3api restore-object': ['--bucket', '--key', '--version-id', '--restore-request'],
  'aws ssm put-parameter': ['--overwrite', '--type', '--name', '--value'],
  'aws stepfunctions describe-execution': ['--execution-arn', '--query'],
  'aws stepfunctions list-executions': ['--state-machine-arn', '--max-items'],
  'aws sts decode-authorization-message': ['--encoded-message'],
  'mkr hosts': ['--service', '--role', '--status'],
  'mkr retire': [],
};

const OTHERS = commands.filter((command) => /^(aws|mkr) /.test(command));
const OURS = commands.filter((command) => /^(npx --no -- )?irekae [a-z]/.test(command));

describe('The commands of the runbook', () => {
  it('are found', () => {
    expect(OTHERS.length).toBeGreaterThan(20);
    expect(OURS.length).toBeGreaterThan(7);
  });

  it.each([...new Set(OTHERS)])('%s', (command) => {
    const words = wordsOf(command);
    const name = words.slice(0, words[0] === 'mkr' ? 2 : 3).join(' ');
    expect(Object.keys(VERIFIED)).toContain(name);
    expect(VERIFIED[name]).toEqual(expect.arrayContaining(flagsIn(words)));
  });

  it.each([...new Set(OURS)])('%s', async (command) => {
    const given = wordsOf(command.replace(/^npx --no -- /, '')).slice(1);
    const [fleet = ''] = readFleets(fleetsFile).flatMap(({ fleets }) => fleets.map(({ name }) => name));
    const argv = given.map((word) =>
      word
        .replace(/^(FLEET|FOLLOWER)$/, fleet)
        .replace(/^ami-…$/, 'ami-0123456789abcdef0')
        .replace(/^"(.*)"$/, '$1'),
    );
    // Named only, as in "`irekae cancel` asked for it".
    const isWhole = argv.length > 1;
    const line = await readCommandLine(isWhole ? argv : [...argv, fleet], COMMANDS, async () =>
      readFleets(fleetsFile),
    );
    expect(line).toMatchObject({ kind: 'run' });
  });
});

describe('The call that gives a host its role again', () => {
  let server: MackerelServer;
  beforeAll(async () => {
    server = await startMackerelServer();
  });
  afterAll(() => server.stop());

  it('changes the roles and nothing else', async () => {
    const host = server.addHost({
      name: 'app-1',
      customIdentifier: 'i-1.ec2.amazonaws.com',
      meta: { 'agent-version': '0.87.0' },
      roleFullnames: ['Other:role'],
    });
    const before = structuredClone(server.organization.hosts.get(host.id));
    const [block = ''] = codeBlocksOf(runbook).filter((each) => each.includes('role-fullnames'));
    const script = block
      .replace('https://api.mackerelio.com', server.url)
      .replace('MACKEREL_HOST_ID', host.id)
      .replace('SERVICE:ROLE', 'Shop:web');
    server.addService('Shop', ['web']);
    const running = promisify(execFile)('bash', [
      '-c',
      `${script}`.replace('read -rs KEY', `KEY=${FULL_KEY}`),
    ]);
    expect(JSON.parse((await running).stdout)).toEqual({ success: true });
    expect(server.organization.hosts.get(host.id)).toEqual({ ...before, roles: { Shop: ['web'] } });
  });
});
