/** What must be right in every workflow example: pinned actions, few permissions, nothing foreign in shell text. */

import { describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { artifactBucketName } from '../../lambdas/domain/core/names.ts';
import { exampleEnvironments } from '../synth.ts';
import { exampleFile, exampleFiles } from './example-files.ts';
import { entriesOf } from './workflow-text.ts';

const WORKFLOWS = exampleFiles('.yml').filter((path) => path.includes('github-actions/workflows/'));
const ACTIONS = exampleFiles('action.yml');
const ALL = [...WORKFLOWS, ...ACTIONS];

describe('The reader of workflow files', () => {
  it('finds keys in lists, values without comments, and blocks', () => {
    const expression = `$\{{ x }}`;
    const yaml = `a: # c\n  - uses: x@1 # v1\n    run: |\n      one ${expression}\n\n      two\n    env:\n      B: "#1"\n# d: e\n`;
    expect(entriesOf(yaml)).toEqual([
      { indent: 0, key: 'a', value: '' },
      { indent: 4, key: 'uses', value: 'x@1' },
      { indent: 4, key: 'run', value: `      one ${expression}\n\n      two` },
      { indent: 4, key: 'env', value: '' },
      { indent: 6, key: 'B', value: '"#1"' },
    ]);
  });
});

it('There is a workflow for each part of the release', () => {
  expect(WORKFLOWS.map((path) => path.split('/').at(-1))).toEqual([
    'image.yml',
    'production.yml',
    'release-pull-request.yml',
    'staging.yml',
  ]);
});

describe.each(ALL)('%s', (path) => {
  const text = exampleFile(path);
  const entries = entriesOf(text);
  const valuesOf = (key: string) => entries.filter((entry) => entry.key === key).map(({ value }) => value);

  it('pins every foreign action to a commit, and says which version that is', () => {
    const uses = valuesOf('uses');
    const foreign = uses.filter((action) => !action.startsWith('./'));
    expect(uses.length).toBeGreaterThan(0);
    expect(foreign.filter((action) => !/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
    expect(text.match(/uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/gm) ?? []).toHaveLength(foreign.length);
  });

  it('writes no expression into the text of a script: values come in environment variables', () => {
    expect(valuesOf('run').filter((script) => script.includes('${{'))).toEqual([]);
  });

  it('names no stored key', () => {
    expect(text).not.toMatch(/secrets\.|aws-access-key-id|AKIA[A-Z0-9]{16}/);
  });

  it('keeps the token of a checkout off the disk', () => {
    const checkouts = text.match(/uses: actions\/checkout@/g) ?? [];
    expect(text.match(/persist-credentials: false/g) ?? []).toHaveLength(checkouts.length);
  });

  it('pins the same version as all others', () => {
    const all = ALL.flatMap((each) => exampleFile(each).match(/uses: \S+@[0-9a-f]{40}.*/g) ?? []);
    const versions = new Map<string, Set<string>>();
    for (const line of all) {
      const [action = '', version = ''] = line.split('@');
      versions.set(action, (versions.get(action) ?? new Set()).add(version));
    }
    expect([...versions].filter(([, found]) => found.size > 1)).toEqual([]);
  });
});

describe.each(WORKFLOWS)('%s', (path) => {
  const text = exampleFile(path);
  const entries = entriesOf(text);
  const topLevel = entries.filter(({ indent }) => indent === 0).map(({ key }) => key);

  it('takes all permissions away at the top and gives each job the few that it needs', () => {
    expect(text).toMatch(/^permissions: \{\}$/m);
    const jobs = entries.slice(entries.findIndex(({ key }) => key === 'jobs') + 1);
    const names = jobs.filter(({ indent }) => indent === 2).map(({ key }) => key);
    const given = jobs.filter(({ indent, key }) => indent === 4 && key === 'permissions');
    expect(given).toHaveLength(names.length);
    expect(text).not.toMatch(/write-all|read-all/);
  });

  it('has a concurrency group, and every job a time limit', () => {
    expect(topLevel).toContain('concurrency');
    const jobs = entries.filter(({ indent, key }) => indent === 4 && key === 'runs-on');
    expect(entries.filter(({ indent, key }) => indent === 4 && key === 'timeout-minutes')).toHaveLength(
      jobs.length,
    );
  });

  it('asks for AWS credentials only in an environment that the role trusts', () => {
    const asks = text.match(/id-token: write/g) ?? [];
    expect(entries.filter(({ indent, key }) => indent === 4 && key === 'environment')).toHaveLength(
      asks.length,
    );
  });

  it('runs on no event that brings foreign code into reach of credentials', () => {
    expect(text).not.toMatch(/pull_request_target|workflow_run|^ {2}pull_request:/m);
  });
});

describe('What the examples say of the fleets', () => {
  const scripts = [...ALL, ...exampleFiles('Jenkinsfile'), ...exampleFiles('.md'), ...exampleFiles('.sh')];
  const text = scripts.map(exampleFile).join('\n');

  it('names only fleets of the example', () => {
    const named = new Set(text.match(/reactio-(?:staging|production)-[a-z]+/g));
    const fleets = fleetsFile.fleets.map(({ name }) => name);
    expect([...named].filter((name) => !fleets.includes(name))).toEqual([]);
    expect(named.size).toBe(fleets.length);
  });

  it('names only buckets that the environments have, and keys that feed their fleets', () => {
    const allowed = exampleEnvironments.flatMap((environment) =>
      environment.fleets.map(({ artifact }) => `s3://${artifactBucketName(environment)}/${artifact}`),
    );
    const named = new Set(text.match(/s3:\/\/irekae-[a-z0-9./-]*[a-z0-9]/g));
    expect([...named].filter((url) => !allowed.includes(url))).toEqual([]);
    expect(named.size).toBeGreaterThan(1);
  });

  it('names only the accounts of the environments', () => {
    const accounts = exampleEnvironments.map(({ account }) => account);
    expect([...new Set(text.match(/\b\d{12}\b/g))].sort()).toEqual([...accounts].sort());
  });
});
