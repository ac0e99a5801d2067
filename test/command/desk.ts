/** An operator's desk: the command as it is, on a small world whose clock the test moves, with every word kept. */

import { expect } from 'vitest';
import type { PageKeeper, Screen } from '../../bin/command/command.ts';
import { type Envelope, PARTS } from '../../bin/command/envelope.ts';
import { irekae } from '../../bin/command/irekae.ts';
import type { CommandSetup } from '../../bin/command/office.ts';
import type { ExitCode } from '../../bin/command/outcome.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { changeName } from '../../lambdas/domain/core/names.ts';
import type { Caller, CommandPorts } from '../../lambdas/ports/command.ts';
import type { Inspector } from '../../lambdas/ports/inspector.ts';
import type { Phase } from '../../lambdas/ports/ledger.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { worldTagger } from '../../simulator/command-ports.ts';
import { executionArn } from '../../simulator/run-definition.ts';
import { World } from '../../simulator/world/world.ts';
import { STEADY } from '../world/small-world.ts';

export const FLEET = 'reactio-production-app';
export const ROLE = { service: 'reactio-production', role: 'app' } as const;
export const BALANCER = { kind: 'classic', name: 'reactio-production' } as const;
export const ACCOUNT = '123456789012';
export const SUBNETS = ['subnet-0a1b2c3d4e5f60003', 'subnet-0a1b2c3d4e5f60004'] as const;
export const CALLER: Caller = {
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Operator/hanako`,
};

/** The example, in the world's account. */
export const worldFleets: FleetsFile = {
  ...fleetsFile,
  environments: fleetsFile.environments.map((environment) => ({ ...environment, account: ACCOUNT })),
};

export interface Said {
  readonly exitCode: ExitCode;
  readonly out: string;
  readonly err: string;
  /** What was asked, in order. */
  readonly questions: readonly string[];
}

export interface Visit {
  /** To every question; without it nobody can be asked. */
  readonly answer?: boolean | (() => boolean | Promise<boolean>);
  readonly caller?: Caller;
  readonly ports?: Partial<CommandPorts>;
  readonly connect?: CommandSetup['connect'];
  readonly pause?: CommandPorts['pause'];
  /** Default: the example, in the world's account. */
  readonly fleetsFile?: FleetsFile;
  readonly screen?: Screen;
  readonly interrupted?: AbortSignal;
  readonly page?: PageKeeper;
}

/** Nobody moves the clock: whoever waits here would wait forever. */
const noPause = async (): Promise<never> => {
  throw new Error('this test lets no time pass');
};

/** For commands that never ask it. */
const nobodyAsks = new Proxy({} as Inspector, {
  get: () => () => {
    throw new Error('only the doctor, and who removes a fleet, ask the inspector');
  },
});

/** Runs the command against a world. */
export async function runOn(world: World, args: readonly string[], visit: Visit = {}): Promise<Said> {
  const [out, err, questions]: string[][] = [[], [], []];
  const { answer, interrupted, caller = CALLER } = visit;
  const ports = {
    ...world.ports,
    tagger: worldTagger(world),
    inspector: nobodyAsks,
    remover: { deleteStack: async () => Promise.reject(new Error('nobody removes anything here')) },
    pause: visit.pause ?? noPause,
    ...visit.ports,
  };
  const exitCode = await irekae(args, {
    fleetsFile: visit.fleetsFile ?? worldFleets,
    connect: visit.connect ?? (async () => ({ caller, ports: async () => ports })),
    print: (line) => out?.push(line),
    complain: (line) => err?.push(line),
    ...(visit.screen && { screen: visit.screen }),
    ...(visit.page && { page: visit.page }),
    ...(interrupted && { interruptions: () => interrupted }),
    ...(answer !== undefined && {
      ask: async (question: string) => {
        questions?.push(question);
        return typeof answer === 'function' ? answer() : answer;
      },
    }),
  });
  if (args.includes('--json') && !args.includes('--help')) assertOneDocument(out ?? [], exitCode);
  return { exitCode, out: out?.join('\n') ?? '', err: err?.join('\n') ?? '', questions: questions ?? [] };
}

/** A name, or that there is none. */
const orNull = (name: RegExp) => ({
  asymmetricMatch: (given: unknown) => given === null || (typeof given === 'string' && name.test(given)),
});

/** Of every run with --json, whatever the test looks at: one document, and in it what each ending says. */
function assertOneDocument(out: readonly string[], exitCode: ExitCode): void {
  expect(out).toHaveLength(1);
  const document = JSON.parse(out[0] ?? '') as Envelope;
  expect(Object.keys(document)).toEqual(Object.keys(PARTS));
  expect(document).toMatchObject({
    irekae: expect.stringMatching(/^\d+\.\d+\.\d+/),
    ok: exitCode === 0,
    outcome: expect.stringMatching(/^[a-z]+(-[a-z]+)*$/),
    exitCode,
    message: expect.any(String),
    result: expect.any(Object),
  });
  if (exitCode === 0) expect(document.problem).toBeNull();
  else expect(document.problem).toEqual({ error: orNull(/^[A-Z][A-Za-z]+$/), sentences: expect.any(Array) });
}

export class Desk {
  readonly world: World;
  #millis = Date.UTC(2026, 10, 22, 3, 0, 0);

  constructor() {
    this.world = new World({ seed: 1, timings: STEADY, now: () => new Date(this.#millis) });
    const [a, c] = SUBNETS;
    this.world.ec2.addSubnet({ subnetId: a, vpcId: 'vpc-1', zone: 'ap-northeast-1a' });
    this.world.ec2.addSubnet({ subnetId: c, vpcId: 'vpc-1', zone: 'ap-northeast-1c' });
    this.world.loadBalancers.addClassic({
      name: BALANCER.name,
      vpcId: 'vpc-1',
      zones: ['ap-northeast-1a', 'ap-northeast-1c'],
    });
    this.world.addFleet(FLEET, ROLE);
  }

  run(line: string, visit: Visit = {}): Promise<Said> {
    return runOn(this.world, line.split(' '), visit);
  }

  pass(seconds: number): void {
    this.#millis += seconds * 1000;
  }

  now(): Date {
    return new Date(this.#millis);
  }

  /** A host that serves; by default one of the fleet. */
  host({ fleet = FLEET, subnetId = SUBNETS[0], tags = {} }: HostOptions = {}): string {
    return this.world.addRunningHost({
      ...ROLE,
      subnetId,
      loadBalancers: [BALANCER],
      ...(fleet !== null && { fleet }),
      tags,
    });
  }

  /** An execution that holds the lock, in this phase. */
  hold(
    phase: Phase,
    { name = 'deploy-2', document = '{}' }: { name?: string; document?: string } = {},
  ): string {
    const arn = executionArn(`irekae-${FLEET}`, name);
    this.world.executions.begin(arn);
    const claim = { holder: arn, startedBy: 'CI', why: 'release 7' };
    const hold = this.world.ledger.take(FLEET, claim);
    if (hold && phase !== 'agree') this.world.ledger.enter(FLEET, hold, phase, document);
    return arn;
  }

  /** A `cdk deploy` takes permissions from the fleet. */
  close(): void {
    const holder = executionArn(`irekae-${FLEET}`, changeName('production'));
    this.world.ledger.take(FLEET, { holder, startedBy: 'cdk deploy', why: 'its permissions change' });
  }

  /** The holder leaves the rest to a human. */
  callHuman(why: string): void {
    const held = this.held();
    if (held) this.world.ledger.keepForHuman(FLEET, held, why);
  }

  /** This version waits for its turn. */
  pend(versionId: string): void {
    const request = { id: `upload-${versionId}`, input: '{}', versionId, since: this.now() };
    this.world.ledger.pend(FLEET, request, undefined);
  }

  /** This rollback waits for its turn, in place of what did. */
  pendRollback(rollbackTo: string, versionId: string): void {
    const request = { id: 'rollback', input: JSON.stringify({ rollbackTo }), versionId, since: this.now() };
    this.world.ledger.pend(FLEET, request, this.world.ledger.read(FLEET)?.pending);
  }

  held() {
    return this.world.ledger.read(FLEET)?.held;
  }

  /** Names of the executions that were started since. */
  started(): string[] {
    return this.world.executions
      .running()
      .map((arn) => arn.split(':').slice(6).join(':'))
      .filter((name) => !name.endsWith(':deploy-2'));
  }
}

interface HostOptions {
  /** `null`: untagged. */
  readonly fleet?: string | null;
  readonly subnetId?: string;
  readonly tags?: Readonly<Record<string, string>>;
}
