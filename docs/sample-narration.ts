/** What `npm start` prints for one deployment, shortened: the output of the real command. */
import { stripVTControlCharacters } from 'node:util';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { cutTo } from '../lib/terminal/width.ts';
import { demo } from '../simulator/demo.ts';
import { block } from './markdown.ts';

const COMMAND = ['--scenario', 'app', '--seed', '7', '--plain', '--speed', 'max'];
const WIDTH = 116;

/** @throws Error when the demo fails, or does not end in Deployed. */
export async function sampleNarration(): Promise<string> {
  const printed = (await output()).split('\n').map((line) => line.trimEnd());
  const told = printed.filter((line) => /^\d\d:\d\d /.test(line));
  const end = printed.filter((line) => /^Deployed:/.test(line));
  if (!end.at(-1)?.startsWith('Deployed:')) throw new Error('The sample deployment was not deployed.');
  const lines = [`$ npm start -- ${COMMAND.join(' ')}`, ...shortened(told), ...end];
  return block('text', lines.map(cut).join('\n'));
}

/** In this process: another one would load CDK and synthesize everything anew. */
async function output(): Promise<string> {
  const { stdout } = process;
  const { write } = stdout;
  let text = '';
  stdout.write = (chunk: Uint8Array | string) => {
    text += chunk;
    return true;
  };
  try {
    await demo(COMMAND, fleetsFile);
  } finally {
    stdout.write = write;
  }
  // Where `npm run docs` runs at a terminal, it is in colour.
  return stripVTControlCharacters(text);
}

/** Of the repeated messages of a state, the first and the last. */
function shortened(lines: readonly string[]): string[] {
  const between = lines.map((line, i) => {
    const state = stateOf(line);
    return state !== '' && stateOf(lines[i - 1] ?? '') === state && stateOf(lines[i + 1] ?? '') === state;
  });
  return lines.flatMap((line, i) => {
    if (!between[i]) return [line];
    return between[i - 1] ? [] : ['  …'];
  });
}

/** `00:31  New hosts are ready: 0 of 2 ready; …` → `New hosts are ready` */
const stateOf = (line: string) => /^\d\d:\d\d {2}([A-Z][^:]*):/.exec(line)?.[1] ?? '';

const cut = (line: string) => cutTo(line, WIDTH);
