/** A Mackerel of our own, and mkr that asks it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { mackerelClient } from '../../lambdas/clients/mackerel.ts';
import type { Mackerel } from '../../lambdas/ports/mackerel.ts';
import {
  FULL_KEY,
  type Habits,
  type MackerelServer,
  startMackerelServer,
  type WireHost,
} from '../../test/clients/mackerel-server.ts';
import { program } from '../tools.ts';

export const AT = 1_772_355_600;

export interface Answer {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export class Wire {
  commands = 0;
  readonly server: MackerelServer;
  readonly unit: 'seconds' | 'milliseconds';

  private constructor(server: MackerelServer, unit: Wire['unit']) {
    this.server = server;
    this.unit = unit;
  }

  static async open(given: { habits?: Partial<Habits>; unit?: Wire['unit'] } = {}): Promise<Wire> {
    return new Wire(await startMackerelServer(given.habits), given.unit ?? 'seconds');
  }

  close = (): Promise<void> => this.server.stop();

  /** Our own adapter, at the same Mackerel. */
  get client(): Mackerel {
    return mackerelClient({ apiKey: async () => FULL_KEY, baseUrl: this.server.url });
  }

  addHost(name: string, more: Partial<Parameters<MackerelServer['addHost']>[0]> = {}): WireHost {
    return this.server.addHost({
      name,
      meta: { 'agent-version': '0.87.0', cloud: { provider: 'ec2', metadata: { 'instance-id': 'i-0a1b' } } },
      customIdentifier: 'i-0a1b.ec2.amazonaws.com',
      interfaces: [{ name: 'eth0', ipAddress: '10.0.1.23', ipv4Addresses: ['10.0.1.23'] }],
      roleFullnames: ['Shop:web'],
      createdAt: this.unit === 'seconds' ? AT : AT * 1_000,
      ...more,
    });
  }

  /** Whatever it ends with. This machine's own configuration is never read. */
  async ask(args: readonly string[], { key = FULL_KEY, input = '' } = {}): Promise<Answer> {
    this.commands += 1;
    const mkr = spawn(program('mkr'), [`--apibase=${this.server.url}`, '--conf=/nonexistent', ...args], {
      env: { MACKEREL_APIKEY: key, TZ: 'UTC', NO_PROXY: '127.0.0.1' },
      timeout: 20_000,
    });
    mkr.stdin.end(input);
    const [out, err, [status]] = await Promise.all([text(mkr.stdout), text(mkr.stderr), once(mkr, 'close')]);
    return { status: status as number | null, out, err: stripVTControlCharacters(err).trim() };
  }

  /** @throws Error with mkr's words when it fails @returns what it printed */
  async mkr(...args: readonly string[]): Promise<string> {
    const { status, out, err } = await this.ask(args);
    if (status !== 0) throw new Error(`mkr ${args.join(' ')}: ${status}: ${err}`);
    return out;
  }

  json = async (...args: readonly string[]): Promise<unknown> => JSON.parse(await this.mkr(...args));
}
