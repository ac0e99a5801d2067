/** Tagging of existing instances, behind its port. */

import { CreateTagsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { failureOf, isNamed, wordsOf } from '../../../lambdas/clients/wire/aws-errors.ts';
import { chunksOf } from '../../../lambdas/domain/core/collections.ts';
import type { Tagger } from '../../../lambdas/ports/command.ts';
import type { Refusal } from '../../../lambdas/ports/refusal.ts';

/** EC2 accepts 1,000 resources; with fewer, a refusal is cheaper to narrow down. */
const IDS_PER_REQUEST = 100;

/** Needs `ec2:CreateTags` on the instances. Tagging twice is harmless. */
export const taggerAdapter = (client: EC2Client): Tagger => ({
  tag: async (instanceIds, tags) => {
    const refused: Refusal[] = [];
    for (const ids of chunksOf(instanceIds, IDS_PER_REQUEST)) {
      const refusal = await refusalOf(client, ids, tags);
      if (refusal === undefined) continue;
      // One bad id fails the request for all: each alone.
      for (const id of ids) {
        const reason = ids.length === 1 ? refusal : await refusalOf(client, [id], tags);
        if (reason !== undefined) refused.push({ id, reason });
      }
    }
    return { refused };
  },
});

/** Tags these; EC2's words, if it refused. @throws ServiceUnavailable: unknown, and safe to repeat */
async function refusalOf(client: EC2Client, Resources: string[], tags: Readonly<Record<string, string>>) {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  try {
    await client.send(new CreateTagsCommand({ Resources, Tags }));
    return undefined;
  } catch (error) {
    const failure = failureOf(error, `tag ${Resources.join(', ')}`);
    if (isNamed(failure, 'ServiceRefused') && error instanceof Error) return wordsOf(error);
    throw failure;
  }
}
