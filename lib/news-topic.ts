/**
 * Who is told how deployments end. A topic of its own, beside that of the alarms: alarms may wake somebody, news never do.
 */
import type { Stack } from 'aws-cdk-lib';
import { type CfnTopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Environment } from './read-fleets.ts';

export function newsTopic(stack: Stack, { name, notifyEmails }: Environment): Topic {
  // Not encrypted with a key, like the alarms' topic: whoever subscribes gets the text, and it holds nothing secret.
  const topic = new Topic(stack, 'News', { displayName: `irekae ${name}`, enforceSSL: true });
  // In the topic itself: subscriptions of their own would be as many resources, and a stack has room for 500.
  const resource = topic.node.defaultChild as CfnTopic;
  if (notifyEmails.length > 0)
    resource.subscription = notifyEmails.map((endpoint) => ({ protocol: 'email', endpoint }));
  return topic;
}
