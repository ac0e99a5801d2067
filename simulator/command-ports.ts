/** What the command needs from the modelled world beyond the steps' ports. */
import type { Tagger } from '../lambdas/ports/command.ts';
import type { Ec2, Image } from '../lambdas/ports/ec2.ts';
import type { Executions } from '../lambdas/ports/executions.ts';
import { ACCOUNT, REGION } from './run-definition.ts';
import type { World } from './world/world.ts';

/** Tags in the world as EC2 would; refuses ids that the world does not have. */
export const worldTagger = (world: World): Tagger => ({
  tag: async (ids, tags) => {
    const known = new Set(world.view().instances.map(({ instanceId }) => instanceId));
    for (const id of ids.filter((each) => known.has(each)))
      Object.assign(world.ec2.instance(id).facts.tags, tags);
    const refused = ids.filter((id) => !known.has(id));
    return { refused: refused.map((id) => ({ id, reason: 'InvalidInstanceID.NotFound' })) };
  },
});

/** The world has one account and Region; the fleets file has its own, from which the command makes its ARNs. */
export function executionsOfAnyAccount(world: Executions): Executions {
  const here = (arn: string) =>
    arn.replace(/^arn:[^:]*:states:[^:]*:[^:]*:/, `arn:aws:states:${REGION}:${ACCOUNT}:`);
  return {
    status: (arn) => world.status(here(arn)),
    describe: (arn) => world.describe(here(arn)),
    recent: (arn) => world.recent(here(arn)),
    document: (arn) => world.document(here(arn)),
    events: (arn, since) => world.events(here(arn), since),
    start: (arn, name, input) => world.start(here(arn), name, input),
  };
}

/** What is the world's account's own is, to the command, the own one of the fleets file's. */
export function imagesOfAnyAccount(ec2: Ec2, account: string): Ec2 {
  const here = (image: Image): Image => (image.owner === ACCOUNT ? { ...image, owner: account } : image);
  return {
    ...ec2,
    findImage: async (id) => {
      const found = await ec2.findImage(id);
      return found && here(found);
    },
    matchingImages: async (query) => (await ec2.matchingImages(query)).map(here),
  };
}
