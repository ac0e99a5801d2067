/** What is left to do after a deployment that succeeded, said the same way in record, mail, command and page. */
import { commandAt } from '../core/names.ts';
import { list } from '../core/words.ts';
import type { AtTheEnd } from '../hosts/last-look.ts';

export interface Leftover {
  /** What is not as it should be. */
  readonly what: string;
  /** And what to do about it. */
  readonly toDo: string;
}

type Named = NonNullable<AtTheEnd['unlisted']>;

export function leftovers(
  fleet: string,
  { unlisted = [], fallen = [], unwatched = [], unasked, notSeen }: AtTheEnd,
): Leftover[] {
  const told = (those: Named, what: string, toDo: (ids: string) => string): Leftover[] =>
    those.length === 0 ? [] : [{ what: `${what}: ${whoAndWhy(those)}`, toDo: toDo(ids(those)) }];
  return [
    ...told(
      unlisted,
      'other hosts of this fleet still serve beside the new ones',
      (those) =>
        `register ${those} in Mackerel and deploy again, or terminate what nobody needs (see UnlistedHostServes in docs/runbook.md)`,
    ),
    ...told(
      fallen,
      'some of the new hosts do not serve at the end of the deployment',
      (those) =>
        `see what happened to ${those}, then replace the hosts: ${commandAt('deploy', fleet, '--redeploy')} (see NewHostDied in docs/runbook.md)`,
    ),
    ...told(
      unwatched,
      'Mackerel does not monitor some of the new hosts',
      (those) =>
        `register ${those} in Mackerel again, or set its status to working, so that the next deployment replaces it (see UnlistedHostServes in docs/runbook.md)`,
    ),
    ...(unasked !== undefined
      ? [
          {
            what: `Mackerel could not be asked about the new hosts at the end of the deployment: ${unasked}`,
            toDo: `check the new hosts in Mackerel later: ${commandAt('doctor', fleet)}`,
          },
        ]
      : []),
    ...(notSeen !== undefined
      ? [
          {
            what: `the hosts in service could not be checked at the end of the deployment: ${notSeen}`,
            toDo: `check which hosts are in service: ${commandAt('doctor', fleet)}`,
          },
        ]
      : []),
  ];
}

const MOST_NAMES = 10;
const ids = (those: Named) =>
  list(
    those.map(({ name }) => name),
    MOST_NAMES,
  );
const whoAndWhy = (those: Named) =>
  list(
    those.map(({ name, why }) => `${name} (${why})`),
    MOST_NAMES,
  );

/** Empty when nothing is. */
export const toDoOf = (fleet: string, seen: AtTheEnd | undefined): string =>
  seen === undefined
    ? ''
    : leftovers(fleet, seen)
        .map(({ toDo }) => toDo)
        .join('; ');
