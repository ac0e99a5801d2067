/**
 * A launch's own user data under cloud-init and systemd of a Debian tree (mmdebstrap), as on EC2: the metadata service
 * is AWS's own (Go), S3 is one that checks signatures (versitygw, Go), the image's files are those of `examples/packer`,
 * and mackerel-agent (Go) registers the host at our Mackerel. All of it within namespaces that end with it, as root.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AGENT_UNIT, TREE } from './host/image.ts';
import type { Given } from './host/inside.ts';
import { deployed } from './host/launched.ts';
import { controlGroups, makePlace, removePlace } from './host/place.ts';
import { certify, namesOf } from './host/store.ts';
import type { Judge, Verdict } from './judge.ts';
import { lacksPrograms } from './tools.ts';

const SPACES = ['--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--mount-proc'];
const LIMIT_MILLIS = 120_000;
const INSIDE = join(import.meta.dirname, 'host/inside.ts');

export const host: Judge = {
  name: 'host',
  missing: () =>
    lacksPrograms('mackerel-agent', 'ec2-metadata-mock', 'versitygw') ?? lacksTree() ?? lacksNamespaces(),
  judge: () => booted(),
  // The session's token is not what was signed.
  control: () => booted(['"x-amz-security-token:$session_token" \'\'', '"x-amz-security-token:" \'\'']),
};

const lacksTree = () =>
  existsSync(TREE) && existsSync(AGENT_UNIT)
    ? undefined
    : `no Debian tree in ${TREE}: .ci/run with CI=true makes it, by mmdebstrap, as root`;

function lacksNamespaces(): string | undefined {
  if (controlGroups() === undefined) return 'no control groups (version 2) are mounted here: Linux has them';
  return process.getuid?.() === 0 && spawnSync('unshare', [...SPACES, 'true']).status === 0
    ? undefined
    : 'no network of its own here: needs Linux, and root';
}

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
    return JSON.parse(await within([INSIDE, file], certified.certificate)) as Verdict;
  } finally {
    removePlace({ folder, cgroup });
  }
}

/** Ends with this process, however that ends; and with what it started. */
async function within(script: readonly string[], certificate: string): Promise<string> {
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'unshare', ...SPACES, 'node', '--import', 'tsx', ...script],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MILLIS,
      killSignal: 'SIGKILL',
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
    },
  );
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const answer = out.trim().split('\n').at(-1) ?? '';
  if (!answer.startsWith('{')) throw new Error(`nothing was found out: ${err.slice(-2_000)}`);
  return answer;
}
