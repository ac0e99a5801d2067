/**
 * `npm start`: uploads a tarball to a modelled bucket and shows what the deployment does to a modelled fleet: the
 * synthesized state machine and the real steps, on a virtual clock. Exits with 0 when every scenario ended as it must,
 * with 1 when one did not, with 2 when the options name something that it cannot play.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { environmentsOf } from '../lib/fleets-file.ts';
import { FleetsFileError } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';
import { wantsColour } from '../lib/terminal/colour.ts';
import { layOut, rowOfCells } from '../lib/terminal/layout.ts';
import { castOf, type Part } from './demo/cast.ts';
import { packedByCi } from './demo/ci-tarball.ts';
import { performAbort, performTwoUploads } from './demo/interruptions.ts';
import { JsonLines } from './demo/json-lines.ts';
import { type DemoOptions, HELP, PLAYABLE, readCommand, TOUR } from './demo/options.ts';
import { Pace } from './demo/pace.ts';
import { type Audience, type PerformanceOptions, perform } from './demo/performance.ts';
import { PlainLines } from './demo/plain-lines.ts';
import { performPromotion } from './demo/promotion.ts';
import { Screen } from './demo/screen.ts';
import { tarball } from './demo/tarball.ts';
import { FLOWS, isFlow } from './flows.ts';
import { SCENARIOS } from './scenarios.ts';

const REFUSED = 2;
/** What a shell reports for a program that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Few enough that a seed is easy to type. */
const SEEDS = 10_000;

const EXAMPLE_APPLICATION = join(import.meta.dirname, '..', 'examples', 'app');

const WHAT_NEXT = `
What to read next
  README.md         what this is, and how to install it
  docs/runbook.md   what to do when a deployment fails, by the failure's name
  docs/fleets.md    the one file to write; the demo plays its fleets
And npm start -- --list shows what else can happen to them; --timeline page.html keeps the page that the
deployment leaves beside its record, for your browser.`;

const { stdout } = process;
/** It can do more than print lines. */
const isTerminal = stdout.isTTY === true && process.env.TERM !== 'dumb';
const write = (text: string) => void stdout.write(text);
const listed = (name: (typeof PLAYABLE)[number]): string =>
  rowOfCells([name, (isFlow(name) ? FLOWS[name] : SCENARIOS[name]).tells]);

const say = (text: string) => write(`${text}\n`);

/** @param fleetsFile what the fleets file says, or who reads it: its fleets are played. @returns the exit code. */
export async function demo(args: readonly string[], fleetsFile: unknown): Promise<number> {
  // `npm start | head` closes the pipe early: nobody is reading anymore.
  stdout.on('error', () => process.exit(0));
  const command = readCommand(args);
  if (command.do === 'refuse') return refuse(command.problems);
  if (command.do === 'help') say(HELP);
  if (command.do === 'list')
    for (const row of layOut(PLAYABLE.map(listed), stdout.isTTY ? { columns: stdout.columns || 80 } : {}))
      say(row);
  if (command.do !== 'play') return 0;
  try {
    return await play(command.options, fleetsFile);
  } catch (error) {
    if (error instanceof FleetsFileError) return refuse([error.message]);
    throw error;
  }
}

function refuse(problems: readonly string[]): number {
  process.stderr.write(`${['Nothing was played:', ...problems].join('\n  - ')}\n`);
  return REFUSED;
}

async function play(options: DemoOptions, fleetsFile: unknown): Promise<number> {
  const environments = await environmentsOf(fleetsFile, options.fleets);
  const { parts, problems } = castOf(options.scenarios, environments);
  if (problems.length > 0) return refuse(problems);
  const seed = options.seed ?? randomInt(SEEDS);
  if (!options.json) say(`seed ${seed}: to see the same again:  npm start -- ${again(options, seed)}`);
  const templates = synthesizeTemplates(environments);
  const pages: Page[] = [];
  const regions = new Map(environments.map(({ name, region }) => [name, region]));
  const rightEndings = await playAll(parts, { templates, regions }, options, seed, pages);
  if (!options.json) say(WHAT_NEXT);
  if (options.timeline !== undefined) keep(options.timeline, pages, options.json ? () => {} : say);
  return rightEndings ? 0 : 1;
}

