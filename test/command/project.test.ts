/** The commands without a fleet: `init` and `check`, from their options to what they write and say. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { irekae } from '../../bin/command/irekae.ts';
import { FILES } from '../../bin/command/project/files.ts';
import { answerFor, QUESTIONS } from '../../bin/command/project/questions.ts';
import type { ProjectPlace } from '../../bin/command/project-command.ts';
import type { AccountFacts } from '../../lambdas/ports/account.ts';
import { loadFleets } from '../../lib/fleets-file.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { looseExample } from '../lib/fleets.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'irekae-project-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SUBNETS = ['a', 'c'].map((zone, n) => ({
  id: `subnet-0a1b2c3d4e5f6000${n}`,
  zone: `ap-northeast-1${zone}`,
  vpc: 'vpc-1',
  isDefault: true,
  isPublic: true,
}));
const balancer = (name: string) => ({
  kind: 'classic' as const,
  name,
  reachedBy: ['classic'],
  subnets: SUBNETS.map(({ id }) => id),
  instances: [],
});
const account: AccountFacts = {
  account: '111111111111',
  region: 'ap-northeast-1',
  instances: [],
  balancers: [balancer('web'), balancer('api')],
  subnets: SUBNETS,
  securityGroups: [{ id: 'sg-0a1b2c3d', name: 'default', vpc: 'vpc-1' }],
  images: [],
  launchTemplates: [],
  unread: [],
};

interface Visit extends Partial<ProjectPlace> {
  /** To every question, in order; then nothing more. Without it nobody can be asked. */
  readonly answers?: readonly string[];
  readonly fleetsFile?: unknown;
}

async function run(argv: readonly string[], { answers, fleetsFile, ...change }: Visit = {}) {
  const [out, err, questions]: [string[], string[], string[]] = [[], [], []];
  const left = [...(answers ?? [])];
  const askLine = async (question: string) => {
    questions.push(question);
    return left.shift() ?? '';
  };
  const exitCode = await irekae(argv, {
    fleetsFile,
    connect: async () => {
      throw new Error('no fleet is asked about');
    },
    print: (line) => out.push(line),
    complain: (line) => err.push(line),
    project: {
      folder,
      fleets: fleetsFile,
      ownRegion: async () => 'ap-northeast-1',
      readAccount: async () => account,
      ...(answers && { askLine }),
      ...change,
    },
  });
  return { exitCode, out: out.join('\n'), err: err.join('\n'), questions };
}

const READY = [
  '--service',
  'shop',
  '--role',
  'web=web',
  '--role',
  'api=api',
  '--start-command',
  'systemctl start x',
];
const nobody = { readAccount: async () => Promise.reject(new Error('no account may be read')) };

