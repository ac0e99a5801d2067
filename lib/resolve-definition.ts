/**
 * A state machine's definition as a JSON object. CDK writes it as text with references in between, which CloudFormation
 * fills in; here they become readable names, the same in every run: `${Machine}` for a Ref, `${Function.Arn}` for an
 * attribute.
 */
import { type MachineKind, machineName } from '../lambdas/domain/core/names.ts';
import type { ResourceJson, TemplateJson } from './synthesize.ts';

/** Amazon States Language, as far as anybody here looks into it without asking further. */
export interface StateMachineDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateJson>>;
  readonly [field: string]: unknown;
}

export interface StateJson {
  readonly Type: string;
  readonly [field: string]: unknown;
}

export interface ResolvedDefinition {
  /** Logical id of the state machine. */
  readonly machine: string;
  readonly definition: StateMachineDefinition;
  /** The logical id of the function behind a task's `Resource`. @throws Error when it is not one of the template's. */
  functionOf(resource: string): string;
  /** The step behind a task's `Resource`: the name of its file in `lambdas/`. @throws Error when there is none. */
  stepOf(resource: string): string;
}

/**
 * @param fleet a fleet's name, or the logical id of its state machine
 * @throws Error when the template has no such state machine
 */
export function definitionOf(
  template: TemplateJson,
  fleet: string,
  kind: MachineKind = 'deploy',
): ResolvedDefinition {
  const machines = Object.entries(template.Resources).filter(
    ([, { Type }]) => Type === 'AWS::StepFunctions::StateMachine',
  );
  const found = machines.find(
    ([id, { Properties }]) => id === fleet || Properties?.StateMachineName === machineName(fleet, kind),
  );
  if (found === undefined) {
    throw new Error(
      `No state machine of the fleet ${fleet}; there are ${machines.map(([id]) => id).join(', ')}.`,
    );
  }
  const [machine, { Properties }] = found;
  const functionOf = (resource: string) => functionIn(template, resource).id;
  const stepOf = (resource: string) => stepIn(functionIn(template, resource));
  return { machine, definition: JSON.parse(textOf(Properties ?? {})), functionOf, stepOf };
}

/** Simulations ask for the same definition thousands of times, each for an object of its own. */
const texts = new WeakMap<object, string>();
function textOf(properties: Readonly<Record<string, unknown>>): string {
  const text = texts.get(properties) ?? resolved(properties.DefinitionString);
  texts.set(properties, text);
  return text;
}

/** The text behind CloudFormation's functions. Inside a definition, every reference stands within a JSON string. */
function resolved(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = Object(value);
  if (typeof ref === 'string') return `\${${ref}}`;
  if (Array.isArray(attribute)) return `\${${attribute.join('.')}}`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(resolved).join(join[0]);
  throw new Error(`Not a text that can be resolved: ${JSON.stringify(value)}`);
}

function functionIn(template: TemplateJson, resource: string): { id: string; resource: ResourceJson } {
  const { Properties: version } = template.Resources[/^\$\{(\w+)\}$/.exec(resource)?.[1] ?? ''] ?? {};
  const id = String(Object(version?.FunctionName).Ref ?? '');
  const found = template.Resources[id];
  if (found?.Type !== 'AWS::Lambda::Function')
    throw new Error(`Not a function of this template: ${resource}`);
  return { id, resource: found };
}

function stepIn({ id, resource }: { id: string; resource: ResourceJson }): string {
  const step = Object(resource.Properties?.Environment).Variables?.IREKAE_STEP;
  if (typeof step !== 'string') throw new Error(`The function ${id} does not say which step it is.`);
  return step;
}
