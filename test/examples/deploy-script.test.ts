/** `examples/shell/deploy.sh` and what it rests on, run against an `aws` on the PATH: every outcome, every exit code. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { synthesize } from '../synth.ts';
import { AwsOnPath, type FakeExecution, type Run } from './aws-on-path.ts';
import { EXAMPLES } from './example-files.ts';

const DEPLOY = join(EXAMPLES, 'shell', 'deploy.sh');
const TO = 's3://irekae-staging-111111111111-ap-northeast-1/reactio/app.tar.gz';
const APP = 'reactio-staging-app';
const WORKER = 'reactio-staging-worker';
const MACHINE = `irekae-${APP}`;

let aws: AwsOnPath;
beforeEach(() => {
  aws = new AwsOnPath();
});
afterEach(() => aws.remove());

/** An execution that an upload of version v7 has started. */
const ofUpload = (changes: Partial<FakeExecution> = {}): FakeExecution => ({
  name: 'event-1',
  machine: MACHINE,
  input: { bucket: 'b', key: 'k', versionId: 'v7', upload: { eventId: 'e' } },
  endedIn: 'Deployed',
  ...changes,
});
const follow = (...args: string[]) => aws.run(DEPLOY, ['--to', TO, '--version', 'v7', ...args, APP]);

describe('deploy.sh follows the deployment that the upload started', () => {
  it.each<[string, Partial<FakeExecution>, number, RegExp]>([
    ['is deployed', {}, 0, /: Deployed: version v7$/],
    ['was deployed already', { endedIn: 'Already deployed' }, 0, /: Already deployed: /],
    ['is superseded', { endedIn: 'Superseded' }, 0, /: Superseded: a newer version/],
    [
      'is rolled back',
      { status: 'FAILED', error: 'RolledBack', cause: 'NewHostDied: i-1 shut\n itself down.' },
      3,
      /: RolledBack: NewHostDied: i-1 shut {2}itself down\.$/,
    ],
    [
      'is refused',
      { status: 'FAILED', error: 'ImageNotFound', cause: 'None there.' },
      3,
      /: ImageNotFound: /,
    ],
    ['stops halfway', { status: 'FAILED', error: 'StoppedHalfway', cause: 'x' }, 4, /: StoppedHalfway: /],
    ['cannot be undone', { status: 'FAILED', error: 'RollbackFailed', cause: 'x' }, 4, /: RollbackFailed: /],
    [
      'is cancelled',
      { status: 'FAILED', error: 'Cancelled', cause: 'by Hanako' },
      5,
      /: Cancelled: by Hanako$/,
    ],
    ['fails in Step Functions itself', { status: 'FAILED', error: 'States.Runtime' }, 4, /: States\.Runtime/],
    [
      'ends in a way unheard of',
      { endedIn: 'Something new' },
      4,
      /: Something new: this ending is not known/,
    ],
  ])('which %s', (_, ending, code, last) => {
    aws.addExecution(ofUpload({ startsAt: 3, endsAt: 8, ...ending }));
    const run = follow();
    expect(run.err).toContain('following event-1');
    expect(run.out.trimEnd()).toMatch(last);
    expect(run.code).toBe(code);
    expect(aws.callsOf('stepfunctions start-execution')).toEqual([]);
  });

  it('and says what each step says, each sentence once', () => {
    const output = '{"ready":false,"reason":"0 of 2 ready; \\"i-1\\" not running yet","nextLookInSeconds":5}';
    aws.addExecution(ofUpload({ endsAt: 60, state: 'New hosts are ready', output }));
    const { err } = follow();
    expect(err).toContain(`${APP}  New hosts are ready  (0 of 2 ready; "i-1" not running yet)`);
    expect(err.match(/New hosts are ready/g)).toHaveLength(1);
    expect(err).toContain(
      'https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1#/v2/',
    );
  });

  it('and looks at no execution twice that deploys another version', () => {
    aws.addExecution(ofUpload({ name: 'older', input: { versionId: 'v6' } }));
    aws.addExecution(ofUpload({ startsAt: 30 }));
    expect(follow().code).toBe(0);
    const looks = aws.calls.filter((call) => call.includes('describe') && call.includes(':older'));
    expect(looks).toHaveLength(1);
  });

  it('and stops following when the time is up; the deployment goes on', () => {
    aws.addExecution(ofUpload({ endsAt: 9_999 }));
    const run = follow('--timeout', '2');
    expect(run.code).toBe(6);
    expect(run.out).toContain(`${APP}: still running: `);
    expect(run.out).toContain(`npx --no -- irekae cancel ${APP}`);
    expect(aws.passed).toBeGreaterThanOrEqual(120);
    expect(aws.passed).toBeLessThan(140);
  });

  it('and repeats one that has ended, when it is asked to', () => {
    aws.addExecution(ofUpload({ endsAt: 0, status: 'FAILED', error: 'RolledBack', cause: 'x' }));
    aws.willStart(MACHINE, { endedIn: 'Deployed' });
    expect(follow().code).toBe(3);
    expect(follow('--again').code).toBe(0);
    expect(aws.callsOf('stepfunctions start-execution')).toHaveLength(1);
  });

  it('and with --again joins one that still runs', () => {
    aws.addExecution(ofUpload());
    expect(follow('--again').code).toBe(0);
    expect(aws.callsOf('stepfunctions start-execution')).toEqual([]);
  });
});

