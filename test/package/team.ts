/** A folder of a team's own, beside the packed product. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../lib/version.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class Team {
  /** For what is beside it. */
  readonly parent = mkdtempSync(join(tmpdir(), 'irekae-package-'));
  readonly folder = join(this.parent, 'team');

  constructor() {
    mkdirSync(this.folder);
  }

  /** The tarball's path. */
  pack(): string {
    const options = { cwd: PACKAGE_FOLDER, encoding: 'utf8' } as const;
    const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', this.parent], options);
    const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n')));
    return join(this.parent, filename);
  }

  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
    const options = { cwd: this.folder, env, timeout: 240_000, maxBuffer: 64 * 1024 ** 2 };
    return new Promise((resolve) =>
      execFile(program, [...args], options, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err }),
      ),
    );
  }

  remove(): void {
    rmSync(this.parent, { recursive: true });
  }
}
