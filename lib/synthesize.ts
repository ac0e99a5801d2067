/** From fleets to CloudFormation: the one way in which the app, the tests and the simulator make the stacks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EnvironmentStack } from './environment-stack.ts';
import { featureFlags } from './feature-flags.ts';
import { FleetStack } from './fleet-stack.ts';
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

/** The stack of what its fleets share, and one for each fleet. */
export interface EnvironmentStacks {
  readonly shared: EnvironmentStack;
  readonly fleets: readonly FleetStack[];
}

/** @param all those of the file: promotions lead from one to another */
export function environmentStacks(
  scope: Construct,
  environments: readonly Environment[],
  all = environments,
): EnvironmentStacks[] {
  return environments.map((environment) => {
    const shared = new EnvironmentStack(scope, environment, all);
    const fleets = environment.fleets.map((fleet) => new FleetStack(scope, fleet, environment, shared, all));
    return { shared, fleets };
  });
}

/** An app outside of the CDK command line, with the feature flags that the command line would hand it. */
export function standaloneApp(outdir: string, { bundle }: { readonly bundle: boolean }): App {
  return new App({
    outdir,
    analyticsReporting: false,
    treeMetadata: false,
    // CloudFormation's own rules take two seconds and are `cdk synth`'s to check.
    builtinCloudFormationValidation: false,
    context: {
      ...featureFlags(),
      // Where each resource was made, for error messages: a tenth of the work.
      'aws:cdk:disable-creation-stack-traces': true,
      ...(bundle ? {} : { 'aws:cdk:bundling-stacks': [] }),
    },
  });
}

type Templates = Readonly<Record<string, TemplateJson>>;

/** By all that they follow from: a process that simulates many deployments asks again and again. */
const made = new Map<string, Templates>();

/**
 * What stands in AWS when all stacks of an environment are deployed, by the environment's name: one template of all their
 * resources, without the functions' code, which is most of the work and which a simulation does not need. Needs neither
 * network nor Docker, and leaves no files behind.
 */
export function synthesizeTemplates(environments: readonly Environment[], all = environments): Templates {
  const key = JSON.stringify([environments, all]);
  const templates =
    made.get(key) ??
    Object.fromEntries(
      stackTemplates(environments, all).map(({ environment, shared, fleets }) => [
        environment,
        asOne([shared, ...fleets]),
      ]),
    );
  made.set(key, templates);
  return templates;
}

export interface StackTemplate {
  readonly name: string;
  readonly template: TemplateJson;
}

/** The templates of each environment's stacks, as CloudFormation gets them, but for the functions' code. */
export function stackTemplates(
  environments: readonly Environment[],
  all = environments,
): { readonly environment: string; readonly shared: StackTemplate; readonly fleets: StackTemplate[] }[] {
  const outdir = mkdtempSync(join(tmpdir(), 'irekae-'));
  try {
    const app = standaloneApp(outdir, { bundle: false });
    const stacks = environmentStacks(app, environments, all);
    const assembly = app.synth();
    const templateOf = ({ stackName: name }: Stack): StackTemplate => ({
      name,
      template: assembly.getStackByName(name).template as TemplateJson,
    });
    return stacks.map(({ shared, fleets }, index) => ({
      environment: environments[index]?.name ?? '',
      shared: templateOf(shared),
      fleets: fleets.map(templateOf),
    }));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** All stacks of an environment as one: a weak reference to another stack becomes what it refers to. */
export function asOne(stacks: readonly StackTemplate[]): TemplateJson {
  const outputs = new Map<string, unknown>();
  for (const { name, template } of stacks)
    for (const [output, { Value }] of Object.entries(
      Object(template.Outputs) as Record<string, { Value: unknown }>,
    ))
      outputs.set(`${name} ${output}`, Value);
  const resources: Record<string, ResourceJson> = {};
  for (const { template } of stacks)
    for (const [id, resource] of Object.entries(template.Resources)) {
      if (id in resources) throw new Error(`Two stacks have a resource ${id}.`);
      resources[id] = resource;
    }
  return { ...stacks[0]?.template, Resources: referred(resources, outputs) };
}

function referred<T>(value: T, outputs: ReadonlyMap<string, unknown>): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => referred(each, outputs)) as T;
  const { StackName, OutputName } = Object((value as Record<string, unknown>)['Fn::GetStackOutput']);
  const found = outputs.get(`${StackName} ${OutputName}`);
  if (StackName !== undefined && found === undefined)
    throw new Error(`${StackName} has no output ${OutputName}.`);
  if (found !== undefined) return found as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, referred(each, outputs)])) as T;
}
