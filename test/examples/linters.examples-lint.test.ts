/**
 * The examples under the linters of their formats: actionlint for workflows, zizmor for
 * what an attacker would look for in them, shellcheck for scripts, Packer for the
 * image's template, cfn-lint for CloudFormation. Each is taken from the PATH and skips, loudly, where it is missing.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES, exampleFiles } from './example-files.ts';

const has = (tool: string, version: string, wanted = /./): boolean => {
  const { status, stdout } = spawnSync(tool, [version], { encoding: 'utf8' });
  const present = status === 0 && wanted.test(stdout);
  if (!present)
    console.warn(`\n!!! SKIPPED: no (fitting) "${tool}" found; the examples are NOT checked by it. !!!\n`);
  return present;
};
const lint = (tool: string, args: readonly string[], cwd: string) => {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd, encoding: 'utf8', timeout: 50_000 });
  return { status, text: stdout + stderr };
};
const CLEAN = { status: 0, text: '' };

/** An application's repository with the examples in it, as their README says. */
let app: string;
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'irekae-lint-'));
  mkdirSync(join(app, '.git'));
  cpSync(join(EXAMPLES, 'github-actions'), join(app, '.github'), { recursive: true });
  cpSync(join(EXAMPLES, 'shell'), join(app, 'scripts'), { recursive: true });
  cpSync(join(EXAMPLES, 'packer'), join(app, 'packer'), { recursive: true });
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

describe.skipIf(!has('actionlint', '-version'))('actionlint', () => {
  it('finds nothing wrong with the workflows, their action and their expressions', () =>
    expect(lint('actionlint', [], app)).toEqual(CLEAN));

  it('would find an input that the action does not have', () => {
    const path = join(app, '.github/workflows/staging.yml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('          do: deploy', '          verb: deploy'));
    const { status, text: found } = lint('actionlint', [], app);
    writeFileSync(path, text);
    expect(status).not.toBe(0);
    expect(found).toContain('"verb" is not defined in action "irekae"');
  });
});

// Without a network: what zizmor would ask of GitHub (is the commit behind this tag?) is not asked.
describe.skipIf(!has('zizmor', '--version'))('zizmor', () => {
  const audit = () => lint('zizmor', ['--offline', '--no-progress', '--strict-collection', '.github'], app);
  it('finds nothing to attack in the workflows and their action', () => {
    const { status, text } = audit();
    expect(text).not.toMatch(/^(error|warning|info|help)\[/m);
    expect(status).toBe(0);
  });

  it.each([
    ['text of an input in a script', 'run: scripts/pack.sh app.tar.gz local', 'template-injection'],
    ['an action that a tag names', 'uses: shogo82148/actions-setup-perl@v1', 'unpinned-uses'],
  ])('would find %s', (_, line, audited) => {
    const path = join(app, '.github/workflows/staging.yml');
    const text = readFileSync(path, 'utf8');
    const attacked = line.startsWith('uses')
      ? text.replace(/uses: shogo82148\S+/, line)
      : text.replace(
          'run: |\n          scripts/pack.sh app.tar.gz local',
          `run: |\n          echo "$\{{ github.event.head_commit.message }}"`,
        );
    expect(attacked).not.toBe(text);
    writeFileSync(path, attacked);
    const { status, text: found } = audit();
    writeFileSync(path, text);
    expect(status).not.toBe(0);
    expect(found).toContain(audited);
  });
});

describe.skipIf(!has('shellcheck', '--version'))('shellcheck', () => {
  const scripts = [...exampleFiles('.sh'), 'packer/files/mackerel-api-key'];
  it.each(scripts)('finds nothing wrong with %s', (path) =>
    expect(lint('shellcheck', ['-x', path], EXAMPLES)).toEqual(CLEAN),
  );
});

describe.skipIf(!has('cfn-lint', '--version'))('cfn-lint', () => {
  it('finds nothing wrong with the templates', () =>
    expect(lint('cfn-lint', exampleFiles('.template.json'), EXAMPLES)).toEqual(CLEAN));
});

describe.skipIf(!has('terraform', 'version'))('terraform', () => {
  it('finds the example formatted as it would', () => {
    const { status, stdout } = spawnSync('terraform', ['fmt', '-check', '-diff', 'terraform'], {
      cwd: EXAMPLES,
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

// The template needs Packer 1.9: older ones know no required_plugins.
describe.skipIf(!has('packer', 'version', /v1\.(9|\d\d)\.|v[2-9]/))('packer', () => {
  it('finds the template formatted as it would', () =>
    expect(lint('packer', ['fmt', '-check', '-diff', 'reactio.pkr.hcl'], join(app, 'packer'))).toEqual(
      CLEAN,
    ));

  it('understands the template', () =>
    expect(lint('packer', ['validate', '-syntax-only', '.'], join(app, 'packer')).status).toBe(0));
});
