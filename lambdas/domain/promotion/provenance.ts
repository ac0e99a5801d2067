/**
 * Is a version proven: was it deployed successfully at the source, is it still good there, and has it run there for long
 * enough? The source's history is what its `current.json` said, version by version: each says what the fleet ran from
 * then on.
 */
import * as v from 'valibot';
import { PinnedArtifact, PinnedRuntime } from '../core/artifact.ts';
import { secondsBetween, span } from '../core/words.ts';
import type { Tested } from '../release/proven.ts';

/** One version of `current.json`. Unknown fields are welcome. */
const Ran = v.object({
  /** `Deployed`, or the ending after which it is not known what the fleet runs. */
  outcome: v.string(),
  deployment: v.string(),
  artifact: v.nullish(PinnedArtifact),
  runtimes: v.optional(v.array(PinnedRuntime)),
  imageId: v.optional(v.string()),
  imageCopyOf: v.optional(v.string()),
  finishedAt: v.pipe(v.string(), v.isoTimestamp()),
  /** The deployment that it went back to. */
  rolledBackTo: v.optional(v.string()),
});
export type Ran = v.InferOutput<typeof Ran>;

/** What cannot be read says nothing; a version that has expired is `undefined`. */
export function parseHistory(records: readonly unknown[]): Ran[] {
  return records.flatMap((record) => {
    const parsed = v.safeParse(Ran, record);
    return parsed.success ? [parsed.output] : [];
  });
}

/** A reason against a promotion, and the override that waives it. */
export interface Objection {
  readonly against: 'provenance' | 'soak';
  readonly reason: string;
}

export interface Judgement {
  /** The deployment that proves it, if there is one. */
  readonly deployment?: string;
  /** What it was deployed with there. */
  readonly tested?: Tested;
  readonly objections: readonly Objection[];
}

export interface Question {
  /** The source fleet. */
  readonly source: string;
  readonly versionId: string;
  readonly soakMinutes: number;
  /** Does the image count as tested with it? */
  readonly testedImage?: boolean | undefined;
  /** What the source ran, newest first. */
  readonly history: readonly Ran[];
  /** All versions of the source's artifact, newest first by S3's own order. */
  readonly newestFirst: readonly string[];
  readonly now: Date;
}

/** What of the artifact the source runs now, as far as it is known. */
export const runsNow = (history: readonly Ran[]): Ran | undefined =>
  history[0]?.outcome === 'Deployed' ? history[0] : undefined;

export function judge(question: Question): Judgement {
  const { source, versionId, history } = question;
  const last = history.findIndex((ran) => wasDeployed(ran, versionId));
  const proof = history[last];
  if (proof === undefined) return { objections: [neverDeployed(question)] };
  const next = history[last - 1];
  const wentBack = next && whyBack(next, question);
  return {
    deployment: proof.deployment,
    tested: testedWith(proof),
    objections: [
      ...(wentBack ? [{ against: 'provenance', reason: `${source} ${wentBack}` } as const] : []),
      ...tooYoung(question, last),
    ],
  };
}

const testedWith = ({ runtimes = [], imageId, imageCopyOf }: Ran): Tested => ({
  runtimes: runtimes.map(({ directory, sha256 }) => ({ directory, sha256 })),
  ...(imageId !== undefined && { imageId }),
  ...(imageCopyOf !== undefined && { imageCopyOf }),
});

const wasDeployed = ({ outcome, artifact }: Ran, versionId: string): boolean =>
  outcome === 'Deployed' && artifact?.versionId === versionId;

function neverDeployed({ source, versionId, history }: Question): Objection {
  const [newest] = history;
  const reason =
    newest === undefined
      ? `${source} was never deployed`
      : newest.artifact?.versionId === versionId
        ? `the deployment ${newest.deployment} of ${source} ended as ${newest.outcome}`
        : `version ${versionId} is not among the last ${history.length === 1 ? 'release' : `${history.length} releases`} that were deployed on ${source}`;
  return { against: 'provenance', reason };
}

/** Why the release that came next says that this one was given up. */
function whyBack(next: Ran, { versionId, newestFirst }: Question): string | undefined {
  if (next.artifact?.versionId === versionId)
    return `was deployed with it again since, which ended as ${next.outcome}`;
  if (next.outcome !== 'Deployed') return undefined;
  if (next.rolledBackTo !== undefined)
    return `was rolled back from it at ${next.finishedAt}, to the deployment ${next.rolledBackTo}`;
  const [age, ageOfNext] = [versionId, next.artifact?.versionId ?? ''].map((id) => newestFirst.indexOf(id));
  return age !== undefined && ageOfNext !== undefined && age >= 0 && ageOfNext > age
    ? `went back from it at ${next.finishedAt}, to the older version ${next.artifact?.versionId}`
    : undefined;
}

/** What has to be the same for a deployment to be the same test. */
export function testOf({ runtimes, imageId }: Tested, testedImage: boolean | undefined): string {
  const files = runtimes.map(({ directory, sha256 }) => `${directory} ${sha256}`).sort();
  return [...files, testedImage ? imageId : ''].join('\n');
}

/** From the first deployment of an unbroken row of them, with the same runtimes, until another release took its place. */
function tooYoung(question: Question, last: number): Objection[] {
  const { source, versionId, soakMinutes, testedImage, history, now } = question;
  const row = history.slice(last);
  const tests = row.map((ran) => testOf(testedWith(ran), testedImage));
  const before = row.findIndex((ran, index) => !wasDeployed(ran, versionId) || tests[index] !== tests[0]);
  const first = row[before === -1 ? row.length - 1 : before - 1];
  const next = history[last - 1];
  const until = next === undefined ? now : new Date(next.finishedAt);
  const seconds = Math.max(0, secondsBetween(first?.finishedAt ?? until, until));
  const wanted = soakMinutes * 60;
  if (seconds >= wanted) return [];
  const soFar = `${span(seconds)} of the ${span(wanted)} that promotion.soakMinutes asks for`;
  const reason =
    next === undefined
      ? `${source} has run it for ${soFar}; try again in ${span(Math.ceil(wanted - seconds))}`
      : `${source} ran it for only ${soFar}, until the deployment ${next.deployment}`;
  return [{ against: 'soak', reason }];
}
