/** The real notifications, for people and programs, of two deployments on the modelled world. */
import type { TemplateJson } from '../lib/synthesize.ts';
import { Stage } from '../simulator/stage.ts';
import { block } from './markdown.ts';

export interface SampleNews {
  readonly deployed: string;
  readonly rolledBack: string;
  readonly event: string;
}

export async function sampleNews(template: TemplateJson, fleet: string): Promise<SampleNews> {
  const good = await play(template, fleet, () => {});
  const failed = await play(template, fleet, (stage) =>
    stage.whenEntering('Watch the new hosts', () => breakANewHost(stage)),
  );
  return {
    deployed: mail(good),
    rolledBack: mail(failed),
    event: block('json', JSON.stringify(eventIn(failed), null, 2)),
  };
}

type Told = Stage['world']['announcer'];

async function play(template: TemplateJson, fleet: string, arrange: (stage: Stage) => void): Promise<Told> {
  const stage = new Stage({ template, fleet, seed: 1 });
  try {
    stage.upload();
    arrange(stage);
    await stage.deploy({ startedBy: 'CI', reason: 'release 1234' }, 'release-1234');
    return stage.world.announcer;
  } finally {
    stage.close();
  }
}

function breakANewHost({ world, oldInstances }: Stage): void {
  const found = world.view().instances.find(({ instanceId }) => !oldInstances.includes(instanceId));
  if (found) world.ec2.breakApplication(found.instanceId);
}

function mail({ messages }: Told): string {
  const [message, ...others] = messages;
  if (!message || others.length > 0) throw new Error(`${messages.length} messages were sent instead of one.`);
  return block('text', `Subject: ${message.subject}\n\n${message.body.trimEnd()}`);
}

/** As an EventBridge rule sees it, without what EventBridge itself adds. */
function eventIn({ events }: Told): object {
  const [event] = events;
  if (!event) throw new Error('No event was sent.');
  return {
    source: 'irekae',
    'detail-type': event.detailType,
    resources: event.resources,
    detail: event.detail,
  };
}
