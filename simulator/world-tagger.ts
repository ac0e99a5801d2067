/** The command's tagger in front of the modelled world. */
import type { Tagger } from '../bin/command/command.ts';
import type { World } from './world/world.ts';

/** Tags in the world as EC2 would; refuses what the world does not have. */
export const worldTagger = (world: World): Tagger => ({
  tag: async (ids, tags) => {
    const known = new Set(world.view().instances.map(({ instanceId }) => instanceId));
    for (const id of ids.filter((each) => known.has(each)))
      Object.assign(world.ec2.instance(id).facts.tags, tags);
    const refused = ids.filter((id) => !known.has(id));
    return { refused: refused.map((id) => ({ id, reason: 'InvalidInstanceID.NotFound' })) };
  },
});
