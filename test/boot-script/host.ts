/**
 * A freshly booted host in a temporary directory. The boot script runs for real, with nothing on its PATH but the
 * programs that every supported image has, each of which notes its arguments first. `shutdown`, `systemctl` and
 * `sleep` only note them, so no test can stop the machine that it runs on.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Beside coreutils, which need no list to be there: curl, tar (and its gzip), awk, grep, sed. */
const PROGRAMS = [
  ...['bash', 'curl', 'tar', 'gzip', 'awk', 'grep', 'sed'],
  ...['chmod', 'date', 'ln', 'mkdir', 'mv', 'od', 'rm', 'sha256sum', 'tail', 'timeout', 'tr'],
];

const LOG = 'var/log/irekae-boot.log';

export interface Boot {
  /** What the script exited with. */
  readonly status: number;
  /** Lines on /dev/console. */
  readonly console: readonly string[];
  readonly log: string;
}

export class Host {
  readonly root = mkdtempSync(join(tmpdir(), 'irekae-boot-'));
  /** What `systemctl` fails at, as `cat` where the image has no mackerel-agent. */
  readonly systemctlFailsAt: string[] = ['nothing'];

  constructor(awsPort: number) {
    for (const directory of ['bin', 'dev', 'etc/mackerel-agent', 'var/lib/mackerel-agent']) {
      mkdirSync(join(this.root, directory), { recursive: true });
    }
    this.write('dev/console', '');
    for (const program of PROGRAMS) this.#stub(program, `exec ${realPath(program)} "$@"`);
    // The address stays the real one, in the Host header and the signature; only the connection goes elsewhere.
    const toLocal = `--connect-to ::127.0.0.1:${awsPort} "\${@/#https:/http:}"`;
    this.#stub('curl', `exec ${realPath('curl')} --disable ${toLocal}`, '/bin/bash');
    this.#stub('shutdown', '');
    this.#stub('sleep', '');
  }

  /** Boots with this user data, as cloud-init would. */
  async boot(script: string): Promise<Boot> {
    this.#stub('systemctl', `case $1 in ${this.systemctlFailsAt.join('|')}) exit 1 ;; esac`);
    this.write('user-data', script);
    const status = await new Promise<number>((resolve) => {
      const env = { PATH: join(this.root, 'bin'), IREKAE_ROOT: this.root };
      execFile('/bin/bash', [join(this.root, 'user-data')], { env, timeout: 60_000 }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      );
    });
    const console = this.read('dev/console').trimEnd().split('\n');
    const log = this.exists(LOG) ? this.read(LOG) : '';
    return { status, console, log };
  }

  /** Every program call so far, as `name arguments`. */
  get calls(): readonly string[] {
    return this.exists('calls') ? this.read('calls').trimEnd().split('\n') : [];
  }

  callsOf(program: string): readonly string[] {
    return this.calls.filter((call) => call.startsWith(`${program} `));
  }

  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  exists = (path: string): boolean => existsSync(join(this.root, path));

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** An image without this program. */
  lacks(program: string): void {
    rmSync(join(this.root, 'bin', program));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Most are run by `sh`, which starts in a fraction of bash's time: one boot runs some two hundred of them. */
  #stub(program: string, then: string, shell = '/bin/sh'): void {
    const note = `printf '%s\\n' "${program} $*" >>${join(this.root, 'calls')}`;
    writeFileSync(join(this.root, 'bin', program), `#!${shell}\n${note}\n${then}\n`, { mode: 0o755 });
  }
}

function realPath(program: string): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find(existsSync);
  if (found === undefined) throw new Error(`the boot script's tests need ${program} on this machine`);
  return found;
}

/** Bash's own opinion of a script: the text of its complaints, empty when there is none. */
export function syntaxErrors(script: string): string {
  try {
    execFileSync('/bin/bash', ['-n'], { input: script, stdio: ['pipe', 'pipe', 'pipe'] });
    return '';
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr);
  }
}
