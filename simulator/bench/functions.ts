/** The steps' functions as in the template: what they cost per second, and which calls they may make. */
import { STEP_NAMES, type StepName } from '../../lambdas/domain/core/steps.ts';
import { policiesOf } from '../../lib/resolve-policies.ts';
import type { ResourceJson, TemplateJson } from '../../lib/synthesize.ts';

export interface FunctionFacts {
  readonly memoryMb: number;
  /** Does its role allow any call to EC2? */
  readonly mayAskEc2: boolean;
}

export function functionsIn(template: TemplateJson): ReadonlyMap<StepName, FunctionFacts> {
  const all = Object.values(template.Resources);
  const functions = all.filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return new Map(
    STEP_NAMES.map((step) => {
      const found = functions.find(({ Properties }) => variablesOf(Properties).IREKAE_STEP === step);
      if (!found) throw new Error(`The template has no function for the step ${step}.`);
      const role = Object(found.Properties?.Role)['Fn::GetAtt']?.[0];
      const actions = policiesOf(template, role).flatMap(({ Action }) => Action);
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
