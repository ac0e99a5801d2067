/**
 * What a person needs for each command. Not written down, but recorded: each command is run on the modelled region, and
 * every call that it makes through its ports is noted.
 */

import { COMMANDS, irekae } from '../bin/command/irekae.ts';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { stackName } from '../lambdas/domain/core/names.ts';
import type { CommandPorts, Connection, Scenario } from '../lambdas/ports/command.ts';
import type { FleetConfig } from '../lib/fleet-config.ts';
import { readFleets } from '../lib/read-fleets.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { connectLocally } from '../simulator/local-region.ts';
import { code, table } from './markdown.ts';
import { type Asked, byThing, permissionsOf, type Whose } from './port-permissions.ts';

const FLEET = 'reactio-production-app';
const WORKER = 'reactio-production-worker';

/** Command line → exit code, one after the other in one region: together each command does all that it may do. */
const PLAYS: readonly { readonly scenario?: Scenario; readonly lines: Readonly<Record<string, number>> }[] = [
  {
    lines: {
      [`status ${FLEET}`]: 0,
      status: 0,
      [`history ${FLEET}`]: 0,
      [`page ${FLEET}`]: 0,
      [`doctor ${FLEET}`]: 0,
      [`plan ${FLEET}`]: 0,
      [`promote ${FLEET} --wait`]: 0,
      [`rollback ${FLEET} --to release-1 --reason slow --wait`]: 0,
      [`deploy ${FLEET} --wait`]: 0,
      [`deploy ${FLEET} --redeploy --override freeze --reason the-sale-begins-tomorrow`]: 0,
      [`promote ${FLEET} --dry-run --override soak --reason the-sale-begins-tomorrow`]: 0,
      [`watch ${FLEET}`]: 0,
      [`cancel ${FLEET}`]: 1,
    },
  },
  { scenario: 'strangers', lines: { [`adopt ${FLEET} --yes`]: 0, [`remove ${WORKER} --yes`]: 0 } },
  {
    scenario: 'running',
    lines: {
      [`status ${FLEET}`]: 0,
      [`page ${FLEET}`]: 0,
      [`deploy ${FLEET} --wait-until shifted`]: 0,
      [`cancel ${FLEET}`]: 0,
      [`watch ${FLEET}`]: 5,
    },
  },
  { scenario: 'paused', lines: { [`go ${FLEET} --reason orders-come-in`]: 0 } },
  {
    scenario: 'halfway',
    // What was asked for meanwhile is started by who unlocks.
    lines: {
      [`status ${FLEET}`]: 0,
      [`deploy ${FLEET} --wait --timeout 1`]: 6,
      [`unlock ${FLEET} --yes`]: 0,
    },
  },
  {
    scenario: 'on-hold',
    lines: {
      [`hold ${FLEET} --reason the-next-move --until 2h`]: 0,
      [`release ${FLEET}`]: 0,
    },
  },
  {
    scenario: 'stuck',
    // Then the clean-up holds the lock.
    lines: {
      [`unlock ${FLEET} --yes`]: 0,
      [`watch ${FLEET} --timeout 1`]: 6,
      [`status ${FLEET}`]: 0,
      [`page ${FLEET}`]: 0,
      [`cancel ${FLEET}`]: 0,
      [`unlock ${FLEET}`]: 1,
      [`watch ${FLEET}`]: 3,
    },
  },
];

/** Command → what it asked for, without repetitions. */
export type Recorded = ReadonlyMap<string, readonly Asked[]>;

export async function recordPermissions(
  templates: Readonly<Record<string, TemplateJson>>,
): Promise<Recorded> {
  const environments = readFleets(fleetsFile);
  const recorder = new Recorder(environments.flatMap(({ fleets }) => fleets));
  const fleet = environments.flatMap(({ fleets }) => fleets).find(({ name }) => name === FLEET);
  for (const { scenario, lines } of PLAYS) {
    const { close, ...region } = await connectLocally(environments, fleet, {
      isVisible: false,
      scenario,
      templates,
    });
    try {
      for (const [line, expected] of Object.entries(lines)) await recorder.run(line, expected, region);
    } finally {
      close?.();
    }
  }
  return recorder.asked;
}

class Recorder {
  /** Empty for a command that no play has. */
  readonly asked = new Map<string, Asked[]>(COMMANDS.map(({ name }) => [name, []]));
  readonly #fleets: readonly FleetConfig[];

  constructor(fleets: readonly FleetConfig[]) {
    this.#fleets = fleets;
  }

  async run(line: string, expected: number, region: Connection): Promise<void> {
    const [command = ''] = line.split(' ');
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const exitCode = await irekae([...line.split(' '), '--local'], {
      fleetsFile,
      connect: async () => Promise.reject(new Error('Nothing in AWS is asked here.')),
      connectLocal: async () => ({
        ...region,
        ports: async (fleet) => this.#watched(command, fleet, await region.ports(fleet)),
      }),
      print: say,
      complain: say,
      page: { keep: async (name) => name },
      // In a terminal, the hosts are looked at, too.
      screen: { write: () => {}, columns: () => 80, rows: () => 24 },
    });
    if (exitCode !== expected)
      throw new Error(`${line} ended with ${exitCode}, not ${expected}:\n${said.join('\n')}`);
  }

  #watched(command: string, fleet: string, ports: CommandPorts): CommandPorts {
    const config = this.#fleets.find(({ name }) => name === fleet);
    if (!config) throw new Error(`There is no fleet ${fleet}.`);
    const whose: Whose = {
      fleet,
      artifact: config.artifact ?? '',
      environmentStack: stackName(config.environment),
    };
    const services = Object.entries(ports).map(([service, port]) => {
      const isAsked = !['clock', 'pause'].includes(service);
      return [service, isAsked ? this.#noting(command, service, port as object, whose) : port];
    });
    return Object.fromEntries(services) as CommandPorts;
  }

  #noting(command: string, service: string, port: object, whose: Whose): object {
    const note = (call: string, args: readonly unknown[]) => {
      for (const asked of permissionsOf(call, args, whose)) this.asked.get(command)?.push(asked);
    };
    return new Proxy(port, {
      get: (target, name) => {
        const method = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          note(`${service}.${String(name)}`, args);
          return method.apply(target, args);
        };
      },
    });
  }
}

/** A row for each command; what is asked of one thing stands together. */
export function personTable(recorded: Recorded): string {
  const rows = [...recorded].map(([command, asked]) => {
    const told = byThing(asked).map(([thing, actions]) => `${actions.map(code).join(', ')} on ${thing}`);
    if (told.length === 0) throw new Error(`No play has the command ${command}.`);
    return [code(command), told.join('<br>')];
  });
  return table(['command', 'asks for'], rows);
}
