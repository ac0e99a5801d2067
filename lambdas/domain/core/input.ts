/**
 * What a deployment may be started with: the contract of the upload rule, of CI's `StartExecution` and of a person
 * who presses *Start execution*. `{}` deploys the newest upload.
 */
import * as v from 'valibot';
import { overriding } from './names.ts';
import { parseExecutionInput } from './parse-document.ts';
import { unexplained } from './reason.ts';
import { characters, plain } from './words.ts';

export const atMost = (longest: number) =>
  v.check<string, string>((text) => characters(text) <= longest, `at most ${longest} characters`);
const text = (longest: number) => v.pipe(v.string('a string'), atMost(longest));

/** For people to read, in records, logs and at a terminal: kept as one line of what can be shown. */
const words = (longest: number) =>
  v.pipe(
    v.string('a string'),
    atMost(longest),
    v.transform((given) => plain(given, longest)),
  );

const UPLOAD = {
  eventId: text(128),
  requester: v.optional(words(256)),
  reason: v.optional(words(64)),
} as const;

const NEW_IMAGE = { eventId: text(128) } as const;

/** The gates that a person may open, with a reason. (A soak is asked for when an artifact is promoted.) */
export const OVERRIDES = ['freeze', 'hold', 'provenance', 'unlisted', 'alerting', 'image'] as const;
export type Override = (typeof OVERRIDES)[number];

/** What `rollbackTo` may say instead of a deployment's id. */
export const PREVIOUS = 'previous';

const only = (fields: object) => `only ${Object.keys(fields).join(', ')}`;

const DEPLOYMENT = v.pipe(
  v.string('a string'),
  v.regex(/^[A-Za-z0-9._-]{1,80}$/, 'the id of the deployment that runs, as `irekae status` shows it'),
);

const FIELDS = {
  /** Only the fleet's own bucket and key are accepted: whoever names them is told when they are not the fleet's. */
  bucket: v.optional(text(63)),
  key: v.optional(text(1024)),
  /** The artifact version to deploy; without it, the newest. */
  versionId: v.optional(
    v.pipe(
      v.string('a string'),
      v.regex(/^[A-Za-z0-9._-]{1,1024}$/, 'an S3 version id, as `aws s3api list-object-versions` shows it'),
    ),
  ),
  /** The machine image to launch; without it, the newest of the fleet's kind. */
  amiId: v.optional(
    v.pipe(
      v.string('a string'),
      v.regex(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, 'an image id such as ami-0123456789abcdef0'),
    ),
  ),
  /** Go back to the release of this deployment: its artifact, runtimes and image. `previous`: what ran before. */
  rollbackTo: v.optional(
    v.pipe(
      v.string('a string'),
      v.regex(/^[A-Za-z0-9._-]{1,80}$/, `the id of a deployment of this fleet, or ${PREVIOUS}`),
    ),
  ),
  /** Let it through these gates. Needs a reason; both are kept in the release record. */
  override: v.optional(
    v.pipe(v.array(v.picklist(OVERRIDES, OVERRIDES.join(' or ')), 'a list'), v.maxLength(10, 'at most 10')),
  ),
  /** Why; kept in the release record. */
  reason: v.optional(words(256)),
  /** Who or what started it; kept in the release record as what the start says. Who it was, CloudTrail knows. */
  startedBy: v.optional(words(128)),
  /** Change nothing, answer with the plan. */
  dryRun: v.optional(v.boolean('true or false')),
  /** Deploy although the fleet runs exactly this release already. */
  redeploy: v.optional(v.boolean('true or false')),
  /** Starts nothing: lets this deployment, which waits for a person, go on. Only reason and startedBy beside it. */
  go: v.optional(DEPLOYMENT),
  /** Starts nothing: has this deployment undo itself. Only reason and startedBy beside it. */
  cancel: v.optional(DEPLOYMENT),
  /** Set by the upload rule alone: such a deployment ends as superseded when a newer version is there. */
  upload: v.optional(v.strictObject(UPLOAD, only(UPLOAD))),
  /** Set by the new-image rule alone: what runs now (without an artifact: what is new), on the newest image of the fleet's kind. */
  newImage: v.optional(v.strictObject(NEW_IMAGE, only(NEW_IMAGE))),
} as const;

