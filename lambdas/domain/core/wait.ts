/**
 * What a wait is: a step that looks again and again until it is content, or until its time is over. Its definition says
 * what it looks at, when it is done and what its deadline says; how often to look, what it means when nobody answers,
 * and how a wait remembers are the same for all.
 */
import * as v from 'valibot';
import type { Clock } from '../../ports/clock.ts';
import { type After, type Look, type Milestones, parseDeployment, type StepKey } from './document.ts';
import type { DeploymentError } from './errors.ts';
import {
  againSoon,
  deadlineOf,
  type Finding,
  lookOrUnknown,
  lostSeconds,
  nextLook,
  sparsePause,
} from './looks.ts';
import { parseDocument } from './parse-document.ts';
import type { Point } from './points.ts';
import type { Step } from './step.ts';
import { rowOf, type WaitName } from './steps.ts';
import { STATES, type StateTitle, stateRow } from './story.ts';
import { secondsBetween } from './words.ts';

/** What a wait remembers from look to look: numbers by their names, and one per host. Moments are epoch milliseconds. */
export type Memory<Name extends string = never> = { readonly [N in Name]?: number | undefined } & {
  readonly hosts: Readonly<Record<string, number>>;
};

/** What a look found. Without a memory, what was remembered is forgotten. */
export interface Found<Name extends string = never> extends Omit<Finding, 'memory'> {
  readonly memory?: Memory<Name>;
}

/** One turn of a wait. */
export interface Turn<Name extends string = never, Extra = object> {
  readonly now: Date;
  /** The look at or after this moment is the last one. */
  readonly deadline: Date;
  /** Since the first look. */
  readonly secondsPassed: number;
  readonly memory: Memory<Name>;
  /** What the look before found; absent: this is the first. */
  readonly previous: (Look & Partial<Extra>) | undefined;
  /** Of a wait that stands in several states: at which point of the story this one is. */
  readonly at: Point | undefined;
  /** How far each host has come, by the looks before. */
  readonly seen: Milestones | undefined;
  /** What is to be remembered when the rest of the look fails. Default: what was remembered before. */
  remember(memory: Memory<Name>): void;
  /** Puts something into the answer beside the look. It stays there when the rest of the look fails. */
  keep(extra: Extra): void;
}

export interface WaitDefinition<Needed, K extends StepKey, Name extends string, Extra> {
  /** The answers that it needs: parsed and typed; the rest may be absent. */
  readonly needs: readonly K[];
  /** The names of what it remembers; whatever else is in its memory is about hosts. */
  readonly remembers?: readonly Name[];
  /** What it keeps from look to look beside the look. */
  readonly keeps?: readonly (keyof Extra & string)[];
  /** From when its time counts, ISO 8601. Default: from the first look. */
  readonly from?: (deployment: After<K>) => string;
  /** For how many seconds it waits, if that is less than the table allows. */
  readonly seconds?: (deployment: After<K>, at: Point | undefined) => number;
  /** After how many seconds a look has to be made, before its time is over. */
  readonly dueSeconds?: (
    deployment: After<K>,
    at: Point | undefined,
    previous: (Look & Partial<Extra>) | undefined,
  ) => number;
  /**
   * It asks for something, or tells somebody: a look is one poll, whenever the next one is due; and when it is over and the
   * story comes back to it (the shift may send it back to wait for the new hosts), it is over still.
   */
  readonly asksOnce?: true;
  readonly look: (deployment: After<K>, ports: Needed, turn: Turn<Name, Extra>) => Promise<Found<Name>>;
  /** What is thrown when its time is over. */
  readonly late: (
    deployment: After<K>,
    late: {
      readonly reason: string;
      readonly seconds: number;
      readonly now: Date;
      readonly at: Point | undefined;
    },
    ports: Needed,
  ) => DeploymentError | Promise<DeploymentError>;
}

export function defineWait<
  Needed extends { readonly clock: Clock },
  K extends StepKey,
  Name extends string = never,
  Extra extends object = object,
