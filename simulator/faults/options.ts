/** The options of `npm run faults`. */
import {
  type CommandLine,
  type Given,
  type OptionSpec,
  optionLines,
  readOptions,
  SEED,
  wholeNumber,
} from '../option-specs.ts';
import { parseCase } from './case.ts';
import { KIND_NAMES, type KindName } from './kinds.ts';

const DEFAULT_PAIRS = 20_000;
const DEFAULT_OUTAGES = 4_000;

const SPECS: readonly OptionSpec[] = [
  {
    name: 'only',
    takes: 'KIND',
    meaning: `one kind of deployment: ${KIND_NAMES.join(', ')}`,
    refuses: (value) => (isKind(value) ? undefined : `one of ${KIND_NAMES.join(', ')}`),
  },
  {
    name: 'pairs',
    takes: 'N',
    meaning: `how many pairs of faults, in tens (default ${DEFAULT_PAIRS})`,
    refuses: wholeNumber(0, 10_000_000),
  },
  {
    name: 'sample',
    takes: 'N',
    meaning:
      'N single faults instead of all, rare ones first, and no pairs; another seed at every run, unless --seed',
    refuses: wholeNumber(1, 10_000_000),
  },
  {
    name: 'outages',
    takes: 'N',
    meaning: `how many outages of what only tells, drawn by the seed (default ${DEFAULT_OUTAGES}; of a sample, a quarter)`,
    refuses: wholeNumber(0, 10_000_000),
  },
  { name: 'at', takes: 'TEXT', meaning: 'only single faults whose name contains this text' },
  SEED,
  {
    name: 'replay',
    takes: 'CASE',
    meaning: 'one case, as a violation names it',
    refuses: (value) => {
      try {
        parseCase(value);
        return undefined;
      } catch {
        return 'a case as a violation names it, such as "app@7: Launch new instances / ec2.launch #1 = late"';
      }
    },
  },
  { name: 'mutants', meaning: 'break the product itself instead: the same as npm run mutants' },
];

export const HELP = `npm run faults -- [options]    breaks every kind of deployment in every way; checks the rules after every event

${optionLines(SPECS)}

Exit codes: 0 no rule was broken; 1 one was; 2 bad options, and nothing was run.`;

export interface FaultsOptions {
  readonly kinds: readonly KindName[];
  /** Default: another one at every run. */
  readonly seed?: number;
  readonly pairs: number;
  /** Default: all single faults. */
  readonly sample?: number;
  readonly outages: number;
  readonly at: string;
  readonly replay?: string;
}

const isKind = (name: string): name is KindName => (KIND_NAMES as readonly string[]).includes(name);

export const readFaultsCommand = (args: readonly string[]): CommandLine<FaultsOptions> =>
  readOptions(args, SPECS, optionsOf, contradictions);

function optionsOf(given: Given): FaultsOptions {
  const [only = '', sample, replay] = [given.get('only'), given.get('sample'), given.get('replay')];
  const seed = given.get('seed');
  return {
    kinds: isKind(only) ? [only] : KIND_NAMES,
    // What a sample leaves out, another one may meet.
    ...(sample !== undefined && seed === undefined ? {} : { seed: Number(seed ?? 7) }),
    pairs: sample === undefined ? Number(given.get('pairs') ?? DEFAULT_PAIRS) : 0,
    outages: Number(
      given.get('outages') ?? (sample === undefined ? DEFAULT_OUTAGES : Math.ceil(Number(sample) / 4)),
    ),
    at: given.get('at') ?? '',
    ...(sample !== undefined && { sample: Number(sample) }),
    ...(replay !== undefined && { replay }),
  };
}

/** Options that would have no effect together with another one. */
function contradictions(given: Given): string[] {
  const beside = [...given.keys()].filter((name) => name !== 'replay').map((name) => `--${name}`);
  return [
    ...(given.has('replay') && beside.length > 0
      ? [`--replay: plays one case, which is fully described; leave out ${beside.join(', ')}`]
      : []),
    ...(given.has('sample') && given.has('pairs') ? ['--sample: plays no pairs; leave out --pairs'] : []),
  ];
}
