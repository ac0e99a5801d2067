/**
 * The gates between a release that is wanted and the fleet: each opens, or refuses with a sentence, or was opened by
 * somebody who gave a reason. All are asked, so that who is refused hears everything at once; a dry run hears it too.
 */

import type { OnHold } from '../../ports/ledger.ts';
import type { Records } from '../../ports/s3.ts';
import { type PinnedRuntime, type ReleasedArtifact, releaseName } from '../core/artifact.ts';
import type { GateRefusal } from '../core/document.ts';
import type { Fleet } from '../core/fleet.ts';
import { type DeploymentInput, insisting, type Override } from '../core/input.ts';
import { commandAt } from '../core/names.ts';
import { freezeAt, freezeSentence } from './freeze.ts';
import { holdSentence } from './hold.ts';
import { findProof, lackOfProof, otherImage, otherRuntimes } from './proven.ts';
import { type CurrentRelease, sameFiles } from './release-choice.ts';

export interface GateFacts {
  readonly now: Date;
  readonly artifact: ReleasedArtifact;
  readonly runtimes: readonly PinnedRuntime[];
  readonly image: {
    readonly imageId: string;
    readonly name: string;
    readonly createdAt?: string | undefined;
    readonly copyOf?: string | undefined;
    readonly withdrawn?: readonly string[] | undefined;
  };
  /** What the fleet runs, if that is known. */
  readonly current: CurrentRelease | undefined;
  /** The hold that stands now, if one does. */
  readonly onHold: OnHold | undefined;
  /** The proof that this version was promoted to this fleet, as it was found; only asked for where it is demanded. */
  readonly promotion: unknown;
}

export interface GateAnswer {
  /** None: the deployment may go on. */
  readonly refusals: readonly GateRefusal[];
  /** What was let through only because somebody asked for it. */
  readonly overridden: readonly string[];
  /** The image that the artifact was tested on, where it is to run on another one. */
  readonly testedImage?: string;
}

export function askGates(fleet: Fleet, input: DeploymentInput, facts: GateFacts): GateAnswer {
  const image = otherImage(fleet, input, facts);
  const asked = [
    { refusal: sameAsNow(fleet, input, facts) },
    { refusal: olderImage(fleet, input, facts) },
    { refusal: lackOfProof(fleet, input, facts), opens: 'provenance', told: 'although it was not promoted' },
    {
      refusal: otherRuntimes(fleet, input, facts),
      opens: 'provenance',
      told: 'although its runtimes are not those that it was tested with',
    },
    // What is launched on another image is told anyway.
    { refusal: image?.refusal, opens: 'provenance', told: '' },
    { refusal: frozen(fleet, input, facts), opens: 'freeze', told: `although ${fleet.name} is frozen` },
    { refusal: held(fleet, input, facts), opens: 'hold', told: `although ${fleet.name} is on hold` },
  ] as const satisfies readonly Asked[];
  const closed: Asked[] = asked.filter(({ refusal }) => refusal !== undefined);
  const isOpened = ({ opens }: Asked) => opens !== undefined && (input.override?.includes(opens) ?? false);
  return {
    refusals: closed.filter((gate) => !isOpened(gate)).flatMap(({ refusal }) => refusal ?? []),
    overridden: [...closed.filter(isOpened).map(({ told }) => told), image?.told].flatMap(
      (told) => told || [],
    ),
    ...(image && { testedImage: image.testedImage }),
  };
}

/** Asks them about a release that is wanted; the proof is only looked for where it is demanded. */
export async function askGatesAbout(
  fleet: Fleet,
  input: DeploymentInput,
  facts: Omit<GateFacts, 'promotion'>,
  records: Pick<Records, 'readRecord'>,
): Promise<GateAnswer> {
  const promotion =
    fleet.wantsProvenance && facts.artifact ? await findProof(fleet, facts.artifact, records) : undefined;
  return askGates(fleet, input, { ...facts, promotion });
}

/** A gate that was asked: what it said, who may open it all the same, and what is then told. */
interface Asked {
  readonly refusal: GateRefusal | undefined;
  readonly opens?: Override;
  readonly told?: string;
}

/** Who rolls back to what runs has mistaken one deployment for another: a success would say that it helped. */
function sameAsNow(fleet: Fleet, { rollbackTo }: DeploymentInput, facts: GateFacts): GateRefusal | undefined {
  const { current, image } = facts;
  if (rollbackTo === undefined || !current || current.imageId !== image.imageId) return undefined;
  if (!sameFiles(facts, current)) return undefined;
  return {
    name: 'NothingToRollBackTo',
    sentence:
      `${fleet.name} runs exactly this: ${releaseName(current.artifact, current.imageId)}` +
      `${current.artifact ? ` on ${current.imageId}` : ''}, since ${current.deployment}. Name another deployment, or replace the hosts with {"redeploy": true}.`,
  };
}

/**
 * Whoever names an image, or a release with its image, has asked for that one, however old. Where the owner of the newer
 * one has withdrawn it, what became of it is known.
 */
function olderImage(fleet: Fleet, input: DeploymentInput, facts: GateFacts): GateRefusal | undefined {
  const { current, image } = facts;
  if (input.amiId || input.rollbackTo || !current || !isOlder(image, current)) return undefined;
  if (image.withdrawn?.includes(current.imageId)) return undefined;
  return {
    name: 'OlderImage',
    sentence:
      `The newest image of its kind, ${image.imageId} (${image.name}) of ${image.createdAt}, is older than ` +
      `${current.imageId} of ${current.imageCreatedAt}, which ${fleet.name} runs. Find out what happened to the newer one; ` +
      `or, if the older one is meant, start with {"amiId": "${image.imageId}"}.`,
  };
}

/** Of a record or an image whose date is not known nothing is said. */
export function isOlder(image: GateFacts['image'], current: CurrentRelease): boolean {
  if (image.imageId === current.imageId) return false;
  return Date.parse(image.createdAt ?? '') < Date.parse(current.imageCreatedAt ?? '');
}

function frozen(
  { name, freezes }: Fleet,
  input: DeploymentInput,
  { now }: GateFacts,
): GateRefusal | undefined {
  const freeze = freezeAt(freezes, now);
  return (
    freeze && {
      name: 'Frozen',
      sentence:
        `${name} is frozen: ${freezeSentence(freeze)}. Start the deployment again then (nothing starts it automatically), ` +
        `or at once by ${insisting(name, 'freeze', input)}.`,
    }
  );
}

/** Whoever starts is told who wants nothing to start, and why: that one can be asked. */
function held({ name }: Fleet, input: DeploymentInput, { onHold }: GateFacts): GateRefusal | undefined {
  return (
    onHold && {
      name: 'OnHold',
      sentence:
        `${name} is on hold: ${holdSentence(onHold)}. Start the deployment again then (nothing starts it automatically); ` +
        `to lift the hold: ${commandAt('release', name)}; or at once, beside it, by ${insisting(name, 'hold', input)}.`,
    }
  );
}