>(name: WaitName, wait: WaitDefinition<Needed, K, Name, Extra>): Step<Needed, Look & Partial<Extra>> {
  const { key: ownKey, lasts = () => 0, looksEverySeconds = () => 0, looksSparsely, isPatient } = rowOf(name);
  const poll = async (
    deployment: After<K>,
    ports: Needed,
    { key = ownKey, at }: Place,
  ): Promise<Look & Partial<Extra>> => {
    const previous = sinceThen(
      deployment[key] as (Look & Partial<Extra>) | undefined,
      wait.from?.(deployment),
    );
    if (wait.asksOnce && previous?.ready) return previous;
    const now = ports.clock.now();
    // Elsewhere it ends in an undo.
    const lost = isPatient ? lostSeconds(previous, now) : 0;
    const seconds = (wait.seconds?.(deployment, at) ?? lasts(deployment.fleet)) + lost;
    const until = (length: number) => deadlineOf(previous, now, length, wait.from?.(deployment));
    const deadline = until(seconds);
    let extra = kept(previous, wait.keeps);
    let fallback = previous?.memory;
    const turn: Turn<Name, Extra> = {
      now,
      deadline,
      secondsPassed: secondsBetween(previous?.since ?? now, now),
      memory: remembered(previous?.memory, wait.remembers),
      previous,
      at,
      seen: previous?.seen,
      remember: (memory) => {
        fallback = flat(memory);
      },
      keep: (more) => {
        extra = { ...extra, ...more };
      },
    };
    const found = await lookOrUnknown(
      async () => {
        const { memory, ...rest } = await wait.look(deployment, ports, turn);
        return { ...rest, ...(memory && { memory: flat(memory) }) };
      },
      () => fallback,
    );
    if (!found.ready && now >= deadline)
      throw await wait.late(deployment, { reason: found.reason, seconds, now, at }, ports);
    const due = wait.dueSeconds && until(wait.dueSeconds(deployment, at, previous));
    const next = due && now < due ? due : deadline;
    const patienceSeconds = looksSparsely
      ? (found.patienceSeconds ?? sparsePause(turn.secondsPassed))
      : Math.max(looksEverySeconds(deployment.fleet), found.patienceSeconds ?? 0);
    return { ...nextLook(previous, now, next, { ...found, patienceSeconds, lostSeconds: lost }), ...extra };
  };
  return {
    name,
    run: async (given, ports) => {
      const { document, place } = placeOf(given);
      const deployment = parseDeployment(document, wait.needs);
      const first = await poll(deployment, ports, place);
      const isDue = !wait.asksOnce && (await againSoon(first, ports.clock));
      // As if the story had come round with it: what the first poll found is what the second one goes on from.
      return isDue ? poll({ ...deployment, [place.key ?? ownKey]: first }, ports, place) : first;
    },
  };
}

/** Where in the story this is, for a step that stands in several states. */
type Place = Partial<Pick<ReturnType<typeof stateRow>, 'key' | 'at'>>;

/** The story says so beside the document. */
const Told = v.object({
  document: v.unknown(),
  state: v.picklist(Object.keys(STATES) as StateTitle[]),
});

function placeOf(given: unknown): { readonly document: unknown; readonly place: Place } {
  if (!Object.hasOwn(Object(given), 'state')) return { document: given, place: {} };
  const { document, state } = parseDocument(Told, given, []);
  return { document, place: stateRow(state) };
}

/** A wait whose time counts from a later moment than its first look has begun anew, and looks as often as then. */
const sinceThen = <Known extends Look>(previous: Known | undefined, from?: string): Known | undefined =>
  previous && from !== undefined && from > previous.since ? { ...previous, since: from } : previous;

function kept<Extra extends object>(
  previous: Partial<Extra> | undefined,
  names: readonly (keyof Extra & string)[] = [],
): Partial<Extra> {
  const known = names.filter((name) => previous?.[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, previous?.[name]])) as Partial<Extra>;
}

/** In the document a memory is flat: names and host ids side by side. */
function remembered<Name extends string>(
  memory: Look['memory'] = {},
  names: readonly Name[] = [],
): Memory<Name> {
  const entries = Object.entries(memory);
  const isNamed = ([name]: [string, number]) => (names as readonly string[]).includes(name);
  const hosts = Object.fromEntries(entries.filter((entry) => !isNamed(entry)));
  return { ...Object.fromEntries(entries.filter(isNamed)), hosts } as Memory<Name>;
}

function flat<Name extends string>({ hosts, ...named }: Memory<Name>): NonNullable<Look['memory']> {
  const known = Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return { ...hosts, ...Object.fromEntries(known) };
}
