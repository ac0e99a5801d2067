/** What people are told to type: found in sentences, and spelt as they called the command themselves. */
import { describe, expect, it } from 'vitest';
import { calledAs, spellingOf } from '../../bin/command/calling.ts';
import { chooseCredentials, logIn } from '../../bin/command/credentials.ts';
import { AS_WRITTEN, commandsIn, respelt } from '../../bin/command/hints.ts';
import { Rendering } from '../../bin/command/rendering.ts';
import { clockTime } from '../../bin/command/wording.ts';
import { COMMAND, commandAt } from '../../lambdas/domain/core/names.ts';
import { layOut } from '../../lib/terminal/layout.ts';

describe('A command in a sentence', () => {
  it.each<[string, string[]]>([
    [`To follow it:  ${COMMAND} watch shop`, [`${COMMAND} watch shop`]],
    [
      `Replace them: ${COMMAND} deploy shop --redeploy (see NewHostDied)`,
      [`${COMMAND} deploy shop --redeploy`],
    ],
    [`See ${COMMAND} status shop, then act.`, [`${COMMAND} status shop`]],
    [`nothing was deployed there yet (npx cdk deploy irekae-x).`, ['npx cdk deploy irekae-x']],
    [`A:  ${COMMAND} watch a     B:  ${COMMAND} cancel a`, [`${COMMAND} watch a`, `${COMMAND} cancel a`]],
    [
      `${COMMAND} rollback a --reason 'slow, and wrong. Really' --wait`,
      [`${COMMAND} rollback a --reason 'slow, and wrong. Really' --wait`],
    ],
    [
      `aws s3 cp app.tgz s3://b/k --metadata sha256=$(sha256sum app.tgz | cut -d' ' -f1)`,
      [`aws s3 cp app.tgz s3://b/k --metadata sha256=$(sha256sum app.tgz | cut -d' ' -f1)`],
    ],
    ['AWS has none, and aws is no command here.', []],
  ])('%s', (text, commands) =>
    expect(commandsIn(text).map(({ from, to }) => text.slice(from, to))).toEqual(commands),
  );
});

describe('It is spelt', () => {
  const spelling = { command: 'irekae', environment: 'AWS_PROFILE=prod', options: '--local stuck' };

  it.each([
    [`See:  ${COMMAND} status shop`, 'See:  AWS_PROFILE=prod irekae status shop --local stuck'],
    [
      `To do: ${commandAt('unlock', 'shop')}; then rest.`,
      'To do: AWS_PROFILE=prod irekae unlock shop --local stuck; then rest.',
    ],
    [`${COMMAND} page shop --local stuck`, 'AWS_PROFILE=prod irekae page shop --local stuck'],
    ['  aws s3 ls s3://b --region r', '  AWS_PROFILE=prod aws s3 ls s3://b --region r'],
    ['  npm start -- --list', '  npm start -- --list'],
  ])('%s', (text, spelt) => expect(respelt(text, spelling)).toBe(spelt));

  it.each([
    ['Correct `image` of shop in the fleets file.', 'Correct `image` of shop in fleets.yaml.'],
    ['The fleets file has no shop.', 'fleets.yaml has no shop.'],
    ['see LockLost in docs/runbook.md', 'see LockLost in node_modules/@irekae/irekae/docs/runbook.md'],
    [
      'What to do: docs/runbook.md#locklost',
      'What to do: node_modules/@irekae/irekae/docs/runbook.md#locklost',
    ],
    ['s3://b/docs/manual.md stays', 's3://b/docs/manual.md stays'],
  ])('as the files are called: %s', (text, spelt) =>
    expect(
      respelt(text, { ...AS_WRITTEN, fleetsFile: 'fleets.yaml', docs: 'node_modules/@irekae/irekae/' }),
    ).toBe(spelt),
  );

  it('as it is written, where nothing else is known', () =>
    expect(respelt(`See:  ${COMMAND} status shop`, AS_WRITTEN)).toBe(`See:  ${COMMAND} status shop`));
});

describe('A list of problems', () => {
  it('stands below its dashes, however narrow the terminal', () =>
    expect(
      layOut(['fleets.ts has 2 problems:', '  - fleet shop: architecture: given "arm65"', '  - short'], {
        columns: 30,
      }),
    ).toEqual([
      'fleets.ts has 2 problems:',
      '  - fleet shop: architecture:',
      '    given "arm65"',
      '  - short',
    ]));
});

