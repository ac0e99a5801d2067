/** What a check is: from the answers that it needs, it reports findings under its name. Pure. */
import { type DeploymentError, type FailureName, isFailure } from '../../../lambdas/domain/core/errors.ts';
import type { Fleet } from '../../../lambdas/domain/core/fleet.ts';
import type { Answer } from './answer.ts';
import type { Facts } from './facts.ts';
import { type CheckName, type Finding, ok, problem, unknown, warning } from './finding.ts';
import type { WorkingTree } from './working-tree.ts';

/** What the doctor looks at, besides the facts. */
export interface Subject {
  /** As its deployments see it, except for a launch template of ours, which is only in AWS. */
  readonly fleet: Fleet;
  readonly region: string;
  readonly account: string;
  /** Those that its deployments may use, by the fleets file. */
  readonly kmsKeys: readonly string[];
  /** That of the bucket, by the fleets file. */
  readonly bucketKey?: string | undefined;
  readonly tree: WorkingTree;
}

/** At least one finding: what is fine is reported too. */
export type Check = (facts: Facts, subject: Subject) => readonly Finding[];

/** Shell commands, or lines of the fleets file. */
export type Mend = string | readonly string[];

type Answers = readonly Answer<unknown>[];
type Unanswered = Extract<Answer<unknown>, { known: false }>;
type Values<A extends Answers> = { readonly [I in keyof A]: A[I] extends Answer<infer T> ? T : never };

/** Findings under this name, and how they follow from answers. */
export const check = (name: CheckName) => ({
  ok: (sentence: string) => ok(name, sentence),
  warning: (sentence: string, mend: Mend) => warning(name, sentence, { mend: [mend].flat() }),
  /** @param failure the name under which a deployment would fail */
  problem: (sentence: string, mend: Mend, failure?: FailureName) =>
    problem(name, sentence, { mend: [mend].flat(), ...(failure && { failure }) }),
  /**
   * What follows from these answers; if one is missing, that is the finding.
   * @param about what it looks at: `the subnets`
   */
  given: <const A extends Answers>(
    about: string,
    answers: A,
    judge: (...values: Values<A>) => Finding | readonly Finding[],
  ): readonly Finding[] => {
    for (const answer of answers) if (!answer.known) return [notLookedAt(name, about, answer)];
    const values = answers.flatMap((answer) => (answer.known ? [answer.value] : []));
    return [judge(...(values as unknown as Values<A>))].flat();
  },
});

/** AWS's many ways to say it. */
const DENIED =
  /AccessDenied|UnauthorizedOperation|not authorized|\(403\)|AuthorizationError|AuthFailure|Forbidden/i;

/** Without what differs between the calls of one outage, and without advice for others. */
const inOurWords = (message: string) =>
  message
    .replace(/ (Check the permissions of|It may pass:|If Mackerel is not under) [\s\S]*$/, '')
    .replace(/ (GET|POST) \S+ in \d+ attempts/, '')
    .replace(/\.$/, '');

/** The finding of a check whose question was not answered. */
export function notLookedAt(name: CheckName, about: string, { error, needs }: Unanswered): Finding {
  const failure = error.name;
  if (failure === 'ServiceRefused' && needs !== '' && DENIED.test(error.message))
    return unknown(name, `${about}: you lack permission to check; it needs ${needs}`, {
      mend: [`Ask for ${needs}, or run the doctor as someone who has it.`],
      failure,
      about,
    });
  const mend = failure === 'ServiceUnavailable' ? { mend: ['Run the doctor again.'] } : {};
  return unknown(name, `${about}: ${inOurWords(error.message)}`, { ...mend, failure, about });
}

/**
 * By a decision of the deployment itself: what it throws is reported too.
 * @param name the only failure that is expected, if there is just one
 */
export function decided<T>(
  decide: () => T,
  otherwise: (failure: DeploymentError) => T,
  name?: FailureName,
): T {
  try {
    return decide();
  } catch (error) {
    if (!isFailure(error, name)) throw error;
    return otherwise(error);
  }
}
