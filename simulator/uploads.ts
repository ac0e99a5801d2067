/** Upload events that start deployments automatically, through the synthesized rules, for stages that share a world. */
import type { TemplateJson } from '../lib/synthesize.ts';
import { matches, transform, uploadRule } from './event-rule.ts';
import type { Stage } from './stage.ts';

/** From an upload to the start of what it starts. */
const EVENT_SECONDS = 1;

/** From now on, an upload to the stage's fleet deploys it; a fleet that follows another one ignores uploads. */
export function startOnUploads(stage: Stage, template: TemplateJson): void {
  if (stage.fleet.after !== undefined) return;
  const rule = uploadRule(template, stage.fleet.name);
  stage.world.s3.onObjectCreated((event) => {
    if (!matches(rule.pattern, event)) return;
    const input = transform(rule.transformer, event);
    setTimeout(() => stage.start(input, event.id), EVENT_SECONDS * 1_000);
  });
}
