/** moto's process (`judges/moto/server.py`): asked and answering by lines of JSON. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Said {
  readonly ready?: unknown;
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export class Moto {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (said: Said) => void>();
  #asked = 0;

  /** @param file what it is furnished with @param log an open file */
  constructor(python: string, file: string, log: number) {
    const program = join(import.meta.dirname, '../moto/server.py');
    this.#process = spawn(python, [program, file]);
    this.#process.stderr.pipe(createWriteStream('', { fd: log, autoClose: false }));
    createInterface(this.#process.stdout).on('line', (line) => {
      const said = JSON.parse(line) as Said;
      this.#waiting.get(said.id)?.(said);
      this.#waiting.delete(said.id);
    });
    this.#process.on('exit', (code) => {
      for (const [id, answer] of this.#waiting) answer({ id, error: `moto ended: ${code}` });
    });
  }

  /** Its first line comes unasked. */
  async isReady(): Promise<void> {
    await this.#answer(0);
  }

  ask(what: string, given: object): Promise<unknown> {
    this.#asked += 1;
    this.#process.stdin.write(`${JSON.stringify({ id: this.#asked, do: what, with: given })}\n`);
    return this.#answer(this.#asked);
  }

  async #answer(id: number): Promise<unknown> {
    const { answer, error } = await new Promise<Said>((resolve) => this.#waiting.set(id, resolve));
    if (error !== undefined) throw new Error(error);
    return answer;
  }
}
