/** Copies of the project, each with one thing broken. */
import { type ChildProcess, fork } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Catch, Hunt } from './hunt.ts';
import type { Mutant } from './list.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COPIED = [
  'bin',
  'lambdas',
  'lib',
  'simulator',
  'package.json',
  'package-lock.json',
  'cdk.json',
  'tsconfig.json',
];

/** Breaks a copy, runs the campaign on it, and deletes it. @throws Error when the breakage does not apply. */
export async function huntDown(mutant: Mutant, seed: number, mostCases: number): Promise<Catch> {
  const copy = mkdtempSync(join(tmpdir(), 'irekae-mutant-'));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    breakIn(copy, mutant);
    const hunter = fork(join(copy, 'simulator', 'mutants', 'hunt.ts'), { cwd: copy });
    return await answerOf(hunter, { mutant, seed, mostCases });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** @throws Error unless the text is there exactly once: the mutant has to follow the product. */
export function broken(text: string, { name, file, find, replace }: Mutant): string {
  const parts = text.split(find);
  if (parts.length !== 2)
    throw new Error(`"${name}" does not apply: its text occurs ${parts.length - 1} times in ${file}.`);
  return parts.join(replace);
}

function breakIn(copy: string, mutant: Mutant): void {
  const path = join(copy, mutant.file);
  writeFileSync(path, broken(readFileSync(path, 'utf8'), mutant));
}

function answerOf(hunter: ChildProcess, hunt: Hunt): Promise<Catch> {
  return new Promise((resolve, reject) => {
    hunter.once('message', (answer) => resolve(answer as Catch));
    hunter.once('exit', (code) => reject(new Error(`The hunt ended (${code}) without an answer.`)));
    hunter.send(hunt);
  });
}
