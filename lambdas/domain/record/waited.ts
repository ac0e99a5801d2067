/** What a deployment waited for on its way besides its hosts: hooks and people, in the order in which it came to them. */
import type { Deployment, Look } from '../core/document.ts';
import { hookName, hooksAt } from '../core/points.ts';
import { STATES, type StateTitle, stateRow } from '../core/story.ts';
import { count } from '../core/words.ts';

export interface Waited {
  readonly title: StateTitle;
  readonly kind: 'hooks' | 'pauses';
  readonly look: Look & {
    readonly decided?: string | undefined;
    readonly ran?: readonly string[] | undefined;
  };
}

const TITLES = (Object.keys(STATES) as StateTitle[]).filter((title) => stateRow(title).at !== undefined);

export function waitedOn(deployment: Deployment): Waited[] {
  const all = TITLES.flatMap((title): Waited[] => {
    const { key, step } = stateRow(title);
    const look = key && (deployment[key] as Waited['look'] | undefined);
    return look ? [{ title, kind: step === 'ask-the-hook' ? 'hooks' : 'pauses', look }] : [];
  });
  return all.sort((a, b) => a.look.since.localeCompare(b.look.since));
}

/** Who decided what, and what became of each hook: words of people and of functions. */
export const decisionsOf = (deployment: Deployment): string[] =>
  waitedOn(deployment).flatMap(({ look }) => [...(look.ran ?? []), ...(look.decided ? [look.decided] : [])]);

/** For how many seconds it waited for them, from its first look to its last. */
export const secondsOf = ({ look }: Waited): number =>
  (new Date(look.at).getTime() - new Date(look.since).getTime()) / 1_000;

/** What hooks did stays done, whatever becomes of the deployment; empty where none was called. */
export function hooksSentence(deployment: Deployment): string {
  const did = waitedOn(deployment).flatMap((waited) => [
    ...(waited.look.ran ?? []),
    ...begunAt(deployment, waited),
  ]);
  return did.length === 0 ? '' : `What hooks did is not undone: ${did.join('; ')}.`;
}

/** The hook that was called and has not succeeded: who undoes meanwhile does not know what it did. */
function begunAt({ fleet }: Deployment, { title, look }: Waited): string[] {
  const { index, calls = 0 } = look.memory ?? {};
  const { at } = stateRow(title);
  const hook = at && index !== undefined ? hooksAt(fleet.hooks, at)[index] : undefined;
  return hook && calls > 0 && !look.ready
    ? [`${hookName(hook)} was called, and has not succeeded (${count(calls, 'call')})`]
    : [];
}
