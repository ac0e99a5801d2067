/** What a wait has said, for the timeline: each new kind of sentence once, and not more than can be read. */
import { plain } from './words.ts';

/** By epoch seconds. */
export type Said = [number, string][];

/** The first two say how it began, the others how it came to its end. */
const FIRST = 2;
const MOST = 5;
const LONGEST = 200;

/** Counts, spans and ids go on changing in what is the same sentence to a reader. */
const shape = (sentence: string) =>
  sentence.replace(/\b(i|host)-?[0-9a-f]{4,}\b|\d+( (h|min|s)\b( \d+ (min|s)\b)?)?/g, '#');

export function saidSoFar(earlier: Said | undefined, now: Date, sentence: string): Said {
  const said = earlier ?? [];
  const text = plain(sentence, LONGEST);
  // Of the last two: a host that comes and goes would say the same two in turn, for ever.
  if (said.slice(-2).some(([, each]) => shape(each) === shape(text))) return said;
  const all: Said = [...said, [Math.round(now.getTime() / 1000), text]];
  return all.length <= MOST ? all : [...all.slice(0, FIRST), ...all.slice(FIRST + 1)];
}
