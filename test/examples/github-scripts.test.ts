/**
 * The scripts of `examples/github-actions`, run with a `gh`, an `npx` and an `aws` that note what they are asked. What a
 * script picks out of GitHub's answer is for `jq` to say; without it, these tests are skipped, loudly.
 */
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
const hasJq = spawnSync('jq', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasJq)
  console.warn(
    '!!! SKIPPED: there is no jq; what the scripts pick out of GitHub’s answers is NOT checked. !!!',
  );

/** A `gh` with these answers, by a pattern of its arguments; like GitHub's, it hands them to the `--jq` that it is given. */
function gitHub(answers: Readonly<Record<string, unknown>>): void {
  const rows = Object.entries(answers).map(([pattern, answer], index) => {
    writeFileSync(join(root, `answer-${index}.json`), JSON.stringify(answer));
    return `  ${pattern}) answer="${root}/answer-${index}.json" ;;`;
  });
  const text = ['all="$*" answer= query=', 'case "$all" in', ...rows, 'esac'];
  const jq = 'while [ $# -gt 1 ]; do if [ "$1" = --jq ]; then query=$2; fi; shift; done';
  program('gh', [...text, jq, 'if [ -n "$answer" ]; then jq -r "$query" "$answer"; fi'].join('\n'));
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

  it('says no more than GitHub takes, counted in characters, and cuts none in two', () => {
    commit('替'.repeat(500), 'x');
    commit(`Merge pull request #7 from a/b`, '🚚'.repeat(20_000));
    pushed();
    expect(open().code).toBe(0);
    const lines = read('body').trimEnd().split('\n').slice(2);
    expect(lines).toEqual([`- ${'🚚'.repeat(298)}…`, `- ${'替'.repeat(298)}…`]);
  });

  it.skipIf(!hasJq).each<[string, object[], RegExp]>([
    ['brings the one that is open up to date', [{ number: 7 }], /^gh <pr> <edit> <7> <--body-file>/],
    ['or the newest of several', [{ number: 9 }, { number: 7 }], /^gh <pr> <edit> <9> <--body-file>/],
    ['opens one where none is open', [], /^gh <pr> <create> <--base> <production>/],
  ])('%s', (_, list, call) => {
    commit('A change');
    pushed();
    gitHub({ 'pr\\ list*': list });
    expect(open().code).toBe(0);
    expect(calls().at(-1)).toMatch(call);
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
  const pull = (changes: object = {}) => ({
    number: 3,
    state: 'closed',
    merged_at: '2026-11-22T03:00:00Z',
    base: { ref: 'production' },
    head: { ref: 'main', sha: 'def456' },
    ...changes,
  });
  const status = (changes: object = {}) => ({
    context: 'staging',
    state: 'success',
    description: 'version MEX7oWM66Ayv5j',
    ...changes,
  });
  const tested = (pulls: readonly object[], statuses: readonly object[]) => {
    gitHub({ '*/pulls*': pulls, '*/status*': { state: 'success', statuses } });
    return run('scripts/tested-version.sh', {});
  };

  it('is noted on the commit that staging has deployed', () => {
    run('scripts/note-version.sh', { VERSION: 'MEX7oWM66Ayv5j' });
    expect(calls()[0]).toContain('<repos/reactio-example/reactio/statuses/abc123>');
    expect(calls()[0]).toContain('<context=staging> <--raw-field> <description=version MEX7oWM66Ayv5j>');
    expect(calls()[0]).toContain('<state=success>');
  });

  it.skipIf(!hasJq).each<[string, object[], object[]]>([
    ['the merged pull request', [pull()], [status()]],
    ['the merged one of several', [pull({ merged_at: null, head: { sha: 'x' } }), pull()], [status()]],
    ['the one to production', [pull({ base: { ref: 'main' }, head: { sha: 'x' } }), pull()], [status()]],
    [
      'a head with other statuses, too',
      [pull()],
      [status({ context: 'ci/test', description: 'version other' }), status()],
    ],
  ])('is the one that staging ran for the head of %s', (_, pulls, statuses) => {
    const { code, out, text } = tested(pulls, statuses);
    expect(text).toBe('MEX7oWM66Ayv5j\n');
    expect(out).toBe('MEX7oWM66Ayv5j\n');
    expect(code).toBe(0);
    expect(calls().map((call) => call.split(' ')[2])).toEqual([
      '<repos/reactio-example/reactio/commits/abc123/pulls>',
      '<repos/reactio-example/reactio/commits/def456/status>',
    ]);
  });

  const NO_PULL = 'no merged pull request to production brought the commit abc123';
  const NOT_DEPLOYED = 'staging has not deployed def456';
  it.skipIf(!hasJq).each<[string, object[], object[], string]>([
    ['no pull request brought the commit', [], [], NO_PULL],
    ['it is not merged', [pull({ state: 'open', merged_at: null })], [status()], NO_PULL],
    ['it was closed without a merge', [pull({ merged_at: null })], [status()], NO_PULL],
    ['it was merged to another branch', [pull({ base: { ref: 'main' } })], [status()], NO_PULL],
    ['staging has no status', [pull()], [], NOT_DEPLOYED],
    ['staging is still pending', [pull()], [status({ state: 'pending' })], NOT_DEPLOYED],
    ['staging has failed', [pull()], [status({ state: 'failure' })], NOT_DEPLOYED],
    ['another job says so', [pull()], [status({ context: 'lint' })], NOT_DEPLOYED],
    ['the note is empty', [pull()], [status({ description: null })], NOT_DEPLOYED],
    ['the note is none of ours', [pull()], [status({ description: 'version a; rm' })], NOT_DEPLOYED],
    ['the note has two lines', [pull()], [status({ description: 'version a\nversion b' })], NOT_DEPLOYED],
  ])('is none when %s', (_, pulls, statuses, message) => {
    const { code, text, out } = tested(pulls, statuses);
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
    program(
      'npx',
      `echo "Promoted as version copied of s3://b/k.tar.gz" | { [ "$4" = promote ] && cat; true; }; echo "$5 is Deployed"; [ "$5" != "\${FAILS_AT:-}" ] || exit 3`,
    );
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
    expect(read('summary')).toContain('### irekae deploy app\n\n    app is Deployed\n\n');
  });

  it('promotes, which deploys the first fleet, then deploys the others at the version that it was promoted as', () => {
    expect(act({ CLONE: '.irekae', DO: 'promote', REASON: '' }).code).toBe(0);
    expect(calls()).toEqual([
      'npx <--no> <--> <irekae> <promote> <app> <--version> <v1> <--token> <ci-42-1> <--wait>',
      'npx <--no> <--> <irekae> <deploy> <worker> <--version> <copied> <--token> <ci-42-1> <--wait>',
    ]);
  });

  it('stops at the first fleet that fails, with its exit code', () => {
    expect(act({ CLONE: '.irekae', FAILS_AT: 'app' }).code).toBe(3);
    expect(calls()).toHaveLength(1);
  });

  it('lets nothing that the command says end its block, or be a command to the runner', () => {
    const said = ['```', '</pre><b>', '::add-mask::a', '##[set-output name=x]', 'a\rb', '# Deployed'];
    program('npx', said.map((line) => `printf '%s\\n' '${line}'`).join('\n'));
    const { out } = act({ CLONE: '.irekae', FLEETS: 'app' });
    const [head, ...page] = read('summary').trimEnd().split('\n').filter(Boolean);
    expect(head).toBe('### irekae deploy app');
    expect(page.filter((line) => !line.startsWith('    ') || line.includes('\r'))).toEqual([]);
    const [, stop = ''] = /^::stop-commands::([0-9a-f]{32})$/m.exec(out) ?? [];
    const lines = out.trimEnd().split('\n');
    expect(lines.at(-1)).toBe(`::${stop}::`);
    const from = lines.indexOf(`::stop-commands::${stop}`);
    for (const line of said) expect(lines.slice(from + 1, -1)).toContain(line.replace('\r', ' '));
  });

  it('has each secret of the job masked, line by line and as it is encoded, before anything is said', () => {
    const key = 'wJalr/XUtn+FEMI=K7MD%ENG';
    const { out } = act({
      AWS_SECRET_ACCESS_KEY: key,
      GH_TOKEN: 'first-line\nsecond-line\nx',
      AWS_SESSION_TOKEN: '',
    });
    const before = out.slice(0, out.indexOf('::stop-commands::')).trimEnd().split('\n');
    // The runner decodes %25.
    const masked = before.map((line) => line.replace('::add-mask::', '').replaceAll('%25', '%'));
    const forms = (text: string) => [
      text,
      Buffer.from(text).toString('base64').replace(/=+$/, ''),
      encodeURIComponent(text),
    ];
    expect(masked).toEqual([...forms(key), ...forms('first-line'), ...forms('second-line')]);
  });

  it.each(['', '.irekae'])('refuses to do anything else (clone "%s")', (clone) => {
    const { code, text } = act({ DO: 'rollback', CLONE: clone });
    expect(text).toContain('do is given as "rollback"; allowed are deploy and promote.');
    expect(code).toBe(2);
    expect(read('calls')).toBe('');
  });
});