describe('It was called', () => {
  const npx = { npm_command: 'exec', npm_lifecycle_event: 'npx', npm_lifecycle_script: "'irekae'" };
  const run = { npm_command: 'run-script', npm_lifecycle_event: 'irekae' };
  const installed = '/home/a/shop/node_modules/.bin/irekae';

  it.each<[string, Record<string, string>, string, string]>([
    ['by npx, as a dependency', npx, installed, ['npx', 'irekae'].join(' ')],
    ['by npx, in a clone', npx, '/home/a/irekae/bin/irekae.js', COMMAND],
    [
      'by a script of package.json',
      { ...run, npm_lifecycle_script: 'irekae' },
      installed,
      'npm run irekae --',
    ],
    [
      'by the script of a clone',
      { ...run, npm_command: 'run', npm_lifecycle_script: 'tsx bin/irekae.ts' },
      '/home/a/shop/bin/irekae.ts',
      'npm run irekae --',
    ],
    [
      'by a script that gives it options',
      { ...run, npm_lifecycle_script: 'irekae deploy shop' },
      installed,
      './node_modules/.bin/irekae'.slice(2),
    ],
    [
      'by tsx',
      { ...npx, npm_lifecycle_script: "'tsx' 'bin/irekae.ts'" },
      '/home/a/shop/bin/irekae.ts',
      'npx tsx bin/irekae.ts',
    ],
    [
      'by a program that npm runs',
      { ...npx, npm_lifecycle_script: 'vitest' },
      '/home/a/shop/bin/irekae.js',
      'node bin/irekae.js',
    ],
    ['by its name', { PATH: '/bin:/usr/local/bin' }, '/usr/local/bin/irekae', 'irekae'],
    ['by its path', { PATH: '/bin' }, '/opt/irekae', '/opt/irekae'],
    ['nobody knows how', {}, '', COMMAND],
  ])('%s', (_, env, script, command) =>
    expect(calledAs({ argv: ['node', script], env, cwd: '/home/a/shop' })).toBe(command),
  );

  it.each([
    [undefined, ''],
    ['', ''],
    ['prod', 'AWS_PROFILE=prod'],
    ['my prod', "AWS_PROFILE='my prod'"],
  ])('with the profile %s', (AWS_PROFILE, environment) =>
    expect(spellingOf({ argv: [], env: { AWS_PROFILE }, cwd: '/' }).environment).toBe(environment),
  );
});

describe('Whoever has the wrong credentials, or none', () => {
  it.each([
    [{}, 'Choose others by setting AWS_PROFILE.', 'Log in, or set AWS_PROFILE.'],
    [
      { AWS_PROFILE: 'prod' },
      /AWS_PROFILE, which is prod: set it to another/,
      /aws sso login --profile prod/,
    ],
    [{ AWS_ACCESS_KEY_ID: 'AKIA' }, /unset it and set AWS_PROFILE/, /set new ones/],
    [{ AWS_PROFILE: 'prod', AWS_ACCESS_KEY_ID: 'AKIA' }, /which is prod/, /AWS_PROFILE is prod/],
  ])('is told what fits %j', (env, others, again) => {
    expect(chooseCredentials(env)).toMatch(others);
    expect(logIn(env)).toMatch(again);
  });
});

describe('A moment', () => {
  const shown = (text: string, timeZone?: string) => new Rendering({ timeZone }, AS_WRITTEN).rows([text])[0];

  it.each([
    ['Asia/Tokyo', '2026-11-22 03:01:23 UTC (12:01:23 +09:00), 7 min ago'],
    ['America/New_York', '2026-11-22 03:01:23 UTC (2026-11-21 22:01:23 -05:00), 7 min ago'],
    ['Asia/Kolkata', '2026-11-22 03:01:23 UTC (08:31:23 +05:30), 7 min ago'],
    ['UTC', '2026-11-22 03:01:23 UTC, 7 min ago'],
    ['Europe/London', '2026-11-22 03:01:23 UTC, 7 min ago'],
    [undefined, '2026-11-22 03:01:23 UTC, 7 min ago'],
  ])('in %s', (timeZone, text) => expect(shown('2026-11-22 03:01:23 UTC, 7 min ago', timeZone)).toBe(text));

  it('has daylight saving time on its day', () =>
    expect(shown('from 2026-07-01 00:00 UTC', 'Europe/London')).toBe(
      'from 2026-07-01 00:00 UTC (01:00 +01:00)',
    ));

  it('of a log has both clocks', () => {
    const at = new Date('2026-11-22T20:01:23Z');
    expect([clockTime(at), clockTime(at, 'UTC'), clockTime(at, 'Asia/Tokyo')]).toEqual([
      '20:01:23',
      '20:01:23',
      '20:01:23 05:01:23',
    ]);
  });
});

describe('In colours', () => {
  const paint = (text: string) => new Rendering({ inColour: true }, AS_WRITTEN).rows([text])[0];

  it('a command stands out, and only it', () =>
    expect(paint(`See:  ${COMMAND} status shop`)).toBe(`See:  \x1b[36m${COMMAND} status shop\x1b[39m`));

  it('a failure does, and what somebody wrote colours nothing', () => {
    expect(paint('03:00:00  ✖ Launch: no')).toBe('\x1b[2m03:00:00  \x1b[22m\x1b[31m✖ Launch: no\x1b[39m');
    expect(paint('why \x1b[31mred')).toBe('why \uFFFD[31mred');
  });

  it('the ending has the colour of how it ended', () =>
    expect(new Rendering({ inColour: true }, AS_WRITTEN).rows(['Rolled back: x', 'more'], 'bad')).toEqual([
      '\x1b[31m\x1b[1mRolled back: x\x1b[22m\x1b[39m',
      'more',
    ]));

  it('not where none are wanted', () =>
    expect(new Rendering({}, AS_WRITTEN).rows(['Rolled back: x'], 'bad')).toEqual(['Rolled back: x']));
});
