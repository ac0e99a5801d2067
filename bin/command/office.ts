/** Where a command works: its connections, each made when it is asked for, and what each task has of the place. */

import { printable } from '../../lambdas/domain/core/words.ts';
import type { Caller, Connection, Scenario } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { callerName, type Everywhere, type PageKeeper, type Task } from './command.ts';
import type { Run } from './command-line.ts';
import { chooseCredentials } from './credentials.ts';
import { failed, type Outcome } from './outcome.ts';
import type { ProjectPlace } from './project-command.ts';
import { isTrouble, troubleOutcome } from './trouble.ts';
import type { Voice, VoiceSetup } from './voice.ts';

/** Where the command runs: a terminal, a CI job, or a test. */
export interface CommandSetup extends VoiceSetup {
  /** What the fleets file says, or who reads it once it is needed (a `FleetsSource`). */
  readonly fleetsFile: unknown;
  connect(environment: Environment): Promise<Connection>;
  /** `--local`: a modelled region with these fleets, for a command about this one, or about all. */
  connectLocal?(
    environments: readonly Environment[],
    fleet: FleetConfig | undefined,
    scenario: Scenario | undefined,
  ): Promise<Connection>;
  /** Absent: no command makes a page here. */
  readonly page?: PageKeeper;
  /** Asks yes or no; absent where nobody can be asked. */
  readonly ask?: (question: string) => Promise<boolean>;
  /** Aborted on Ctrl-C from now on; absent where there is none. */
  interruptions?(): AbortSignal;
  /** Where a project is set up or checked; absent where only fleets are looked at. */
  readonly project?: ProjectPlace;
}

export class Office {
  readonly #line: Run;
  readonly #setup: CommandSetup;
  readonly #voice: Voice;
  readonly #connections: Connection[] = [];
  /** The modelled region is one world for all environments. */
  #local: Promise<Connection> | undefined;
  /** Whose credentials were seen last. */
  caller: Caller | undefined;

  constructor(line: Run, setup: CommandSetup, voice: Voice) {
    this.#line = line;
    this.#setup = setup;
    this.#voice = voice;
  }

  everywhere(): Everywhere {
    return {
      environments: this.#line.environments,
      ...this.#asked,
      reach: async (environment) => {
        try {
          return await this.#tasksOf(environment, environment.fleets);
        } catch (error) {
          if (!isTrouble(error)) throw error;
          return troubleOutcome(error, undefined);
        }
      },
    };
  }

  async taskOf(environment: Environment, fleet: FleetConfig): Promise<Task | Outcome> {
    const found = await this.#tasksOf(environment, [fleet]);
    if ('lines' in found) return found;
    const [task] = found;
    if (!task) throw new Error(`There is no task for ${fleet.name}.`);
    return task;
  }

  async #tasksOf(
    environment: Environment,
    fleets: readonly FleetConfig[],
  ): Promise<readonly Task[] | Outcome> {
    const connection = await this.#connect(environment);
    const { caller } = connection;
    this.caller = caller;
    const stranger = assertOwnAccount(environment, fleets, caller);
    if (stranger) return stranger;
    const { all } = this.#line;
    const tasks = fleets.map(async (fleet) => {
      const ports = await connection.ports(fleet.name);
      return { environments: all, environment, fleet, caller, ports, ...this.#desk };
    });
    return Promise.all(tasks);
  }

  async #connect(environment: Environment): Promise<Connection> {
    const { account } = environment;
    if (this.#line.options.local === undefined) return this.#opened(await this.#setup.connect(environment));
    this.#local ??= this.#connectLocal();
    const connection = await this.#local;
    // The modelled world has one account; the fleets file has its own.
    return { ...connection, caller: { account, arn: connection.caller.arn.replace(/\d{12}/, account) } };
  }

  async #connectLocal(): Promise<Connection> {
    const { connectLocal } = this.#setup;
    if (!connectLocal) throw new Error('There is no modelled world here.');
    const { all, fleet, options } = this.#line;
    const scenario = typeof options.local === 'string' ? (options.local as Scenario) : undefined;
    return this.#opened(await connectLocal(all, fleet, scenario));
  }

  #opened(connection: Connection): Connection {
    this.#connections.push(connection);
    if (!this.#line.json) this.#voice.print(connection.notes ?? []);
    return connection;
  }

  /** What every task has of the place where the command runs. */
  get #desk() {
    const { options, json } = this.#line;
    const { ask, interruptions } = this.#setup;
    const voice = this.#voice;
    return {
      ...this.#asked,
      show: (lines: readonly string[]) => {
        if (!json) voice.print(lines);
      },
      // With --json the caller is a program, which answers no questions.
      agrees: async (question: string) =>
        options.yes ?? (!json && (await ask?.(printable(question))) === true),
      tell: (text: string) => (json ? voice.complain([text]) : voice.print([text])),
      ...(!json && voice.place),
      interruptions: () => interruptions?.() ?? new AbortController().signal,
    };
  }

  /** What was typed, and what follows from that. */
  get #asked() {
    const { options, argument } = this.#line;
    return { isLocal: options.local !== undefined, options, argument, page: this.#page };
  }

  get #page(): PageKeeper {
    const { page } = this.#setup;
    if (!page) return NO_PAGE;
    const { json, options } = this.#line;
    return json || options['no-open'] ? { keep: page.keep } : page;
  }

  close(): void {
    for (const { close } of this.#connections) close?.();
  }
}

const NO_PAGE: PageKeeper = {
  keep: async () => {
    throw new Error('No page can be written here.');
  },
};

function assertOwnAccount(
  environment: Environment,
  fleets: readonly FleetConfig[],
  caller: Caller,
): Outcome | undefined {
  if (caller.account === environment.account) return undefined;
  const [fleet, ...more] = fleets;
  const what = fleet && more.length === 0 ? fleet.name : environment.name;
  return failed('wrong-account', [
    `${what} is in the account ${environment.account} (${environment.name}), but the credentials belong to ` +
      `${caller.account} (${callerName(caller)}).`,
    `Nothing was read or changed. ${chooseCredentials()}`,
  ]);
}
