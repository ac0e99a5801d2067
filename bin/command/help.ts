/** What `--help` prints. */
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import type { Command } from './command.ts';
import { spelt } from './command-line.ts';
import { COMMON, type OptionSpec, type ToldOption } from './options.ts';
import { section, table } from './wording.ts';

/** A command without a fleet. */
type Other = Pick<Command, 'name' | 'summary'>;

export const help = (
  commands: readonly Command[],
  command?: Command,
  others: readonly Other[] = [],
): string[] => (command ? helpOf(command) : overview(commands, others));

const overview = (commands: readonly Command[], others: readonly Other[]): string[] => [
  'Usage: irekae COMMAND FLEET [options]',
  '',
  'FLEET is the name of a fleet in your fleets file, which also gives its AWS account and Region. Credentials are found the way the AWS CLI finds them.',
  ...section('Commands:', table(commands.map(({ name, summary }) => [name, summary]))),
  ...section('Without a fleet:', table(others.map(({ name, summary }) => [name, summary]))),
  '',
  `Of one command:  ${COMMAND} help deploy`,
  `On a modelled region, without an account:  ${COMMAND} status --local`,
  `Of this installation:  ${COMMAND} --version`,
];

function helpOf({ name, usage = 'FLEET', description, options }: Command): string[] {
  return [
    `Usage: irekae ${name} ${usage} [options]`,
    '',
    ...paragraphs(description),
    ...optionLines([...options, ...COMMON]),
  ];
}

export const optionLines = (options: readonly (ToldOption | OptionSpec)[]): string[] =>
  section(
    'Options:',
    table(
      options.map((option) => [
        `${option.short === undefined ? '   ' : `-${option.short},`} ${spelt(option)}`,
        option.meaning,
      ]),
    ),
  );

/** What it does, and what its exit codes mean. */
const paragraphs = (description: readonly string[]): string[] =>
  description
    .join(' ')
    .split(/ (?=Exit codes: )/)
    .flatMap((text, at) => (at === 0 ? [text] : ['', text]));