/** Field → those that contradict it: each says by itself which artifact or image it wants. */
const STANDS_ALONE: Readonly<Record<string, readonly string[]>> = {
  rollbackTo: ['versionId', 'redeploy', 'upload', 'newImage'],
  newImage: ['versionId', 'amiId', 'redeploy', 'upload'],
};

/** What tells a deployment something, and starts none: it stands beside who says so, and why. */
const TELLS = ['go', 'cancel'] as const;
const BESIDE_TELLING = ['reason', 'startedBy'];

export const DeploymentInput = v.pipe(
  v.strictObject(FIELDS, only(FIELDS)),
  // Also of an input with other problems: all of them are told at once.
  v.rawCheck(({ dataset, addIssue }) => {
    const given = Object(dataset.value) as Readonly<Record<string, unknown>>;
    for (const { field, allowed } of contradictions(given)) {
      const value = given[field];
      addIssue({
        message: allowed,
        input: value,
        path: [{ type: 'object', origin: 'value', input: given, key: field, value }],
      });
    }
  }),
);
export type DeploymentInput = v.InferOutput<typeof DeploymentInput>;

function contradictions(given: Readonly<Record<string, unknown>>): { field: string; allowed: string }[] {
  const isGiven = (field: string) => given[field] !== undefined && given[field] !== false;
  const clashes = Object.entries(STANDS_ALONE).flatMap(([alone, others]) =>
    others
      .filter((field) => isGiven(alone) && isGiven(field))
      .map((field) => ({ field, allowed: `nothing beside ${alone}` })),
  );
  const told = TELLS.filter(isGiven);
  const beside = Object.keys(FIELDS).filter(
    (field) => isGiven(field) && !BESIDE_TELLING.includes(field) && field !== told[0],
  );
  const more =
    told.length > 0 ? beside.map((field) => ({ field, allowed: `nothing beside ${told[0]}` })) : [];
  return [...clashes, ...more, ...unexplained(given)];
}

/** @throws InvalidInput */
export const parseInput = (input: unknown): DeploymentInput =>
  parseExecutionInput(DeploymentInput, ofUnversioned(input), 'deploys the newest upload');

/**
 * A bucket that keeps no versions tells of an upload without one, and EventBridge makes of that nothing, `null` or an
 * empty text: the artifact then says what is wrong with its bucket. Of anybody else, an empty version is a mistake.
 */
function ofUnversioned(input: unknown): unknown {
  const { versionId, ...others } = Object(input);
  return others.upload && (versionId === null || versionId === '') ? others : input;
}

/** Where the rule for new images has started it. */
export const NEW_IMAGE_STARTS = 'a new machine image';

/** Who or what started the deployment, in one phrase: as the start says, of which AWS confirms nothing. */
export function startedBy(input: DeploymentInput): string {
  if (input.startedBy) return input.startedBy;
  if (input.newImage) return NEW_IMAGE_STARTS;
  return input.upload ? `upload by ${input.upload.requester ?? 'unknown'}` : 'StartExecution';
}

/** What says which release is asked for. */
const OF_RELEASE = ['versionId', 'amiId', 'rollbackTo', 'redeploy'] as const;

/** What opens this gate, too, for what is asked for: without the rest of the input it would be another release. */
export function insisting(fleet: string, gate: Override, input: DeploymentInput): string {
  const release = OF_RELEASE.filter((field) => input[field] !== undefined);
  const gates = [...new Set([...(input.override ?? []), gate])];
  return overriding(
    fleet,
    gates.join('", "'),
    release.map((field) => `"${field}": ${JSON.stringify(input[field])}, `).join(''),
  );
}
