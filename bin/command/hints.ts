/**
 * Commands in sentences, for people to paste. All are written in one spelling, wherever the sentence comes from: a step,
 * a record, this command; whoever called the command differently is shown theirs, with what they gave it.
 */
import { COMMAND, commandAt } from '../../lambdas/domain/core/names.ts';
import { literally } from '../../lambdas/domain/core/pattern.ts';

/** What is typed in place of what sentences say. */
export interface Spelling {
  /** In place of `COMMAND`. */
  readonly command: string;
  /** Before every command: `AWS_PROFILE=production`. */
  readonly environment: string;
  /** After each of ours: `--local`. */
  readonly options: string;
  /** In place of `the fleets file`: the one that was read. */
  readonly fleetsFile?: string | undefined;
  /** Before `docs/runbook.md`, where the project is not the folder that people are in. */
  readonly docs?: string | undefined;
}

export const AS_WRITTEN: Spelling = { command: COMMAND, environment: '', options: '' };

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** How a command begins, behind a blank or a bracket. */
const SERVICES =
  'cloudformation|cloudwatch|dynamodb|ec2|elb|elbv2|events|iam|kms|logs|s3|s3api|ssm|sso|stepfunctions|sts';
const BEGINNING = `npx cdk |aws (?=(?:${SERVICES}) )|npm |mkr |sudo |read -`;
/** A word of shell. */
const WORD = /(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s'"\\])+/y;

/**
 * The commands in a text. One ends with the text, at two blanks, at a bracket, or with the sentence: what a shell would
 * not read as part of it.
 */
export function commandsIn(text: string, ours: string = COMMAND): Span[] {
  const beginning = new RegExp(`(?<=^|[\\s(])(?:${literally(ours)}(?=\\s|$)|${BEGINNING})`, 'g');
  const spans: Span[] = [];
  for (let found = beginning.exec(text); found; found = beginning.exec(text)) {
    const to = endOf(text, found.index);
    spans.push({ from: found.index, to });
    beginning.lastIndex = Math.max(to, found.index + 1);
  }
  return spans;
}

function endOf(text: string, from: number): number {
  let at = from;
  for (;;) {
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word === undefined || (word.startsWith('(') && at > from)) return text.slice(0, at).trimEnd().length;
    at += word.length;
    const closing = closingOf(text.slice(from, at), word);
    if (closing > 0) return at - closing;
    if (text[at] !== ' ' || text[at + 1] === ' ') return at;
    at += 1;
  }
}

/** How many characters at the end of this word are the sentence's. */
function closingOf(command: string, word: string): number {
  let rest = word.length;
  while (rest > 0 && '.,;:!?'.includes(word.charAt(rest - 1))) rest -= 1;
  if (rest === 0) return 0;
  const opened = command.split('(').length;
  const closed = command.split(')').length;
  const isClosed = word[rest - 1] === ')' && closed > opened;
  return word.length - rest + (isClosed ? 1 : 0);
}

/** Where to type it, for whoever reads it elsewhere: whoever reads it here is there. */
const PLACE = commandAt().slice(0, commandAt().indexOf(COMMAND));

/** What sentences call the file that only the command knows by its name. */
const FLEETS_FILE = /\bthe fleets file\b/gi;
const DOCUMENT = /(?<![\w/.-])docs\/(?=[\w-]+\.md)/g;

/** The text with its commands, and the files that it names, as they are typed here. */
export function respelt(
  given: string,
  { command, environment, options, fleetsFile, docs = '' }: Spelling,
): string {
  const front = environment === '' ? '' : `${environment} `;
  const text = given
    .replaceAll(PLACE + COMMAND, COMMAND)
    .replace(FLEETS_FILE, (words) => fleetsFile ?? words)
    .replace(DOCUMENT, (folder) => docs + folder);
  let spelt = '';
  let at = 0;
  for (const { from, to } of commandsIn(text)) {
    const written = text.slice(from, to);
    const isOurs = written.startsWith(COMMAND);
    const back =
      isOurs && options !== '' && !written.includes(` ${options.split(' ')[0]}`) ? ` ${options}` : '';
    const typed = isOurs ? `${command}${written.slice(COMMAND.length)}${back}` : written;
    spelt += `${text.slice(at, from)}${/^(npm|mkr|sudo|read) /.test(written) ? '' : front}${typed}`;
    at = to;
  }
  return spelt + text.slice(at);
}
