/** What `--help` prints. */
import type { Command } from './command.ts';
import { spelt } from './command-line.ts';
import { COMMON } from './options.ts';
import { table } from './wording.ts';

export function help(commands: readonly Command[], command?: Command): string[] {
  if (!command) {
    return [
      'Usage: irekae COMMAND FLEET [options]',
      '',
      'FLEET is a name of bin/fleets.ts, which also says its AWS account and Region. Credentials are found as the AWS CLI',
      'finds them.',
      '',
      'Commands:',
      ...table(commands.map(({ name, summary }) => [name, summary])),
      '',
      'irekae COMMAND --help says more.',
    ];
  }
  const options = [...command.options, ...COMMON].map((option) => [
    `${option.short === undefined ? '   ' : `-${option.short},`} ${spelt(option)}`,
    option.meaning,
  ]);
  return [
    `Usage: irekae ${command.name} FLEET [options]`,
    '',
    ...command.description,
    '',
    'Options:',
    ...table(options),
  ];
}
