/** What our own tests ask and send, as they run: the same questions are put to somebody else. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RECORD_VARIABLE } from '../test/support/recorder.ts';
import { run } from './tools.ts';

type What = 'requests' | 'questions';
const recorded = new Map<string, readonly string[]>();

/** A judge and its control look at the same: the tests run once. @param tests files or folders @returns each different entry once */
export function recordedBy(tests: readonly string[], what: What): readonly string[] {
  const key = [what, ...tests].join();
  const lines = recorded.get(key) ?? record(tests, what);
  recorded.set(key, lines);
  return lines;
}

function record(tests: readonly string[], what: What): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-recorded-'));
  try {
    run('npx', ['vitest', 'run', ...tests], '', { [RECORD_VARIABLE]: folder });
    const file = join(folder, `${what}.jsonl`);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    return [...new Set(lines)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
