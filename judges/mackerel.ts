/**
 * mkr (Go), Mackerel's own command, against the server that our tests take for Mackerel: it knows the real service's
 * shapes, and what the adapter and the server, made by the same hand, would agree on. And every command of mkr that our
 * pages advise is given to it as it stands there.
 */
import type { Judge, Verdict } from './judge.ts';
import { whereEachObjects } from './judge.ts';
import { advised } from './mackerel/advised.ts';
import { FACTS } from './mackerel/facts.ts';
import { Wire } from './mackerel/wire.ts';
import { lacksPrograms } from './tools.ts';

export const mackerel: Judge = {
  name: 'mackerel',
  missing: () => lacksPrograms('mkr'),
  judge: async () => {
    const [wire, pages] = await asked({ unit: 'seconds', read: (command) => command });
    return { looked: `${wire.looked}, ${pages.looked}`, against: [...wire.against, ...pages.against] };
  },
  // Times in milliseconds, as Mackerel's webhooks have them; an option that mkr has not.
  control: async () => {
    const parts = await asked({
      unit: 'milliseconds',
      read: (command) => command.replaceAll('--role', '--roles'),
    });
    return {
      looked: parts.map(({ looked }) => looked).join(', '),
      against: whereEachObjects(parts.map(({ against }) => against)),
    };
  },
};

interface Arranged {
  readonly unit: Wire['unit'];
  readonly read: (command: string) => string;
}

async function asked({ unit, read }: Arranged): Promise<readonly [Verdict, Verdict]> {
  const against: string[] = [];
  let commands = 0;
  for (const [title, holds] of FACTS) {
    const wire = await Wire.open({ unit });
    await holds(wire).catch((error: Error) => against.push(`${title}: ${error.message.slice(0, 300)}`));
    commands += wire.commands;
    await wire.close();
  }
  return [
    { looked: `${commands} commands of mkr for ${FACTS.length} facts of the wire`, against },
    await advised(read),
  ];
}
