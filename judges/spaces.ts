/**
 * Network, processes and mounts of a judge's own: the kernel takes away with them what was started there, however that
 * ends. They need Linux, and root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';

export const UNSHARE = ['--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];

/** @returns what is missing, or nothing. */
export const lacksSpaces = (): string | undefined =>
  process.getuid?.() === 0 && spawnSync('unshare', [...UNSHARE, 'true']).status === 0
    ? undefined
    : 'no network of its own here: needs Linux, and root';

/**
 * What a program finds out in there: JSON, in its last line. It ends with this process, however that ends.
 * @throws Error with the end of what it complained of, when there is no such line
 */
export async function foundInSpaces(
  command: readonly string[],
  timeout: number,
  env: NodeJS.ProcessEnv = {},
): Promise<unknown> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...UNSHARE, ...command], {
    ...{ timeout, killSignal: 'SIGKILL', env: { ...process.env, ...env } },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const answer = out.trim().split('\n').at(-1) ?? '';
  if (!answer.startsWith('{')) throw new Error(`nothing was found out: ${err.slice(-2_000)}`);
  return JSON.parse(answer);
}
