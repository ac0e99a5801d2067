/** Looking into a template: policies of a function, resources of a type, and the values behind references. */
import { policiesOf, type Statement } from '../../lib/resolve-policies.ts';
import type { ResourceJson, TemplateJson } from '../../lib/synthesize.ts';

/** Each answer about a thing is worked out once: some tests ask the same about a template thousands of times. */
export function once<Thing extends object, T>(
  answer: (thing: Thing, what: string) => readonly T[],
): (thing: Thing, what: string) => T[] {
  const known = new WeakMap<Thing, Map<string, readonly T[]>>();
  return (thing, what) => {
    const answers = known.get(thing) ?? new Map<string, readonly T[]>();
    known.set(thing, answers);
    const found = answers.get(what) ?? answer(thing, what);
    answers.set(what, found);
    return [...found];
  };
}

export const resourcesOf = once((template: TemplateJson, type): [string, ResourceJson][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type),
);

/** The only resource of its type whose properties contain this text. */
export function resource(template: TemplateJson, type: string, text = ''): Record<string, unknown> {
  const found = resourcesOf(template, type).filter(([, { Properties }]) =>
    JSON.stringify(Properties).includes(text),
  );
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} contain ${text}`);
  return { ...found[0]?.[1].Properties };
}

/** The function of a step, or of the orphan watch: by the end of its name, which is its file's. */
export const lambdaOf = (template: TemplateJson, name: string) =>
  resource(template, 'AWS::Lambda::Function', `-${name}"`);

/** What the role of a function may do. */
export const statementsOf = once((template: TemplateJson, name): Statement[] => {
  const { Role: role } = lambdaOf(template, name);
  return policiesOf(template, (role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0]);
});

export const listed = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? value : [value as T];

/** References as text: `<Bucket.Arn>/irekae/*`. */
export function shownReference(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = Object(value);
  if (ref !== undefined) return `<${ref}>`;
  if (attribute !== undefined) return `<${attribute.join('.')}>`;
  return (join[1] as unknown[]).map(shownReference).join(join[0]);
}
