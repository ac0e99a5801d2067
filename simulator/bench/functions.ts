/** The steps' functions as they stand in the template: what they cost by the second, and what they may ask. */
import { STEP_NAMES, type StepName } from '../../lambdas/domain/steps.ts';
import type { ResourceJson, TemplateJson } from '../../lib/synthesize.ts';

export interface FunctionFacts {
  readonly memoryMb: number;
  /** Does its role allow any call to EC2? */
  readonly mayAskEc2: boolean;
}

export function functionsIn({ Resources }: TemplateJson): ReadonlyMap<StepName, FunctionFacts> {
  const all = Object.values(Resources);
  const policies = all.filter(({ Type }) => Type === 'AWS::IAM::Policy');
  const functions = all.filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return new Map(
    STEP_NAMES.map((step) => {
      const found = functions.find(({ Properties }) => variablesOf(Properties).IREKAE_STEP === step);
      if (!found) throw new Error(`The template has no function for the step ${step}.`);
      const role = Object(found.Properties?.Role)['Fn::GetAtt']?.[0];
      const actions = policies.filter((policy) => isOf(policy, role)).flatMap(actionsOf);
      return [
        step,
        {
          memoryMb: Number(found.Properties?.MemorySize),
          mayAskEc2: actions.some((action) => action.startsWith('ec2:')),
        },
      ];
    }),
  );
}

const variablesOf = (properties: ResourceJson['Properties']) =>
  Object(Object(properties?.Environment).Variables);

const isOf = ({ Properties }: ResourceJson, role: unknown): boolean =>
  ((Properties?.Roles ?? []) as { Ref?: string }[]).some(({ Ref }) => Ref === role);

function actionsOf({ Properties }: ResourceJson): string[] {
  const { Statement } = (Properties?.PolicyDocument ?? { Statement: [] }) as {
    Statement: { Action: string | string[] }[];
  };
  return Statement.flatMap(({ Action }) => Action);
}
