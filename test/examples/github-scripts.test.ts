/** The scripts of `examples/github-actions`, run with a `gh`, an `npx` and an `aws` that note what they are asked. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXAMPLES } from './example-files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'irekae-github-'));
  for (const folder of ['bin', 'app', 'app/.irekae']) mkdirSync(join(root, folder));
  cpSync(join(EXAMPLES, 'github-actions'), join(root, 'app/.github'), { recursive: true });
  program('gh', '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Each argument of a call between angle brackets, so that one with blanks shows as one. */
function program(name: string, text: string, folder = 'bin'): void {
  mkdirSync(join(root, folder), { recursive: true });
  const note = `{ printf '%s' "${name}"; printf ' <%s>' "$@"; echo; } >>"${root}/calls"`;
  writeFileSync(join(root, folder, name), `#!/bin/bash\n${note}\n${text}\n`, { mode: 0o755 });
}
const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '');
const calls = () => read('calls').trimEnd().split('\n');

function run(script: string, env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync('bash', [join('.github', script)], {
    cwd: join(root, 'app'),
    encoding: 'utf8',
    timeout: 30_000,
    env: {
      PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
      HOME: root,
      TMPDIR: root,
      GITHUB_REPOSITORY: 'reactio-example/reactio',
      GITHUB_SHA: 'abc123',
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_RUN_ID: '42',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_STEP_SUMMARY: join(root, 'summary'),
      ...env,
    },
  });
  return { code: status, text: stdout + stderr, out: stdout };
}

describe('release-pull-request.sh', () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@reactio.example', ...args], {
      cwd: join(root, 'app'),
      stdio: 'pipe',
      env: {
        PATH: process.env.PATH,
        HOME: root,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_SYSTEM: '/dev/null',
      },
    });
  const commit = (...messages: string[]) =>
    git('commit', '--quiet', '--allow-empty', ...messages.flatMap((message) => ['--message', message]));
  const open = () => run('scripts/release-pull-request.sh', { BASE: 'production', HEAD: 'main' });
  beforeEach(() => {
    git('init', '--quiet', '--initial-branch', 'main');
    commit('first');
    git('update-ref', 'refs/remotes/origin/production', 'HEAD');
    program('gh', `case "$1 $2" in 'pr create' | 'pr edit') cp "\${@: -1}" "${root}/body" ;; esac`);
  });
  const pushed = () => git('update-ref', 'refs/remotes/origin/main', 'HEAD');

  it('opens it with a line for each merged pull request and each commit without one', () => {
    commit('Merge pull request #12 from a/b', 'Faster incident list');
    commit('Mend a typo `$(touch evil)`');
    pushed();
    const { code, text } = open();
    expect(text).toContain('2 changes');
    expect(code).toBe(0);
    expect(calls().at(-1)).toMatch(
      /^gh <pr> <create> <--base> <production> <--head> <main> <--title> <Release \d{4}-\d\d-\d\d> <--body-file>/,
    );
    expect(read('body').trimEnd().split('\n').slice(2)).toEqual([
      expect.stringMatching(/^- Mend a typo `\$\(touch evil\)` \([0-9a-f]{7,}\)$/),
      '- Faster incident list (#12)',
    ]);
    expect(existsSync(join(root, 'app/evil'))).toBe(false);
  });

  it('brings the one that is open up to date', () => {
    commit('A change');
    pushed();
    program('gh', `[ "$2" = list ] && echo 7; true`);
    expect(open().code).toBe(0);
    expect(calls().at(-1)).toMatch(/^gh <pr> <edit> <7> <--body-file>/);
  });

  it('opens none when there is nothing to release', () => {
    pushed();
    const { code, text } = open();
    expect(text).toContain('there is nothing to release');
    expect(code).toBe(0);
    expect(read('calls')).toBe('');
  });
});

