/**
 * What a deployment may be started with: the contract of the upload rule, of CI's `StartExecution` and of a person
 * who presses *Start execution*. `{}` deploys the newest upload.
 */
import * as v from 'valibot';
import { DeploymentError } from './errors.ts';
import { problems } from './problems.ts';
import { plain } from './words.ts';

const atMost = (longest: number) =>
  v.maxLength<string, number, string>(longest, `at most ${longest} characters`);
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

const only = (fields: object) => `only ${Object.keys(fields).join(', ')}`;

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
  /** Why; kept in the release record. */
  reason: v.optional(words(256)),
  /** Who or what started it; kept in the release record. */
  startedBy: v.optional(words(128)),
  /** Change nothing, answer with the plan. */
  dryRun: v.optional(v.boolean('true or false')),
  /** Deploy although the fleet runs exactly this release already. */
  redeploy: v.optional(v.boolean('true or false')),
  /** Set by the upload rule alone: such a deployment ends as superseded when a newer version is there. */
  upload: v.optional(v.strictObject(UPLOAD, only(UPLOAD))),
} as const;

export const DeploymentInput = v.strictObject(FIELDS, only(FIELDS));
export type DeploymentInput = v.InferOutput<typeof DeploymentInput>;

/**
 * The execution input as a type.
 * @throws InvalidInput with all problems, each with the value given and what is allowed.
 */
export function parseInput(input: unknown): DeploymentInput {
  // JSON arrays are objects to the schema library; an empty one would pass as {}.
  const parsed = v.safeParse(DeploymentInput, Array.isArray(input) ? 'an array' : input);
  if (parsed.success) return parsed.output;
  const list = problems(parsed.issues);
  throw new DeploymentError(
    'InvalidInput',
    `${list.length === 1 ? 'One problem' : `${list.length} problems`} with the execution input: ${list.join('; ')}. ` +
      'Start again with input as the README’s section "Starting a deployment" describes; {} deploys the newest upload.',
  );
}

/** Who or what started the deployment, in one phrase. */
export function startedBy(input: DeploymentInput): string {
  if (input.startedBy) return input.startedBy;
  return input.upload ? `upload by ${input.upload.requester ?? 'unknown'}` : 'StartExecution';
}
