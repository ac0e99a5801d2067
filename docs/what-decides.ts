/**
 * What decides about a deployment: THE TABLE of signals, and where each is asked. A row says under which names a signal
 * ends a deployment at which step; what becomes of the deployment then is read from the state machine. A test holds the
 * names against what each step's function can throw. Who adds a signal adds a row.
 */
import { groupBy } from '../lambdas/domain/core/collections.ts';
import type { FailureName } from '../lambdas/domain/core/errors.ts';
import type { Override } from '../lambdas/domain/core/input.ts';
import { rowOf, STEP_NAMES, type StepName, titleOf } from '../lambdas/domain/core/steps.ts';
import type { SCENARIOS } from '../simulator/scenarios.ts';
import { anchorOf, code, table } from './markdown.ts';
import { isCatchAll, type Story } from './story.ts';

interface Asked {
  /** The deployment ends under one of these names. */
  readonly ends: readonly FailureName[];
  /** Not at once: the step looks again until its time is over. */
  readonly isWaitedFor?: true;
}

const ends = (...names: readonly FailureName[]): Asked => ({ ends: names });
const waits = (...names: readonly FailureName[]): Asked => ({ ends: names, isWaitedFor: true });

export interface Signal {
  readonly name: string;
  /** Whose word it is. */
  readonly whose: string;
  readonly at: Readonly<Partial<Record<StepName, Asked>>>;
  /** How a person goes on all the same; the name of a gate, or words. */
  readonly unless?: Override | { readonly words: string };
  /** One to watch, by its name. */
  readonly scenario?: keyof typeof SCENARIOS;
}

/** Seen in one look at all new hosts: see `hosts/readiness.ts`. */
const READINESS = {
  'new-hosts-are-ready': waits('NewHostsNotReady'),
  'watch-the-first-hosts': ends('ReadinessLost'),
  'take-old-hosts-out-of-service': waits('ReadinessLost'),
  'watch-the-new-hosts': ends('ReadinessLost'),
  'ask-the-hook': ends('ReadinessLost'),
  'wait-for-a-person': ends('ReadinessLost'),
  'terminate-old-instances': ends('ReadinessLost'),
} as const;

/** In the order in which a deployment meets them. */
export const SIGNALS: readonly Signal[] = [
  {
    name: 'whose image it is, and of which kind',
    whose: 'EC2',
    at: { 'resolve-the-image': ends('ImageUnusable') },
    unless: 'image',
  },
  {
    name: 'a freeze window',
    whose: 'the fleets file',
    at: { 'resolve-the-release': ends('Frozen') },
    unless: 'freeze',
    scenario: 'frozen',
  },
  {
    name: 'a hold',
    whose: 'a person',
    at: { 'resolve-the-release': ends('OnHold') },
    unless: 'hold',
    scenario: 'on-hold',
  },
  {
    name: 'the proof that it was promoted',
    whose: 'the records of the fleet before',
    at: { 'resolve-the-release': ends('NotProven') },
    unless: 'provenance',
    scenario: 'not-promoted',
  },
  {
    name: 'an image older than the one that runs',
    whose: 'EC2',
    at: { 'resolve-the-release': ends('OlderImage') },
    unless: { words: 'name the image' },
  },
  {
    name: 'who serves now, where it is contradicted',
    whose: 'Mackerel, EC2, load balancers',
    at: { 'snapshot-old-hosts': ends('SnapshotContradicts') },
  },
  {
    name: 'more hosts in service than it would launch',
    whose: 'Mackerel, EC2',
    at: { 'snapshot-old-hosts': ends('FleetWouldShrink') },
  },
  {
    name: 'a host that serves beside the fleet',
    whose: 'EC2, load balancers',
    at: { 'snapshot-old-hosts': ends('UnlistedHostServes') },
    unless: 'unlisted',
    scenario: 'old-host-unlisted',
  },
  {
    name: 'a CRITICAL alert on an old host',
    whose: 'Mackerel',
    at: { 'snapshot-old-hosts': ends('AlreadyAlerting') },
    unless: 'alerting',
  },
  {
    name: 'the monitors of watch.monitors',
    whose: 'Mackerel',
    at: {
      'snapshot-old-hosts': ends('MonitorUnusable', 'AlreadyAlerting'),
      'new-hosts-are-ready': ends('AlreadyAlerting', 'AlertDuringBake'),
      'watch-the-first-hosts': ends('AlertDuringBake'),
      'take-old-hosts-out-of-service': ends('AlertDuringBake'),
      'watch-the-new-hosts': ends('AlertDuringBake'),
      'ask-the-hook': ends('AlertDuringBake'),
      'wait-for-a-person': ends('AlertDuringBake'),
    },
    unless: 'alerting',
    scenario: 'monitor-alert',
  },
  {
    name: 'the new instances run',
    whose: 'EC2',
    at: {
      'new-hosts-are-ready': ends('NewHostDied'),
      'watch-the-first-hosts': ends('NewHostDied'),
      'take-old-hosts-out-of-service': ends('NewHostDied'),
      'watch-the-new-hosts': ends('NewHostDied'),
      'ask-the-hook': ends('NewHostDied'),
      'wait-for-a-person': ends('NewHostDied'),
      'terminate-old-instances': ends('ReadinessLost', 'NewHostDied'),
    },
    scenario: 'host-dies',
  },
  {
    name: 'registered, as working or standby',
    whose: 'Mackerel',
    at: READINESS,
    scenario: 'never-registers',
  },
  {
    name: 'in service at every load balancer',
    whose: 'load balancers',
    at: READINESS,
    scenario: 'never-healthy',
  },
  {
    name: 'a metric since the boot (wantsFreshMetric)',
    whose: 'Mackerel',
    at: READINESS,
  },
  {
    name: 'the old hosts are drained',
    whose: 'load balancers',
    at: { 'old-hosts-are-drained': waits('DrainingStuck') },
  },
  {
    name: 'any alert on a new host',
    whose: 'Mackerel',
    at: {
      'new-hosts-are-ready': ends('AlertDuringBake'),
      'watch-the-first-hosts': ends('AlertDuringBake'),
      'watch-the-new-hosts': ends('AlertDuringBake'),
      'ask-the-hook': ends('AlertDuringBake'),
      'wait-for-a-person': ends('AlertDuringBake'),
    },
    scenario: 'alert',
  },
  {
    name: 'the metrics of compare, new hosts against old ones',
    whose: 'Mackerel',
    at: {
      'new-hosts-are-ready': ends('WorseThanBefore'),
      'watch-the-first-hosts': ends('WorseThanBefore'),
      'watch-the-new-hosts': ends('WorseThanBefore'),
    },
    scenario: 'worse-than-before',
  },
  {
    name: 'a hook',
    whose: 'a function of yours',
    at: { 'ask-the-hook': waits('HookFailed') },
  },
  {
    name: 'the word of a person in a pause',
    whose: 'a person',
    at: { 'wait-for-a-person': waits('NotContinued') },
    scenario: 'paused-and-forgotten',
  },
  {
    name: 'a request to cancel',
    whose: 'a person',
    at: {
      'snapshot-old-hosts': ends('Cancelled'),
      'launch-new-instances': ends('Cancelled'),
      'new-hosts-are-ready': ends('Cancelled'),
      'watch-the-first-hosts': ends('Cancelled'),
      'take-old-hosts-out-of-service': ends('Cancelled'),
      'old-hosts-are-drained': ends('Cancelled'),
      'watch-the-new-hosts': ends('Cancelled'),
      'ask-the-hook': ends('Cancelled'),
      'wait-for-a-person': ends('Cancelled'),
      'terminate-old-instances': ends('Cancelled'),
    },
  },
];

