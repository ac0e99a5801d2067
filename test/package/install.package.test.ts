/** The product as a team has it: packed, installed into an empty folder, with a fleets file and a CDK app of one's own. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { FleetsFile } from '../../bin/index.ts';
import { featureFlags } from '../../lib/feature-flags.ts';
import { bundleAll } from '../../lib/function-code.ts';
import { FUNCTION_NAMES } from '../../lib/function-names.ts';
import { type Ran, Team } from './team.ts';

const PROJECT = join(import.meta.dirname, '../..');
const { version, devDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const theTeam = new Team();
const { folder: team } = theTeam;
afterAll(() => theTeam.remove());

/** In the team's repository. */
function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { IREKAE_FLEETS: _, CDK_CONTEXT_JSON: __, ...own } = process.env;
  return theTeam.run(program, args, { ...own, ...env });
}

const FLEET = 'shop-live-web';
const FLEETS: FleetsFile = {
  environments: [{ name: 'live', account: '444444444444', region: 'eu-central-1' }],
  fleets: [
    {
      name: FLEET,
      environment: 'live',
      mackerel: { service: 'shop-live', role: 'web' },
      artifact: 'shop/web.tar.gz',
      image: { from: 'search', owner: 'self', namePattern: 'shop-*' },
      architecture: 'x86_64',
      instanceTypes: ['c7i.large'],
      subnets: ['subnet-0a1b2c3d'],
      instancesPerZone: 2,
      securityGroups: ['sg-0a1b2c3d'],
      startCommand: 'systemctl start web',
    },
  ],
};

const irekae = (...args: string[]) => run(join(team, 'node_modules/.bin/irekae'), args);

/** Whoever makes the app: its templates by the stacks' names, without what names the folder. */
function templatesIn(out: string): Readonly<Record<string, unknown>> {
  const files = readdirSync(join(team, out)).filter((name) => /^irekae-.*\.template\.json$/.test(name));
  return Object.fromEntries(
    files.map((name) => [name, JSON.parse(readFileSync(join(team, out, name), 'utf8'))]),
  );
}

let installed: Ran;