describe('deploy.sh follows what waits for its turn', () => {
  beforeEach(() => aws.addExecution(ofUpload({ endsAt: 2, endedIn: 'Waiting for its turn' })));

  it('to the execution that is started for it', () => {
    aws.putObject('v7', 'x');
    aws.addExecution(ofUpload({ name: 'waited-1', startsAt: 300, status: 'FAILED', error: 'RolledBack' }));
    const run = follow();
    expect(run.err).toContain('another deployment is running; version v7 is waiting for its turn');
    expect(run.err).toContain('following waited-1');
    expect(run.code).toBe(3);
  });

  it('until a newer upload supersedes it', () => {
    aws.putObject('v7', 'x');
    aws.putObjectLater(100, 'v8');
    const run = follow();
    expect(run.out).toContain('Superseded: version v8 was uploaded meanwhile');
    expect(run.code).toBe(0);
  });

  it('until the time is up', () => {
    aws.putObject('v7', 'x');
    const run = follow('--timeout', '3');
    expect(run.out).toContain('still waiting');
    expect(run.code).toBe(6);
  });
});

describe('deploy.sh, when the execution is stopped from outside, waits for what the clean-up makes of it', () => {
  it.each([
    ['RolledBack', 3],
    ['StoppedHalfway', 4],
    ['Deployed', 0],
  ])('%s', (outcome, code) => {
    aws.addExecution(ofUpload({ status: 'ABORTED' }));
    aws.addRecord(APP, 'event-1', { deployment: 'event-1', outcome, reason: 'Stopped: in the phase shift.' });
    const run = follow();
    expect(run.out).toContain(
      `${APP}: ${outcome}: the execution was stopped (ABORTED); Stopped: in the phase`,
    );
    expect(run.code).toBe(code);
  });

  it('for twenty minutes; then a human has to look', () => {
    aws.addExecution(ofUpload({ status: 'TIMED_OUT' }));
    const run = follow();
    expect(run.out).toContain(`look at the executions of irekae-${APP}-clean-up`);
    expect(run.code).toBe(4);
    expect(aws.passed).toBeLessThan(1_300);
  });
});

