/** Acknowledging findings of cdk-nag: one finding, one place, one reason. */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** @param finding the rule, as in `AwsSolutions-S1`, or with its finding: `AwsSolutions-IAM5[Resource::*]` */
export function acknowledge(construct: IConstruct, finding: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: finding, reason });
}

/** Acknowledges the wildcards among these IAM resources, each by itself: a new one would be a new finding. */
export function acknowledgeWildcards(
  construct: IConstruct,
  resources: readonly string[],
  reason: string,
): void {
  const shown = resources.map((resource) => asNagShowsIt(Stack.of(construct).resolve(resource)));
  for (const resource of new Set(shown.filter((each) => each.includes('*')))) {
    acknowledge(construct, `AwsSolutions-IAM5[Resource::${resource}]`, reason);
  }
}

/** cdk-nag writes `<Bucket.Arn>/irekae/*` for what CloudFormation would put together. */
function asNagShowsIt(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = Object(resource);
  if (ref !== undefined) return `<${ref}>`;
  if (attribute !== undefined) return `<${attribute.join('.')}>`;
  return (join[1] as unknown[]).map(asNagShowsIt).join(join[0]);
}
