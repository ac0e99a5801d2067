/**
 * iam-simulate (npm; AGPL, so a tool and no dependency) is asked every question that our tests ask their own evaluator:
 * may this identity, with these statements, do that? Both must agree.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sum } from '../lambdas/domain/core/collections.ts';
import type { AnyStatement, IamRequest } from '../test/support/iam.ts';
import type { Judge, Verdict } from './judge.ts';
import { recordedBy } from './recorded.ts';
import { lacksPackage, TOOLS } from './tools.ts';

export const PACKAGE = '@cloud-copilot/iam-simulate';
const TESTS = [
  'test/blast-radius',
  'test/security',
  'test/examples/iam.test.ts',
  'test/promotion',
  'test/lib',
];

interface Question {
  readonly statements: readonly AnyStatement[];
  readonly request: IamRequest;
  readonly isAllowed: boolean;
}

type Simulated =
  | { readonly resultType: 'error'; readonly errors: { readonly message: string } }
  | { readonly resultType: string; readonly overallResult: string };

export const permissions: Judge = {
  name: 'permissions',
  missing: () => lacksPackage(PACKAGE),
  judge: () => asked((question) => question),
  // As if no statement had conditions: one question in twenty tells.
  control: () =>
    asked(
      ({ statements, ...rest }) => ({
        ...rest,
        statements: statements.map(({ Condition: _, ...statement }) => statement),
      }),
      20,
    ),
};

async function asked(broken: (question: Question) => Question, oneIn = 1): Promise<Verdict> {
  const runSimulation = await simulator();
  let [agreed, allowed] = [0, 0];
  const unanswered = new Map<string, number>();
  const against: string[] = [];
  for (const line of recordedBy(TESTS, 'questions').filter((_, index) => index % oneIn === 0)) {
    const question = broken(JSON.parse(line) as Question);
    const answer = await runSimulation(simulationOf(question), {});
    const why = whyUnanswered(line, question.request.action, answer);
    if (why !== undefined || !('overallResult' in answer)) {
      unanswered.set(String(why), (unanswered.get(String(why)) ?? 0) + 1);
      continue;
    }
    const isAllowed = answer.overallResult === 'Allowed';
    if (isAllowed) allowed += 1;
    if (isAllowed === question.isAllowed) agreed += 1;
    else against.push(`${question.request.action} ${question.request.resource}: ${answer.overallResult}`);
  }
  const silent = sum([...unanswered.values()]);
  for (const [why, times] of unanswered) console.error(`    ${times} × ${why}`);
  return {
    looked: `${agreed} answers alike, ${allowed} of them yes; ${silent} that it cannot answer`,
    against,
  };
}

type Simulator = (simulation: object, options: object) => Promise<Simulated>;

async function simulator(): Promise<Simulator> {
  const entry = join(TOOLS, 'node_modules', PACKAGE, 'dist/esm/index.js');
  const { runSimulation } = (await import(pathToFileURL(entry).href)) as { runSimulation: Simulator };
  return runSimulation;
}

export interface Simulation extends Pick<Question, 'statements' | 'request'> {
  /** ARN of the role that asks. */
  readonly principal: string;
  /** That the resource is in. */
  readonly account: string;
  readonly resourcePolicy?: object;
}

/** @returns whether it is allowed; absent: the judge cannot tell. */
export async function simulated({ statements, request, principal, account, resourcePolicy }: Simulation) {
  const { action, resource, context = {} } = request;
  const answer = await (await simulator())(
    {
      identityPolicies: [
        { name: 'calls', policy: { Version: '2012-10-17', Statement: typed(statements, resource) } },
      ],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy && { resourcePolicy }),
      request: { action, principal, resource: { accountId: account, resource }, contextVariables: context },
    },
    {},
  );
  return 'overallResult' in answer ? answer.overallResult === 'Allowed' : undefined;
}

/** It is asked about identities, knows no resource of the action, or does not look at a key that the statement has. */
function whyUnanswered(question: string, action: string, answer: Simulated): string | undefined {
  if ('errors' in answer)
    return answer.errors.message === 'no.resource.types'
      ? `${action}: the ARN asked about is of no kind that it knows for this action`
      : `${action}: ${answer.errors.message}`;
  if (action.startsWith('sts:AssumeRole'))
    return `${action}: a trust policy is the role’s own, and no identity’s`;
  return /"action":"kms:.*kms:EncryptionContext:|kms:EncryptionContext:.*"action":"kms:/.test(question)
    ? 'kms:EncryptionContext: it reads no such key'
    : undefined;
}

/** An identity of the account that the resource is in; nothing else has a say but a key's default policy. */
function simulationOf({ statements, request: { action, resource, context = {} } }: Question): object {
  const accountId = /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(resource)?.[1] ?? '222222222222';
  return {
    identityPolicies: [
      { name: 'calls', policy: { Version: '2012-10-17', Statement: typed(statements, resource) } },
    ],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    // A key answers to the account's policies only where its own says so: the default one does.
    // https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    ...(action.startsWith('kms:') && { resourcePolicy: keyPolicy(accountId) }),
    request: {
      action,
      principal: `arn:aws:iam::${accountId}:role/asked`,
      resource: { accountId, resource },
      contextVariables: context,
    },
  };
}

const keyPolicy = (accountId: string) => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
  ],
});

/**
 * The judge reads no wildcard in the type of a resource. EC2's own policies have it:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
function typed(statements: readonly AnyStatement[], resource: string): readonly AnyStatement[] {
  const type = /([^:]+)\/[^/]*$/.exec(resource)?.[1] ?? '*';
  return JSON.parse(JSON.stringify(statements).replaceAll(':*/*"', `:${type}/*"`)) as AnyStatement[];
}
