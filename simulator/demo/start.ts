/** What starts a scenario's deployment: the upload, by way of the synthesized rule; or somebody's hand. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { matches, newImageRule, transform, uploadRule } from '../event-rule.ts';
import type { Stage } from '../stage.ts';

export interface Start {
  /** The execution's name. */
  readonly deployment: string;
  readonly input: unknown;
  /** What happened, in a sentence. */
  readonly told: string;
}

/** @throws Error when the rule lets the upload of the fleet's own key pass by. */
export function startByUpload(stage: Stage, template: TemplateJson, tarball: Uint8Array): Start {
  const rule = uploadRule(template, stage.fleet.name);
  const starts: Start[] = [];
  stage.world.s3.onObjectCreated((event) => {
    if (!matches(rule.pattern, event)) return;
    const { key, size } = event.detail.object;
    const told = `${key} (${size.toLocaleString('en')} bytes) was uploaded; its event starts the deployment`;
    // EventBridge gives the execution its name, and the event's id is in it.
    starts.push({ deployment: event.id, input: transform(rule.transformer, event), told });
  });
  stage.upload(tarball);
  const [start] = starts;
  if (start) return start;
  throw new Error(`The rule ${rule.name} did not match the upload of ${stage.fleet.artifact.key}.`);
}

const NEW_IMAGE = 'ami-0a1b2c3d4e5f60718';

/** @throws Error when the rule lets the image of the fleet's own kind pass by. */
export function startByNewImage(stage: Stage, template: TemplateJson): Start {
  const rule = newImageRule(template, stage.fleet.name);
  const starts: Start[] = [];
  stage.world.awsEvents.on((event) => {
    if (!matches(rule.pattern, event)) return;
    const told = `the image ${NEW_IMAGE} is there; the event starts the deployment`;
    starts.push({ deployment: event.id, input: transform(rule.transformer, event), told });
  });
  stage.publishImage(NEW_IMAGE);
  const [start] = starts;
  if (start) return start;
  throw new Error(`The rule ${rule.name} did not match a new image of ${stage.fleet.name}.`);
}

/** The tarball was uploaded before, unless there is one; whoever starts the execution brings its input. */
export function startByHand(stage: Stage, input: unknown, tarball: Uint8Array): Start {
  const { bucket, key } = stage.fleet.artifact;
  if (!stage.world.s3.find(bucket, key)) stage.upload(tarball);
  const told = `somebody starts an execution with the input ${JSON.stringify(input)}`;
  return { deployment: 'started-by-hand', input, told };
}
