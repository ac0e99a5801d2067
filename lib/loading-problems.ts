/** Why a file could not be loaded, with the line: whatever the loader threw, of TypeScript, JSON or YAML. */
import { relative } from 'node:path';
import { plain } from '../lambdas/domain/core/words.ts';

/** A file as the loader was given it. */
export interface Loaded {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  /** Paths are told from here. */
  readonly folder: string;
}

/** `fleets.ts:3:16: Expected "}" but found "b"`; several where the compiler names several. */
export function loadingProblems(error: unknown, file: Loaded): string[] {
  const message = error instanceof Error ? error.message : String(error);
  const compiled = [...message.matchAll(/^(.+?):(\d+):(\d+): ERROR: (.*)$/gm)];
  // The compiler counts columns from 0, everybody else from 1.
  if (compiled.length > 0)
    return compiled.map(([, path, line, column, words = '']) =>
      told(file, `${path}:${line}:${Number(column) + 1}`, words),
    );
  const [at, words = message] = placeOf(error, message, file);
  return [told(file, `${file.path}${at}`, words)];
}

function told({ folder }: Loaded, place: string, words: string): string {
  const name = relative(folder, place);
  // Of the words, the first line: below stand the source, and who required whom.
  return `${name.startsWith('..') ? place : name}: ${plain(words.split('\n')[0] ?? '', 300)}`;
}

/** `:line:column`, or '' where nobody knows; and the words without it. */
function placeOf(error: unknown, message: string, { path, text }: Loaded): [at: string, words?: string] {
  const [position] = (Object(error).linePos ?? []) as { line?: number; col?: number }[];
  if (position?.line !== undefined)
    return [
      `:${position.line}:${position.col ?? 1}`,
      message.replace(/ at line \d+, column \d+:[\s\S]*$/, ''),
    ];
  if (path.endsWith('.json') && error instanceof SyntaxError)
    return [lineAt(text, positionIn(message, text)), message.replace(/ (in JSON )?at position \d+.*$/, '')];
  const found = placesIn(Object(error).stack).find((place) => place.path === path);
  return found ? [`:${found.line}:${found.column}`] : [''];
}

/** As far as the text is JSON: Node leaves the position out where it quotes all of it. */
function positionIn(message: string, text: string): number {
  const told = /at position (\d+)/.exec(message)?.[1];
  if (told !== undefined) return Number(told);
  for (let length = 1; length < Math.min(text.length, 1_000); length += 1)
    if (!isBeginning(text.slice(0, length))) return length - 1;
  return text.length;
}

function isBeginning(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    return /end of JSON|Unterminated|after/.test(String(error)) && !/not valid JSON/.test(String(error));
  }
}

function lineAt(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n');
  return `:${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** The places of a stack trace, whether it names paths or URLs. */
function placesIn(stack: unknown): { path: string; line: string; column: string }[] {
  return [...String(stack).matchAll(/(?:\(|at |filePath=)([^\s()]+?)(?:\?[^\s():]*)?:(\d+):(\d+)\)?$/gm)].map(
    ([, place = '', line = '', column = '']) => ({ path: pathOf(place), line, column }),
  );
}

function pathOf(place: string): string {
  const path =
    place
      .split('filePath=')
      .at(-1)
      ?.replace(/^file:\/\//, '') ?? '';
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    return path;
  }
}
