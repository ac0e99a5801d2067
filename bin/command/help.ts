/** What `--help` prints. */
import type { Command } from './command.ts';
import { spelt } from './command-line.ts';
import { COMMON } from './options.ts';
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
  'FLEET is the name of a fleet in your fleets file, which also gives its AWS account and Region. Credentials are',
  'found the way the AWS CLI finds them.',
  ...section('Commands:', table(commands.map(({ name, summary }) => [name, summary]))),
  ...section('Without a fleet:', table(others.map(({ name, summary }) => [name, summary]))),
  '',
  'For details: irekae COMMAND --help',
];

function helpOf({ name, usage = 'FLEET', description, options }: Command): string[] {
  const rows = [...options, ...COMMON].map((option) => [
    `${option.short === undefined ? '   ' : `-${option.short},`} ${spelt(option)}`,
    option.meaning,
  ]);
  return [
    `Usage: irekae ${name} ${usage} [options]`,
    '',
    ...description,
    ...section('Options:', table(rows)),
  ];
}
