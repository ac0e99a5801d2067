/**
 * The gates between a release that is wanted and the fleet: each opens, or refuses with a sentence, or was opened by
 * somebody who gave a reason. All are asked, so that who is refused hears everything at once; a dry run hears it too.
 */

import * as v from 'valibot';
import type { Records } from '../../ports/s3.ts';
import type { PinnedArtifact, PinnedRuntime } from '../core/artifact.ts';
import type { GateRefusal } from '../core/document.ts';
import type { Fleet } from '../core/fleet.ts';
import type { DeploymentInput, Override } from '../core/input.ts';
import { machineName, promotionKey } from '../core/names.ts';
import { freezeAt, freezeSentence } from './freeze.ts';
import { type CurrentRelease, sameFiles } from './release-choice.ts';

export interface GateFacts {
  readonly now: Date;
  readonly artifact: PinnedArtifact;
  readonly runtimes: readonly PinnedRuntime[];
  readonly image: {
    readonly imageId: string;
    readonly name: string;
    readonly createdAt?: string | undefined;
    readonly withdrawn?: readonly string[] | undefined;
  };
  /** What the fleet runs, if that is known. */
  readonly current: CurrentRelease | undefined;
  /** The record of the artifact's promotion to this fleet, as it was found; only asked for where it is demanded. */
  readonly promotion: unknown;
}

export interface GateAnswer {
  /** None: the deployment may go on. */
  readonly refusals: readonly GateRefusal[];
  /** What was let through only because somebody asked for it. */
  readonly overridden: readonly string[];
}

export function askGates(fleet: Fleet, input: DeploymentInput, facts: GateFacts): GateAnswer {
  const asked = [
    { refusal: sameAsNow(fleet, input, facts) },
    { refusal: olderImage(fleet, input, facts) },
    { refusal: lackOfProof(fleet, input, facts), opens: 'provenance', told: 'although it was not promoted' },
    { refusal: frozen(fleet, facts), opens: 'freeze', told: `although ${fleet.name} is frozen` },
  ] as const satisfies readonly Asked[];
  const closed: Asked[] = asked.filter(({ refusal }) => refusal !== undefined);
  const isOpened = ({ opens }: Asked) => opens !== undefined && (input.override?.includes(opens) ?? false);
  return {
    refusals: closed.filter((gate) => !isOpened(gate)).flatMap(({ refusal }) => refusal ?? []),
    overridden: closed.filter(isOpened).flatMap(({ told }) => told ?? []),
  };
}

/** Asks them about a release that is wanted; the proof is only looked for where it is demanded. */
export async function askGatesAbout(
  fleet: Fleet,
  input: DeploymentInput,
  facts: Omit<GateFacts, 'promotion'>,
  records: Pick<Records, 'readRecord'>,
): Promise<GateAnswer> {
  const key = promotionKey(fleet.name, facts.artifact.sha256);
  const promotion = fleet.wantsProvenance ? await records.readRecord(fleet.artifact.bucket, key) : undefined;
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
      `${fleet.name} runs exactly this: ${current.artifact.key} version ${current.artifact.versionId} on ` +
      `${current.imageId}, since ${current.deployment}. Name another deployment, or replace the hosts with {"redeploy": true}.`,
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

function frozen({ name, freezes }: Fleet, { now }: GateFacts): GateRefusal | undefined {
  const freeze = freezeAt(freezes, now);
  return (
    freeze && {
      name: 'Frozen',
      sentence:
        `${name} is frozen: ${freezeSentence(freeze)}. Start the deployment again then (nothing starts it automatically), ` +
        'or at once with {"override": ["freeze"], "reason": "…"}.',
    }
  );
}

// ── Provenance ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a promotion writes beside the artifact; of all that it says, this proves something. */
const Promotion = v.object({ fleet: v.string(), sha256: v.string(), promotedAt: v.string() });

function lackOfProof(fleet: Fleet, input: DeploymentInput, facts: GateFacts): GateRefusal | undefined {
  if (!fleet.wantsProvenance) return undefined;
  const { artifact, current, promotion } = facts;
  // The rule for new images brings nothing that does not run here already, whoever let it in.
  if (input.newImage && current?.artifact.sha256 === artifact.sha256) return undefined;
  const parsed = v.safeParse(Promotion, promotion);
  const isProof =
    parsed.success && parsed.output.fleet === fleet.name && parsed.output.sha256 === artifact.sha256;
  if (isProof) return undefined;
  return {
    name: 'NotProven',
    sentence:
      `${artifact.key} version ${artifact.versionId} (SHA-256 ${artifact.sha256.slice(0, 12)}…) was not promoted to ` +
      `${fleet.name}, which accepts only promoted artifacts. Promote it (start ${machineName(fleet.name, 'promote')}), or deploy it ` +
      'unproven with {"override": ["provenance"], "reason": "…"}.',
  };
}
