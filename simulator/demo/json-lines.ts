/** The audience of programs: one JSON object per line, each with a `type`; `result` is the last of its scenario. */
import type { Line } from './narration.ts';
import type { Audience, Moment, Opening } from './performance.ts';
import type { Summary } from './summary.ts';

export class JsonLines implements Audience {
  readonly #write: (text: string) => void;
  #startedAt = 0;
  #hosts = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  begins({ at, ...opening }: Opening): void {
    this.#startedAt = at.getTime();
    this.#hosts = '';
    this.#put({ type: 'scenario', ...opening });
  }

  tells({ at, ...line }: Line): void {
    this.#put({ type: 'line', seconds: this.#seconds(at), ...line });
  }

  between(line: Line): void {
    this.tells(line);
  }

  /** Only when a host's state has changed. */
  sees({ at, scene }: Moment): void {
    const hosts = scene.hosts.map(({ ageSeconds, ...host }) => host);
    const seen = JSON.stringify(hosts);
    if (seen !== this.#hosts) this.#put({ type: 'hosts', seconds: this.#seconds(at), hosts });
    this.#hosts = seen;
  }

  ends(summary: Summary): void {
    this.#put({ type: 'result', ...summary });
  }

  #seconds(at: Date): number {
    return (at.getTime() - this.#startedAt) / 1000;
  }

  #put(object: object): void {
    this.#write(`${JSON.stringify(object)}\n`);
  }
}
