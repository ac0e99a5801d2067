/**
 * Gives a fleet on stage hooks and pauses that its fleets file does not have: its story is told anew with them, because
 * their states exist only where a fleet names them. (Loads CDK, which tells stories.)
 */
import { App, Stack } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { functionArn, machineArn } from '../lambdas/domain/core/aws.ts';
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import { STEP_NAMES, type StepName } from '../lambdas/domain/core/steps.ts';
import { deployStory } from '../lib/deploy-story.ts';
import { definitionOf } from '../lib/resolve-definition.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { ACCOUNT, type Machine, REGION } from './run-definition.ts';
import type { Stage } from './stage.ts';

const PLACE = { partition: 'aws', account: ACCOUNT, region: REGION };

/** What a scenario needs of the fleets file. */
export type Points = Partial<Pick<Fleet, 'hooks' | 'pauses'>>;

export function givePoints(stage: Stage, points: Points): void {
  stage.configure(points);
  const { steps, hooks, definition } = toldAnew(stage.fleet);
  // With the fleet as it stands on this stage.
  const { [definition.StartAt]: first, ...others } = definition.States;
  const opening = stage.machine.definition.States[stage.machine.definition.StartAt];
  const States = { ...others, [definition.StartAt]: { ...first, ...opening, Next: first?.Next } };
  stage.machine = {
    ...stage.machine,
    steps,
    hooks,
    definition: { ...definition, States } as Machine['definition'],
  };
}

const machineType = sfn.CfnStateMachine.CFN_RESOURCE_TYPE_NAME;

function toldAnew(fleet: Fleet) {
  const stack = new Stack(new App(), 'Points', { env: { account: ACCOUNT, region: REGION } });
  const arnOf = (step: StepName) => functionArn(PLACE, `${step}:1`);
  const functions = Object.fromEntries(
    STEP_NAMES.map((step) => [step, LambdaFunction.fromFunctionArn(stack, step, arnOf(step))]),
  ) as Parameters<typeof deployStory>[1];
  const wakes = sfn.StateMachine.fromStateMachineArn(stack, 'Wakes', machineArn(PLACE, 'wakes'));
  const machine = new sfn.StateMachine(stack, 'Story', {
    definitionBody: sfn.DefinitionBody.fromChainable(deployStory(stack, functions, fleet, wakes)),
    role: Role.fromRoleArn(stack, 'Role', `arn:aws:iam::${ACCOUNT}:role/any`),
  });
  const { definitionString } = machine.node.defaultChild as sfn.CfnStateMachine;
  const Properties = { DefinitionString: stack.resolve(definitionString) };
  const template = { Resources: { Story: { Type: machineType, Properties } } };
  const { definition } = definitionOf(template as TemplateJson, 'Story');
  const tasks = Object.entries(definition.States).flatMap(([name, { Resource }]) =>
    String(Resource).startsWith('arn:aws:lambda:') ? [[name, String(Resource)] as const] : [],
  );
  const stepOf = new Map<string, StepName>(STEP_NAMES.map((step) => [arnOf(step), step]));
  return {
    definition,
    steps: Object.fromEntries(
      tasks.flatMap(([name, arn]) => (stepOf.has(arn) ? [[name, stepOf.get(arn)]] : [])),
    ) as Machine['steps'],
    hooks: Object.fromEntries(tasks.filter(([, arn]) => !stepOf.has(arn))),
  };
}
