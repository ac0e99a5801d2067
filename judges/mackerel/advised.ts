/** The commands of mkr that our pages tell people to paste: each runs, and does what the page says that it does. */
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';
import { commandsOf, DOCUMENTS, read } from '../../test/docs/documents.ts';
import type { Verdict } from '../judge.ts';
import { Wire } from './wire.ts';

const STATUSES: readonly MackerelStatus[] = ['working', 'standby', 'maintenance', 'poweroff'];

export async function advised(broken: (command: string) => string): Promise<Verdict> {
  const commands = [
    ...new Set(DOCUMENTS.flatMap((path) => commandsOf(read(path))).filter((each) => /^mkr /.test(each))),
  ];
  const against: string[] = [];
  for (const command of commands) {
    const why = await objection(broken(command));
    if (why !== undefined) against.push(`\`${command}\`: ${why}`);
  }
  return { looked: `${commands.length} commands that our pages advise`, against };
}

/** In a role with a host of each status, where a deployment that ended may have left its old ones. */
async function objection(command: string): Promise<string | undefined> {
  const wire = await Wire.open();
  try {
    const ids = STATUSES.map((status) => wire.addHost(`in-${status}`, { status }).id);
    const [, ...args] = command
      .replaceAll('SERVICE', 'Shop')
      .replaceAll('ROLE', 'web')
      .replace(/(MACKEREL_)?HOST_ID/, ids[2] ?? '')
      .replace(/ …$/, '')
      .split(' ');
    const { status, out, err } = await wire.ask(args, { input: 'y\n' });
    if (status !== 0) return `it ended with ${status}: ${err.split('\n').at(-1)}`;
    if (args[0] === 'hosts') return unlisted(ids, out);
    if (args[0] === 'retire') return notRetired(wire, ids[2] ?? '');
    return 'no judge knows what it shall do';
  } finally {
    await wire.close();
  }
}

function unlisted(ids: readonly string[], out: string): string | undefined {
  const listed = (JSON.parse(out) as { id: string }[]).map(({ id }) => id);
  const lacking = STATUSES.filter((_, index) => !listed.includes(ids[index] ?? ''));
  return lacking.length === 0 ? undefined : `it lists no host in ${lacking.join(' and ')}`;
}

function notRetired({ server }: Wire, id: string): string | undefined {
  const retired = [...server.organization.hosts.values()].filter(({ isRetired }) => isRetired);
  return retired.length === 1 && retired[0]?.id === id ? undefined : `it retired ${retired.length} hosts`;
}
