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

export async function workingTreeOf(environment: Environment, fleet: string): Promise<WorkingTree> {
  const { artifactBucketName, definitionOf, machineNames } = await loadCdk();
  const template = await templateOf(environment);
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

let loaded: ReturnType<typeof importCdk> | undefined;

/** CDK takes a second to load: every other command starts without it. */
function loadCdk() {
  loaded ??= importCdk();
  return loaded;
}

async function importCdk() {
  const [bucket, definitions, arns, synthesis] = await Promise.all([
    import('../../../lib/artifact-bucket.ts'),
    import('../../../lib/resolve-definition.ts'),
    import('../../../lib/machine-arns.ts'),
    import('../../../lib/synthesize.ts'),
  ]);
  return { ...bucket, ...definitions, ...arns, ...synthesis };
}

/** By what was synthesized: half a second each. */
const templates = new Map<string, TemplateJson>();

async function templateOf(environment: Environment): Promise<TemplateJson> {
  const key = JSON.stringify(environment);
  const { synthesizeTemplates } = await loadCdk();
  const template =
    templates.get(key) ?? synthesizeTemplates([environment], { bundle: false })[environment.name];
  if (template === undefined) throw new Error(`Nothing was synthesized for ${environment.name}.`);
  templates.set(key, template);
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
