/** What is left to do after a deployment that succeeded, said the same way in record, mail, command and page. */
import { list } from '../core/words.ts';
import type { AtTheEnd } from '../hosts/last-look.ts';

export interface Leftover {
  /** What is not as it should be. */
  readonly what: string;
  /** And what to do about it. */
  readonly toDo: string;
}

export function leftovers(fleet: string, { unlisted = [], fallen = [], notSeen }: AtTheEnd): Leftover[] {
  const who = (those: NonNullable<AtTheEnd['unlisted']>) =>
    list(
      those.map(({ name, why }) => `${name} (${why})`),
      10,
    );
  const ids = (those: NonNullable<AtTheEnd['unlisted']>) =>
    list(
      those.map(({ name }) => name),
      10,
    );
  return [
    ...(unlisted.length > 0
      ? [
          {
            what: `besides the new hosts, of this fleet still serve: ${who(unlisted)}`,
            toDo: `register ${ids(unlisted)} in Mackerel and deploy again, or terminate what nobody needs (see UnlistedHostServes in docs/runbook.md)`,
          },
        ]
      : []),
    ...(fallen.length > 0
      ? [
          {
            what: `of the new hosts do not serve at the end: ${who(fallen)}`,
            toDo: `see what happened to ${ids(fallen)}, then replace the hosts: npx irekae deploy ${fleet} --redeploy (see NewHostDied in docs/runbook.md)`,
          },
        ]
      : []),
    ...(notSeen !== undefined
      ? [
          {
            what: `who serves at the end could not be looked at: ${notSeen}`,
            toDo: `look who serves: npx irekae doctor ${fleet}`,
          },
        ]
      : []),
  ];
}

/** Empty when nothing is. */
export const toDoOf = (fleet: string, seen: AtTheEnd | undefined): string =>
  seen === undefined
    ? ''
    : leftovers(fleet, seen)
        .map(({ toDo }) => toDo)
        .join('; ');
