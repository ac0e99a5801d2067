/**
 * The fleets file: which one it is, and what it says. The user's own, wherever they work; in a clone without one,
 * `bin/fleets.ts`. Read when it is needed, so that no test and no `--help` depends on what it says.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { COMMAND } from '../lambdas/domain/core/names.ts';
import { type Environment, FleetsFileError, readFleets } from './read-fleets.ts';

/** What it says, not judged yet: `readFleets` does that. */
export interface FleetsFileContent {
  /** As a person would name it. */
  readonly name: string;
  readonly content: unknown;
}

/** Reads the fleets file, or that one if it is given. */
export type FleetsSource = (given?: string) => Promise<FleetsFileContent>;

export interface FleetsPlace {
  /** By `--fleets`. */
  readonly given?: string | undefined;
  /** Of the CDK app; without it, that of `cdk.json`. */
  readonly context?: unknown;
  /** Not of Node's own type: whoever imports these types may lack Node's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
}

/** @param fleetsFile what the file says, or who reads it (a `FleetsSource`) @throws FleetsFileError */
export async function environmentsOf(fleetsFile: unknown, given?: string): Promise<readonly Environment[]> {
  return (await namedEnvironmentsOf(fleetsFile, given)).environments;
}

/** The same, with the name of the file that was read. */
export async function namedEnvironmentsOf(
  fleetsFile: unknown,
  given?: string,
): Promise<{ readonly environments: readonly Environment[]; readonly name?: string }> {
  if (typeof fleetsFile !== 'function') return { environments: readFleets(fleetsFile) };
  const { content, name } = await (fleetsFile as FleetsSource)(given);
  return { environments: readFleets(content, name), name };
}

/** In `cdk.json`, or by `cdk --context`. */
export const FLEETS_CONTEXT = 'irekae:fleets';
export const FLEETS_VARIABLE = 'IREKAE_FLEETS';

/** What it is called where nobody says; only one of them may be there. */
export const FLEETS_FILES = [
  'fleets.ts',
  'fleets.mts',
  'fleets.js',
  'fleets.mjs',
  'fleets.json',
  'fleets.yaml',
  'fleets.yml',
];
const OF_THE_CLONE = join(import.meta.dirname, '..', 'bin', 'fleets.ts');

/** @throws FleetsFileError: one sentence, with the place where there is one */
export async function loadFleets(place: FleetsPlace = {}): Promise<FleetsFileContent> {
  const folder = place.folder ?? process.cwd();
  const path = findFleetsFile(place);
  const name = relative(folder, path).startsWith('..') ? path : relative(folder, path);
  return { name, content: await read(path, name) };
}

/** @returns an absolute path @throws FleetsFileError where there is none, or no telling which */
export function findFleetsFile({
  given,
  context,
  env = process.env,
  folder = process.cwd(),
}: FleetsPlace): string {
  const named = [
    ['--fleets', given],
    [FLEETS_VARIABLE, env[FLEETS_VARIABLE]],
    [`the CDK context ${FLEETS_CONTEXT}`, context ?? contextOf(folder)],
  ] as const;
  for (const [by, file] of named) {
    if (file === undefined || file === '') continue;
    if (typeof file !== 'string')
      throw unreadable(`${by}: given ${JSON.stringify(file)}, allowed: the path of a file`);
    if (!existsSync(resolve(folder, file)))
      throw unreadable(`${by} names ${file}, and there is no such file`);
    return resolve(folder, file);
  }
  const here = FLEETS_FILES.filter((name) => existsSync(join(folder, name)));
  if (here.length > 1)
    throw unreadable(
      `${here.join(' and ')} are all here: name the one that counts, with --fleets FILE or ${FLEETS_VARIABLE}`,
    );
  const [found] = here;
  if (found !== undefined) return join(folder, found);
  if (existsSync(OF_THE_CLONE)) return OF_THE_CLONE;
  throw unreadable(
    `There is no fleets file in ${folder}: write a fleets.ts (or .json, .yaml), have one written (${COMMAND} init), or name yours with --fleets FILE or ${FLEETS_VARIABLE}`,
  );
}

/** So that the command reads the file that `cdk synth` reads. */
function contextOf(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'cdk.json'), 'utf8')).context?.[FLEETS_CONTEXT];
  } catch {
    // None, or one that the CDK's own command complains about.
    return undefined;
  }
}

const unreadable = (sentence: string) => new FleetsFileError(sentence, [sentence]);

const firstLineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.trim() ?? '';

async function read(path: string, name: string): Promise<unknown> {
  const extension = extname(path);
  if (extension === '.json') return fromJson(textOf(path, name), name);
  if (extension === '.yaml' || extension === '.yml') return fromYaml(textOf(path, name), name);
  return fromModule(path, name);
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw unreadable(`${name} cannot be read: ${firstLineOf(error)}`);
  }
}

function fromJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const line = text.slice(0, failsAt(text)).split('\n').length;
    throw unreadable(`${name}:${line}: ${firstLineOf(error)}`);
  }
}

/** How much of it can be the beginning of JSON; an engine does not always say at which position it gave up. */
function failsAt(text: string): number {
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (canGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function canGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    return /end of JSON input|^Unterminated/.test(message) || Number(position) >= text.length;
  }
}

async function fromYaml(text: string, name: string): Promise<unknown> {
  const { isAlias, LineCounter, parseDocument, visit } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (position = 0) => lines.linePos(position).line;
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw unreadable(`${name}:${lineAt(problem.pos[0])}: ${firstLineOf(problem)}`);
  visit(document, (_, node) => {
    if (isAlias(node) && node.resolve(document) === undefined)
      throw unreadable(
        `${name}:${lineAt(node.range?.[0])}: *${node.source}: nothing before it has the anchor &${node.source}`,
      );
  });
  try {
    return document.toJS();
  } catch (error) {
    throw unreadable(`${name} cannot be read: ${firstLineOf(error)}`);
  }
}

/** TypeScript and JavaScript, with whatever they import; types are dropped, not checked. */
async function fromModule(path: string, name: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  try {
    const module = await createJiti(import.meta.url, { moduleCache: false, interopDefault: false }).import(
      path,
    );
    return contentOf(module);
  } catch (error) {
    throw unreadable(asSentence(error, path, name));
  }
}

/** `export const fleetsFile`, `export default`, or `environments` and `fleets` each by itself. */
function contentOf(module: unknown): unknown {
  const { fleetsFile, default: main } = Object(module);
  if (fleetsFile !== undefined) return fleetsFile;
  if (main === undefined) return { ...Object(module) };
  return Object(main).fleetsFile ?? main;
}

/**
 * The place, which the message has for bad syntax, and the stack for what went wrong as it ran: in the file itself, or
 * in one of the user's that it imports.
 */
function asSentence(error: unknown, path: string, name: string): string {
  const { message = String(error), stack = '' } = Object(error) as { message?: string; stack?: string };
  const places = [
    ...`${message}\n${stack}`.matchAll(/(?<=^|[\s(]|file:\/\/)(\/[^\s()]+?):(\d+)(?::\d+)?\)?$/gm),
  ];
  const [place] = places.filter(([, file = '']) => isTheUsers(file));
  const said = firstLineOf(error)
    .replace(/^ParseError: /, '')
    .replaceAll(path, name)
    .trim();
  if (place === undefined) return `${name}: ${said}`;
  const [, file = '', line = ''] = place;
  return `${file === path ? name : relative(dirname(path), file)}:${line}: ${said}`;
}

const isTheUsers = (file: string) =>
  !file.includes('/node_modules/') && !file.startsWith(`${import.meta.dirname}/`);
