/**
 * iam-simulate is asked about every request that the functions have sent: may this role do that? And whether it may do
 * the same to somebody else's, which must be refused.
 */
import type { AnyStatement, IamRequest } from '../../test/support/iam.ts';
import type { Verdict } from '../judge.ts';
import type { Stack } from '../moto/stacks.ts';
import { simulated } from '../permissions.ts';
import { askedOfIam, type Sent, type Surroundings } from './asked-of-iam.ts';

interface Question {
  readonly role: string;
  readonly request: IamRequest;
}

export async function permitted(sent: readonly Sent[], around: Surroundings): Promise<Verdict> {
  const asked = new Map<string, Question>();
  for (const each of sent)
    for (const request of askedOfIam(each, around)) {
      const question = { role: each.role, request };
      asked.set(JSON.stringify(question), question);
    }
  const counts = { allowed: 0, refused: 0, unanswered: 0 };
  const against: string[] = [];
  const ask = async ({ role, request }: Question, must: 'allowed' | 'refused') => {
    const answer = await simulated(identityOf(role, request, around.stacks));
    if (answer === undefined) counts.unanswered += 1;
    else if (answer === (must === 'allowed')) counts[must] += 1;
    else against.push(`${role.split('/')[1]} must be ${must} ${request.action} on ${request.resource}`);
  };
  for (const question of asked.values()) {
    await ask(question, 'allowed');
    const request = elsewhere(question.request);
    if (request) await ask({ ...question, request }, 'refused');
  }
  const { allowed, refused, unanswered } = counts;
  return {
    looked: `${allowed} calls allowed, ${refused} near misses refused, ${unanswered} unanswered`,
    against,
  };
}

/** The same of somebody else's: another name, and another value of everything that a policy may go by. */
function elsewhere({ action, resource, context = {} }: IamRequest): IamRequest | undefined {
  const [, head, name] = /^(arn:(?:[^:]*:){4}(?:[\w-]+[/:])?)(.*)$/.exec(resource) ?? [];
  if (name === undefined) return undefined;
  const isAny = name === '*';
  const values = Object.entries(context).filter(([key]) => !KEPT.has(key));
  if (isAny && values.length === 0) return undefined;
  const other = (value: string) => `x-${value}`;
  const changed = values.map(([key, value]) => [
    key,
    Array.isArray(value) ? value.map(other) : other(String(value)),
  ]);
  return {
    action,
    resource: isAny ? resource : `${head}x${name}`,
    context: { ...context, ...Object.fromEntries(changed) },
  };
}

/** What is not about whose it is. */
const KEPT = new Set(['aws:SecureTransport', 'iam:PassedToService', 'aws:TagKeys']);

/** Who asks, with all that has a say: the role's policies, and of a bucket its own. */
function identityOf(role: string, request: IamRequest, stacks: readonly Stack[]) {
  const [account = '', name = ''] = [role.split(':')[4], role.split('/')[1]];
  const own = stacks.filter((stack) => stack.account === account).flatMap(({ resources }) => resources);
  const documents = own.flatMap(({ type, name: id, properties }): Document[] => {
    if (type === 'AWS::IAM::Role' && id === name)
      return ((properties.Policies ?? []) as { PolicyDocument: Document }[]).map(
        ({ PolicyDocument }) => PolicyDocument,
      );
    const isAttached = type === 'AWS::IAM::Policy' && (properties.Roles as string[]).includes(name);
    return isAttached ? [properties.PolicyDocument as Document] : [];
  });
  const [, bucket] = /^arn:aws:s3:::([^/]+)/.exec(request.resource) ?? [];
  const home = stacks.find(({ resources }) =>
    resources.some((each) => each.type === 'AWS::S3::Bucket' && each.name === bucket),
  );
  const policy = home?.resources.find(
    ({ type, properties }) => type === 'AWS::S3::BucketPolicy' && properties.Bucket === bucket,
  );
  return {
    request: { ...request, context: { ...request.context, 'aws:PrincipalArn': role } },
    principal: role,
    account: home?.account ?? account,
    statements: documents.flatMap(({ Statement }) => Statement),
    ...(policy && { resourcePolicy: policy.properties.PolicyDocument as object }),
  };
}

interface Document {
  readonly Statement: readonly AnyStatement[];
}
