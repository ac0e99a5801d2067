/** What a deployment waited for on its way besides its hosts: hooks and people, in the order in which it came to them. */
import type { Deployment, Look } from '../core/document.ts';
import { STATES, type StateTitle, stateRow } from '../core/story.ts';

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

/** What hooks did stays done, whatever becomes of the deployment; empty where none is done. */
export function hooksSentence(deployment: Deployment): string {
  const ran = waitedOn(deployment).flatMap(({ look }) => look.ran ?? []);
  return ran.length === 0 ? '' : `What hooks did is not undone: ${ran.join('; ')}.`;
}
