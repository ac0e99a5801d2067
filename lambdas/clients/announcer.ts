/**
 * The news of an environment: SNS for people, EventBridge for machines. One signed request each; their SDK clients would
 * be most of the bundle. Short time-outs: news are told at the end of a step that has other things to lose.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeploymentError } from '../domain/core/errors.ts';
import { EVENT_SOURCE, NEWS_TOPIC_VARIABLE } from '../domain/core/names.ts';
import type { Announcer, MachineEvent } from '../ports/announcer.ts';
import { asking, unavailable } from './wire/aws-errors.ts';
import {
  type AwsJsonOptions,
  type CallJson,
  jsonCaller,
  liveJsonOptions,
  patiently,
} from './wire/aws-json.ts';
import { sendQuery } from './wire/aws-query.ts';

const TIMEOUT_MS = 3_000;

/** A topic that is not there is told when somebody publishes to it, not before: the record comes first. */
export const liveAnnouncer = (): Announcer =>
  announcerAdapter(process.env[NEWS_TOPIC_VARIABLE] ?? '', { ...liveJsonOptions(), timeoutMs: TIMEOUT_MS });

/** Needs `sns:Publish` on the topic, and `events:PutEvents` on the default bus. */
export function announcerAdapter(topicArn: string, options: AwsJsonOptions): Announcer {
  const events = jsonCaller('events', options);
  return {
    tellPeople: async ({ subject, body, chat, attributes }) => {
      if (topicArn === '') throw noTopic();
      const form = {
        Action: 'Publish',
        Version: '2010-03-31',
        TopicArn: topicArn,
        Subject: subject,
        // One topic for mail and chat: each protocol gets its own text, and those that have none the default.
        MessageStructure: 'json',
        Message: JSON.stringify({ default: body, email: body, https: JSON.stringify(chat) }),
        ...attributeFields(attributes),
      };
      await asking(`publish to ${topicArn}`, () =>
        patiently(() => sendQuery(options, 'sns', form), options.pauseMs),
      );
    },
    tellMachines: (event) => putEvent(events, event, options.pauseMs),
  };
}

const noTopic = () =>
  new DeploymentError(
    'ServiceRefused',
    `There is no topic to notify: the variable ${NEWS_TOPIC_VARIABLE} is not set. Deploy the stack again.`,
  );

/** `MessageAttributes.entry.1.Name` and so on. */
const attributeFields = (attributes: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value], index) => {
      const entry = `MessageAttributes.entry.${index + 1}`;
      return [
        [`${entry}.Name`, name],
        [`${entry}.Value.DataType`, 'String'],
        [`${entry}.Value.StringValue`, value],
      ];
    }),
  );

const MAX_ATTEMPTS = 3;

/** A success may hold a failure: each entry is judged by itself, and EventBridge asks to try a failed one again. */
async function putEvent(call: CallJson, event: MachineEvent, pauseMs = 200): Promise<void> {
  const doing = `put the event "${event.detailType}"`;
  const entry = {
    Source: EVENT_SOURCE,
    DetailType: event.detailType,
    Detail: JSON.stringify(event.detail),
    Resources: event.resources,
    Time: Math.floor(event.at.getTime() / 1_000),
  };
  for (let attempt = 1; ; attempt += 1) {
    const { body } = await call({ operation: 'PutEvents', input: { Entries: [entry] }, doing });
    if (body.FailedEntryCount === 0) return;
    if (attempt === MAX_ATTEMPTS) throw unavailable(doing, failureIn(body));
    await sleep(pauseMs * 2 ** (attempt - 1));
  }
}

function failureIn({ Entries }: Readonly<Record<string, unknown>>): string {
  const [first] = Array.isArray(Entries) ? Entries : [];
  return String(Object(first).ErrorCode ?? 'the answer does not say that it was taken');
}
