/** The Japanese README keeps step with the English one: the same headings, the same commands, the same links. */
import { describe, expect, it } from 'vitest';
import { commandsIn, keepStep, linksIn } from './twin-pages.ts';

keepStep('README.md');

describe('The comparison', () => {
  it('sees a command that was changed, and not where it is indented', () => {
    expect(commandsIn('1. a\n\n   ```sh\n   ls\n   ```\n')).toEqual(commandsIn('```sh\nls\n```\n'));
    expect(commandsIn('```sh\nls\n```')).not.toEqual(commandsIn('```sh\nls -l\n```'));
  });

  it('reads over a comment, which is told in the language of its page', () => {
    expect(commandsIn('```sh\n# 一覧\nls # 一\n```')).toEqual(commandsIn('```sh\n# the list\nls # 一\n```'));
    expect(commandsIn('```sh\n# ls\n```')).not.toEqual(commandsIn('```sh\nls\n```'));
  });

  it('takes a link within the page for the same when it leads to the same heading', () => {
    expect(linksIn('[b](#b)', '# a\n\n## b')).toEqual(linksIn('[乙](#乙)', '# 甲\n\n## 乙'));
    expect(linksIn('[b](#b)', '# a\n\n## b')).not.toEqual(linksIn('[甲](#甲)', '# 甲\n\n## 乙'));
    expect(linksIn('[b](#b)', '# a\n\n## b')).toEqual(linksIn('[乙](#b)', '# 甲\n\n<a id="b"></a>\n\n## 乙'));
  });

  it('takes a page and its twin for one, at the same place', () => {
    expect(linksIn('[b](docs/b.md#c)', '')).toEqual(linksIn('[乙](docs/b.ja.md#c)', ''));
    expect(linksIn('[b](docs/b.md#c)', '')).not.toEqual(linksIn('[乙](docs/b.ja.md#d)', ''));
  });
});
