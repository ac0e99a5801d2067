/** Runs a program to its end: its exit code, and all that it said. */
import { execFile } from 'node:child_process';

export const run = (
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly code: number; readonly text: string }> =>
  new Promise((resolve) => {
    execFile(program, [...args], { ...options, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: `${stdout}${stderr}` }),
    );
  });
