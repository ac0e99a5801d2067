/** cfn-lint (PyPI), which reads templates by CloudFormation's own schemas. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judge, Verdict } from './judge.ts';
import { judgedTemplates } from './templates-of-all.ts';
import { TOOLS } from './tools.ts';

const LINTER = join(TOOLS, 'bin/cfn-lint');

export const cloudformation: Judge = {
  name: 'cloudformation',
  missing: () =>
    existsSync(LINTER) ? undefined : `no cfn-lint in ${TOOLS}: .ci/run with CI=true installs it`,
  judge: async () => linted((text) => text),
  // A property that no launch template has.
  control: async () => linted((text) => text.replaceAll('"LaunchTemplateData"', '"LaunchTemplateDate"')),
};

interface Finding {
  readonly Level: string;
  readonly Message: string;
  readonly Location: { readonly Path?: { readonly Path?: readonly unknown[] } };
}

function linted(broken: (text: string) => string): Verdict {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-templates-'));
  try {
    const templates = judgedTemplates();
    const files = templates.map(({ environment, template }) => {
      const file = join(folder, `${environment.name}.template.json`);
      writeFileSync(file, broken(JSON.stringify(template)));
      return file;
    });
    const { stdout, stderr } = spawnSync(LINTER, ['--format', 'json', '--', ...files], {
      encoding: 'utf8',
      timeout: 240_000,
      maxBuffer: 64 * 1024 ** 2,
    });
    if (stdout.trim() === '') throw new Error(`cfn-lint said nothing: ${stderr.slice(-500)}`);
    const errors = (JSON.parse(stdout) as Finding[]).filter(({ Level }) => Level === 'Error');
    const resources = templates.reduce(
      (sum, { template }) => sum + Object.keys(template.Resources).length,
      0,
    );
    return {
      looked: `${templates.length} templates with ${resources} resources`,
      against: errors.map(
        ({ Message, Location }) => `${Location.Path?.Path?.slice(0, 3).join('/')}: ${Message}`,
      ),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
