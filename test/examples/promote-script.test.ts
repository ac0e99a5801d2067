/** `examples/shell/promote.sh`, run against an `aws` on the PATH. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsOnPath } from './aws-on-path.ts';
import { EXAMPLES } from './example-files.ts';

const PROMOTE = join(EXAMPLES, 'shell', 'promote.sh');
const TO = 's3://irekae-production-222222222222-ap-northeast-1/reactio/app.tar.gz';
const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';
const PROMOTION = `irekae-${APP}-promote`;

let aws: AwsOnPath;
beforeEach(() => {
  aws = new AwsOnPath();
});
afterEach(() => aws.remove());

const promote = (...args: string[]) => aws.run(PROMOTE, ['--to', TO, ...args]);
const deploys = (fleet: string, ending: object = { endedIn: 'Deployed' }) =>
  aws.addExecution({
    machine: `irekae-${fleet}`,
    name: `event-${fleet}`,
    input: { versionId: 'copied', upload: {} },
    startsAt: 15,
    ...ending,
  });
const inputOfStart = (): unknown => {
  const [start = ''] = aws.callsOf('stepfunctions start-execution');
  return JSON.parse(start.slice(start.indexOf('{')));
};

describe('promote.sh', () => {
  it('starts the promotion of the first fleet, then follows the deployments of all to their end', () => {
    aws.willStart(PROMOTION, {
      endedIn: 'Promoted',
      answer:
        '{"reason":"is \\"promotedAs\\":\\"evil\\"","promotedAs":"copied","proofs":[{"versionId":"v7"}]}',
    });
    // Somebody has uploaded another one since.
    aws.putObject('newer', 'ab');
    deploys(APP);
    deploys(WORKER);
    const run = promote('--version', 'v7', '--reason', 'release', APP, WORKER);
    expect(run.out.trimEnd().split('\n')).toEqual([
      `${APP}: Promoted: ${TO}`,
      `${APP}: Deployed: version copied`,
      `${WORKER}: Deployed: version copied`,
    ]);
    expect(run.code).toBe(0);
    expect(aws.callsOf('stepfunctions start-execution')).toHaveLength(1);
    expect(inputOfStart()).toEqual({ startedBy: 'run-7', versionId: 'v7', reason: 'release' });
  });

  it('answers with what became of the deployment', () => {
    aws.willStart(PROMOTION, {
      endedIn: 'Already promoted',
      answer: '{"artifact": {"versionId": "v7"}, "promotedAs": "copied"}',
    });
    aws.putObject('newer', 'ab');
    deploys(APP, { status: 'FAILED', error: 'RolledBack', cause: 'NewHostDied: i-1.' });
    const run = promote(APP, WORKER);
    expect(run.out).toContain(`${APP}: RolledBack: NewHostDied: i-1.`);
    expect(run.err).toContain(`not followed: ${WORKER}`);
    expect(run.code).toBe(3);
  });

  it.each(['NotProven', 'CopyFailed', 'ServiceUnavailable'])('deploys nothing after %s', (error) => {
    aws.willStart(PROMOTION, { status: 'FAILED', error, cause: 'Staging has not deployed it.' });
    const run = promote(APP);
    expect(run.out).toBe(`${APP}: not promoted (${error}): Staging has not deployed it.\n`);
    expect(run.code).toBe(1);
    expect(aws.callsOf('stepfunctions list-executions')).toEqual([]);
  });

  it('deploys nothing of which the promotion does not say what it is', () => {
    aws.willStart(PROMOTION, { endedIn: 'Promoted', answer: '{"versionId":"v7"}' });
    aws.putObject('newer', 'ab');
    const run = promote(APP);
    expect(run.err).toContain('does not say which version it made');
    expect(run.code).toBe(1);
    expect(aws.callsOf('stepfunctions list-executions')).toEqual([]);
  });

  it('passes on what is overridden', () => {
    aws.willStart(PROMOTION, { status: 'FAILED', error: 'NotProven' });
    promote('--override', 'provenance,soak', '--reason', 'fire', APP);
    expect(inputOfStart()).toEqual({ startedBy: 'run-7', reason: 'fire', override: ['provenance', 'soak'] });
    expect(aws.read('door')).toBe(`${PROMOTION}-override`);
  });

  it('says that a fleet is not promoted to', () => {
    const run = promote(APP);
    expect(run.err).toContain(`has no state machine ${PROMOTION}`);
    expect(run.code).toBe(1);
  });

  it('tells all that is wrong with what it was given at once, and asks AWS nothing', () => {
    const run = aws.run(PROMOTE, ['--override', 'freeze', '--version', 'a b']);
    expect(run.code).toBe(2);
    expect(run.err.trimEnd().split('\n')).toEqual([
      'promote.sh: --version is given as "a b"; it must be an S3 version id.',
      'promote.sh: no fleet is named.',
      'promote.sh: give --to s3://BUCKET/KEY, the key of the production fleets.',
      'promote.sh: --override is given as "freeze"; allowed are provenance, soak, or both with a comma.',
      'promote.sh: --override requires --reason, which is recorded.',
      'promote.sh: Nothing was changed. See: promote.sh --help',
    ]);
    expect(aws.read('calls')).toBe('');
  });
});
