/** What starts a scenario's deployment: the upload, through the synthesized rule; or a person. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { matches, newImageRule, transform, uploadRule } from '../event-rule.ts';
import type { Stage } from '../stage.ts';
import type { ObjectCreated } from '../world/s3.ts';

export interface Start {
  /** The execution's name. */
  readonly deployment: string;
  readonly input: unknown;
  /** What happened, in a sentence. */
  readonly told: string;
}

/** @throws Error when the rule does not match the upload of the fleet's own key. */
export function startByUpload(stage: Stage, template: TemplateJson, tarball: Uint8Array): Start {
  const events: ObjectCreated[] = [];
  stage.world.s3.onObjectCreated((event) => events.push(event));
  stage.upload(tarball);
  const event = events.find(({ detail }) => detail.object.key === stage.fleet.artifact.key);
  if (event === undefined) throw new Error(`The upload of ${stage.fleet.artifact.key} made no event.`);
  // A fleet that follows another one is not started by uploads.
  return stage.fleet.after === undefined ? startByEvent(stage, template, event) : startAfter(stage);
}

/** By the event of an upload. @throws Error when the rule does not match it. */
export function startByEvent(stage: Stage, template: TemplateJson, event: ObjectCreated): Start {
  const rule = uploadRule(template, stage.fleet.name);
  const { key, size } = event.detail.object;
  if (!matches(rule.pattern, event))
    throw new Error(`The rule ${rule.name} did not match the upload of ${key}.`);
  return {
    // EventBridge names the execution after the event's id.
    deployment: event.id,
    input: transform(rule.transformer, event),
    told: `${key} (${size.toLocaleString('en')} bytes) was uploaded; its event starts the deployment`,
  };
}

/** An execution that a step has started. */
export interface Started {
  readonly name: string;
  readonly input: unknown;
}

/**
 * As the fleet before it does after its deployment.
 * @param started what that one has started; default: what it would have started
 */
export function startAfter({ fleet, world }: Stage, started?: Started): Start {
  const { name, after = '', artifact } = fleet;
  const told = `${after} was deployed; ${name} follows with the same version`;
  if (started) return { deployment: started.name, input: started.input, told };
  const [versionId] = world.s3.versions(artifact.bucket, artifact.key ?? '');
  return { deployment: `after-${after}`, input: { versionId, startedBy: `after ${after}: an upload` }, told };
}

const NEW_IMAGE = 'ami-0a1b2c3d4e5f60718';

/** @throws Error when the rule does not match an image of the fleet's own kind. */
export function startByNewImage(stage: Stage, template: TemplateJson): Start {
  const rule = newImageRule(template, stage.fleet.name);
  const starts: Start[] = [];
  stage.world.awsEvents.on((event) => {
    if (!matches(rule.pattern, event)) return;
    const told = `the image ${NEW_IMAGE} is released; its event starts the deployment`;
    starts.push({ deployment: event.id, input: transform(rule.transformer, event), told });
  });
  stage.publishImage(NEW_IMAGE);
  const [start] = starts;
  if (start) return start;
  throw new Error(`The rule ${rule.name} did not match a new image of ${stage.fleet.name}.`);
}

/** The tarball is uploaded unless there is one; the person who starts the execution gives its input. */
export function startByHand(stage: Stage, input: unknown, tarball: Uint8Array): Start {
  const { bucket, key } = stage.fleet.artifact;
  if (key !== undefined && !stage.world.s3.find(bucket, key)) stage.upload(tarball);
  const told = `someone starts an execution with the input ${JSON.stringify(input)}`;
  return { deployment: 'started-by-hand', input, told };
}
