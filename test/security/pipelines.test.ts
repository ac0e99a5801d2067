/** What CI's examples may never do: run others' code beside credentials, or deploy what nobody looked at. */
import { describe, expect, it } from 'vitest';
import { role } from '../examples/ci-roles.ts';
import { exampleFile, exampleFiles } from '../examples/example-files.ts';
import { entriesOf } from '../examples/workflow-text.ts';

const WORKFLOWS = exampleFiles('.yml').filter((path) => path.includes('github-actions/workflows/'));

interface Job {
  readonly name: string;
  readonly text: string;
  /** The first value of each key. */
  readonly has: (key: string) => string | undefined;
  readonly all: (key: string) => readonly string[];
}
const jobsOf = (path: string): Job[] => {
  const [, jobs = ''] = exampleFile(path).split(/^jobs:$/m);
  return jobs
    .split(/^(?= {2}[\w-]+:$)/m)
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const entries = entriesOf(text);
      const all = (key: string) => entries.filter((each) => each.key === key).map(({ value }) => value);
      return {
        name: `${path.split('/').at(-1)}: ${/\S+(?=:)/.exec(text)?.[0]}`,
        text,
        all,
        has: (key) => all(key)[0],
      };
    });
};
const jobs = WORKFLOWS.flatMap(jobsOf);
const trusted = jobs.filter((job) => job.has('id-token') === 'write');

/** Programs of the examples and of the machine; whatever else runs beside a token is somebody's build. */
const OURS = /^(scripts|packer|\.github\/scripts)\/[\w-]+\.sh$/;
const PLAIN = ['echo', 'printf', 'aws', 'packer'];
const ACTIONS = [
  'actions/checkout',
  'actions/download-artifact',
  'aws-actions/configure-aws-credentials',
  'hashicorp/setup-packer',
  './.github/actions/irekae',
];
/** The programs that a script of a step calls: the first word of each command, also within $( ). */
const programsIn = (script: string): string[] =>
  script
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/ # .*$/, '')
        .replace(/^(run: *)/, ''),
    )
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/^[a-z]\w*=\$\(/, '').split(/[ )]/)[0] ?? '');

describe('A job that holds the OIDC token', () => {
  it('is there to be looked at', () => expect(trusted.length).toBeGreaterThanOrEqual(5));

  it.each(trusted)('$name runs our scripts, and no build', ({ all }) => {
    const programs = all('run').flatMap(programsIn);
    expect(
      programs.filter((each) => !OURS.test(each) && ![...PLAIN, 'candidate', 'jq'].includes(each)),
    ).toEqual([]);
    const uses = all('uses').map((each) => each.split('@')[0] ?? '');
    expect(uses.filter((each) => !ACTIONS.includes(each))).toEqual([]);
  });

  it.each(trusted.filter(({ text }) => text.includes('actions/checkout')))(
    '$name has nothing of the application on its disk',
    ({ all }) => {
      const folders = all('sparse-checkout').flatMap((each) => each.trim().split(/\s+/));
      expect(all('sparse-checkout')).toHaveLength(1);
      expect(folders.filter((each) => !['.github', 'scripts', 'packer'].includes(each))).toEqual([]);
    },
  );

  it.each(trusted)(
    '$name is in an environment whose role trusts the branch alone that starts it',
    ({ has, name }) => {
      const file = WORKFLOWS.find((path) => path.endsWith(name.split(':')[0] ?? '')) ?? '';
      const environment = has('environment') ?? '';
      const [account, roleName] = environment.startsWith('image-')
        ? [environment.slice(6), 'ImageRole' as const]
        : [environment, 'CiRole' as const];
      const trust = role(account as 'staging' | 'production', roleName).AssumeRolePolicyDocument.Statement;
      const branch = /^ {4}branches: \[(\w+)\]$/m.exec(exampleFile(file))?.[1];
      expect(JSON.stringify(trust)).toContain(
        `"token.actions.githubusercontent.com:ref":"refs/heads/${branch}"`,
      );
      expect(JSON.stringify(trust)).not.toMatch(/StringLike|\*/);
      // The settings on GitHub's side say the same, by the README's own table.
      expect(exampleFile('README.md')).toMatch(
        new RegExp(`^\\| \`${environment}\` \\| \`${branch}\` \\|`, 'm'),
      );
    },
  );

  it('takes the build’s tarball by its digest alone', () => {
    const [build, deploy] = jobsOf('github-actions/workflows/staging.yml');
    expect(build?.has('id-token')).toBeUndefined();
    expect(build?.has('environment')).toBeUndefined();
    expect(build?.has('sha256')).toBe(`$\{{ steps.pack.outputs.sha256 }}`);
    const steps = deploy?.text ?? '';
    // Unpacked where none of our scripts is: a build that was taken over hands over whatever it likes.
    expect(deploy?.has('path')).toBe('built');
    const [fetched, checked, credentials] = [
      'download-artifact@',
      'sha256sum --check --strict',
      'configure-aws-credentials@',
    ].map((each) => steps.indexOf(each));
    expect(fetched).toBeGreaterThan(0);
    expect(checked).toBeGreaterThan(fetched ?? 0);
    expect(credentials).toBeGreaterThan(checked ?? 0);
  });
});

