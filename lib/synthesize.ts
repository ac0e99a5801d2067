/** From fleets to CloudFormation: the one way in which the app, the tests and the simulator make the stacks. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { EnvironmentStack } from './environment-stack.ts';
import type { Environment } from './read-fleets.ts';

/** A CloudFormation template as JSON, as far as this project looks into one. */
export interface TemplateJson {
  readonly Resources: Readonly<Record<string, ResourceJson>>;
  readonly [section: string]: unknown;
}

export interface ResourceJson {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

export function environmentStacks(app: App, environments: readonly Environment[]): EnvironmentStack[] {
  return environments.map((environment) => new EnvironmentStack(app, environment, environments));
}

/** An app outside of the CDK command line, with the feature flags that the command line would hand it. */
export function standaloneApp(outdir: string, { bundle }: { readonly bundle: boolean }): App {
  const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8'));
  return new App({
    outdir,
    analyticsReporting: false,
    treeMetadata: false,
    // CloudFormation's own rules take two seconds and are `cdk synth`'s to check.
    builtinCloudFormationValidation: false,
    context: { ...context, ...(bundle ? {} : { 'aws:cdk:bundling-stacks': [] }) },
  });
}

/**
 * The template of each environment, by its name. Needs neither network nor Docker, and leaves no files behind.
 * @param bundle false leaves the functions' code out, which is most of the work and which a simulation does not need
 */
export function synthesizeTemplates(
  environments: readonly Environment[],
  options: { readonly bundle: boolean },
): Readonly<Record<string, TemplateJson>> {
  const outdir = mkdtempSync(join(tmpdir(), 'irekae-'));
  try {
    const app = standaloneApp(outdir, options);
    const stacks = environmentStacks(app, environments);
    const assembly = app.synth();
    return Object.fromEntries(
      environments.map(({ name }, index) => {
        const template = assembly.getStackByName(stacks[index]?.stackName ?? '').template;
        return [name, template as TemplateJson];
      }),
    );
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
