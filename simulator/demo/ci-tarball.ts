/** The example application as CI packs it, by `examples/shell/pack.sh`: what the flow *promote* uploads. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

/** `undefined` where it cannot pack: without bash, git and GNU tar, or in a copy of the project outside git. */
export function packedByCi(): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-ci-'));
  const file = join(folder, 'app.tar.gz');
  try {
    const cwd = join(EXAMPLES, 'app');
    const { status } = spawnSync('bash', [join(EXAMPLES, 'shell', 'pack.sh'), file], { cwd });
    return status === 0 ? readFileSync(file) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
