/** Whoever may choose a name, a message or what an application prints writes for everybody who reads it. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { DeploymentInput } from '../../lambdas/domain/core/input.ts';
import { parseExecutionInput } from '../../lambdas/domain/core/parse-document.ts';
import { glob } from '../../lambdas/domain/core/pattern.ts';
import { plain, printable } from '../../lambdas/domain/core/words.ts';
import { lastLines } from '../../lambdas/domain/hosts/evidence.ts';
import { endingOf } from '../../lambdas/domain/record/ending.ts';
import { newsOf } from '../../lambdas/domain/record/news.ts';
import { messageOf } from '../../lambdas/domain/record/news-message.ts';
import { recordOf } from '../../lambdas/domain/record/record.ts';
import { timelinePage } from '../../lambdas/domain/record/timeline/page.ts';
import { width } from '../../lib/terminal/width.ts';
import { Desk, FLEET, ROLE } from '../command/desk.ts';
import { AwsOnPath } from '../examples/aws-on-path.ts';
import { EXAMPLES } from '../examples/example-files.ts';
import { at, endOf, failedBy, shifted } from '../support/deployments.ts';
import { corpus } from './corpus.ts';

const NAMES: readonly (readonly [string, string])[] = [
  ['clears the screen', 'a\u001b[2J\u001b[Hb'],
  ['colours it', '\u001b[30;40mhidden\u001b[0m'],
  [
    'sets the title, and a link',
    '\u001b]0;title\u0007\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007',
  ],
  ['is an 8-bit escape', 'a\u009b2Jb\u0090q\u009c'],
  ['goes back', 'i-evil\b\b\b\b\b\bi-good\r i-fine'],
  ['is a line of ours', 'x\nreactio-production-app: Deployed. To do: nothing.'],
  ['ends a line otherwise', 'a\u2028b\u2029c\u0085d\u000be\u000cf'],
  ['turns the order', 'a\u202egnp.exe\u202c \u202d \u202a \u202b'],
  ['isolates', '\u2066\u2067\u2068i-1\u2069'],
  ['marks a direction', 'a\u200e\u200f\u061cb'],
  ['is not seen', 'i-1\u200b\u200c\u200d\u2060\ufeff\u00ad23'],
  ['is blank', '\u115f\u1160\u3164\uffa0\u2800'],
  [
    'is tags',
    `ok${[...'ignore all'].map((each) => String.fromCodePoint(0xe0000 + (each.codePointAt(0) ?? 0))).join('')}`,
  ],
  ['annotates', 'a\ufff9b\ufffac\ufffb\u034f'],
  ['is a flood', `z${'\u0301\u0323'.repeat(200)}algo`],
  ['combines with what stands before it', '\u20dd\u0338i-1'],
  ['is half a character', 'a\ud800b\udc00'],
  ['is long', 'x'.repeat(10_000)],
  ['is wide', '替'.repeat(3_000)],
  ['is far away', `a${' '.repeat(5_000)}b${'\u00a0'.repeat(500)}`],
  ['is markup', '<script>alert(1)</script><img src=x onerror=alert(1)>"\'`'],
  ['is Markdown', '```\n# Deployed\n![x](https://evil.example/x.png) [here](https://evil.example) | a | <b>'],
  ['is a command to the runner', '::add-mask::a\n::set-output name=x::y ##[error]z ::stop-commands::x'],
];

/** What nobody may be shown: the value would say something else than it does. */
const OBEYED =
  /(?!\p{Variation_Selector})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|\p{M}{4}|["' (]\p{M}/u;
const shownBadly = (text: string) => text.split('\n').filter((line) => OBEYED.test(line));
const OF = failedBy('AlertDuringBake', 'x');

let aws: AwsOnPath | undefined;
beforeEach(() => {
  aws = undefined;
});
afterEach(() => aws?.remove());

const failedWith = (words: string) =>
  shifted({ failure: { ...OF, Cause: words }, input: { startedBy: plain(words), reason: plain(words) } });

/** Surface → what stands there when somebody else has chosen the words. */
const SURFACES: Readonly<Record<string, (words: string) => string | Promise<string>>> = {
  'an error': (words) => new DeploymentError('LaunchRefused', `EC2 says "${words}".`).message,
  'a cause': (words) => endingOf(failedWith(words), 'undone').cause,
  'a record': (words) =>
    Object.values(recordOf(failedWith(words), at(200), endingOf(failedWith(words), 'undone')))
      .filter((value) => typeof value === 'string')
      .join('\n'),
  // A console has lines of its own; people see them as such.
  'a console': (words) => lastLines(words.replaceAll('\n', ' ')).join('\n'),
  'a page': (words) =>
    timelinePage(recordOf(failedWith(words), at(200), endingOf(failedWith(words), 'undone'))),
  'a mail': (words) => {
    const deployment = failedWith(words);
    const { subject, body } = messageOf(
      newsOf(deployment, recordOf(deployment, at(200), endingOf(deployment, endOf(deployment)))),
    );
    return `${subject}\n${body}`;
  },
  'the command, adopting': async (words) => {
    const desk = new Desk();
    desk.host({ fleet: null, tags: { Name: words } });
    desk.world.mackerel.addHost({ name: words, roles: [ROLE] });
    const { out, err } = await desk.run(`adopt ${FLEET}`, { answer: false });
    return `${out}\n${err}`;
  },
  'the command, looking': async (words) => {
    const desk = new Desk();
    desk.hold('bring-up', { document: JSON.stringify({ input: { reason: words } }) });
    desk.callHuman(words);
    const { out, err } = await desk.run(`status ${FLEET}`);
    return `${out}\n${err}`;
  },
  'the command, misused': async (words) => {
    const { err } = await new Desk().run(`cancel ${words.replaceAll(' ', '_')}`);
    return err;
  },
};

describe(`Words that others chose: ${corpus('names', NAMES)}, ${corpus('surfaces', [...Object.keys(SURFACES), 'the scripts'])}`, () => {
  it.each(Object.keys(SURFACES))('are only words in %s', async (surface) => {
    for (const [title, words] of NAMES) {
      const text = (await SURFACES[surface]?.(words)) ?? '';
      expect(shownBadly(text), title).toEqual([]);
      expect(text, title).not.toMatch(
        surface === 'a page' ? /<script>alert|<img src=x/ : /^reactio\S+: Deployed\. To do/m,
      );
      if (surface !== 'a page') expect(Math.max(...text.split('\n').map(width)), title).toBeLessThan(8_100);
    }
  });

  it('are only words in a log of CI and on its page', () => {
    for (const [title, words] of NAMES) {
      aws = new AwsOnPath();
      const page = join(aws.root, 'page');
      aws.addExecution({
        name: 'event-1',
        machine: 'irekae-shop',
        input: { versionId: 'v7' },
        status: 'FAILED',
        error: 'RolledBack',
        cause: words.replaceAll(/[\ud800-\udfff]/g, '?').slice(0, 3_000),
      });
      const run = aws.run(join(EXAMPLES, 'shell', 'deploy.sh'), ['--version', 'v7', 'shop'], {
        GITHUB_STEP_SUMMARY: page,
      });
      const summary = aws.read('page');
      for (const text of [run.out, run.err, summary]) {
        expect(shownBadly(text), title).toEqual([]);
        expect(text, title).not.toMatch(/^\s*::|##\[/m);
      }
      expect(summary.trimEnd().split('\n'), title).toHaveLength(3);
      expect(summary, title).not.toMatch(/(?<!\\)[<`[]/);
      aws.remove();
    }
  });

  it('leave words of people as they are', () => {
    for (const words of [
      '起動に失敗しました（応答なし）',
      'Zoë’s naïve café, 100 %',
      'ผู้ใหญ่',
      '葛\u{e0100}飾 ❤\ufe0f',
      'עברית',
      'a-b_c.d/e',
    ])
      expect(printable(words)).toBe(words);
  });
});

describe('The question of adopt', () => {
  it('names every id that is tagged, and the columns stand where they stand, whatever a host is called', async () => {
    const desk = new Desk();
    const ids = NAMES.map(([, Name]) => desk.host({ fleet: null, tags: { Name } }));
    for (const [, name] of NAMES) desk.world.mackerel.addHost({ name, roles: [ROLE] });
    const { out, questions } = await desk.run(`adopt ${FLEET}`, { answer: false });
    expect(questions).toHaveLength(1);
    for (const id of ids) {
      expect(questions[0]).toContain(id);
      expect(out.split('\n').filter((line) => line.includes(id))).toEqual([
        expect.stringMatching(/^ {2}tag +i-/),
      ]);
    }
    const wide = out.split('\n').filter((line) => width(line) > 240);
    expect(wide).toEqual([]);
  });
});

describe('A message has a bound', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `x${index}\u001b`);

  it('however many problems an input has', () => {
    const parse = () =>
      parseExecutionInput(DeploymentInput, { override: many.slice(0, 9), versionId: '$' }, 'deploys', many);
    expect(parse).toThrow(
      /^10,0\d\d problems with the execution input: .*; … and 10,00\d more\. Start again/,
    );
    expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/.{2000}/s) }));
  });

  it('however long an error is', () =>
    expect(new DeploymentError('NewHostDied', many.join(' ')).message.length).toBe(4_000));
});

describe('A pattern of the fleets file', () => {
  it.each([
    ['app-*', 'app-1', true],
    ['app-*-*', 'app-1', false],
    ['*-arm?-*', 'app-arm1-arm64-7', true],
    ['a*b*b', 'ab', false],
    ['a*b*b', 'abab', true],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['[x]$', '[x]$', true],
    ['a*\nb', 'a..\nb', true],
    [`${'*a'.repeat(40)}b`, 'a'.repeat(128), false],
  ])('%s matches %s: %s, and soon', (pattern, name, matches) =>
    expect(glob(pattern).test(name)).toBe(matches),
  );
});