describe('Which version is promoted', () => {
  const answers = (head: string, note: string) =>
    program(
      'gh',
      `case $2 in */pulls) printf '%s\\n' '${head}' ;; */status) printf '%s\\n' '${note}' ;; esac`,
    );
  const tested = () => run('scripts/tested-version.sh', {});

  it('is noted on the commit that staging has deployed', () => {
    run('scripts/note-version.sh', { VERSION: 'MEX7oWM66Ayv5j' });
    expect(calls()[0]).toContain('<repos/reactio-example/reactio/statuses/abc123>');
    expect(calls()[0]).toContain('<context=staging> <--raw-field> <description=version MEX7oWM66Ayv5j>');
  });

  it('is the one that staging ran for the head of the merged pull request', () => {
    answers('def456', 'version MEX7oWM66Ayv5j');
    const { code, out } = tested();
    expect(out).toBe('MEX7oWM66Ayv5j\n');
    expect(code).toBe(0);
    expect(calls().map((call) => call.split(' ')[2])).toEqual([
      '<repos/reactio-example/reactio/commits/abc123/pulls>',
      '<repos/reactio-example/reactio/commits/def456/status>',
    ]);
  });

  it.each([
    [
      'no pull request brought the commit',
      '',
      '',
      'no merged pull request to production brought the commit abc123',
    ],
    ['staging has not deployed it', 'def456', '', 'staging has not deployed def456'],
    ['the note is none of ours', 'def456', 'version a; rm', 'staging has not deployed def456'],
  ])('is none when %s', (_, head, note, message) => {
    answers(head, note);
    const { code, text, out } = tested();
    expect(text).toContain(`Nothing was promoted: ${message}`);
    expect(out).toBe('');
    expect(code).toBe(1);
  });
});

describe('The action', () => {
  const act = (env: Readonly<Record<string, string>>) =>
    run('actions/irekae/run.sh', {
      DO: 'deploy',
      TO: 's3://b/k.tar.gz',
      FLEETS: 'app worker',
      VERSION: 'v1',
      REASON: 'push of "x" $(touch evil)',
      ...env,
    });
  const REASON = '<--reason> <push of "x" $(touch evil)>';

  beforeEach(() => {
    for (const script of ['deploy.sh', 'promote.sh']) program(script, `exit "\${CODE:-0}"`, 'app/scripts');
    program('npx', `echo "$5 is Deployed"; [ "$5" != "\${FAILS_AT:-}" ] || exit 3`);
    program('aws', 'echo copied');
  });
  afterEach(() => expect(existsSync(join(root, 'app/evil'))).toBe(false));

  it('without a clone uses the scripts, and passes their exit code on', () => {
    expect(act({ CODE: '5' }).code).toBe(5);
    expect(calls()).toEqual([
      `deploy.sh <--to> <s3://b/k.tar.gz> <--name> <ci-42-1> <--version> <v1> ${REASON} <app> <worker>`,
    ]);
  });

  it('repeats what has ended when the job is run again', () => {
    act({ DO: 'promote', AGAIN: 'true', VERSION: '', REASON: '' });
    expect(calls()).toEqual([
      'promote.sh <--to> <s3://b/k.tar.gz> <--name> <ci-42-1> <--again> <app> <worker>',
    ]);
  });

  it('with a clone uses the command for each fleet, and shows its lines on the run', () => {
    expect(act({ CLONE: '.irekae' }).code).toBe(0);
    expect(calls()).toEqual(
      ['app', 'worker'].map(
        (fleet) =>
          `npx <--no> <--> <irekae> <deploy> <${fleet}> <--version> <v1> ${REASON} <--token> <ci-42-1> <--wait>`,
      ),
    );
    expect(read('summary')).toContain('### irekae deploy app\n\n```text\napp is Deployed\n```\n');
  });

  it('promotes, which deploys the first fleet, then deploys the others at production’s version', () => {
    expect(act({ CLONE: '.irekae', DO: 'promote', REASON: '' }).code).toBe(0);
    expect(calls()).toEqual([
      'npx <--no> <--> <irekae> <promote> <app> <--version> <v1> <--token> <ci-42-1> <--wait>',
      'aws <s3api> <head-object> <--bucket> <b> <--key> <k.tar.gz> <--query> <VersionId> <--output> <text>',
      'npx <--no> <--> <irekae> <deploy> <worker> <--version> <copied> <--token> <ci-42-1> <--wait>',
    ]);
  });

  it('stops at the first fleet that fails, with its exit code', () => {
    expect(act({ CLONE: '.irekae', FAILS_AT: 'app' }).code).toBe(3);
    expect(calls()).toHaveLength(1);
    expect(read('summary').match(/```/g)).toHaveLength(2);
  });

  it.each(['', '.irekae'])('refuses to do anything else (clone "%s")', (clone) => {
    const { code, text } = act({ DO: 'rollback', CLONE: clone });
    expect(text).toContain('do is given as "rollback"; allowed are deploy and promote.');
    expect(code).toBe(2);
    expect(read('calls')).toBe('');
  });
});