describe('deploy.sh --upload', () => {
  const upload = (...args: string[]) => {
    aws.write('app.tar.gz', 'a tarball');
    return aws.run(DEPLOY, ['--upload', join(aws.root, 'app.tar.gz'), '--to', TO, ...args]);
  };

  it('uploads with the checksum, and follows every fleet of the key', () => {
    const input = { versionId: 'uploaded-version' };
    aws.addExecution(ofUpload({ input, startsAt: 5 }));
    aws.addExecution(ofUpload({ machine: `irekae-${WORKER}`, input, startsAt: 40 }));
    const run = upload(APP, WORKER);
    expect(run.out).toBe(
      `${APP}: Deployed: version uploaded-version\n${WORKER}: Deployed: version uploaded-version\n`,
    );
    expect(run.code).toBe(0);
    const [put = ''] = aws.callsOf('s3api put-object');
    expect(put).toMatch(/--key reactio\/app\.tar\.gz .*--metadata sha256=[0-9a-f]{64} /);
    expect(aws.read('objects/body')).toBe('a tarball');
  });

  it.each([
    ['2026-11-22T03:00:00+00:00', 900],
    ['2026-11-22T02:50:00.123Z', 300],
    ['2026-11-22T02:45:00+00:00', 0],
    ['2024-02-29T23:59:59+00:00', 0],
    ['2026-11-22T04:00:00+00:00', 0],
    ['soon', 0],
  ])('waits until the bucket of a stack that was made at %s is 15 minutes old', (time, seconds) => {
    aws.stackMadeAt(time);
    aws.write('app.tar.gz', 'a tarball');
    const run = aws.run(join(EXAMPLES, 'shell', 'upload.sh'), [join(aws.root, 'app.tar.gz'), TO]);
    expect({ code: run.code, out: run.out }).toEqual({ code: 0, out: 'uploaded-version\n' });
    expect(aws.passed).toBe(seconds);
    expect(
      run.err.includes(`S3 asks for 15 minutes before the first upload. Uploading in ${seconds} s.`),
    ).toBe(seconds > 0);
  });

  it('does not wait for a bucket of its own name, or where it may not look', () => {
    aws.stackMadeAt('2026-11-22T03:00:00+00:00');
    aws.write('app.tar.gz', 'a tarball');
    const put = (bucket: string) =>
      aws.run(join(EXAMPLES, 'shell', 'upload.sh'), [
        join(aws.root, 'app.tar.gz'),
        `s3://${bucket}/a.tar.gz`,
      ]);
    for (const bucket of ['acme-artifacts', 'irekae-other-111111111111-ap-northeast-1'])
      expect(put(bucket).code).toBe(0);
    expect(aws.passed).toBe(0);
  });

  it('does not upload the same bytes again', () => {
    aws.write('app.tar.gz', 'a tarball');
    const { out } = aws.run('-c', [`sha256sum <"$WORLD/app.tar.gz" | cut -d' ' -f1`]);
    aws.putObject('v3', out.trim());
    aws.addExecution(ofUpload({ input: { versionId: 'v3' } }));
    const run = upload(APP);
    expect(run.err).toContain('already has these bytes: version v3; not uploaded again');
    expect(run.code).toBe(0);
    expect(aws.callsOf('s3api put-object')).toEqual([]);
  });

  it('does not follow a fleet after one that failed, which it may wait for', () => {
    const input = { versionId: 'uploaded-version' };
    aws.addExecution(ofUpload({ input, status: 'FAILED', error: 'RolledBack', cause: 'x' }));
    const run = upload(APP, WORKER);
    expect(run.err).toContain(`not followed: ${WORKER}`);
    expect(run.code).toBe(3);
  });
});

describe('deploy.sh starts a deployment where none is', () => {
  it('of the newest version, after a minute, with who and why', () => {
    aws.putObject('v9', 'x');
    aws.willStart(MACHINE, { endedIn: 'Deployed' });
    const run = aws.run(DEPLOY, ['--to', TO, '--reason', 'say "hi" \\ bye', '--name', 'ci-7', APP]);
    expect(run.err).toContain('nothing deploys version v9: starting it');
    expect(run.code).toBe(0);
    const [start = ''] = aws.callsOf('stepfunctions start-execution');
    expect(start).toContain('--name ci-7 ');
    expect(JSON.parse(start.slice(start.indexOf('{')))).toEqual({
      startedBy: 'run-7',
      versionId: 'v9',
      reason: 'say "hi" \\ bye',
    });
  });

  it('once: the same name is followed, not started again', () => {
    aws.willStart(MACHINE, { endedIn: 'Deployed' });
    aws.addExecution(
      ofUpload({ name: 'ci-7', input: { versionId: 'v7' }, endsAt: 0, status: 'FAILED', error: 'Frozen' }),
    );
    const run = follow('--again', '--name', 'ci-7');
    expect(run.err).toContain('ci-7 was started before; following that one');
    expect(run.code).toBe(3);
  });
});

