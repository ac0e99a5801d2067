/** The command line of `npm start`: parsed into options, or refused with every problem at once. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { FLOW_NAMES } from '../flows.ts';
import { SCENARIO_NAMES, type ScenarioName } from '../scenarios.ts';
import type { Playable } from './performance.ts';

/** Virtual seconds per real second; `tour` slows down where something happens, `max` never sleeps. */
export type Speed = number | 'tour' | 'max';

export interface DemoOptions {
  readonly scenarios: readonly Playable[];
  /** A tarball to upload instead of the example application. */
  readonly artifact?: string;
  /** The fleets file. */
  readonly fleets?: string;
  /** Where the timeline page is written. */
  readonly timeline?: string;
  /** Without it: `tour` in a terminal, `max` elsewhere. */
  readonly speed?: Speed;
  /** Without it: a different one each time. */
  readonly seed?: number;
  readonly json: boolean;
  readonly plain: boolean;
}

export type Command =
  | { readonly do: 'play'; readonly options: DemoOptions }
  | { readonly do: 'help' | 'list' }
  | { readonly do: 'refuse'; readonly problems: readonly string[] };

/** What is played when nothing is chosen. */
export const TOUR: readonly ScenarioName[] = ['app', 'worker', 'never-healthy'];
/** The world's generator has 32 bits. */
const LARGEST_SEED = 2 ** 32 - 1;

const OPTIONS = {
  scenario: { type: 'string', multiple: true },
  artifact: { type: 'string' },
  fleets: { type: 'string' },
  timeline: { type: 'string' },
  speed: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  plain: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const HELP = `npm start -- [options]    plays deployments of a modelled fleet, on a virtual clock; needs no account

  --scenario NAME   what to play; may be repeated; default: ${TOUR.join(', ')}
  --list            list the scenarios
  --artifact FILE   upload this .tar.gz instead of the example application in examples/app
  --fleets FILE     play the fleets of this file; default: IREKAE_FLEETS, else fleets.ts, .json or .yaml here
  --timeline FILE   write the deployment's page there, as it stands beside its record in S3; open it in a browser
  --speed N         N virtual seconds in a real one; tour: slower where something happens; max: no pauses
  --seed N          play exactly what this seed played before
  --plain           lines instead of the picture, as when the output is not a terminal
  --json            one JSON object per line, for programs
  -h, --help        show this help`;

export function readCommand(args: readonly string[]): Command {
  const parsed = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  // `--help` wins over whatever else is on the line.
  if (parsed.values.help) return { do: 'help' };
  const problems = parsed.tokens.flatMap((token) => {
    if (token.kind === 'positional') return [`${token.value}: not an option; --help lists them`];
    return token.kind === 'option' ? misuse(token) : [];
  });
  // The last one counts, except for scenarios.
  const given = (name: string) =>
    parsed.tokens.flatMap((token) =>
      token.kind === 'option' && token.name === name && token.value ? [token.value] : [],
    );
  const options = readOptions(given, parsed.values, problems);
  if (problems.length > 0) return { do: 'refuse', problems };
  return parsed.values.list ? { do: 'list' } : { do: 'play', options };
}

function misuse(token: { name: string; rawName: string; value: string | undefined }): string[] {
  const { name, rawName, value } = token;
  if (!Object.hasOwn(OPTIONS, name))
    return [`${rawName}: no such option; allowed: --${Object.keys(OPTIONS).join(', --')}`];
  const { type } = OPTIONS[name as keyof typeof OPTIONS];
  if (type === 'string' && !value) return [`${rawName}: needs a value`];
  return type === 'boolean' && value !== undefined ? [`${rawName}: takes no value`] : [];
}

function readOptions(
  given: (name: string) => string[],
  flags: { json?: unknown; plain?: unknown },
  problems: string[],
): DemoOptions {
  const scenarios = given('scenario').filter((name) => isPlayable(name, problems));
  const artifact = given('artifact').at(-1);
  if (artifact !== undefined) problems.push(...notATarball(artifact));
  const fleets = given('fleets').at(-1);
  const timeline = given('timeline').at(-1);
  if (timeline !== undefined) problems.push(...notAPage(timeline));
  const speed = given('speed')
    .map((text) => readSpeed(text, problems))
    .at(-1);
  const seed = given('seed')
    .map((text) => readSeed(text, problems))
    .at(-1);
  if (flags.json && flags.plain) problems.push('--json and --plain: give only one of them');
  return {
    scenarios: scenarios.length > 0 ? scenarios : TOUR,
    json: flags.json === true,
    plain: flags.plain === true,
    ...(artifact !== undefined && { artifact }),
    ...(fleets !== undefined && { fleets }),
    ...(timeline !== undefined && { timeline }),
    ...(speed !== undefined && { speed }),
    ...(seed !== undefined && { seed }),
  };
}

/** Whatever `--scenario` may name. */
export const PLAYABLE: readonly Playable[] = [...SCENARIO_NAMES, ...FLOW_NAMES];

function isPlayable(name: string, problems: string[]): name is Playable {
  const known = PLAYABLE.some((each) => each === name);
  if (!known) problems.push(`--scenario ${name}: allowed: ${PLAYABLE.join(', ')}`);
  return known;
}

/** Reads the first two bytes: a host would only notice after booting. */
function notATarball(file: string): string[] {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const magic = Buffer.alloc(2);
      readSync(descriptor, magic, 0, 2, 0);
      return magic.toString('hex') === '1f8b' ? [] : [`--artifact ${file}: not a .tar.gz`];
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return [`--artifact ${file}: cannot be read (${Object(error).code ?? error})`];
  }
}

/** Checked before anything is played. Nothing but pages is overwritten. */
function notAPage(file: string): string[] {
  if (!/\.html?$/.test(file)) return [`--timeline ${file}: allowed: a file whose name ends with .html`];
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) return [`--timeline ${file}: is a folder`];
  const folder = statSync(dirname(file), { throwIfNoEntry: false });
  return folder?.isDirectory() ? [] : [`--timeline ${file}: there is no folder ${dirname(file)}`];
}

function readSpeed(text: string, problems: string[]): Speed | undefined {
  if (text === 'max' || text === 'tour') return text;
  const speed = Number(text);
  if (speed > 0 && Number.isFinite(speed)) return speed;
  problems.push(`--speed ${text}: allowed: a number above 0, tour or max`);
  return undefined;
}

function readSeed(text: string, problems: string[]): number | undefined {
  if (/^\d+$/.test(text) && Number(text) <= LARGEST_SEED) return Number(text);
  problems.push(`--seed ${text}: allowed: a whole number from 0 to ${LARGEST_SEED}`);
  return undefined;
}
