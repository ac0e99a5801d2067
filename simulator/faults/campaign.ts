/**
 * Which cases there are. Each kind of deployment is played once without faults, and the moments that it reaches are
 * recorded. A look repeats the same calls dozens of times: of each call in each state the first, second and last are
 * broken, which is where a step does something for the first time, again, and for the last time.
 */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Random } from '../world/prng.ts';
import type { Case, Injury, Moment } from './case.ts';
import { catalogueOf, outagesAt } from './catalogue.ts';
import type { Reached } from './injector.ts';
import { KINDS, type KindName } from './kinds.ts';
import { play } from './play.ts';

/** The deployment of a kind, without faults. @throws Error when even that one breaks a rule. */
export async function record(
  template: TemplateJson,
  kind: KindName,
  seed: number,
): Promise<readonly Reached[]> {
  const { violations, outcome, reached } = await play(template, { kind, seed, injuries: [] });
  if (violations.length > 0 || outcome !== KINDS[kind].outcome)
    throw new Error(`${kind}, without faults, ended with ${outcome}: ${JSON.stringify(violations)}`);
  return reached;
}

/** The moments of a recording to break: of each kind of moment the first, the second and the last. */
export function classes(reached: readonly Reached[]): readonly Reached[] {
  const groups = new Map<string, Reached[]>();
  for (const moment of reached) {
    const key = `${moment.machine} ${moment.state} ${moment.what}`;
    groups.set(key, [...(groups.get(key) ?? []), moment]);
  }
  return [...groups.values()].flatMap((those) => [
    ...new Set([those[0], those[1], those.at(-1)].filter((moment) => moment !== undefined)),
  ]);
}

/** Every fault of the moment's catalogue, at every moment. */
export function injuriesAt(moments: readonly Reached[]): readonly Injury[] {
  return moments.flatMap(({ isTask, ...moment }) =>
    catalogueOf(moment.what, isTask).map((fault) => ({ moment, fault })),
  );
}

/** Every outage of what only tells, from each call to it on: more than are played in one run. */
export async function outages(
  template: TemplateJson,
  kinds: readonly KindName[],
  seed: number,
): Promise<readonly Case[]> {
  const cases: Case[] = [];
  for (const kind of kinds)
    for (const { isTask, ...moment } of classes(await record(template, kind, seed)))
      for (const fault of outagesAt(moment.what)) cases.push({ kind, seed, injuries: [{ moment, fault }] });
  return cases;
}

/** Every single fault of a kind of deployment. */
export async function singles(
  template: TemplateJson,
  kind: KindName,
  seed: number,
): Promise<readonly Case[]> {
  return singlesOf(kind, seed, await record(template, kind, seed));
}

/** The same, from an existing recording. */
export function singlesOf(kind: KindName, seed: number, recording: readonly Reached[]): readonly Case[] {
  const injuries = injuriesAt(classes(recording));
  return injuries.map((injury) => ({ kind, seed, injuries: [injury] }));
}

export async function allSingles(
  template: TemplateJson,
  kinds: readonly KindName[],
  seed: number,
): Promise<readonly Case[]> {
  const cases: Case[] = [];
  for (const kind of kinds) cases.push(...(await singles(template, kind, seed)));
  return cases;
}

/** Pairs that share their first fault: what it changes decides where the second can occur. */
export const PAIRS_PER_BATCH = 10;

/**
 * Batch number `batch` of ten pairs of a seed: a first fault somewhere, and ten second ones at moments that the
 * deployment reaches after the first.
 */
export async function pairs(
  template: TemplateJson,
  first: readonly Case[],
  seed: number,
  batch: number,
): Promise<readonly Case[]> {
  const random = new Random(seed).branch(`pairs ${batch}`);
  const one = pick(first, random);
  const [injury] = one.injuries;
  if (!injury) return [];
  const { reached } = await play(template, one);
  const after = injuriesAt(classes(reached.slice(indexOf(injury.moment, reached) + 1)));
  if (after.length === 0) return [];
  return Array.from({ length: PAIRS_PER_BATCH }, () => ({
    ...one,
    injuries: [injury, pick(after, random)],
  }));
}

const indexOf = (moment: Moment, reached: readonly Reached[]) =>
  reached.findIndex(
    ({ machine, state, what, nth }) =>
      machine === moment.machine && state === moment.state && what === moment.what && nth === moment.nth,
  );

function pick<T>(list: readonly T[], random: Random): T {
  const found = list[Math.floor(random.next() * list.length)];
  if (found === undefined) throw new Error('Nothing to pick from.');
  return found;
}

/** The same cases in an order that the seed decides: the first n of them are a fair sample. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = new Random(seed).branch('shuffle');
  return list
    .map((item) => ({ item, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

/**
 * A sample that prefers what is rare: a case weighs the less the more others there are of its kind and state, and of its
 * call and fault. Drawn by the seed, without repetition (each by an exponential clock of its weight).
 */
export function rareFirst(cases: readonly Case[], seed: number): Case[] {
  const random = new Random(seed).branch('rare first');
  const classesOf = ({ kind, injuries }: Case) =>
    injuries.map(({ moment: { machine, state, what }, fault }) => ({
      place: `${kind} ${machine} ${state}`,
      way: `${what} ${fault}`,
    }));
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { place, way } of cases.flatMap(classesOf)) [place, way].forEach(count);
  const others = (each: Case) =>
    classesOf(each).reduce(
      (product, { place, way }) => product * (counts.get(place) ?? 1) * (counts.get(way) ?? 1),
      1,
    );
  return cases
    .map((item) => ({ item, order: -Math.log(1 - random.next()) * others(item) }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