describe('deploy.sh on a bad day', () => {
  it('asks again when AWS throttles', () => {
    aws.addExecution(ofUpload());
    aws.failAt(
      'stepfunctions describe-execution',
      'An error occurred (ThrottlingException): Rate exceeded',
      3,
    );
    expect(follow().code).toBe(0);
  });

  it.each([
    [
      'An error occurred (AccessDeniedException) when calling the ListExecutions operation: not authorized',
      1,
    ],
    ['An error occurred (ExpiredTokenException) when calling the ListExecutions operation: expired', 1],
    ['Unable to locate credentials. You can configure credentials by running "aws configure".', 1],
  ])('does not ask again over %s', (message, calls) => {
    aws.failAt('stepfunctions list-executions', message);
    const run = follow();
    expect(run.err).toContain(message);
    expect(run.code).toBe(1);
    expect(aws.callsOf('stepfunctions list-executions')).toHaveLength(calls);
  });

  describe.each([
    'An error occurred (ExpiredTokenException) when calling the DescribeExecution operation: The security token included in the request is expired',
    'The SSO session associated with this profile has expired or is otherwise invalid.',
    'Error when retrieving credentials from custom-process: no more',
  ])('whose credentials end on the way (%s)', (message) => {
    const goesOn = (run: Run) => {
      expect(run.err).toContain(message);
      expect(run.err).toContain('The credentials have ended. Get new ones, then run the same command again');
      expect(run.out).toContain(
        `: not followed any longer: the deployment goes on; to cancel it, in your clone of irekae: npx --no -- irekae cancel `,
      );
      expect(run.code).toBe(6);
      // It is asked once, and nothing that would start something else.
      expect(aws.callsOf('stepfunctions start-execution')).toEqual([]);
    };

    it.each([
      ['runs', { endsAt: 9_999 }],
      ['has just ended', { endsAt: 40 }],
      ['waits for its turn', { endsAt: 2, endedIn: 'Waiting for its turn' }],
      ['was stopped, and is cleaned up after', { endsAt: 2, status: 'ABORTED' }],
    ] as const)('says that the deployment, which %s, goes on', (_, changes) => {
      aws.putObject('v7', 'x');
      aws.addExecution(ofUpload(changes));
      aws.endCredentialsAt(40, message);
      goesOn(follow());
    });

    it('also before it has found what its own upload starts', () => {
      aws.write('app.tar.gz', 'a tarball');
      aws.willStart(MACHINE, {});
      aws.endCredentialsAt(10, message);
      goesOn(aws.run(DEPLOY, ['--upload', join(aws.root, 'app.tar.gz'), '--to', TO, APP]));
    });

    it('of the second fleet, when the first one is deployed', () => {
      aws.addExecution(ofUpload({ machine: `irekae-${WORKER}`, endsAt: 100 }));
      aws.addExecution(ofUpload({ endsAt: 9_999 }));
      aws.endCredentialsAt(150, message);
      const run = follow(WORKER);
      goesOn(run);
      expect(run.out).toMatch(new RegExp(`^${WORKER}: Deployed.*\n${APP}: not followed any longer`));
    });
  });

  it('gives up after five tries', () => {
    aws.failAt('stepfunctions list-executions', 'Could not connect to the endpoint URL');
    expect(follow().code).toBe(1);
    expect(aws.callsOf('stepfunctions list-executions')).toHaveLength(5);
  });

  it('says that there is no such fleet', () => {
    const run = follow();
    expect(run.err).toContain(`account 111111111111 has no state machine ${MACHINE} in ap-northeast-1`);
    expect(run.code).toBe(1);
  });

  it('says that nothing was uploaded yet', () => {
    const run = aws.run(DEPLOY, ['--to', TO, APP]);
    expect(run.err).toContain(`${TO} does not exist. Upload the tarball`);
    expect(run.code).toBe(1);
  });

  it('tells all that is wrong with what it was given at once, and asks AWS nothing', () => {
    const run = aws.run(DEPLOY, [
      '--to',
      'bucket/key',
      '--timeout',
      'soon',
      '--now',
      '--name',
      'a b',
      'no/fleet',
    ]);
    expect(run.code).toBe(2);
    expect(run.err.trimEnd().split('\n')).toEqual([
      'deploy.sh: there is no option --now.',
      'deploy.sh: the key is given as "bucket/key"; it must be s3://BUCKET/KEY.',
      'deploy.sh: --name is given as "a b"; it must be letters, digits, - and _, at most 80.',
      'deploy.sh: --timeout is given as "soon"; it must be minutes, from 1 to 9999.',
      'deploy.sh: "no/fleet" is not the name of a fleet: letters, digits, - and _, at most 64.',
      'deploy.sh: Nothing was changed. See: deploy.sh --help',
    ]);
    expect(aws.read('calls')).toBe('');
  });

  it.each(['deploy.sh', 'promote.sh', 'upload.sh'])('%s --help says how it is used', (script) => {
    const run = aws.run(join(EXAMPLES, 'shell', script), ['--help']);
    expect(run.code).toBe(0);
    expect(run.out).toContain(`scripts/${script}`);
    expect(run.out).toContain('Exit codes:');
    expect(run.out).not.toContain('set -euo');
  });
});

