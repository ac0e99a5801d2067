/** The image of the fleet's hosts, as `examples/packer` makes it: Debian's, the agent, the units of the application. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FULL_KEY } from '../../test/clients/mackerel-server.ts';
import { PROJECT } from '../../test/docs/documents.ts';
import { program, TOOLS } from '../tools.ts';

export const TREE = join(TOOLS, 'debian');
/** Of its package; `.ci/run` takes it from the agent's sources. */
export const AGENT_UNIT = join(TOOLS, 'mackerel-agent.service');

/** On EC2 it sees the hypervisor, and no container. */
const DETECT_VIRT = '#!/bin/sh\ncase "$*" in *-c*) exit 1 ;; esac\necho amazon\n';

const EXAMPLE = join(PROJECT, 'examples/packer/files');

export interface Surroundings {
  readonly mackerel: string;
  /** A file, and the names that it is for. */
  readonly certificate: string;
  readonly names: readonly string[];
}

/** @param changes a directory that is laid over the tree */
export function prepareImage(changes: string, { mackerel, certificate, names }: Surroundings): void {
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(changes, path)), { recursive: true });
    writeFileSync(join(changes, path), text);
    chmodSync(join(changes, path), mode);
  };
  const copy = (path: string, from: string, mode = 0o644) => {
    write(path, '', mode);
    copyFileSync(from, join(changes, path));
    chmodSync(join(changes, path), mode);
  };
  copy('usr/bin/mackerel-agent', program('mackerel-agent'), 0o755);
  copy('etc/systemd/system/mackerel-agent.service', AGENT_UNIT);
  write('etc/default/mackerel-agent', `OTHER_OPTS="-apibase ${mackerel}"\n`);
  copy('etc/mackerel-agent/mackerel-agent.conf', join(EXAMPLE, 'mackerel-agent.conf'));
  copy('usr/local/sbin/mackerel-api-key', join(EXAMPLE, 'mackerel-api-key'), 0o755);
  copy('etc/systemd/system/mackerel-agent.service.d/api-key.conf', join(EXAMPLE, 'api-key.conf'));
  // SSM, as far as the script above needs it.
  write('usr/local/bin/aws', `#!/bin/sh\necho ${FULL_KEY}\n`, 0o755);
  for (const unit of ['reactio-app.service', 'reactio-worker.service'])
    copy(`etc/systemd/system/${unit}`, join(EXAMPLE, unit));
  // An identity of another host must not be inherited.
  write('var/lib/mackerel-agent/id', 'ofTheImage1');
  // Its provider knows where an image runs.
  write('etc/cloud/cloud.cfg.d/90_ec2.cfg', 'datasource_list: [Ec2]\nlocale: C.UTF-8\n');
  write('usr/bin/systemd-detect-virt', DETECT_VIRT, 0o755);
  write('etc/hosts', `127.0.0.1 localhost\n127.0.0.1 ${names.join(' ')}\n`);
  // A login prompt would hang up the console that is read here.
  symlinkSync('/dev/null', join(changes, 'etc/systemd/system/console-getty.service'));
  trust(write, certificate);
  appendUser(write);
}

type Write = (path: string, text: string, mode?: number) => void;

const ofTree = (path: string) => readFileSync(join(TREE, path), 'utf8');

function trust(write: Write, certificate: string): void {
  const bundle = 'etc/ssl/certs/ca-certificates.crt';
  write(bundle, ofTree(bundle) + readFileSync(certificate, 'utf8'));
}

function appendUser(write: Write): void {
  write('etc/passwd', `${ofTree('etc/passwd')}reactio:x:990:990::/srv/irekae:/usr/sbin/nologin\n`);
  write('etc/group', `${ofTree('etc/group')}reactio:x:990:\n`);
  write('etc/shadow', `${ofTree('etc/shadow')}reactio:!:20000::::::\n`, 0o640);
}
