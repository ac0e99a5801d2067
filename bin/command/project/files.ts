/** The files of a repository that has irekae as a dependency. Pure. */
import type { FleetsFile } from '../../../lib/fleet-config.ts';
import type { Proposal } from './proposal.ts';
import { commentLines, source } from './source.ts';

export const FILES = ['package.json', 'fleets.ts', 'cdk.json', '.gitignore', 'README.md'] as const;
export type ProjectFiles = Readonly<Record<(typeof FILES)[number], string>>;

export interface Dependencies {
  /** The package's name, and what npm installs: a version, a tarball, a git URL. */
  readonly irekae: { readonly name: string; readonly spec: string };
  /** The peers, and the tools beside them. */
  readonly others: Readonly<Record<string, string>>;
  readonly tools: Readonly<Record<string, string>>;
}

export function projectFiles(folder: string, fleets: string, needs: Dependencies): ProjectFiles {
  return {
    'package.json': json({
      name:
        folder
          .toLowerCase()
          .replace(/[^a-z0-9._]+/g, '-')
          .replace(/^[._-]+/, '')
          .replace(/-$/, '') || 'fleets',
      private: true,
      type: 'module',
      scripts: { check: 'irekae check', synth: 'cdk synth --quiet' },
      dependencies: sorted({ [needs.irekae.name]: needs.irekae.spec, ...needs.others }),
      devDependencies: sorted(needs.tools),
    }),
    'fleets.ts': fleets,
    'cdk.json': json({ app: `node node_modules/${needs.irekae.name}/dist/app.js` }),
    '.gitignore': 'node_modules/\ncdk.out/\n',
    'README.md': README,
  };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const sorted = (record: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => a.localeCompare(b)));

/** At the top of a fleets file. */
export const INTRODUCTION =
  '/** Your environments and their fleets. `npx --no -- irekae check` tells all that is wrong with it. */\n';

/** @param notes what is missing, at the top of the file */
export function fleetsText(
  file: FleetsFile,
  packageName: string,
  proposal: Pick<Proposal, 'fleets' | 'notes'>,
): string {
  const fleets = file.fleets.map((fleet, index) => {
    const { why = '', reasons = {} } = proposal.fleets[index] ?? {};
    return `${commentLines(why, '    ')}    ${source(fleet, '    ', new Map(Object.entries(reasons)))},\n`;
  });
  return [
    INTRODUCTION,
    `import type { FleetsFile } from '${packageName}';\n\n`,
    ...proposal.notes.map((note) => commentLines(note, '')),
    ...(proposal.notes.length > 0 ? ['\n'] : []),
    'export const fleetsFile: FleetsFile = {\n',
    `  environments: ${source(file.environments, '  ')},\n`,
    `  fleets: [\n${fleets.join('')}  ],\n};\n`,
  ].join('');
}

const README = `# Fleets

Deployed by irekae: what runs where stands in \`fleets.ts\`.

| command | does |
| --- | --- |
| \`npm install\` | installs irekae and CDK |
| \`npx --no -- irekae check\` | tells all that is wrong with \`fleets.ts\` |
| \`npx --no -- irekae deploy FLEET --local --wait\` | plays a deployment on a modelled Region: needs no account |
| \`npx cdk deploy 'irekae-ENVIRONMENT*'\` | deploys the stacks of an environment |
| \`npx --no -- irekae doctor FLEET\` | checks everything that the next deployment needs |
| \`npx --no -- irekae --help\` | lists all commands |

To upgrade, install another version, read its \`CHANGELOG.md\`, and deploy the stacks again.
`;
