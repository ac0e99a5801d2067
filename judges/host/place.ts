/**
 * What a run has on this machine: a folder and a control group, named after its process, so that the next one finds and
 * removes what a run that was killed has left.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'irekae-judge-';

/** Where this machine has its control groups. */
export function controlGroups(): string | undefined {
  if (!existsSync('/proc/mounts')) return undefined;
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , kind]) => kind === 'cgroup2')?.[1];
}

export interface Place {
  readonly folder: string;
  readonly cgroup: string;
}

export function makePlace(): Place {
  const groups = controlGroups();
  if (groups === undefined) throw new Error('this machine has no control groups');
  for (const name of leftIn(tmpdir())) rmSync(join(tmpdir(), name), { recursive: true });
  for (const name of leftIn(groups)) removeGroup(join(groups, name));
  const [folder, cgroup] = [tmpdir(), groups].map((parent) => join(parent, NAME + process.pid)) as [
    string,
    string,
  ];
  mkdirSync(folder, { mode: 0o700 });
  mkdirSync(cgroup);
  return { folder, cgroup };
}

export function removePlace({ folder, cgroup }: Place): void {
  removeGroup(cgroup);
  rmSync(folder, { recursive: true });
}

const leftIn = (parent: string) =>
  readdirSync(parent).filter(
    (name) => name.startsWith(NAME) && !existsSync(`/proc/${name.slice(NAME.length)}`),
  );

/** From its leaves: a group goes when nobody is in it, which takes the kernel a moment. */
function removeGroup(path: string): void {
  for (const each of readdirSync(path, { withFileTypes: true }))
    if (each.isDirectory()) removeGroup(join(path, each.name));
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      rmdirSync(path);
      return;
    } catch {
      spawnSync('sleep', ['0.1']);
    }
  }
}
