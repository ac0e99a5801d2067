/**
 * What this working tree would deploy for a fleet, to be compared with what is deployed. CDK takes a second to load, and
 * another to synthesize, so this file is imported only where it is needed.
 */
import { artifactBucketName, machineName } from '../../../lambdas/domain/core/names.ts';
import type { Environment } from '../../../lib/read-fleets.ts';
import { definitionOf, type StateMachineDefinition } from '../../../lib/resolve-definition.ts';
import { type ResourceJson, synthesizeTemplates, type TemplateJson } from '../../../lib/synthesize.ts';
import { isUploadPattern } from './upload-pattern.ts';

export interface WorkingTree {
  readonly bucketName: string;
  /** State machine → its definition, with `${…}` for what CloudFormation fills in. */
  readonly definitions: Readonly<Record<string, StateMachineDefinition>>;
  /** Does an upload start its deployments? */
  readonly startsOnUpload: boolean;
}

/** @param environments all of the fleets file: an environment's stack names those that it promotes from */
export function workingTreeOf(
  environments: readonly Environment[],
  environment: Environment,
  fleet: string,
): WorkingTree {
  const template = templateOf(environments, environment);
  const [deploy, cleanUp] = [definitionOf(template, fleet), definitionOf(template, fleet, 'clean-up')];
  return {
    bucketName: artifactBucketName(environment),
    definitions: {
      [machineName(fleet, 'deploy')]: deploy.definition,
      [machineName(fleet, 'clean-up')]: cleanUp.definition,
    },
    startsOnUpload: Object.values(template.Resources).some((resource) =>
      isUploadRule(resource, deploy.machine),
    ),
  };
}

/** Of this environment alone: each takes a part of a second. */
function templateOf(environments: readonly Environment[], environment: Environment): TemplateJson {
  const { name } = environment;
  const template = synthesizeTemplates([environment], environments)[name];
  if (template === undefined) throw new Error(`Nothing was synthesized for ${name}.`);
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