function again({ scenarios, artifact, fleets }: DemoOptions, seed: number): string {
  const file = fleets === undefined ? '' : ` --fleets ${fleets}`;
  const chosen = scenarios === TOUR ? [] : scenarios.map((name) => ` --scenario ${name}`);
  return `--seed ${seed}${chosen.join('')}${artifact === undefined ? '' : ` --artifact ${artifact}`}${file}`;
}

/** The timeline page that a deployment left. */
interface Page {
  readonly scenario: string;
  readonly html: string;
}

/** A single page gets the given name; several have their scenario in the name. */
function keep(file: string, pages: readonly Page[], tell: (text: string) => void): void {
  if (pages.length === 0)
    tell(`\n${file} was not written: a deployment that changed nothing leaves no page.`);
  for (const { scenario, html } of pages) {
    const name = pages.length === 1 ? file : file.replace(/(\.html?)$/, `-${scenario}$1`);
    writeFileSync(name, html);
    tell(`\nThe timeline of ${scenario}: ${pathToFileURL(name).href}`);
  }
}

/** By the names of environments. */
interface Homes {
  readonly templates: Readonly<Record<string, TemplateJson>>;
  readonly regions: ReadonlyMap<string, string>;
}

async function playAll(
  parts: readonly Part[],
  homes: Homes,
  options: DemoOptions,
  seed: number,
  pages: Page[],
): Promise<boolean> {
  const given = options.artifact ? readFileSync(options.artifact) : undefined;
  const isShow = isTerminal && !options.json && !options.plain;
  const pace = new Pace(options.speed ?? (isShow ? 'tour' : 'max'));
  const { audience, leave } = audienceFor(options, isShow);
  process.once('SIGINT', () => {
    leave();
    process.exit(INTERRUPTED);
  });
  let right = true;
  try {
    for (const part of parts) {
      const artifact = given ?? (part.scenario === 'promote' ? packedByCi() : undefined);
      const { asItMust } = await playPart(part, homes, {
        seed,
        tarball: artifact ?? tarball(EXAMPLE_APPLICATION),
        audience,
        pace,
        keepPage: (html) => void pages.push({ scenario: part.scenario, html }),
      });
      right &&= asItMust;
    }
  } finally {
    leave();
  }
  return right;
}

function playPart(
  { scenario, environment, fleet, source }: Part,
  { templates, regions }: Homes,
  options: Omit<PerformanceOptions, 'template' | 'fleet' | 'scenario'>,
): Promise<{ readonly asItMust: boolean }> {
  const player = (home: string, name: string) => {
    const template = templates[home];
    if (!template) throw new Error(`There is no template of the environment ${home}.`);
    return { fleet: name, template, region: regions.get(home) };
  };
  if (!isFlow(scenario)) return perform({ ...options, ...player(environment, fleet), scenario });
  if (scenario === 'abort') return performAbort({ ...options, ...player(environment, fleet) });
  if (scenario === 'two-uploads') return performTwoUploads({ ...options, ...player(environment, fleet) });
  if (!source) throw new Error(`The scenario ${scenario} has no source.`);
  return performPromotion({
    ...options,
    source: player(source.environment, source.fleet),
    destination: player(environment, fleet),
    soakMinutes: source.soakMinutes,
  });
}

function audienceFor({ json }: DemoOptions, isShow: boolean): { audience: Audience; leave: () => void } {
  const nothing = () => {};
  if (json) return { audience: new JsonLines(write), leave: nothing };
  const inColour = wantsColour(process.env, isTerminal);
  if (!isShow) return { audience: new PlainLines({ write, inColour }), leave: nothing };
  const size = () => ({ columns: stdout.columns, rows: stdout.rows });
  const screen = new Screen({ write, size, inColour });
  return { audience: screen, leave: () => screen.close() };
}
