/** What a deployment of the stacks would put into AWS, in a folder: templates with their references filled in, bundles. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack as CdkStack } from 'aws-cdk-lib';
import { buildSync } from 'esbuild';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { asOne, environmentStacks, standaloneApp, type TemplateJson } from '../../lib/synthesize.ts';
import type { Made } from '../moto/resources.ts';
import { type Stack, stacksOf } from '../moto/stacks.ts';
import { run } from '../tools.ts';

/** A function as Lambda has it. */
export interface Deployed {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** What is in its zip. */
  readonly code: string;
  /** `file.export` in there. */
  readonly handler: string;
  readonly variables: Readonly<Record<string, string>>;
  /** ARN. */
  readonly role: string;
}

export interface Deployment {
  readonly templates: Readonly<Record<string, TemplateJson>>;
  readonly stacks: readonly Stack[];
  readonly functions: readonly Deployed[];
  /** The program that runs one of them; a file. */
  readonly sandbox: string;
}

/** By a process of its own (`put-into.ts`), because bundling tells what it does. @param folder to keep: bundles stay there */
export function deploymentIn(folder: string): Deployment {
  run(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'put-into.ts'), folder]);
  return JSON.parse(readFileSync(join(folder, DEPLOYMENT), 'utf8'));
}

const DEPLOYMENT = 'deployment.json';

export function putInto(folder: string): void {
  writeFileSync(join(folder, DEPLOYMENT), JSON.stringify(deployed(folder)));
}

function deployed(folder: string): Deployment {
  const environments = readFleets(fleetsFile);
  const app = standaloneApp(folder, { bundle: true });
  const made = environmentStacks(app, environments);
  app.synth();
  const templateOf = ({ stackName: name }: CdkStack) => ({
    name,
    template: JSON.parse(readFileSync(join(folder, `${name}.template.json`), 'utf8')) as TemplateJson,
  });
  const templates = Object.fromEntries(
    made.map(({ shared, fleets }, index) => [
      environments[index]?.name ?? '',
      asOne([shared, ...fleets].map(templateOf)),
    ]),
  );
  const stacks = stacksOf(environments, ({ name }) => templates[name] as TemplateJson);
  const sandbox = join(folder, 'sandbox.mjs');
  const program = join(import.meta.dirname, 'sandbox.ts');
  buildSync({ entryPoints: [program], bundle: true, platform: 'node', format: 'esm', outfile: sandbox });
  return { templates, stacks, functions: stacks.flatMap((stack) => functionsIn(folder, stack)), sandbox };
}

const functionsIn = (folder: string, { account, region, resources }: Stack): Deployed[] =>
  resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map(({ name, properties }: Made) => {
      const { Code, Handler, Environment, Role } = properties as unknown as FunctionProperties;
      const [, hash] = /^(\w+)\.zip$/.exec(Code.S3Key ?? '') ?? [];
      if (hash === undefined) throw new Error(`The code of ${name} is no asset: ${JSON.stringify(Code)}`);
      return {
        ...{ name, account, region, handler: Handler, role: Role },
        code: join(folder, `asset.${hash}`),
        variables: Environment?.Variables ?? {},
      };
    });

interface FunctionProperties {
  readonly Code: { readonly S3Key?: string };
  readonly Handler: string;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
  readonly Role: string;
}