describe('The summary of the run', () => {
  it('has a line for each fleet, in which nothing of a cause is markup', () => {
    aws.addExecution(ofUpload({ status: 'FAILED', error: 'RolledBack', cause: 'a | b <script> `c`' }));
    const summary = join(aws.root, 'summary.md');
    aws.run(DEPLOY, ['--version', 'v7', APP], { GITHUB_STEP_SUMMARY: summary });
    expect(aws.read('summary.md').trimEnd().split('\n')).toEqual([
      '| fleet | result | what happened |',
      '| --- | --- | --- |',
      `| ${APP} | **RolledBack** | a \\| b \\<script\\> \\\`c\\\` |`,
    ]);
  });
});

describe('The exit codes', () => {
  const HUMAN: readonly FailureName[] = ['RollbackFailed', 'StoppedHalfway', 'LockLost'];
  const expected = (name: FailureName) => (name === 'Cancelled' ? 5 : HUMAN.includes(name) ? 4 : 3);

  it('of every failure name of the closed list', () => {
    const names = Object.keys(FAILURES) as FailureName[];
    const script = `. ${join(EXAMPLES, 'shell', 'irekae.sh')}; for name; do code_of "$name"; echo; done`;
    const { out } = aws.run('-c', [script, 'bash', ...names]);
    expect(out.trimEnd().split('\n').map(Number)).toEqual(names.map(expected));
  });

  it('know every success of the state machine', () => {
    const { States } = definitionOf(synthesize('staging'), APP).definition;
    const successes = Object.entries(States).flatMap(([name, { Type }]) =>
      Type === 'Succeed' ? [name] : [],
    );
    // A dry run is none of deploy.sh's business.
    for (const endedIn of successes.filter((name) => name !== 'Planned')) {
      const world = new AwsOnPath();
      world.addExecution(ofUpload({ endedIn }));
      const run = world.run(DEPLOY, ['--version', 'v7', '--timeout', '1', APP]);
      world.remove();
      expect(run.out, endedIn).not.toContain('not known here');
    }
    expect(successes).toContain('Deployed');
  });
});
