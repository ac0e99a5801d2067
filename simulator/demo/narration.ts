/** Turns of the story and changes of the world, as lines. What was just said is not repeated. */

import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import { list } from '../../lambdas/domain/core/words.ts';
import { explain } from '../../lambdas/domain/record/ending.ts';
import type { StoryEvent } from '../run-definition.ts';
import type { WorldEvent } from '../world/events.ts';

export interface Line {
  /** `says`: a step's sentence. `does`: a change that it makes. `happens`: a change that nobody makes. */
  readonly kind: 'upload' | 'phase' | 'says' | 'does' | 'happens' | 'fails' | 'ends';
  readonly at: Date;
  readonly text: string;
  /** The state that says it. */
  readonly state?: string;
}

/** A wait may alternate between sentences (not every look calls Mackerel): this many are remembered. */
const REMEMBERED = 3;

export class Narrator {
  #state = '';
  #said: string[] = [];
  #sentence = '';

  /** What the running step said last; for a wait that alternates, the one that was shown. */
  get sentence(): string {
    return this.#sentence;
  }

  /** The step's sentence, if it is new. */
  said({ at, state, answer }: StoryEvent): Line | undefined {
    if (state !== this.#state) this.#said = [];
    this.#state = state;
    const { reason, outcome } = Object(answer) as { reason?: unknown; outcome?: unknown };
    // The record only repeats earlier sentences.
    const text = outcome === undefined ? reason : 'release recorded';
    if (typeof text !== 'string') return undefined;
    const gist = withoutSpans(text);
    if (gist === this.#said.at(-1)) this.#sentence = text;
    if (this.#said.includes(gist)) return undefined;
    this.#said = [...this.#said, gist].slice(-REMEMBERED);
    this.#sentence = text;
    return { kind: 'says', at, state, text };
  }
}

/** A sentence that only counts down says nothing new. */
const withoutSpans = (text: string) => text.replace(/\b\d{1,9} (h|min|s)\b/g, '…');

export function failed({ at, state, answer }: StoryEvent): Line {
  const { name, message } = answer instanceof Error ? answer : new Error(String(answer));
  const { name: error, sentence } = explain({ Error: name, Cause: message });
  return { kind: 'fails', at, state, text: `${error}: ${sentence}` };
}

/** What is worth a line of its own; records and marks on graphs are not. */
export function changed(event: WorldEvent): Line | undefined {
  const text = event.changed.length === 0 ? undefined : sentenceOf(event, list(event.changed, 3));
  return text === undefined
    ? undefined
    : { kind: event.by === 'scenario' ? 'happens' : 'does', at: event.at, text };
}

function sentenceOf(event: WorldEvent, who: string): string | undefined {
  const one = event.changed.length === 1;
  switch (event.kind) {
    case 'instances-launched':
      return `EC2 launches ${who}`;
    case 'instances-registered':
      return `${who} ${one ? 'joins' : 'join'} ${loadBalancerName(event.loadBalancer)}`;
    case 'instances-deregistered':
      return `${who} ${one ? 'leaves' : 'leave'} ${loadBalancerName(event.loadBalancer)}`;
    case 'instances-terminated':
      return `${who} ${one ? 'starts' : 'start'} shutting down`;
    case 'application-broken':
      return `the application on ${who} stops answering`;
    case 'application-healed':
      return `the application on ${who} answers again`;
    case 'instance-died':
    case 'instance-stopped':
      return `${who} ${one ? 'stops by itself' : 'stop by themselves'}`;
    case 'alert-opened':
      return `Mackerel opens an alert (${who})`;
    default:
      return undefined;
  }
}
