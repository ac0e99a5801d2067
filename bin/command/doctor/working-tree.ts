/** What this working tree would deploy for a fleet, to be compared with what is deployed. */

import type { Environment } from '../../../lib/read-fleets.ts';
import type { StateMachineDefinition } from '../../../lib/resolve-definition.ts';
import type { ResourceJson, TemplateJson } from '../../../lib/synthesize.ts';

export interface WorkingTree {
  readonly bucketName: string;
  /** State machine → its definition, with `${…}` for what CloudFormation fills in. */
  readonly definitions: Readonly<Record<string, StateMachineDefinition>>;
  /** Does an upload start its deployments? */
  readonly startsOnUpload: boolean;
}

/** A synthesis takes seconds with CDK's own start. */
const synthesized = new Map<string, Promise<TemplateJson>>();

export async function workingTreeOf(environment: Environment, fleet: string): Promise<WorkingTree> {
  const key = JSON.stringify(environment);
  const pending = synthesized.get(key) ?? synthesize(environment);
  synthesized.set(key, pending);
  const template = await pending;
  // CDK is loaded by whom it serves: every other command starts without it.
  const [{ artifactBucketName }, { definitionOf }, { machineNames }] = await Promise.all([
    import('../../../lib/artifact-bucket.ts'),
    import('../../../lib/resolve-definition.ts'),
    import('../../../lib/machine-arns.ts'),
  ]);
  const resolved = machineNames(fleet).map(
    (name) => [name, definitionOf(template, name.slice('irekae-'.length))] as const,
  );
  const [, deploy] = resolved[0] ?? [];
  return {
    bucketName: artifactBucketName(environment),
    definitions: Object.fromEntries(resolved.map(([name, { definition }]) => [name, definition])),
    startsOnUpload: Object.values(template.Resources).some((resource) =>
      isUploadRule(resource, deploy?.machine ?? ''),
    ),
  };
}

async function synthesize(environment: Environment): Promise<TemplateJson> {
  const { synthesizeTemplates } = await import('../../../lib/synthesize.ts');
  const template = synthesizeTemplates([environment], { bundle: false })[environment.name];
  if (template === undefined) throw new Error(`nothing was synthesized for ${environment.name}`);
  return template;
}

function isUploadRule({ Type, Properties }: ResourceJson, machine: string): boolean {
  const { EventPattern: pattern, Targets: targets = [] } = Object(Properties);
  return (
    Type === 'AWS::Events::Rule' &&
    isUploadPattern(pattern) &&
    (targets as readonly { Arn?: { Ref?: string } }[]).some(({ Arn }) => Arn?.Ref === machine)
  );
}

/** An event pattern that S3's uploads match. */
export const isUploadPattern = (pattern: unknown): boolean => {
  const { source } = Object(pattern);
  return Array.isArray(source) && source.includes('aws.s3');
};
