/**
 * moto (PyPI) plays deployments: its own interpreter runs the synthesized definitions, the deployed bundles run as their
 * functions, unmodified, behind AWS's own host names. Each story has to go the way that it goes on the model, and
 * botocore recomputes the signature of every request.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Judge, Verdict } from './judge.ts';
import type { Stack } from './moto/stacks.ts';
import { recomputed } from './signatures.ts';
import { differences } from './stories/compare.ts';
import { type Deployment, deploymentIn } from './stories/deployment.ts';
import { STORIES, STORY_NAMES, type StoryName } from './stories/list.ts';
import { playedOnModel } from './stories/model.ts';
import { namesIn } from './stories/names.ts';
import { lacksNamespaces, spawnWithin } from './stories/namespace.ts';
import { REQUESTS, type Run } from './stories/run.ts';
import type { Told } from './stories/theatre.ts';
import { lacksPython, python } from './tools.ts';

const START = '2026-11-22T03:00:00Z';
/** As fast as this goes the time in which all wait: a story takes seconds, and a look still takes less than a pause. */
const SCALE = 100;
/** An undo, a clean-up from outside, and everything from CI to the last fleet in production. */
const IN_CI: readonly StoryName[] = ['hosts-die', 'stopped', 'promotion'];
const SIDE_BY_SIDE = 3;

export const storiesOnMoto: Judge = {
  name: 'stories-on-moto',
  missing: () => lacksPython('moto.server') ?? lacksNamespaces(),
  judge: (all) =>
    withDeployment((deployment, folder) => judged(all ? STORY_NAMES : IN_CI, deployment, folder)),
  control: () =>
    withDeployment(async (deployment, folder) => {
      const against: string[][] = [];
      for (const [name, broken] of Object.entries(BREAKAGES)) {
        const verdict = await judged(['dry-run'], broken(deployment), join(folder, name), deployment);
        against.push(verdict.against.map((found) => `${name}: ${found}`));
      }
      return {
        looked: Object.keys(BREAKAGES).join(', '),
        against: against.every(({ length }) => length > 0)
          ? against.flatMap((found) => found.slice(0, 1))
          : [],
      };
    }),
};

/** Each must be found. */
const BREAKAGES: Readonly<Record<string, (deployment: Deployment) => Deployment>> = {
  'a dry run that is none': ({ stacks, ...deployment }) => ({
    ...deployment,
    stacks: stacks.map(withDryRunsThatAreNone),
  }),
  // The last one, as it changes the files.
  'Mackerel by another name': (deployment) => {
    for (const { code } of deployment.functions) {
      const file = join(code, 'index.mjs');
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replaceAll('api.mackerelio.com', 'api.mackerel.example'),
      );
    }
    return deployment;
  },
};

const withDryRunsThatAreNone = (stack: Stack): Stack => ({
  ...stack,
  resources: stack.resources.map(({ properties, ...resource }) => {
    const { DefinitionString: definition } = properties;
    const isOne = '"Variable":"$.release.dryRun","BooleanEquals":';
    return typeof definition === 'string'
      ? {
          ...resource,
          properties: {
            ...properties,
            DefinitionString: definition.replace(`${isOne}true`, `${isOne}false`),
          },
        }
      : { ...resource, properties };
  }),
});

async function withDeployment(
  act: (deployment: Deployment, folder: string) => Promise<Verdict>,
): Promise<Verdict> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  try {
    return await act(deploymentIn(folder), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param right what the model plays */
async function judged(
  names: readonly StoryName[],
  deployment: Deployment,
  folder: string,
  right = deployment,
): Promise<Verdict> {
  mkdirSync(folder, { recursive: true });
  // One after the other, and before anything else runs: the model's clock is that of the whole process.
  const models = new Map<StoryName, Told>();
  for (const name of names) models.set(name, await playedOnModel(STORIES[name], right));
  const stage = { ...deployment, ...namesIn(folder, deployment) };
  const against: string[] = [];
  const left = [...names];
  const crew = Array.from({ length: SIDE_BY_SIDE }, async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const told = await played(name, stage, folder);
      const found =
        'failed' in told ? [told.failed] : differences(STORIES[name], told, models.get(name) as Told);
      against.push(...found.map((difference) => `${name}: ${difference}`));
    }
  });
  await Promise.all(crew);
  const signed = recomputed(names.flatMap((name) => requestsOf(join(folder, name))));
  return {
    looked: `${names.length} stories as on the model (${names.join(', ')}); signatures: ${signed.looked}`,
    against: [...against, ...signed.against],
  };
}

const requestsOf = (folder: string) => readFileSync(join(folder, REQUESTS), 'utf8').trimEnd().split('\n');

async function played(
  story: StoryName,
  { stacks, functions, sandbox, hosts, key, certificate }: Deployment & ReturnType<typeof namesIn>,
  base: string,
): Promise<Told | { readonly failed: string }> {
  const folder = join(base, story);
  mkdirSync(folder);
  const start = Date.parse(START) / 1_000;
  const run: Run = {
    ...{ story, python, folder, stacks, functions, sandbox, key, certificate, start, scale: SCALE },
  };
  const file = join(folder, 'run.json');
  writeFileSync(file, JSON.stringify(run));
  const inside = join(import.meta.dirname, 'stories/inside.ts');
  const child = spawnWithin(hosts, [process.execPath, '--import', 'tsx', inside, file]);
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  const last = out.trimEnd().split('\n').at(-1) ?? '';
  return code === 0 ? JSON.parse(last) : { failed: `it could not be played: ${err.trim().slice(-500)}` };
}

const FOLDER = 'irekae-stories-';

/** Of a run that was killed: its processes went with it, its folder did not. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(FOLDER))) {
    const owner = Number(name.slice(FOLDER.length).split('-')[0]);
    if (!isAlive(owner)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return Object(error).code === 'EPERM';
  }
}
