/** The Lambda functions of an environment: one per step and the orphan watch, each with a role and a log of its own. */

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import {
  functionLogName,
  functionName,
  LEDGER_TABLE_VARIABLE,
  NEWS_TOPIC_VARIABLE,
  readerRoleName,
} from '../lambdas/domain/core/names.ts';
import { STEP_NAMES, STEPS, type StepName } from '../lambdas/domain/core/steps.ts';
import {
  PROMOTION_STEP_NAMES,
  PROMOTION_STEPS,
  type PromotionStepName,
} from '../lambdas/domain/promotion/steps.ts';
import { codeOf, HANDLER } from './function-code.ts';
import { type FunctionName, GUARD, ORPHAN_WATCH } from './function-names.ts';
import { acknowledgeWildcards } from './nag.ts';
import { type Permission, permissionsOf, type Reach } from './permissions.ts';
import { spread } from './policy-sizes.ts';
import { isReader } from './promotions.ts';

/** 512 MB is a third of a processor: enough for a bundle to start within a second. Hashing a tarball wants more. */
const MEMORY_MB = 512;
const DIGEST_MEMORY_MB = 1024;
const MEMORY_MB_OF: Partial<Record<StepName, number>> = { 'resolve-the-release': DIGEST_MEMORY_MB };

/** The functions of the steps. */
export function functionsOf(scope: Construct, reach: Reach): Readonly<Record<StepName, lambda.Function>> {
  const functions = STEP_NAMES.map((step) => [
    step,
    new BundledFunction(scope, reach, {
      name: step,
      description: `the step ${step}`,
      memoryMb: MEMORY_MB_OF[step] ?? MEMORY_MB,
      seconds: STEPS[step].seconds,
      environment: { IREKAE_STEP: step },
    }).handler,
  ]);
  return Object.fromEntries(functions);
}

/** The functions of a promotion's steps; in an environment that nothing is promoted to, there are none. */
export function promotionFunctionsOf(
  scope: Construct,
  reach: Reach,
): Readonly<Record<PromotionStepName, lambda.Function>> | undefined {
  if (reach.promotions.length === 0) return undefined;
  const functions = PROMOTION_STEP_NAMES.map((step) => [
    step,
    new BundledFunction(scope, reach, {
      name: step,
      description: `the step ${step} of a promotion`,
      memoryMb: step === 'choose-the-candidate' ? DIGEST_MEMORY_MB : MEMORY_MB,
      seconds: PROMOTION_STEPS[step].seconds,
      environment: { IREKAE_STEP: step },
      ...(isReader(step) && { roleName: readerRoleName(reach.environment.name, step) }),
    }).handler,
  ]);
  return Object.fromEntries(functions);
}

/**
 * What the machines invoke: an execution keeps the definition that it began with, and so the code, whatever is deployed
 * meanwhile. An alias would move under it.
 */
export const versionsOf = <Name extends string>(
  functions: Readonly<Record<Name, lambda.Function>>,
): Readonly<Record<Name, lambda.IFunction>> => {
  const versions = Object.entries<lambda.Function>(functions).map(([name, { currentVersion }]) => [
    name,
    // Its optional role is declared in another way.
    currentVersion as lambda.IFunction,
  ]);
  return Object.fromEntries(versions);
};

/** A few calls for each fleet. */
const ORPHAN_WATCH_SECONDS = 60;

export function orphanWatchFunction(scope: Construct, reach: Reach): lambda.Function {
  return new BundledFunction(scope, reach, {
    name: ORPHAN_WATCH,
    description: 'looks for orphans',
    memoryMb: MEMORY_MB,
    seconds: ORPHAN_WATCH_SECONDS,
    environment: {},
  }).handler;
}

/** A call or three for each fleet that loses something. */
const GUARD_SECONDS = 120;

export function guardFunction(scope: Construct, reach: Reach): lambda.Function {
  return new BundledFunction(scope, reach, {
    name: GUARD,
    description: 'guards what running deployments may do',
    memoryMb: MEMORY_MB,
    seconds: GUARD_SECONDS,
    environment: {},
  }).handler;
}

interface BundledFunctionProps {
  readonly name: FunctionName;
  readonly description: string;
  readonly memoryMb: number;
  readonly seconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** For a role that another account has to know. Default: CloudFormation makes one. */
  readonly roleName?: string;
}

/** Has a fixed name, so that an operator finds `irekae-production-launch-new-instances` and its log. */
class BundledFunction extends Construct {
  readonly handler: lambda.Function;

  constructor(scope: Construct, reach: Reach, props: BundledFunctionProps) {
    super(scope, `function ${props.name}`);
    const name = functionName(reach.environment.name, props.name);
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: functionLogName(name),
      retention: RetentionDays.THREE_MONTHS,
      // What happened is in the records of the artifact bucket; a kept group would be in the way of the next stack.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const permissions = permissionsOf(props.name, reach);

    this.handler = new lambda.Function(this, 'Handler', {
      functionName: name,
      description: `irekae ${reach.environment.name}: ${props.description}`,
      code: codeOf(this, props.name),
      handler: HANDLER,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.seconds),
      role: this.role(permissions, logGroup, props.roleName),
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      applicationLogLevelV2: lambda.ApplicationLogLevel.INFO,
      systemLogLevelV2: lambda.SystemLogLevel.WARN,
      // X-Ray on the state machine alone: it times every step already, and a function would need xray:* on `*`.
      tracing: lambda.Tracing.DISABLED,
      // An execution that began with it may run for a day; what is kept costs nothing, and goes with the function.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      environment: {
        ...props.environment,
        ...reach.environment.endpoints,
        POWERTOOLS_SERVICE_NAME: 'irekae',
        ...(may(permissions, 'dynamodb:') && { [LEDGER_TABLE_VARIABLE]: reach.ledger.tableName }),
        ...(may(permissions, 'sns:') && { [NEWS_TOPIC_VARIABLE]: reach.news.topicArn }),
      },
    });
  }

  /**
   * May do what its calls need, and write its own log (AWSLambdaBasicExecutionRole may write to every log of the
   * account). In policies of the role itself as far as they have room: of few fleets, that is all.
   */
  private role(
    permissions: readonly Permission[],
    logGroup: LogGroup,
    roleName: string | undefined,
  ): iam.Role {
    const writeLog = {
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    };
    const { inline, managed } = spread(Stack.of(this), [writeLog, ...permissions]);
    const documentOf = (some: readonly Permission[]) =>
      new iam.PolicyDocument({
        statements: some.map((permission) => new iam.PolicyStatement(statementOf(permission))),
      });
    const role = new iam.Role(this, 'Role', {
      ...(roleName !== undefined && { roleName }),
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { calls: documentOf(inline) },
    });
    const more = managed.map(
      (some, index) =>
        new iam.ManagedPolicy(this, `More${index + 1}`, { document: documentOf(some), roles: [role] }),
    );
    for (const { resources, wildcard } of permissions)
      if (wildcard !== undefined)
        for (const each of [role, ...more]) acknowledgeWildcards(each, resources, wildcard);
    return role;
  }
}

export const statementOf = ({ actions, resources, conditions }: Permission): iam.PolicyStatementProps => ({
  actions: [...actions],
  resources: [...resources],
  ...(conditions && { conditions }),
});

/** Whoever may ask the ledger is told its name, whoever tells the news where to. */
const may = (permissions: readonly Permission[], service: string) =>
  permissions.some(({ actions }) => actions.some((action) => action.startsWith(service)));
