/**
 * Fifty fleets in one environment: ten artifacts, each shared by five fleets that are deployed one after the other, and
 * each with a launch template of its owner's. From the fleets file to what an operator is told.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { policyProblems } from '../../lib/policy-sizes.ts';
import { MOST_FLEETS, readFleets } from '../../lib/read-fleets.ts';
import {
  environmentStacks,
  standaloneApp,
  synthesizeTemplates,
  type TemplateJson,
} from '../../lib/synthesize.ts';
import { exampleEntry, type FleetEntry } from '../../simulator/example-fleet.ts';
import { Stage } from '../../simulator/stage.ts';
import { startOnUploads } from '../../simulator/uploads.ts';
import { runOn } from '../command/desk.ts';
import { resourcesOf } from '../lib/template.ts';
import { describeThoroughly } from '../support/thorough.ts';

const ACCOUNT = '111111111111';
const CHAIN = 5;
const nameOf = (line: number, place: number) => `line-${line}-${'abcde'[place]}`;

const fleetOf = (line: number, place: number): FleetEntry =>
  exampleEntry('many', nameOf(line, place), {
    loadBalancers: [],
    artifact: `line-${line}.tar.gz`,
    limits: { bakeSeconds: 10 },
    freezes: [],
    ...(place > 0 && { after: nameOf(line, place - 1) }),
    launchTemplate: { id: `lt-${String(line * CHAIN + place).padStart(17, '0')}`, version: 'newest' },
    instanceProfile: {
      kind: 'given',
      arn: `arn:aws:iam::${ACCOUNT}:instance-profile/${nameOf(line, place)}`,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/${nameOf(line, place)}`,
    },
  });

const file: FleetsFile = {
  environments: [{ name: 'many', account: ACCOUNT, region: 'ap-northeast-1' }],
  fleets: Array.from({ length: MOST_FLEETS }, (_, n) => fleetOf(Math.floor(n / CHAIN), n % CHAIN)),
};

let template: TemplateJson;
beforeAll(() => {
  const made = synthesizeTemplates(readFleets(file)).many;
  if (!made) throw new Error('nothing was made');
  template = made;
}, 60_000);

describeThoroughly('The stacks of fifty fleets', () => {
  it('fit into IAM’s policies, with a launch template of its owner’s for each', () => {
    const app = standaloneApp(mkdtempSync(join(tmpdir(), 'irekae-')), { bundle: false });
    const [stacks] = environmentStacks(app, readFleets(file));
    rmSync(app.outdir, { recursive: true });
    expect(stacks?.fleets).toHaveLength(MOST_FLEETS);
    const [environment] = readFleets(file);
    if (!stacks || !environment) throw new Error('nothing was made');
    expect(policyProblems(stacks.shared, environment)).toEqual([]);
  });

  it('start one fleet of each line by an upload: its followers are started by what was deployed', () => {
    const uploads = resourcesOf(template, 'AWS::Events::Rule').filter(([id]) => id.includes('Upload'));
    expect(uploads).toHaveLength(MOST_FLEETS / CHAIN);
  });
});

describeThoroughly('A line of fleets with one artifact', () => {
  const LINE = 7;
  let stages: Stage[];
  beforeAll(() => {
    const first = new Stage({ template, fleet: nameOf(LINE, 0), seed: 11 });
    const others = [1, 2, 3, 4].map(
      (place) => new Stage({ template, fleet: nameOf(LINE, place), seed: 11, beside: first }),
    );
    stages = [first, ...others];
    for (const stage of stages) startOnUploads(stage, template);
  });
  afterAll(() => stages[0]?.close());

  const versions = () =>
    stages.map(({ world, fleet }) => {
      const record = world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name));
      const { outcome, artifact } = Object(record);
      return [outcome, artifact?.versionId];
    });

  it('is deployed by one upload, one after the other, with the same version', async () => {
    const [first] = stages;
    if (!first) throw new Error('nobody is on stage');
    const versionId = first.upload('a release');
    for (let minutes = 0; minutes < 60 && versions().some(([outcome]) => !outcome); minutes += 1)
      await first.wait(60);
    expect(versions()).toEqual(stages.map(() => ['Deployed', versionId]));
    const begun = stages.map(({ executions }) => executions.map(({ name }) => name));
    expect(begun.map((names) => names.length)).toEqual([1, 1, 1, 1, 1]);
    expect(begun.slice(1).every(([name]) => name?.startsWith('after-'))).toBe(true);
  });

  it('is told of, each fleet by its name', async () => {
    const [first] = stages;
    if (!first) throw new Error('nobody is on stage');
    for (const { fleet } of stages) {
      const said = await first.clock.until(
        runOn(first.world, ['status', fleet.name], {
          fleetsFile: file,
          caller: { account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Operator/hanako` },
          ports: first.world.ports,
        }),
      );
      expect(said).toMatchObject({ exitCode: 0, err: '' });
      expect(said.out).toMatch(new RegExp(`^${fleet.name} runs ${fleet.artifact.key}\\n`));
      const [follower] = fleet.followers;
      if (follower) expect(said.out).toMatch(new RegExp(`then +${follower} follows with the same version`));
    }
  });
});
