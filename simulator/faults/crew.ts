/** Processes that play cases in parallel, one per core: the virtual clock fakes the time of its whole process. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { Case } from './case.ts';
import type { Judged } from './tally.ts';

/** What a worker is sent first. */
export interface Briefing {
  readonly template: TemplateJson;
  readonly seed: number;
  /** What the first fault of a pair is picked from. */
  readonly first: readonly Case[];
}

/** Cases to play, or batches of pairs to generate and play. */
export type Work = { readonly cases: readonly Case[] } | { readonly batches: readonly number[] };

/** Plays all work; `judged` is called for each case. */
export async function playAll(
  briefing: Briefing,
  work: readonly Work[],
  processes: number,
  judged: (each: Judged) => void,
): Promise<void> {
  const queue = [...work];
  await Promise.all(
    Array.from({ length: Math.min(processes, work.length) }, () => employ(briefing, queue, judged)),
  );
}

async function employ(briefing: Briefing, queue: Work[], judged: (each: Judged) => void): Promise<void> {
  const worker = fork(join(import.meta.dirname, 'worker.ts'));
  try {
    await answerOf(worker, briefing);
    for (let next = queue.shift(); next; next = queue.shift())
      for (const each of (await answerOf(worker, next)) as Judged[]) judged(each);
  } finally {
    worker.kill();
  }
}

/** @throws Error when the worker ends without an answer. */
function answerOf(worker: ChildProcess, message: Briefing | Work): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A worker ended (${code}) while it played.`));
    worker.once('exit', ended);
    worker.once('message', (answer) => {
      worker.off('exit', ended);
      resolve(answer);
    });
    worker.send(message);
  });
}
