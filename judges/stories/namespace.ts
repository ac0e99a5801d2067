/**
 * A place of its own for one story: its network is a loopback on which AWS's host names lead to the gateway, and its
 * processes end with the first of them. The kernel takes it away with the last, however that ends: nothing is left over.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { UNSHARE } from '../spaces.ts';

const asRoot = () => (process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']);
const SETUP = 'ip link set lo up && mount --bind "$1" /etc/hosts && shift && exec "$@"';

const within = (hosts: string, command: readonly string[]) => [
  ...[...UNSHARE, ...asRoot(), 'sh', '-c', SETUP, 'sh', hosts, ...command],
];

/** However slow the machine is: what takes longer hangs. */
const STORY_MILLIS = 1_200_000;

/** @returns what is missing, or nothing. */
export function lacksNamespaces(): string | undefined {
  const { status } = spawnSync('unshare', within('/dev/null', ['openssl', 'version']));
  if (status === 0) return undefined;
  return 'no network of its own here: needs Linux, root, and unshare, ip and openssl (apt-get install util-linux iproute2 openssl)';
}

/** @param hosts a file, in place of /etc/hosts */
export const spawnWithin = (hosts: string, command: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn('unshare', within(hosts, command), { timeout: STORY_MILLIS, killSignal: 'SIGKILL' });
