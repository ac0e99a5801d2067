/** How the command speaks where it runs: what is said to people, on which of the two streams, and as it looks there. */
import { masked } from '../../lambdas/domain/core/secrets.ts';
import type { Screen } from './command.ts';
import { type Ended, envelopeOf } from './envelope.ts';
import { AS_WRITTEN, type Spelling } from './hints.ts';
import { Rendering, type Surface, type Tone } from './rendering.ts';

export interface VoiceSetup {
  print(line: string): void;
  complain(line: string): void;
  /** Where `print` prints, and where `complain` does; absent: lines in a log. */
  readonly surface?: Surface;
  readonly complaints?: Surface;
  /** How people here type the command. */
  readonly spelling?: Omit<Spelling, 'options' | 'fleetsFile'>;
  /** Where the command may draw; absent where it only prints lines. */
  readonly screen?: Screen;
}

export class Voice {
  readonly #setup: VoiceSetup;
  readonly #out: Rendering;
  readonly #err: Rendering;

  /** @param given what is known by the command line: the options that pasted commands get of it, the fleets file */
  constructor(setup: VoiceSetup, given: Partial<Pick<Spelling, 'options' | 'fleetsFile'>> = {}) {
    const spelling = { ...AS_WRITTEN, ...setup.spelling, ...given };
    this.#setup = setup;
    this.#out = new Rendering(setup.surface ?? {}, spelling);
    this.#err = new Rendering(setup.complaints ?? {}, spelling);
  }

  print(lines: readonly string[], ending?: Tone): void {
    for (const row of this.#out.rows(lines, ending)) this.#setup.print(row);
  }

  complain(lines: readonly string[], ending?: Tone): void {
    for (const row of this.#err.rows(lines, ending)) this.#setup.complain(row);
  }

  /** The one that `--json` prints, for a program to read. */
  document(ended: Ended): void {
    const document = envelopeOf({ ...ended, lines: this.#out.plain(ended.lines) });
    this.#setup.print(masked(JSON.stringify(document)));
  }

  /** What a task has of it. */
  get place() {
    const { screen, surface } = this.#setup;
    return {
      ...(screen && { screen: { ...screen, rendering: this.#out } }),
      ...(surface?.timeZone !== undefined && { timeZone: surface.timeZone }),
    };
  }
}
