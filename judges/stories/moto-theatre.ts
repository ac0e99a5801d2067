/** The stage that moto is. */

import { artifactBucketName, functionName, machineName } from '../../lambdas/domain/core/names.ts';
import type { StepName } from '../../lambdas/domain/core/steps.ts';
import type { Stack } from '../moto/stacks.ts';
import type { Invocation } from './functions.ts';
import type { Moto } from './moto.ts';
import type { Theatre } from './theatre.ts';

const SETTLED_WITHIN_SECONDS = 900;

export class MotoTheatre implements Theatre {
  readonly #cues = new Map<string, () => Promise<void>>();
  #started = 0;

  constructor(
    readonly moto: Moto,
    readonly stacks: readonly Stack[],
  ) {}

  upload(fleet: string, text: string): Promise<void> {
    return this.#put('upload', fleet, text);
  }

  place(fleet: string, text: string): Promise<void> {
    return this.#put('place', fleet, text);
  }

  async start(fleet: string, kind: 'deploy' | 'promote', input: object): Promise<void> {
    this.#started += 1;
    const { environment } = this.#stackOf(fleet);
    const name = `by-hand-${this.#started}`;
    await this.moto.ask('start', { environment, machine: machineName(fleet, kind), name, input });
  }

  async stop(fleet: string): Promise<void> {
    const { environment } = this.#stackOf(fleet);
    await this.moto.ask('stop', { environment, machine: machineName(fleet, 'deploy') });
  }

  async wait(seconds: number): Promise<void> {
    await this.moto.ask('wait', { seconds });
  }

  async settle(): Promise<void> {
    await this.moto.ask('settle', { most: SETTLED_WITHIN_SECONDS });
  }

  when(fleet: string, step: StepName, act: () => Promise<void>): void {
    this.#cues.set(`${fleet} ${functionName(this.#stackOf(fleet).environment, step)}`, act);
  }

  /** Before the function runs. */
  readonly invoked = async ({ name, payload }: Invocation): Promise<void> => {
    const given = JSON.parse(payload);
    // To some states the story says something beside the document.
    const cue = `${Object(given.document ?? given).fleet?.name} ${name}`;
    const act = this.#cues.get(cue);
    this.#cues.delete(cue);
    await act?.();
  };

  async #put(how: 'upload' | 'place', fleet: string, text: string): Promise<void> {
    const { environment, account, region, fleets } = this.#stackOf(fleet);
    const key = fleets.find(({ name }) => name === fleet)?.artifact;
    const bucket = artifactBucketName({ name: environment, account, region });
    await this.moto.ask(how, { environment, bucket, key, text });
  }

  #stackOf(fleet: string): Stack {
    const found = this.stacks.find(({ fleets }) => fleets.some(({ name }) => name === fleet));
    if (!found) throw new Error(`There is no fleet ${fleet}.`);
    return found;
  }
}
