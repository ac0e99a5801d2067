/**
 * A launch's own user data under cloud-init and systemd of a Debian tree (mmdebstrap), as on EC2: the metadata service
 * is AWS's own (Go), S3 is one that checks signatures (versitygw, Go), the image's files are those of `examples/packer`,
 * and mackerel-agent (Go) registers the host at our Mackerel. All of it within namespaces that end with it, as root.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_UNIT, TREE } from './host/image.ts';
import type { Given } from './host/inside.ts';
import { deployed } from './host/launched.ts';
import { controlGroups, makePlace, removePlace } from './host/place.ts';
import { certify, namesOf } from './host/store.ts';
import type { Judge, Verdict } from './judge.ts';
import { foundInSpaces, lacksSpaces } from './spaces.ts';
import { lacksPrograms } from './tools.ts';

const LIMIT_MILLIS = 120_000;
const INSIDE = join(import.meta.dirname, 'host/inside.ts');

export const host: Judge = {
  name: 'host',
  missing: () =>
    lacksPrograms('mackerel-agent', 'ec2-metadata-mock', 'versitygw') ??
    lacksTree() ??
    lacksControlGroups() ??
    lacksSpaces(),
  judge: () => booted(),
  // The session's token is not what was signed.
  control: () => booted(['"x-amz-security-token:$session_token" \'\'', '"x-amz-security-token:" \'\'']),
};

const lacksTree = () =>
  existsSync(TREE) && existsSync(AGENT_UNIT)
    ? undefined
    : `no Debian tree in ${TREE}: .ci/run with CI=true makes it, by mmdebstrap, as root`;

const lacksControlGroups = () =>
  controlGroups() === undefined
    ? 'no control groups (version 2) are mounted here: Linux has them'
    : undefined;

async function booted(replace?: Given['replace']): Promise<Verdict> {
  const { folder, cgroup } = makePlace();
  try {
    const made = deployed();
    const certified = certify(folder, namesOf(made));
    const inMemory = join(folder, 'in-memory');
    mkdirSync(inMemory);
    const given: Given = {
      ...{ folder: inMemory, certified, deployed: made, cgroup },
      ...(replace && { replace }),
    };
    const file = join(folder, 'given.json');
    writeFileSync(file, JSON.stringify(given));
    return (await foundInSpaces(['node', '--import', 'tsx', INSIDE, file], LIMIT_MILLIS, {
      NODE_EXTRA_CA_CERTS: certified.certificate,
    })) as Verdict;
  } finally {
    removePlace({ folder, cgroup });
  }
}
