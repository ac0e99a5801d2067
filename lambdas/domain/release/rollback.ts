/**
 * Going back: which deployment's release, and can it be deployed again? Only what a deployment of this fleet brought to
 * its end is gone back to: *Deployed*, never what was undone or stopped halfway.
 */

import * as v from 'valibot';
import { releaseName } from '../core/artifact.ts';
import { DeploymentError } from '../core/errors.ts';
import { type Fleet, imageIsRelease } from '../core/fleet.ts';
import { PREVIOUS } from '../core/input.ts';
import { deploymentsPrefix } from '../core/names.ts';
import { plain } from '../core/words.ts';
import { type CurrentRelease, parseCurrentRelease } from './release-choice.ts';

/** What every record says, `current.json` included. */
const AnyRecord = v.object({
  fleet: v.string(),
  deployment: v.string(),
  outcome: v.string(),
  /** The deployment whose release ran before. */
  previous: v.optional(v.string()),
});
export type AnyRecord = v.InferOutput<typeof AnyRecord>;

export function parseAnyRecord(record: unknown): AnyRecord | undefined {
  const parsed = v.safeParse(AnyRecord, record);
  return parsed.success ? parsed.output : undefined;
}

/**
 * Whose release is asked for: the id itself, or that of the deployment before the one that runs.
 * @param last what `current.json` says
 * @throws NothingToRollBackTo
 */
export function decideTarget(fleet: Fleet, asked: string, last: unknown): string {
  if (asked !== PREVIOUS) return asked;
  const record = parseAnyRecord(last);
  if (!record)
    throw nothing(`${fleet.name} has no record of a deployment: there is nothing to roll back to.`);
  const { deployment, outcome, previous } = record;
  if (outcome !== 'Deployed') {
    const before = previous ? ` Before it, the release of ${plain(previous, 80)} ran.` : '';
    throw nothing(
      `The last deployment of ${fleet.name}, ${plain(deployment, 80)}, ended as ${plain(outcome, 40)}, so that nobody can ` +
        `say what was there before what runs now.${before} Name the deployment to go back to: {"rollbackTo": "ID"}.`,
    );
  }
  if (previous) return previous;
  throw nothing(
    `${fleet.name} runs the release of ${plain(deployment, 80)}, and no deployment before it is on record. ${whereRecordsAre(fleet)}`,
  );
}

/** A release that was deployed, and can be deployed again. */
export type Target = CurrentRelease;

/**
 * @param record what the deployment's own record says
 * @param last what `current.json` says
 * @throws NothingToRollBackTo when it is no record of a release that ran, or not of this fleet's files
 */
export function decideRollback(fleet: Fleet, id: string, record: unknown, last: unknown): Target {
  const found = parseAnyRecord(record);
  const isOurs = found?.fleet === fleet.name && found.deployment === id;
  if (!found || !isOurs) {
    throw nothing(
      `${fleet.name} has no deployment ${id} on record${whatRuns(last)}. ${whereRecordsAre(fleet)}`,
    );
  }
  const target = parseCurrentRelease(record);
  if (!target) {
    const ended = plain(found.outcome, 40);
    const why = ended === 'Deployed' ? 'its record cannot be read' : `it ended as ${ended} and never ran`;
    throw nothing(
      `${fleet.name} cannot go back to ${id}: ${why}${whatRuns(last)}. ${whereRecordsAre(fleet)}`,
    );
  }
  if ((target.artifact === null) !== imageIsRelease(fleet)) {
    const [was, is] = target.artifact ? ['an artifact', 'an image'] : ['an image', 'an artifact'];
    throw nothing(
      `${fleet.name} cannot go back to ${id}: its release was ${was}, and the fleets file says by now that it is ${is}. ` +
        'Put the artifact there back as it was, deploy the stack, and start again.',
    );
  }
  const foreign = foreignKeys(fleet, target);
  if (foreign.length === 0) return target;
  throw nothing(
    `${fleet.name} cannot go back to ${id}: its hosts may not read ${foreign.join(', ')} anymore, because ` +
      'the fleets file names other files by now. Put these keys back, deploy the stack, and start again.',
  );
}

/** The hosts' role lets them read the files that the fleet has now. */
function foreignKeys(fleet: Fleet, { artifact, runtimes }: Target): string[] {
  const own = new Set(fleet.runtimes.map(({ key }) => key));
  const keys = runtimes.map(({ key }) => key).filter((key) => !own.has(key));
  return (!artifact || artifact.key === fleet.artifact.key ? keys : [artifact.key, ...keys]).map((key) =>
    plain(key),
  );
}

function whatRuns(last: unknown): string {
  const current = parseCurrentRelease(last);
  return current
    ? `; it runs ${current.artifact?.versionId ?? releaseName(null, current.imageId)} since ${plain(current.deployment, 80)}${before(current)}`
    : '';
}

const before = ({ previous }: CurrentRelease) =>
  previous ? `, and before that it ran the release of ${plain(previous, 80)}` : '';

const whereRecordsAre = ({ name, artifact: { bucket } }: Fleet) =>
  `\`aws s3 ls s3://${bucket}/${deploymentsPrefix(name)}\` lists all deployments.`;

const nothing = (message: string) => new DeploymentError('NothingToRollBackTo', message);