beforeAll(async () => {
  writeFileSync(join(team, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const wanted = ['aws-cdk-lib', 'constructs', 'typescript', '@types/node'];
  const exact = wanted.map((name) => `${name}@${devDependencies[name]}`);
  installed = await run('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    theTeam.pack(),
    ...exact,
  ]);
  writeFileSync(join(team, 'fleets.yaml'), stringify(FLEETS));
});

describe('Installed', () => {
  it('npm warns of nothing, on this Node', () => {
    expect(installed).toMatchObject({ code: 0, err: '' });
    expect(installed.out).not.toMatch(/warn/i);
  });

  it('there is one CDK', () => {
    const folders = readdirSync(join(team, 'node_modules'), { recursive: true, encoding: 'utf8' });
    for (const name of ['aws-cdk-lib', 'constructs'])
      expect(folders.filter((path) => `/${path}`.endsWith(`/node_modules/${name}`) || path === name)).toEqual(
        [name],
      );
  });

  it('and nothing of the sources, the tests and the machine that packed it', () => {
    const mine = readdirSync(join(team, 'node_modules/@irekae/irekae'), {
      recursive: true,
      encoding: 'utf8',
    });
    expect(
      mine.filter((path) => /^(lib|lambdas|simulator|test|judges|node_modules)(\/|$)/.test(path)),
    ).toEqual([]);
    const code = mine.filter((path) => path.startsWith('dist/') && path.endsWith('.js'));
    expect(code.length).toBeGreaterThan(3);
    for (const path of code)
      expect(readFileSync(join(team, 'node_modules/@irekae/irekae', path), 'utf8')).not.toContain(PROJECT);
  });
});

describe('The one-line app', () => {
  it('synthesizes the fleets file that lies there, and says one line for each fleet', async () => {
    writeFileSync(join(team, 'app.js'), "import '@irekae/irekae/app';\n");
    const { code, out, err } = await run(process.execPath, ['app.js'], { CDK_OUTDIR: 'one-line.out' });
    expect({ code, out, err }).toEqual({
      code: 0,
      out: '',
      err: `${FLEET}: irekae-live-fleet-${FLEET} in 444444444444, eu-central-1\n`,
    });
    expect(Object.keys(templatesIn('one-line.out'))).toEqual([
      `irekae-live-fleet-${FLEET}.template.json`,
      'irekae-live.template.json',
    ]);
  });

  it('brings the functions that everybody has', () => {
    bundleAll(join(theTeam.parent, 'functions'));
    for (const name of FUNCTION_NAMES) {
      const file = join(name, 'index.mjs');
      const theirs = join(team, 'node_modules/@irekae/irekae/dist/functions', file);
      expect(readFileSync(theirs).equals(readFileSync(join(theTeam.parent, 'functions', file))), name).toBe(
        true,
      );
    }
  });

  it('tells what is wrong with the file, and makes nothing', async () => {
    writeFileSync(join(team, 'wrong.json'), '{\n  "environments": [],\n  "fleets": []\n}');
    const wrong = { CDK_OUTDIR: 'wrong.out', IREKAE_FLEETS: 'wrong.json' };
    const { code, err } = await run(process.execPath, ['app.js'], wrong);
    expect(code).toBe(1);
    expect(err).toMatch(/^wrong\.json has 2 problems:\n {2}- environments: /);
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

describe('The command', () => {
  it('plans on a modelled region', async () => {
    const { code, out, err } = await irekae('plan', FLEET, '--local');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toContain('shop/web.tar.gz');
  });

  it('deploys there', async () => {
    const { code, out } = await irekae('deploy', FLEET, '--local', '--wait');
    expect(code).toBe(0);
    expect(out).toMatch(/^Deployed shop\/web/m);
  });

  it('reads a fleets file in TypeScript that has the type of the package', async () => {
    writeFileSync(
      join(team, 'mine.ts'),
      `import type { FleetsFile } from '@irekae/irekae';\nexport const fleetsFile: FleetsFile = ${JSON.stringify(FLEETS)};\n`,
    );
    const { code, out } = await irekae('status', FLEET, '--local', '--json', '--fleets', 'mine.ts');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ command: 'status', fleet: FLEET });
  });
});

/** TypeScript, strict, in an app that has other stacks and other feature flags. */
const FOREIGN = `
import { IrekaeEnvironments, type FleetsFile } from '@irekae/irekae';
import { App, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { fleetsFile } from './mine.js';

const app = new App({ outdir: 'foreign.out', context: { '@aws-cdk/core:defaultCrossStackReferences': 'strong' } });
const other = new Stack(app, 'Other');
new Bucket(other, 'Bucket');
const fleets: FleetsFile = fleetsFile;
const irekae = new IrekaeEnvironments(app, 'irekae', { fleets });
const [live] = irekae.stacks;
if (live === undefined) throw new Error('no stacks');
live.shared.addStackDependency(other);
app.synth();
`;

describe('The construct', () => {
  it('has its types, and makes the same templates in a foreign app', async () => {
    writeFileSync(join(team, 'foreign.ts'), FOREIGN);
    const options = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
      '--outDir',
      'js',
    ];
    const compiled = await run(join(team, 'node_modules/.bin/tsc'), [
      ...options,
      '--skipLibCheck',
      'foreign.ts',
    ]);
    expect(compiled).toMatchObject({ code: 0, out: '' });
    const { code, err } = await run(process.execPath, ['js/foreign.js']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(templatesIn('foreign.out')).toEqual(templatesIn('one-line.out'));
    expect(readdirSync(join(team, 'foreign.out'))).toContain('Other.template.json');
    expect(featureFlags()['@aws-cdk/core:defaultCrossStackReferences']).toBe('weak');
  });

  it('refuses a wrong field before anything runs', async () => {
    writeFileSync(join(team, 'wrong.ts'), FOREIGN.replace('= fleetsFile', '= { ...fleetsFile, fleetz: [] }'));
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--noEmit'];
    const { code, out } = await run(join(team, 'node_modules/.bin/tsc'), [
      ...options,
      '--skipLibCheck',
      'wrong.ts',
    ]);
    expect(code).not.toBe(0);
    expect(out).toMatch(/fleetz/);
  });
});

it('says which version it is', () => {
  expect(
    JSON.parse(readFileSync(join(team, 'node_modules/@irekae/irekae/package.json'), 'utf8')).version,
  ).toBe(version);
});
