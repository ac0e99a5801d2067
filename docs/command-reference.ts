/** The reference of the operator's command: what `--help` says, as a page, and two samples of what it prints. */
import type { Command } from '../bin/command/command.ts';
import { spelt as spelled } from '../bin/command/command-line.ts';
import { PARTS } from '../bin/command/envelope.ts';
import { COMMANDS, irekae, PROJECT_COMMANDS } from '../bin/command/irekae.ts';
import { COMMON, type OptionSpec, type ToldOption } from '../bin/command/options.ts';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { cutTo } from '../lib/terminal/width.ts';
import { connectLocally } from '../simulator/local-region.ts';
import { LOCAL_SCENARIOS } from '../simulator/local-scenarios.ts';
import { block, code, table } from './markdown.ts';

export const commandReference = (): string => [...COMMANDS, ...PROJECT_COMMANDS].map(section).join('\n\n');

/** An option, whatever command it is of. */
type Option = ToldOption & Pick<OptionSpec, 'mayTake' | 'isRequired'>;

interface Described extends Pick<Command, 'name' | 'summary' | 'description'> {
  readonly usage?: string;
  readonly options: readonly Option[];
}

/** The lines of a terminal become one paragraph here, and the exit codes another. */
function section({ name, usage = 'FLEET', summary, description, options }: Described): string {
  const [text = '', codes = ''] = description.join(' ').split(' Exit codes: ');
  return [
    `### ${name}`,
    ...(usage === 'FLEET' ? [] : [`${code(`irekae ${name} ${usage}`)}`]),
    `**${summary[0]?.toUpperCase()}${summary.slice(1)}.** ${text}`,
    `Exit codes: ${codes}`,
    ...(options.length === 0 ? [] : [optionTable(options)]),
  ].join('\n\n');
}

const optionTable = (options: readonly Option[]) =>
  table(
    ['option', 'meaning'],
    options.map((option) => [
      code(spelt(option)),
      `${option.isRequired ? '**required**; ' : ''}${option.meaning}`,
    ]),
  );

const spelt = (option: Option): string =>
  `${option.short === undefined ? '' : `-${option.short}, `}${spelled(option)}`;

/** What every command takes. */
export const commonOptions = (): string => optionTable(COMMON);

/** What `--json` prints, part by part. */
export const envelopeTable = (): string =>
  table(
    ['field', 'is'],
    Object.entries(PARTS).map(([field, meaning]) => [code(field), meaning]),
  );

/** What may be going on with `--local SCENARIO`. */
export const scenarioTable = (): string =>
  table(
    ['scenario', 'two releases were deployed, and', 'to try'],
    Object.entries(LOCAL_SCENARIOS).map(([name, { note, tries }]) => [
      code(`--local ${name}`),
      note,
      tries.split(', ').map(code).join(', '),
    ]),
  );

const WIDTH = 116;

/** What the real command prints on the modelled region, without the introduction of every local run. */
export async function sampleRun(
  line: string,
  templates: Readonly<Record<string, TemplateJson>>,
): Promise<string> {
  const printed: string[] = [];
  const say = (text: string) => printed.push(text);
  const exitCode = await irekae([...line.split(' '), '--local'], {
    fleetsFile,
    connect: async () => {
      throw new Error('A sample does not call AWS.');
    },
    connectLocal: (environments, fleet, scenario) =>
      connectLocally(environments, fleet, { isVisible: false, scenario, templates }),
    print: say,
    complain: say,
  });
  const lines = shortened(printed.slice(printed.indexOf('') + 1));
  return block(
    'text',
    [`$ npx --no -- irekae ${line} --local`, ...lines.map(cut), `$ echo $?\n${exitCode}`].join('\n'),
  );
}

/** Of the repeated messages of a state, the first and the last. */
function shortened(lines: readonly string[]): string[] {
  const stateOf = (text: string) => /^\d\d:\d\d:\d\d {2}([A-Z][^:]*):/.exec(text)?.[1] ?? text;
  const isBetween = lines.map(
    (text, index) =>
      stateOf(lines[index - 1] ?? '') === stateOf(text) && stateOf(lines[index + 1] ?? '') === stateOf(text),
  );
  return lines.flatMap((text, index) => {
    if (!isBetween[index]) return [text];
    return isBetween[index - 1] ? [] : ['  …'];
  });
}

const cut = (text: string) => cutTo(text, WIDTH);
