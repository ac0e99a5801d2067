/** Keeps pages as files, and opens them in a browser. */
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PageKeeper } from './command.ts';

/** What opens a file in the user's browser. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};
const ELSEWHERE = ['xdg-open'] as const;

export const pageKeeper = (opens: boolean): PageKeeper => ({
  keep: async (name, html, file) => {
    // In a folder of its own: what others put among the temporary files is not followed.
    const path = file === undefined ? join(await mkdtemp(join(tmpdir(), 'irekae-')), name) : resolve(file);
    await writeFile(path, html);
    return path;
  },
  ...(opens && { open }),
});

function open(path: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ELSEWHERE;
  const opener = spawn(command, [...args, path], { detached: true, stdio: 'ignore' });
  // Where there is none, the path was printed.
  opener.on('error', () => {});
  opener.unref();
}
