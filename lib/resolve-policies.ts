/** What a role of a template may do: a policy stands in the role itself, or beside it as a resource of its own. */
import type { TemplateJson } from './synthesize.ts';

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The statements of all policies of a role, given by its logical id. */
export function policiesOf({ Resources }: TemplateJson, role: string): Statement[] {
  const own = (Resources[role]?.Properties?.Policies ?? []) as { PolicyDocument: unknown }[];
  const attached = Object.values(Resources).flatMap(({ Type, Properties }) => {
    const roles = (Properties?.Roles ?? []) as { Ref?: string }[];
    return /^AWS::IAM::(Managed)?Policy$/.test(Type) && roles.some(({ Ref }) => Ref === role)
      ? [Properties?.PolicyDocument]
      : [];
  });
  return [...own.map(({ PolicyDocument: document }) => document), ...attached].flatMap(
    (document) => Object(document).Statement as Statement[],
  );
}
