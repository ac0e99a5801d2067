/**
 * moto (PyPI) plays deployments: its own interpreter runs the synthesized definitions, the deployed bundles run as their
 * functions, unmodified, behind AWS's own host names. Each story has to go the way that it goes on the model,;
 * botocore recomputes the signature of every request, and iam-simulate says what each role may ask for.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Judge, Verdict } from './judge.ts';
import { PACKAGE as SIMULATOR } from './permissions.ts';
import { recomputed } from './signatures.ts';
import type { Sent } from './stories/asked-of-iam.ts';
import { differences } from './stories/compare.ts';
import { type Deployment, deploymentIn } from './stories/deployment.ts';
import { MACKEREL } from './stories/gateway.ts';
import { STORIES, STORY_NAMES, type StoryName } from './stories/list.ts';
import { playedOnModel } from './stories/model.ts';
import { namesIn } from './stories/names.ts';
import { lacksNamespaces, spawnWithin } from './stories/namespace.ts';
import { permitted } from './stories/permitted.ts';
import { REQUESTS, type Run, TAGS } from './stories/run.ts';
import type { Told } from './stories/theatre.ts';
import { lacksPackage, lacksPython, python } from './tools.ts';

const START = '2026-11-22T03:00:00Z';
/** An undo, a clean-up from outside, and everything from CI to the last fleet in production. */
const IN_CI: readonly StoryName[] = ['hosts-die', 'stopped', 'promotion'];
const SIDE_BY_SIDE = 3;

export const storiesOnMoto: Judge = {
  name: 'stories-on-moto',
  missing: () => lacksPython('moto.server') ?? lacksPackage(SIMULATOR) ?? lacksNamespaces(),
  judge: (all) =>
    withDeployment(all ? STORY_NAMES : IN_CI, (deployment, folder, models) =>
      judged(deployment, folder, models),
    ),
  control: () =>
    withDeployment(['dry-run'], async (deployment, folder, models) => {
      const verdicts = await Promise.all(
        Object.entries(BREAKAGES).map(async ([name, broken]) => {
          const { against } = await judged(broken(deployment), join(folder, name), models);
          return against.slice(0, 1).map((found) => `${name}: ${found}`);
        }),
      );
      const looked = Object.keys(BREAKAGES).join(', ');
      return { looked, against: verdicts.every(({ length }) => length > 0) ? verdicts.flat() : [] };
    }),
};

/** Each must be found. */
const BREAKAGES: Readonly<Record<string, (deployment: Deployment) => Deployment>> = {
  'a dry run that is none': (deployment) =>
    rewritten(
      deployment,
      '\\"$.release.dryRun\\",\\"BooleanEquals\\":true',
      '\\"$.release.dryRun\\",\\"BooleanEquals\\":false',
    ),
  'a role that may not read the API key': (deployment) =>
    rewritten(deployment, '"ssm:GetParameter"', '"ssm:GetParameters"'),
  'bundles that call Mackerel by another name': ({ functions, ...deployment }) => ({
    ...deployment,
    functions: functions.map((each) => {
      const code = `${each.code}-broken`;
      const [from, to] = [each.code, code].map((folder) => join(folder, 'index.mjs')) as [string, string];
      mkdirSync(code, { recursive: true });
      writeFileSync(to, readFileSync(from, 'utf8').replaceAll(MACKEREL, 'api.mackerel.example'));
      return { ...each, code };
    }),
  }),
};

/** @throws Error where there is nothing to break: the control would show nothing */
function rewritten(deployment: Deployment, from: string, to: string): Deployment {
  const text = JSON.stringify(deployment.stacks);
  if (!text.includes(from)) throw new Error(`Nothing in the stacks says ${from}.`);
  return { ...deployment, stacks: JSON.parse(text.replaceAll(from, to)) };
}

type Models = ReadonlyMap<StoryName, Told>;

async function withDeployment(
  names: readonly StoryName[],
  act: (deployment: Deployment, folder: string, models: Models) => Promise<Verdict>,
): Promise<Verdict> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  try {
    const deployment = deploymentIn(folder);
    // One after the other, and before anything else runs: the model's clock is that of the whole process.
    const models = new Map<StoryName, Told>();
    for (const name of names) models.set(name, await playedOnModel(STORIES[name], deployment));
    return await act(deployment, folder, models);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function judged(deployment: Deployment, folder: string, models: Models): Promise<Verdict> {
  mkdirSync(folder, { recursive: true });
  const stage = { ...deployment, ...namesIn(folder, deployment) };
  const [sent, tags] = [[] as string[], {}];
  const against: string[] = [];
  const left = [...models];
  const crew = Array.from({ length: SIDE_BY_SIDE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [name, model] = next;
      const told = await played(name, stage, join(folder, name));
      const found = 'failed' in told ? [told.failed] : differences(STORIES[name], told, model);
      against.push(...found.map((difference) => `${name}: ${difference}`));
      if ('failed' in told) continue;
      sent.push(
        ...readFileSync(join(folder, name, REQUESTS), 'utf8')
          .trimEnd()
          .split('\n'),
      );
      Object.assign(tags, JSON.parse(readFileSync(join(folder, name, TAGS), 'utf8')));
    }
  });
  await Promise.all(crew);
  const signed = recomputed(sent);
  const allowed = await permitted(
    sent.map((line) => JSON.parse(line) as Sent),
    { stacks: stage.stacks, tags },
  );
  return {
    looked: `as on the model: ${[...models.keys()].join(', ')}; signed: ${signed.looked}; permitted: ${allowed.looked}`,
    against: [...against, ...signed.against, ...allowed.against],
  };
}

async function played(
  story: StoryName,
  { stacks, functions, sandbox, hosts, key, certificate }: Deployment & ReturnType<typeof namesIn>,
  folder: string,
): Promise<Told | { readonly failed: string }> {
  mkdirSync(folder);
  const start = Date.parse(START) / 1_000;
  const run: Run = {
    ...{ story, python, folder, stacks, functions, sandbox, key, certificate, start },
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
