/**
 * The same news for a chat, as Amazon Q Developer in chat applications reads it: its schema of custom notifications,
 * version 1.0. Whatever else a topic sends it drops, without a word. One thread for each deployment: when it is told
 * again, as the undo or the finish of its clean-up, or a second time, that stands under the first message.
 */
import { characters, cut } from '../core/words.ts';
import type { DeploymentEnded, Result } from './news.ts';

/** `client-markdown`: shown as the chat's own markdown. */
export interface ChatMessage {
  readonly version: '1.0';
  readonly source: 'custom';
  readonly id: string;
  readonly content: {
    readonly textType: 'client-markdown';
    readonly title: string;
    readonly description: string;
    readonly nextSteps?: readonly string[];
    readonly keywords: readonly string[];
  };
  readonly metadata: {
    readonly threadId: string;
    readonly summary: string;
    readonly eventType: string;
    readonly relatedResources: readonly string[];
    readonly additionalContext: Readonly<Record<string, string>>;
  };
}

/** Slack shows 3,000 characters of a block, and the other chats more. */
const LONGEST_TEXT = 2_800;
const LONGEST_STEP = 300;

/** How it ended; or that it waits, which is no end. */
type ChatNews = Pick<
  DeploymentEnded,
  'fleet' | 'environment' | 'deployment' | 'headline' | 'execution' | 'needsHuman'
> & { readonly result: Result | 'waits'; readonly at: string; readonly eventType: string };

const MARKS: Readonly<Record<Result | 'waits', string>> = {
  waits: '⏸️',
  deployed: '✅',
  'rolled-back': '↩️',
  cancelled: '↩️',
  refused: '⛔',
  'stopped-halfway': '🚨',
  'rollback-failed': '🚨',
};

/**
 * @param lines what happened, and the facts
 * @param toDo none: nothing
 */
export function chatMessage(news: ChatNews, lines: readonly string[], toDo: readonly string[]): ChatMessage {
  const { fleet, environment, result, deployment, needsHuman, headline } = news;
  const thread = `${fleet}/${deployment}`;
  return {
    version: '1.0',
    source: 'custom',
    id: `${thread}/${news.at}`,
    content: {
      textType: 'client-markdown',
      title: `${MARKS[result]} ${asText(headline)}`,
      description: asText(lines.join('\n'), LONGEST_TEXT),
      ...(toDo.length > 0 && { nextSteps: toDo.map((each) => asText(each, LONGEST_STEP)) }),
      keywords: [fleet, environment, result],
    },
    metadata: {
      threadId: thread,
      summary: asText(headline),
      eventType: news.eventType,
      relatedResources: [news.execution],
      additionalContext: { fleet, environment, result, needsHuman: String(needsHuman) },
    },
  };
}

/**
 * Others chose some of it: nothing of that mentions anybody or wakes a channel (`<!channel>`), none is a link with
 * another text, and none is code. Cut before it is escaped: half of an entity would be shown as it is.
 */
function asText(text: string, most = LONGEST_TEXT): string {
  for (let room = most; ; room = Math.floor(room * 0.8)) {
    const escaped = cut(text, room)
      .replaceAll('`', "'")
      .replaceAll('](', '] (')
      .replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
    if (characters(escaped) <= most) return escaped;
  }
}
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
