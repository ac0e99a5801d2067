/**
 * One launch, within namespaces of its own: the metadata service, S3, Mackerel and the machine that boots. Says as JSON
 * what it found. Argument: a file with what `host.ts` gives.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tarball } from '../../test/boot-script/tarball.ts';
import { startMackerelServer } from '../../test/clients/mackerel-server.ts';
import { PROJECT } from '../../test/docs/documents.ts';
import { prepareImage, TREE } from './image.ts';
import { type Deployed, launchedWith } from './launched.ts';
import { type Machine, serveMetadata } from './metadata.ts';
import { type Seen, verdictOn } from './seen.ts';
import { type Certified, namesOf, Store } from './store.ts';

export interface Given {
  /** Empty; what is written here is gone with the namespaces. */
  readonly folder: string;
  readonly certified: Certified;
  readonly deployed: Deployed;
  /** The machine's, and nobody else's. */
  readonly cgroup: string;
  /** What the control changes in the user data. */
  readonly replace?: readonly [string, string];
}

const CREDENTIALS = {
  AccessKeyId: 'ASIAQEXAMPLEEXAMPLE1',
  SecretAccessKey: 'wJalr/UtnF+EMI/K7MDENG/bPxRfi+YEXAMPLEKE',
  Token: `IQoJb3JpZ2luX2Vj${'EJr+/'.repeat(120)}==`,
};
const BOOT_MILLIS = 60_000;

/** The runtime: Debian's own Perl, where the fleet wants one. */
const PERL = tarball([{ name: 'bin/perl', content: '#!/bin/sh\nexec /usr/bin/perl "$@"\n', mode: 0o755 }]);

async function story({ folder, certified, deployed, cgroup, replace }: Given) {
  const ip = (...args: string[]) => execFileSync('ip', args);
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', '169.254.169.254/32', 'dev', 'lo');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  const [layer, root] = [join(folder, 'layer'), join(folder, 'root')];
  for (const each of [layer, root, join(layer, 'up')]) mkdirSync(each);

  const mackerel = await startMackerelServer({ registersAs: 'standby' });
  const names = namesOf(deployed);
  prepareImage(join(layer, 'up'), { mackerel: mackerel.url, certificate: certified.certificate, names });
  resolveLocally(folder, names);
  const store = await Store.open({ folder, certified, deployed, credentials: CREDENTIALS });
  const { fleet, region } = deployed;
  const artifact = await store.put(fleet.artifact.key ?? '', tarballOf(join(PROJECT, 'examples/app')));
  const runtimes = await Promise.all(fleet.runtimes.map(({ key }) => store.put(key, PERL)));
  const asked = await launchedWith(fleet, [artifact, ...runtimes]);
  const machine: Machine = {
    ...{ region, instanceId: 'i-0123456789abcdef0', instanceType: asked.instanceType },
    ...{ imageId: asked.imageId, credentials: CREDENTIALS },
    userData: replace === undefined ? asked.userData : changed(asked.userData, replace),
  };
  serveMetadata(machine, folder);

  const consoleLog = join(folder, 'console.log');
  const began = Date.now();
  const booting = boot([TREE, root, layer, cgroup], consoleLog);
  await ended(booting, () => seenIsWhole(mackerel.requests.map(({ method, url }) => `${method} ${url}`)));
  const seen: Seen = {
    ...{ fleet, artifact, runtimes, machine, mackerel, s3: store.log() },
    seconds: Math.round((Date.now() - began) / 1_000),
    console: read(consoleLog),
    log: read(join(layer, 'up/var/log/irekae-boot.log')),
    cloudInit: read(join(layer, 'up/var/log/cloud-init-output.log')),
    application: await fetch('http://127.0.0.1:8080/').then(
      (answer) => answer.text(),
      () => '',
    ),
  };
  return verdictOn(seen);
}

/** Breaks nothing by mistake: what is to be replaced must be there. */
function changed(userData: string, [from, to]: readonly [string, string]): string {
  if (!userData.includes(from)) throw new Error(`the user data has no ${from}`);
  return userData.replace(from, to);
}

const tarballOf = (directory: string): Buffer =>
  execFileSync('tar', ['-czf', '-', '-C', directory, 'bin'], { maxBuffer: 16 * 1024 ** 2 });

/** For our own upload, too: /etc/hosts of these namespaces alone, and the certificate by the environment. */
function resolveLocally(folder: string, names: readonly string[]): void {
  const file = join(folder, 'hosts');
  writeFileSync(file, `127.0.0.1 localhost ${names.join(' ')}\n`);
  execFileSync('mount', ['--bind', file, '/etc/hosts']);
}

/** `script` gives it a terminal as its console, and writes down what it says there. */
function boot(args: readonly string[], log: string): ChildProcess {
  const command = ['sh', join(import.meta.dirname, 'machine.sh'), ...args].map((each) => `'${each}'`);
  return spawn('script', ['--quiet', '--flush', '--command', command.join(' '), log], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** The agent writes its host once more when it has registered it. */
const seenIsWhole = (requests: readonly string[]) => requests.some((each) => each.startsWith('PUT '));

async function ended(machine: ChildProcess, isWhole: () => boolean): Promise<void> {
  const until = Date.now() + BOOT_MILLIS;
  while (!isWhole() && machine.exitCode === null && Date.now() < until) await sleep(200);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const given = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Given;
console.log(JSON.stringify(await story(given)));
process.exit(0);
