/** What each step may do in AWS, read from the synthesized template: the policies that are deployed. */

import { isCleanUpMachine, machineName } from '../lambdas/domain/core/names.ts';
import { STEP_NAMES } from '../lambdas/domain/core/steps.ts';
import { PROMOTION_STEP_NAMES } from '../lambdas/domain/promotion/steps.ts';
import { sourceOf } from '../lib/function-names.ts';
import { policiesOf, type Statement } from '../lib/resolve-policies.ts';
import type { ResourceJson, TemplateJson } from '../lib/synthesize.ts';
import { code, table } from './markdown.ts';

export function permissionTable(template: TemplateJson): string {
  const rows = [...STEP_NAMES, ...PROMOTION_STEP_NAMES].map((step) => {
    const told = statementsOf(template, step).map((statement) => tell(statement, template));
    return [`[${code(step)}](../${sourceOf(step)})`, told.join('<br>') || 'nothing'];
  });
  return table(['step', 'may'], rows);
}

/** Everything but the step's own log. */
function statementsOf(template: TemplateJson, step: string): Statement[] {
  const resources = Object.values(template.Resources);
  const handler = resources.find(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && stepOf(Properties) === step,
  );
  const role = Object(handler?.Properties?.Role)['Fn::GetAtt']?.[0];
  if (typeof role !== 'string') throw new Error(`The template has no function with a role for ${step}.`);
  return policiesOf(template, role).filter(({ Action }) =>
    [Action].flat().every((action) => !action.startsWith('logs:')),
  );
}

const stepOf = (properties: ResourceJson['Properties']) =>
  Object(properties?.Environment).Variables?.IREKAE_STEP;

function tell({ Action, Resource, Condition }: Statement, template: TemplateJson): string {
  const kinds = [...new Set([Resource].flat().map((resource) => kindOf(resource, template)))];
  const only = Object.entries(Condition ?? {}).flatMap(([operator, condition]) =>
    Object.entries(condition).map(([key, values]) => {
      const absent = operator.endsWith('IfExists') ? 'absent or ' : '';
      return `${code(key)} is ${absent}${[values].flat().map(shownValue).join(' or ')}`;
    }),
  );
  const onlyIf = only.length === 0 ? '' : `, only if ${only.join(' and ')}`;
  return `${actionsOf([Action].flat())} on ${kinds.join(', ')}${onlyIf}`;
}

const shownValue = (value: unknown) => code(textOf(value));

/** A long list of `Describe…` actions of one service is shortened. */
function actionsOf(actions: readonly string[]): string {
  const services = [...new Set(actions.map((action) => action.split(':')[0] ?? ''))];
  const told = services.flatMap((service) => {
    const own = actions.filter((action) => action.startsWith(`${service}:`));
    const looks = own.filter((action) => action.startsWith(`${service}:Describe`));
    return looks.length > 2 && looks.length === own.length
      ? [`the ${looks.length} ${code(`${service}:Describe…`)}`]
      : own.map(code);
  });
  return told.join(', ');
}

/** `…:ec2:…:subnet/subnet-1` → subnet. */
function kindOf(resource: unknown, template: TemplateJson): string {
  const text = textOf(resource);
  if (text === '*') return code('*');
  const [, service = '', rest = ''] = /^arn:[^:]*:(\w+):[^:]*:[^:]*:(.*)$/.exec(text) ?? [];
  if (rest !== '') return kindIn(service, rest);
  const [, id = '', key = ''] = /^<(\w+)>\/?(.*)$/.exec(text) ?? [];
  const type = template.Resources[id]?.Type.split('::')[2]?.toLowerCase() ?? '';
  return key === '' ? `the stack’s ${TYPES[type] ?? type}` : code(key);
}

/** Names for CloudFormation types that nobody would guess. */
const TYPES: Readonly<Record<string, string>> = { globaltable: 'ledger', topic: 'notification topic' };

const kindIn = (service: string, rest: string) => {
  if (service === 'states') return machineIn(rest);
  if (service === 's3') return objectIn(rest);
  const [kind = '', ...name] = rest.split('/');
  return service === 'ssm' ? `${kind} ${code(`/${name.join('/')}`)}` : kind;
};

/** `bucket/some/key` → `some/key` in `bucket`. */
const objectIn = (rest: string) => {
  const [bucket = '', ...key] = rest.split('/');
  return key.length === 0 ? code(bucket) : `${code(key.join('/'))} in ${code(bucket)}`;
};

/** `execution:irekae-shop-clean-up:*` → execution `irekae-…-clean-up`: the same for every fleet. */
const machineIn = (rest: string) => {
  const [kind, name = ''] = rest.split(':');
  return `${kind} ${code(machineName('…', isCleanUpMachine(name) ? 'clean-up' : 'deploy'))}`;
};

/** The text of a value with CloudFormation functions; an ARN of the stack's own is `<LogicalId>`, anything else `~`. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = Object(value);
  if (typeof ref === 'string' || Array.isArray(attribute)) return `<${String(ref ?? attribute[0])}>`;
  return Array.isArray(join) ? (join[1] as unknown[]).map(textOf).join(join[0]) : '~';
}
