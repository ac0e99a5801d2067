/**
 * An account in which one build after the other is deployed while the modelled world goes on: IAM answers every call of
 * every step by the policies that are in force at that moment, whichever build's code makes it, and the guard is asked as
 * CloudFormation asks it.
 */
import { functionArn } from '../../lambdas/domain/core/aws.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { artifactBucketName, functionName } from '../../lambdas/domain/core/names.ts';
import { answerTo, type ChangeRequest } from '../../lambdas/domain/lock/change-request.ts';
import type { Verdict } from '../../lambdas/domain/lock/permission-change.ts';
import { type FunctionName, GUARD } from '../../lib/function-names.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import { policiesOf } from '../../lib/resolve-policies.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import {
  ACCOUNT,
  type AroundStep,
  type Machine,
  REGION,
  type StepRun,
} from '../../simulator/run-definition.ts';
import type { Stage } from '../../simulator/stage.ts';
import type { Intercept, PortCall } from '../../simulator/world/calls.ts';
import { once, resource, resourcesOf, statementsOf } from '../lib/template.ts';
import { allows, type IamRequest } from './iam.ts';
import { requestsOf } from './iam-requests.ts';
import { named, surroundings } from './surroundings.ts';

export interface Build {
  readonly own: Environment;
  readonly template: TemplateJson;
  readonly code: NonNullable<Machine['functions']>;
}

/** How long CloudFormation takes from one role to the state machines, which are in a stack after it. */
const UPDATE_SECONDS = 20;

export class Account {
  /** What IAM refused. */
  readonly refused: string[] = [];
  /** As CloudFormation tells it of the environment's stack. */
  status = 'UPDATE_IN_PROGRESS';
  #build: Build;

  constructor(
    private readonly stage: Stage,
    build: Build,
  ) {
    this.#build = build;
    stage.cdkDeploy(build.template, build.code);
    stage.around = this.#around;
  }

  /** `cdk deploy`; what the guard says of it. */
  async cdkDeploy(build: Build, isGuarded = true): Promise<Verdict> {
    const verdict = await this.ask(build);
    if (isGuarded && verdict.Status === 'FAILED') return verdict;
    // The roles of the environment's stack, then the definitions of the fleet's.
    this.#build = build;
    await this.stage.clock.sleep(UPDATE_SECONDS);
    this.stage.cdkDeploy(build.template, build.code);
    const opening = resourcesOf(build.template, 'Custom::PermissionGuard').find(([id]) =>
      id.startsWith('opening'),
    );
    await this.#asked(build, opening?.[1].Properties, {});
    return verdict;
  }

  ask(build: Build): Promise<Verdict> {
    return this.#asked(build, guardIn(build), guardIn(this.#build));
  }

  /** The guard's own role is the first to change. */
  #asked(build: Build, now: unknown, before: unknown): Promise<Verdict> {
    const stack = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/irekae-${build.own.name}/1`;
    const request = {
      RequestType: 'Update',
      StackId: stack,
      ResourceProperties: now,
      OldResourceProperties: before,
    } as ChangeRequest;
    const status = async () => {
      this.#assertMayAsk(GUARD, build, { action: 'cloudformation:DescribeStacks', resource: stack });
      return this.status;
    };
    const { ledger } = this.stage.portsThrough(this.#iam(GUARD, () => build));
    return answerTo(request, { ledger, stacks: { status } });
  }

  #around: AroundStep = (run, act) => {
    this.#assertMayInvoke(run);
    return act(this.stage.portsThrough(this.#iam(run.step)));
  };

  /** The machine's role has no versions either, and the definition names one of the functions. */
  #assertMayInvoke({ machineName, step }: StepRun): void {
    const name = functionName(this.#build.own.name, step);
    const version = functionArn({ partition: 'aws', region: REGION, account: ACCOUNT }, `${name}:7`);
    const request = { action: 'lambda:InvokeFunction', resource: version };
    if (!allows(policiesOfMachine(this.#build, machineName), request)) this.#refuse(step, version);
  }

  #iam(step: FunctionName, inForce = () => this.#build): Intercept {
    const assertMay = (call: PortCall, answer: unknown) => {
      const build = inForce();
      for (const request of requestsOf(call, answer, surroundings(build, this.stage.world)))
        this.#assertMayAsk(step, build, request);
    };
    return async (call, proceed) => {
      // Some calls ask for more when they find nothing.
      assertMay(call, null);
      const answer = await proceed();
      assertMay(call, answer);
      return answer;
    };
  }

  #assertMayAsk(step: FunctionName, build: Build, request: IamRequest): void {
    if (!allows(policiesOfStep(build, step), request))
      this.#refuse(step, `${request.action} on ${request.resource}`);
  }

  #refuse(step: string, what: string): never {
    this.refused.push(`${step}: ${what}`);
    throw new DeploymentError('ServiceRefused', `AWS refused to let ${step} do ${what}: AccessDenied.`);
  }
}

const policiesOfStep = once(({ own, template }: Build, step) =>
  named(template, own, artifactBucketName(own), statementsOf(template, step)),
);

const policiesOfMachine = once(({ own, template }: Build, machine) => {
  const { RoleArn: arn } = resource(template, 'AWS::StepFunctions::StateMachine', `"${machine}"`);
  const [role = ''] = (arn as { 'Fn::GetAtt': string[] })['Fn::GetAtt'];
  return named(template, own, artifactBucketName(own), policiesOf(template, role));
});

const guardIn = ({ template }: Build) => template.Resources.PermissionGuard?.Properties;
