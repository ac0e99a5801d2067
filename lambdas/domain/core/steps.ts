/** The steps: each is a file in `lambdas/`, a function in AWS, and one or more states of the story. */

/** Step → the time limit of its function, in seconds. The state machine's task waits a little longer. */
export const STEPS = {
  'take-the-fleet-lock': 30,
  'resolve-the-image': 30,
  // Reads the whole tarball when nobody else knows its checksum.
  'resolve-the-release': 300,
  'snapshot-old-hosts': 60,
  'write-the-plan': 10,
  'launch-new-instances': 60,
  'new-hosts-are-ready': 60,
  'replace-the-stragglers': 60,
  'remove-the-stragglers': 60,
  'take-old-hosts-out-of-service': 60,
  'old-hosts-are-drained': 60,
  'watch-the-new-hosts': 60,
  'terminate-old-instances': 60,
  'retire-old-hosts-in-mackerel': 120,
  // Three writes to S3, one after the other and each with its tries, and the news: cut off, they would be told twice.
  'record-the-release': 120,
  'put-old-hosts-back': 60,
  'terminate-new-instances': 60,
  'record-the-failure': 120,
  'release-the-fleet-lock': 30,
  'take-over-the-lock': 30,
} as const;

export type StepName = keyof typeof STEPS;

export const STEP_NAMES = Object.keys(STEPS) as StepName[];
