/**
 * moto (PyPI) plays deployments: its own interpreter runs the synthesized definitions, the deployed bundles run as their
 * functions, unmodified, behind AWS's own host names. Each story has to go the way that it goes on the model.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Judge, Verdict } from './judge.ts';
import { differences } from './stories/compare.ts';
import { type Deployment, deploymentIn } from './stories/deployment.ts';
import type { Run } from './stories/inside.ts';
import { STORIES, type StoryName } from './stories/list.ts';
import { playedOnModel } from './stories/model.ts';
import { namesIn } from './stories/names.ts';
import { lacksNamespaces, spawnWithin } from './stories/namespace.ts';
import type { Story, Told } from './stories/theatre.ts';
import { lacksPython, python } from './tools.ts';

const START = '2026-11-22T03:00:00Z';
/** As fast as this goes the time in which all wait: a story takes seconds, and a look still takes less than a pause. */
const SCALE = 100;

export const storiesOnMoto: Judge = {
  name: 'stories-on-moto',
  missing: () => lacksPython('moto.server') ?? lacksNamespaces(),
  judge: () => judged(['classic-elb'], (deployment) => deployment),
  control: () => judged(['classic-elb'], (deployment) => deployment),
};

async function judged(
  names: readonly StoryName[],
  broken: (deployment: Deployment) => Deployment,
): Promise<Verdict> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  try {
    const deployment = deploymentIn(folder);
    // One after the other, and before anything else runs: the model's clock is that of the whole process.
    const models = new Map<StoryName, Told>();
    for (const name of names) models.set(name, await playedOnModel(STORIES[name], deployment));
    const stage = { ...broken(deployment), ...namesIn(folder, deployment) };
    const against = await Promise.all(
      names.map(async (name) => {
        const story: Story = STORIES[name];
        const told = await played(name, stage, folder);
        const found = 'failed' in told ? [told.failed] : differences(story, told, models.get(name) as Told);
        return found.map((difference) => `${name}: ${difference}`);
      }),
    );
    return { looked: `${names.length} stories: ${names.join(', ')}`, against: against.flat() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type OnStage = Deployment & ReturnType<typeof namesIn>;

async function played(
  story: StoryName,
  { stacks, functions, sandbox, hosts, key, certificate }: OnStage,
  base: string,
): Promise<Told | { readonly failed: string }> {
  const folder = join(base, `story-${story}`);
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