describe('Dependencies', () => {
  it('run no script of theirs when they are installed', () => {
    const all = [
      ...WORKFLOWS,
      ...exampleFiles('action.yml'),
      ...exampleFiles('Jenkinsfile'),
      ...exampleFiles('.sh'),
    ];
    const lines = all
      .flatMap((path) => exampleFile(path).split('\n'))
      .filter((line) => /\bnpm (ci|i|install)\b/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.includes('npm ci --ignore-scripts'))).toEqual([]);
  });

  it('are named exactly: irekae’s clone by a commit, Packer’s plugin by a version', () => {
    expect(exampleFile('github-actions/actions/irekae/action.yml')).toContain('[[ $REF =~ ^[0-9a-f]{40}$ ]]');
    expect(exampleFile('packer/reactio.pkr.hcl')).toMatch(/^ {6}version = "\d+\.\d+\.\d+"/m);
  });

  it('are run as root only when they are the text that somebody has read', () => {
    const script = exampleFile('packer/provision.sh');
    for (const [, file = ''] of script.matchAll(/^ *sh "\$(\w+)"$/gm))
      expect(script.slice(0, script.indexOf(`sh "$${file}"`))).toMatch(/sha256sum --check --quiet -/);
    expect(script.match(/^ *(sh|bash|source|\.) /gm)).toHaveLength(1);
    expect(exampleFiles('.sh').filter((path) => /curl[^\n]*\|\s*(ba)?sh/.test(exampleFile(path)))).toEqual(
      [],
    );
  });
});

describe('Jenkins', () => {
  const text = exampleFile('shell/Jenkinsfile');
  const stages = new Map(
    text
      .split(/^ {4}stage\('/m)
      .slice(1)
      .map((stage) => [stage.slice(0, stage.indexOf("'")), stage] as const),
  );

  it('takes a role in no stage that a branch or a pull request reaches, nor where something was built', () => {
    const taking = [...stages].filter(([, stage]) => stage.includes('withAWS'));
    expect(taking.map(([name]) => name)).toEqual(['Staging', 'Production']);
    for (const [, stage] of taking) {
      expect(stage).toContain("when { beforeAgent true; branch 'main' }");
      expect(stage).toContain("agent { label 'deploy' }");
      expect(stage).not.toMatch(/carton|npm|pack\.sh/);
    }
    expect(stages.get('Pack')).toContain("agent { label 'build ");
    expect(text).toMatch(/^ {2}agent none$/m);
  });

  it('deploys what was packed, asks about its version, and promotes that very version', () => {
    expect(stages.get('Staging')).toContain("dir('built') { unstash 'app' }");
    expect(stages.get('Staging')).toContain('sha256sum --check --strict -');
    expect(stages.get('Staging')).toMatch(/env\.VERSION = sh\(script: 'scripts\/upload\.sh /);
    expect(stages.get('Staging')).toContain('scripts/deploy.sh --version "$VERSION" ');
    expect(stages.get('Look at staging')).toMatch(/input message: "[^"]*\$\{env\.VERSION\}/);
    expect(stages.get('Production')).toContain('scripts/promote.sh --version "$VERSION" ');
  });
});
