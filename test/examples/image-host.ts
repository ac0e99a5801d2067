/** A host on which the scripts of `examples/packer` run: its root is a directory, its programs note what they are asked. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EXAMPLES } from './example-files.ts';

const PACKER = join(EXAMPLES, 'packer');

export class ImageHost {
  readonly root = mkdtempSync(join(tmpdir(), 'irekae-image-'));
  readonly #bin = join(this.root, 'bin');

  constructor() {
    for (const directory of ['bin', 'dev', 'tmp', 'etc/ssh'])
      mkdirSync(join(this.root, directory), { recursive: true });
    this.write('dev/console', '');
    for (const name of ['dnf', 'cloud-init', 'useradd', 'shutdown', 'sleep']) this.program(name, '');
    // The download of the package repository's set-up script; IMDS answers with a token.
    this.program(
      'curl',
      'while [ $# -gt 0 ]; do [ "$1" = --output ] && [ "$2" != /dev/null ] && echo "echo set up >>$ROOT/calls" >"$2"; shift; done; true',
    );
    this.program('systemctl', 'case $1 in is-enabled | is-active) exit 1 ;; esac');
    this.program('aws', '');
    cpSync(join(PACKER, 'files'), join(this.root, 'tmp/files'), { recursive: true });
  }

  program(name: string, text: string): void {
    const note = `printf '%s\\n' "${name} $*" >>"$ROOT/calls"`;
    writeFileSync(join(this.#bin, name), `#!/bin/bash\n${note}\n${text}\n`, { mode: 0o755 });
  }

  run(script: string, ...args: string[]): { readonly code: number | null; readonly text: string } {
    const { status, stdout, stderr } = spawnSync('bash', [join(PACKER, script), ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        PATH: `${this.#bin}:/usr/bin:/bin`,
        ROOT: this.root,
        IMAGE_ROOT: this.root,
        TMPDIR: join(this.root, 'tmp'),
      },
    });
    return { code: status, text: stdout + stderr };
  }

  /** With the digest of the script that the download gives, or another one. */
  provision = (sha256 = createHash('sha256').update(`echo set up >>${this.root}/calls\n`).digest('hex')) =>
    this.run('provision.sh', join(this.root, 'tmp/files'), sha256);

  get calls(): readonly string[] {
    return this.exists('calls') ? this.read('calls').trimEnd().split('\n') : [];
  }

  exists = (path: string): boolean => existsSync(join(this.root, path));
  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  list = (path: string): string[] => readdirSync(join(this.root, path)).sort();
  mode = (path: string): number => statSync(join(this.root, path)).mode & 0o777;

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
