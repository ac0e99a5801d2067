/**
 * The modelled SNS topic, event bus and log of an environment: what was sent, in order. They refuse what the real ones
 * would.
 */

import * as v from 'valibot';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { characters } from '../../lambdas/domain/core/words.ts';
import type { Announcer, MachineEvent } from '../../lambdas/ports/announcer.ts';
import type { Log } from '../../lambdas/ports/log.ts';

type Message = Parameters<Announcer['tellPeople']>[0];

export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly sentence: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The schema of custom notifications, as its documentation has it. The lengths are ours, and careful: what Slack shows of
 * a heading and of a text.
 */
const text = (longest: number) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.check((it) => characters(it) <= longest),
  );
const Chat = v.strictObject({
  version: v.literal('1.0'),
  source: v.literal('custom'),
  id: v.optional(text(255)),
  content: v.strictObject({
    textType: v.optional(v.literal('client-markdown')),
    title: v.optional(text(150)),
    description: text(3_000),
    nextSteps: v.optional(v.array(text(300))),
    keywords: v.optional(v.array(text(75))),
  }),
  metadata: v.optional(
    v.strictObject({
      threadId: v.optional(text(255)),
      summary: v.optional(text(255)),
      eventType: v.optional(text(255)),
      relatedResources: v.optional(v.array(v.string())),
      additionalContext: v.optional(v.record(v.string(), v.string())),
    }),
  ),
});
type Chat = v.InferOutput<typeof Chat>;

const LARGEST_BYTES = 262_144;
/** SNS: ASCII that begins with a letter, number or punctuation mark, without line ends, less than 100 characters. */
const SUBJECT = /^[!-~][ -~]{0,98}$/;

export class AnnouncerModel {
  readonly messages: Message[] = [];
  /** What Amazon Q Developer shows in its channel: of what the topic sends, its own schema, and nothing else. */
  readonly chats: Chat[] = [];
  readonly events: MachineEvent[] = [];
  readonly lines: LogLine[] = [];

  tellPeople(message: Message): void {
    if (!SUBJECT.test(message.subject))
      throw refused(`publish: Invalid parameter: Subject ${message.subject}`);
    // All texts count together, as they are sent.
    const sent = JSON.stringify({ default: message.body, https: JSON.stringify(message.chat) });
    if (message.body === '' || tooLarge(sent)) throw refused('publish: Invalid parameter: Message');
    this.messages.push(message);
    const chat = v.safeParse(Chat, JSON.parse(JSON.stringify(message.chat)));
    if (chat.success) this.chats.push(chat.output);
  }

  tellMachines(event: MachineEvent): void {
    if (tooLarge(JSON.stringify(event.detail))) throw refused('put the event: it is too large');
    this.events.push(event);
  }

  readonly log: Log = {
    info: (sentence, fields = {}) => void this.lines.push({ level: 'info', sentence, fields }),
    warn: (sentence, fields = {}) => void this.lines.push({ level: 'warn', sentence, fields }),
  };
}

const tooLarge = (text: string) => Buffer.byteLength(text) > LARGEST_BYTES;

const refused = (what: string) => new DeploymentError('ServiceRefused', `AWS refused to ${what}.`);