/** The steps at which anything is asked, in the order of the story. */
export const DECIDING_STEPS = STEP_NAMES.filter((step) => SIGNALS.some(({ at }) => at[step]));

// ── What becomes of the deployment ─────────────────────────────────────────────────────────────────────────────────

/** The story's own ends for people, and the class that pictures give them. */
const ENDINGS: Readonly<Record<string, { readonly words: string; readonly kind: string }>> = {
  'Nothing was changed': { words: 'refused', kind: 'refused' },
  RolledBack: { words: 'undone', kind: 'undone' },
  StoppedHalfway: { words: 'a human is called', kind: 'bad' },
};

export interface Decision {
  readonly step: StepName;
  readonly ends: readonly { readonly name: FailureName; readonly words: string; readonly kind: string }[];
  readonly isWaitedFor: boolean;
}

/** What a signal does, at each step at which it is asked. @throws Error when the state machine ends in another way */
export function decisionsOf({ at }: Signal, story: Story): Decision[] {
  return DECIDING_STEPS.flatMap((step) => {
    const asked = at[step];
    if (!asked) return [];
    const found = asked.ends.map((name) => ({ name, ...endingOf(step, name, story) }));
    return [{ step, ends: found, isWaitedFor: asked.isWaitedFor ?? false }];
  });
}

function endingOf(step: StepName, name: FailureName, { acts, tracks }: Story) {
  const { title, act } = rowOf(step);
  const { failures = [] } = acts.flatMap(({ rows }) => rows).find((row) => row.name === title) ?? {};
  const way = failures.find((each) => each.errors.includes(name)) ?? failures.find(isCatchAll);
  // A state that this fleet does without fails as its act does.
  const to = way?.to ?? acts.find((each) => each.title === titleOf(act))?.failsTo ?? '';
  const ending = ENDINGS[tracks.get(to)?.end ?? ''];
  if (!ending)
    throw new Error(`How ${name} of "${title}" ends is not known: add it to docs/what-decides.ts.`);
  return ending;
}

/** `waited for, else undone` */
export const wordsOf = ({ ends: those, isWaitedFor }: Decision): string => {
  const words = [...new Set(those.map((each) => each.words))].join(', or ');
  return isWaitedFor ? `waited for, else ${words}` : words;
};

// ── The page ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function signalTable(story: Story): string {
  const rows = SIGNALS.map((signal) => [
    signal.name.replace(/\b(watch\.monitors|wantsFreshMetric|compare)\b/, '`$1`'),
    signal.whose,
    [...groupBy(decisionsOf(signal, story), becomesOf)].map(toldOf).join('<br>'),
    unlessOf(signal),
    signal.scenario ? code(signal.scenario) : '',
  ]);
  return table(['signal', 'whose word', 'decides at', 'to go on all the same', 'to watch it'], rows);
}

/** `undone (ReadinessLost)`, each with its place in the runbook. */
const becomesOf = (decision: Decision): string => {
  const names = decision.ends.map(({ name }) => `[${code(name)}](runbook.md#${anchorOf(name)})`);
  return `${wordsOf(decision)} (${names.join(', ')})`;
};

/** Steps at which the same becomes of it are told together. */
const toldOf = ([becomes, those]: readonly [string, readonly Decision[]]): string =>
  `${those.map(({ step }) => `*${rowOf(step).title}*`).join(', ')}: ${becomes}`;

function unlessOf({ unless }: Signal): string {
  if (unless === undefined) return '';
  return typeof unless === 'string' ? code(`--override ${unless}`) : unless.words;
}
