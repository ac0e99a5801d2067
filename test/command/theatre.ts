/** A fleet on stage with an operator beside it: the command waits on the stage's own clock. */

import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { executionsOfAnyAccount } from '../../simulator/command-ports.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';
import { CALLER, FLEET, runOn, type Said, type Visit } from './desk.ts';

export class Theatre {
  readonly stage: Stage;
  /** Every pause of the command, in order; called before time passes. */
  onPause: ((count: number) => void) | undefined;
  #pauses = 0;

  constructor(options: Partial<StageOptions> = {}) {
    this.stage = new Stage({ template: synthesize(), fleet: FLEET, seed: 5, ...options });
  }

  /** Uploads a tarball under the fleet's key, with the proof that a fleet may want; answers the version's id. */
  upload(content?: string): string {
    return this.stage.upload(content);
  }

  /** Runs the command while the time of everything passes. */
  run(line: string | readonly string[], visit: Visit = {}): Promise<Said> {
    return this.stage.clock.until(this.begin(line, visit));
  }

  /** The same beside something else that lets time pass. */
  begin(line: string | readonly string[], visit: Visit = {}): Promise<Said> {
    const args = typeof line === 'string' ? line.split(' ') : line;
    const ports = { ...this.ports, ...visit.ports };
    const setup = { fleetsFile, caller: { ...CALLER, account: '222222222222' }, pause: this.#pause };
    return runOn(this.stage.world, args, { ...setup, ...visit, ports });
  }

  readonly #pause: CommandPorts['pause'] = async (seconds) => {
    this.#pauses += 1;
    this.onPause?.(this.#pauses);
    await this.stage.clock.sleep(seconds);
  };

  /** As the command has them: for tests that have one method answer otherwise. */
  get ports(): Ports {
    const { ports } = this.stage.world;
    return { ...ports, executions: executionsOfAnyAccount(ports.executions) };
  }

  /** Names of the executions of the fleet's machine that were started, in order. */
  get started(): string[] {
    return this.stage.executions
      .filter(({ machineName }) => machineName === `irekae-${FLEET}`)
      .map(({ name }) => name);
  }

  /** The last of the new hosts never passes its health check. */
  breakLastHost(): void {
    let launched = 0;
    this.stage.world.ec2.fate = () => {
      launched += 1;
      return launched === 2 ? { kind: 'never-healthy' } : { kind: 'healthy' };
    };
  }

  close(): void {
    this.stage.close();
  }
}