describe('init', () => {
  const written = async () => readFleets((await import(join(folder, 'fleets.ts'))).fleetsFile);

  it('writes the example without an account, without a question', async () => {
    const { exitCode, out, questions } = await run(['init', '--example'], { ...nobody, answers: [] });
    expect({ exitCode, questions }).toEqual({ exitCode: 0, questions: [] });
    expect(out).toContain('irekae deploy reactio-staging-app --local --wait');
    expect(readdirSync(folder).toSorted()).toEqual([...FILES].toSorted());
    expect((await written()).map(({ name }) => name)).toEqual(['staging', 'production']);
    const text = readFileSync(join(folder, 'fleets.ts'), 'utf8');
    expect(text).toMatch(
      /^\/\*\* Your environments[^\n]+\*\/\nimport type \{ FleetsFile \} from '[^'.]+';\n/,
    );
  });

  it.each([...FILES, 'fleets.yaml'])('overwrites no %s: says so, and writes nothing', async (name) => {
    writeFileSync(join(folder, name), 'mine');
    const { exitCode, err } = await run(['init', '--example'], nobody);
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      new RegExp(`^${name.replaceAll('.', '\\.')} is here already, and nothing is overwritten`),
    );
    expect(readdirSync(folder)).toEqual([name]);
    expect(readFileSync(join(folder, name), 'utf8')).toBe('mine');
  });

  it('leaves other files alone', async () => {
    writeFileSync(join(folder, 'LICENSE'), 'mine');
    expect((await run(['init', '--example'])).exitCode).toBe(0);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe('mine');
  });

  it('takes all answers as options, each for all fleets or for one', async () => {
    const { exitCode, err } = await run([
      'init',
      ...READY,
      ...[
        '--start-command',
        "web=FOO=1 sh -c 'x'",
        '--environment',
        'qa',
        '--artifact',
        'shop/app.tar.gz',
        '--name',
        'api=jobs',
      ],
    ]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    const [environment] = await written();
    expect(environment).toMatchObject({ name: 'qa', account: '111111111111' });
    expect(environment?.fleets).toMatchObject([
      {
        name: 'web',
        mackerel: { service: 'shop', role: 'web' },
        startCommand: "FOO=1 sh -c 'x'",
        artifact: 'shop/app.tar.gz',
      },
      { name: 'jobs', mackerel: { service: 'shop', role: 'api' }, image: { namePattern: 'jobs-*' } },
    ]);
  });

  it('takes only the fleets that are named', async () => {
    const { exitCode } = await run(['init', ...READY, '--only', 'api']);
    expect(exitCode).toBe(0);
    expect((await written())[0]?.fleets.map(({ name }) => name)).toEqual(['api']);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    [
      'what is missing',
      ['--only', 'web'],
      [
        '--service …: missing, but required (the Mackerel service of its hosts)',
        '--role …: missing, but required (their role in that service)',
        '--start-command …: missing, but required (starts the application, as root, and ends)',
      ],
    ],
    [
      'what is missing of one',
      READY.slice(0, 4),
      ['--role api=…: missing, but required', '--start-command web=…: missing'],
    ],
    ['what is not allowed', [...READY, '--service', 'x'], ['--service web=x: allowed: 2 to 63 letters']],
    [
      'subnets that are none',
      [...READY, '--subnets', 'vpc-1,vpc-2'],
      ['--subnets web=vpc-1,vpc-2: allowed: an id such as subnet-'],
    ],
    [
      'a fleet that is not proposed',
      ['--only', 'wbe'],
      ['--only wbe: allowed: one of web, api; did you mean web?'],
    ],
    ['a Region that is none', ['--region', 'tokyo'], ['--region tokyo: allowed: an AWS Region']],
    ['an option that is none', ['--regoin', 'x'], ['--regoin: no such option; did you mean --region?']],
    ['an option without its value', ['--region'], ['--region: needs a value, REGION']],
    ['a flag with a value', ['--example=yes'], ['--example: given a value, but takes none']],
    ['more words', ['web'], ['web: unexpected, as this command takes options only']],
    [
      'two fleets of one role',
      [...READY.slice(0, 2), '--role', 'app', ...READY.slice(-2)],
      ['fleet api: mackerel: given "shop:app", allowed: a role of its own'],
    ],
    ['an environment that is none', [...READY, '--environment', 'QA'], ['environment QA: name: given "QA"']],
  ])('refuses %s, all at once, and writes nothing', async (_, options, problems) => {
    const { exitCode, err } = await run(['init', ...options]);
    expect(exitCode).toBe(2);
    for (const problem of problems) expect(err).toContain(problem);
    expect(err).toMatch(/See: .*irekae init --help$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('asks a person what it cannot know, and again for what is not allowed', async () => {
    const answers = ['y', 'n', 'qa', '', 'x', 'shop', 'web', 'systemctl start web'];
    const { exitCode, err, questions } = await run(['init'], { answers });
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(questions).toEqual([
      'web: the classic load balancer web, behind which nothing runs. Make it a fleet? [Y/n] ',
      'api: the classic load balancer api, behind which nothing runs. Make it a fleet? [Y/n] ',
      'The environment’s name [production]: ',
      'web: its name [web]: ',
      'web: the Mackerel service of its hosts: ',
      'web: the Mackerel service of its hosts (allowed: 2 to 63 letters, digits, - and _, a letter or digit first): ',
      'web: their role in that service: ',
      'web: the command that starts the application, as root, and ends (systemctl start --no-block …): ',
    ]);
    expect((await written())[0]).toMatchObject({
      name: 'qa',
      fleets: [{ name: 'web', startCommand: 'systemctl start web' }],
    });
  });

  it('takes what runs, and what does not only when it is asked to', async () => {
    const instances = [
      {
        id: 'i-1',
        type: 't4g.small',
        architecture: 'arm64',
        imageId: 'ami-1',
        subnetId: SUBNETS[0]?.id ?? '',
        securityGroups: ['sg-0a1b2c3d'],
        tags: {},
      },
    ];
    const balancers = [balancer('old'), { ...balancer('web'), instances: ['i-1'] }];
    const readAccount = async () => ({ ...account, instances, balancers });
    const { questions } = await run(['init', ...READY], { readAccount, answers: ['', '', ''] });
    expect(questions.slice(0, 2)).toEqual([
      'web: the running instance i-1 behind web. Make it a fleet? [Y/n] ',
      'old: the classic load balancer old, behind which nothing runs. Make it a fleet? [y/N] ',
    ]);
    expect((await written())[0]?.fleets.map(({ name }) => name)).toEqual(['web']);
  });

  it('tells a person what Mackerel has', async () => {
    const mackerel = {
      services: [
        { name: 'shop', roles: ['app', 'worker'] },
        { name: 'blog', roles: [] },
      ],
      hosts: [],
    };
    const readAccount = async () => ({ ...account, balancers: [], mackerel });
    const { questions } = await run(['init'], { readAccount, answers: ['', '', 'shop', 'app', 'x'] });
    expect(questions.slice(2, 4)).toEqual([
      'app: the Mackerel service of its hosts (Mackerel has shop and blog): ',
      'app: their role in that service (Mackerel has app and worker): ',
    ]);
  });

  it('asks for the Region where none is set', async () => {
    const { exitCode, questions } = await run(['init', ...READY], {
      ownRegion: async () => undefined,
      answers: ['eu-west-1'],
    });
    expect(questions[0]).toBe('Region: ');
    expect(exitCode).toBe(0);
    expect(
      (await run(['init', ...READY], { ownRegion: async () => undefined, folder: '/nowhere' })).err,
    ).toContain('--region: missing');
  });

  it('is over when nobody answers', async () => {
    const { exitCode, err } = await run(['init'], { answers: [] });
    expect(exitCode).toBe(2);
    expect(err).toContain('--service web=…: missing');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('without credentials says what to do, and how it goes without', async () => {
    const error = Object.assign(new Error('Could not load credentials'), {
      name: 'CredentialsProviderError',
    });
    const { exitCode, err } = await run(['init'], { readAccount: async () => Promise.reject(error) });
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^There are no AWS credentials/);
    expect(err).toMatch(/Nothing was written\. Without an account: .*irekae init --example$/);
  });

  it('answers machines in JSON, and asks them nothing', async () => {
    const good = await run(['init', '--json', ...READY], { answers: [] });
    expect(good.questions).toEqual([]);
    expect(JSON.parse(good.out)).toMatchObject({
      command: 'init',
      outcome: 'written',
      exitCode: 0,
      result: { files: FILES },
    });
    const bad = await run(['init', '--json', '--example'], { answers: [] });
    expect(JSON.parse(bad.out)).toMatchObject({ command: 'init', outcome: 'exists', exitCode: 1 });
  });

  it('names as its dependency what it is told to', async () => {
    await run(['init', '--example', '--package', 'file:../irekae.tgz']);
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(Object.values(dependencies)).toContain('file:../irekae.tgz');
  });

  it('names every question in its help', async () => {
    const { exitCode, out } = await run(['init', '--help']);
    expect(exitCode).toBe(0);
    for (const { option } of QUESTIONS) expect(out).toContain(`--${option.name} ${option.takes}`);
  });
});

it.each([
  [['x'], 'x'],
  [['x', 'web=y'], 'y'],
  [['web=y', 'x'], 'y'],
  [['web=y', 'web=z'], 'z'],
  [['api=y'], undefined],
  [['FOO=1 run'], 'FOO=1 run'],
  [['web=FOO=1 run'], 'FOO=1 run'],
  [['web'], 'web'],
  [[], undefined],
])('of %j, web’s answer is %j', (values, answer) => {
  expect(answerFor(values, 'web', ['web', 'api'])).toBe(answer);
});

describe('check', () => {
  it('says that nothing is wrong', async () => {
    const said = await run(['check'], { fleetsFile: looseExample() });
    expect(said).toMatchObject({
      exitCode: 0,
      out: 'Nothing is wrong: 4 fleets in staging and production.',
      err: '',
    });
  });

  it('tells all problems at once, equal ones once', async () => {
    const file = looseExample();
    for (const fleet of file.fleets) Object.assign(fleet, { startcommand: 'x' });
    Object.assign(file.fleets[0] ?? {}, { architecture: 'arm' });
    const { exitCode, err } = await run(['check'], { fleetsFile: file });
    expect(exitCode).toBe(1);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/ has 2 problems:$/),
      '  - fleet reactio-staging-app: architecture: given "arm", allowed: one of arm64, x86_64; did you mean arm64?',
      '  - fleets reactio-staging-app, reactio-staging-worker and 2 more: startcommand: unknown field; did you mean startCommand?',
    ]);
    const json = JSON.parse((await run(['check', '--json'], { fleetsFile: file })).out);
    expect(json).toMatchObject({ command: 'check', outcome: 'problems', exitCode: 1 });
    expect(json.problem.sentences).toHaveLength(2);
  });

  it.each([
    ['fleets.ts', 'export const fleetsFile = {\n  environments: [] []\n};\n', /^fleets\.ts:2: /],
    ['fleets.json', '{\n  "fleets": [1 2]\n}', /^fleets\.json:2: /],
    ['fleets.yaml', 'fleets:\n  - a: [1\n', /^fleets\.yaml:\d: /],
  ])('names the line where %s cannot be read', async (name, text, problem) => {
    writeFileSync(join(folder, name), text);
    const fleets = (given?: string) => loadFleets({ given, folder, env: {} });
    const { exitCode, err } = await run(['check'], { fleets });
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringMatching(problem) });
    expect((await run(['check', '--fleets', join(folder, name)], { fleets })).err).toMatch(problem);
  });

  it('reads what init wrote', async () => {
    await run(['init', '--example']);
    const fleets = () => loadFleets({ folder, env: {} });
    expect(await run(['check'], { fleets })).toMatchObject({ exitCode: 0, err: '' });
  });

  it('tells machines what is there', async () => {
    const { out } = await run(['check', '--json'], { fleetsFile: looseExample() });
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'ok',
      result: { environments: ['staging', 'production'] },
    });
  });
});
