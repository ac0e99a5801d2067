/** What every command says, as it stands in terminals of three widths; and whether what it says to type can be typed. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Task } from '../../bin/command/command.ts';
import { readCommandLine } from '../../bin/command/command-line.ts';
import { toldEnd } from '../../bin/command/follow/followed.ts';
import { EXIT_CODES, type Verdict } from '../../bin/command/follow/standing.ts';
import { AS_WRITTEN, commandsIn } from '../../bin/command/hints.ts';
import { COMMANDS, irekae, PROJECT_COMMANDS } from '../../bin/command/irekae.ts';
import type { CommandSetup } from '../../bin/command/office.ts';
import { Rendering } from '../../bin/command/rendering.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import type { Connection } from '../../lambdas/ports/command.ts';
import { width } from '../../lib/terminal/width.ts';
import { connectLocally } from '../../simulator/local-region.ts';
import { exampleEnvironments as environments, synthesize } from '../synth.ts';
import { FLEET } from './desk.ts';

const templates = { staging: synthesize('staging'), production: synthesize() };

/** Each needs a world of its own: it changes what the others would see. */
const CHANGING = ['deploy', 'rollback', 'promote', 'remove'];
const changes = ({ name }: { readonly name: string }) => CHANGING.includes(name);
const lineOf = ({ name }: { readonly name: string }) =>
  `${name} ${FLEET}${name === 'rollback' ? ' --reason why' : ''}`;

/** In one world each, as making it is what takes the time; what changes it comes last. */
const WORLDS: readonly (readonly string[])[] = [
  ['status', 'page --no-open'],
  [
    ...COMMANDS.filter((command) => !changes(command)).map(lineOf),
    `deploy ${FLEET} --version none`,
    `rollback ${FLEET} --to nobody --reason why`,
    `plan ${FLEET} --to release-1`,
    `promote ${FLEET} --dry-run`,
    `deploy ${FLEET} --wait`,
  ],
  ...COMMANDS.filter(changes).map((command) => [lineOf(command)]),
  ['promote reactio-staging-app'],
  [`status ${FLEET} --local running`, `cancel ${FLEET} --local running`],
  [`status ${FLEET} --local stuck`, `unlock ${FLEET} --local stuck`],
  [
    `status ${FLEET} --local halfway`,
    `doctor ${FLEET} --local halfway`,
    `cancel ${FLEET} --local halfway`,
    `unlock ${FLEET} --local halfway`,
  ],
  [`doctor ${FLEET} --local strangers`, `adopt ${FLEET} --local strangers`],
  [`status ${FLEET} --local two-waiting`, `watch ${FLEET} --local two-waiting`],
];
/** These come to none. */
const REFUSED = [`deploi ${FLEET}`, 'rollback'];

const HELPS = ['help', ...COMMANDS.map(({ name }) => `help ${name}`)];

/** What was said, before it is laid out. */
const said = new Map<string, string[]>();
type ConnectLocal = NonNullable<CommandSetup['connectLocal']>;
const place = (connectLocal: ConnectLocal): CommandSetup => ({
  fleetsFile,
  connect: async () => {
    throw new Error('Nothing here calls AWS.');
  },
  connectLocal,
  page: { keep: async () => '/tmp/page.html' },
  print: () => {},
  complain: () => {},
});

async function sayIn(lines: readonly string[]): Promise<void> {
  let world: Connection | undefined;
  const connectLocal: ConnectLocal = async (all, about, scenario) => {
    world ??= await connectLocally(all, about, { isVisible: false, scenario, templates });
    const { close, ...shared } = world;
    return shared;
  };
  try {
    for (const line of lines) said.set(line, await wordsOf(line, connectLocal));
  } finally {
    world?.close?.();
  }
}

async function wordsOf(line: string, connectLocal: ConnectLocal): Promise<string[]> {
  const words: string[] = [];
  const rows = vi.spyOn(Rendering.prototype, 'rows').mockImplementation((lines) => {
    words.push(...lines);
    return [];
  });
  try {
    const local = line.includes('--local') || line.startsWith('help') ? [] : ['--local'];
    await irekae([...line.split(' '), ...local], place(connectLocal));
  } finally {
    rows.mockRestore();
  }
  return words;
}

beforeAll(async () => {
  for (const lines of [...WORLDS, REFUSED, HELPS]) await sayIn(lines);
  for (const name of Object.keys(FAILURES))
    for (const verdict of Object.keys(EXIT_CODES))
      said.set(`${verdict} ${name}`, endOf(name, verdict as Verdict));
});
afterAll(() => vi.restoreAllMocks());

const environment = environments.find(({ name }) => name === 'production');
const fleet = environment?.fleets.find(({ name }) => name === FLEET);

function endOf(error: string, verdict: Verdict): string[] {
  const task = { environment, environments, fleet, options: {}, isLocal: false } as unknown as Task;
  const end = {
    verdict,
    reason: `${error}: i-0123456789abcdef0 is not in service at reactio-production. Undone.`,
    error,
  };
  return [...toldEnd(task, end, 'deploy-1').lines];
}

const everything = () => [...said].flatMap(([of, lines]) => lines.map((line) => ({ of, line })));
const asWritten = new Rendering({}, AS_WRITTEN);

describe.each([60, 80, 120])('In a terminal of %i columns', (columns) => {
  const terminal = new Rendering({ columns: () => columns, timeZone: 'Asia/Tokyo' }, AS_WRITTEN);

  /** Nothing else may be wider: an id, a command, a name. */
  const isOnePiece = (row: string) => {
    const text = row.trim();
    const [command] = commandsIn(text);
    return !text.includes(' ') || (command?.from === 0 && command.to === text.length);
  };

  it('no line is wider, unless it is one thing that people paste', () => {
    const rows = [...said].flatMap(([of, lines]) => terminal.rows(lines).map((row) => ({ of, row })));
    expect(rows.length).toBeGreaterThan(1_000);
    expect(rows.filter(({ row }) => width(row) > columns && !isOnePiece(row))).toEqual([]);
  });

  it('every id and every command stands there in one piece', () => {
    const broken = [...said].flatMap(([of, lines]) => {
      const rows = terminal.rows(lines);
      const whole = asWritten
        .plain(lines)
        .flatMap((line) => [
          ...commandsIn(line).map(({ from, to }) => line.slice(from, to)),
          ...line.split(/\s+/).filter((word) => /\d/.test(word) && word.length > 11),
        ]);
      return whole.filter((each) => !rows.some((row) => row.includes(each))).map((each) => ({ of, each }));
    });
    expect(broken).toEqual([]);
  });

  it('and no word is lost', () => {
    const wordsIn = (rows: readonly string[]) =>
      rows
        .join(' ')
        .replace(/ \([-+: 0-9]+\)/g, '')
        .split(/\s+/)
        .filter((word) => word !== '' && word !== '-')
        .sort();
    for (const [, lines] of said) {
      const [here, there] = [wordsIn(terminal.rows(lines)), new Set(wordsIn(asWritten.plain(lines)))];
      const missing = [...there].filter((word) => !here.includes(word) && !isHead(lines, word));
      expect(missing).toEqual([]);
    }
  });
});

/** A column of which no row has anything is not shown below the rows. */
const isHead = (lines: readonly string[], word: string) =>
  lines.some((line) => line.includes('\x01') && line.includes(word));

describe('What people are told to type', () => {
  const unquoted = (command: string) =>
    [...command.matchAll(/(?:'([^']*)'|"([^"]*)"|[^\s'"]+)+/g)].map(([word]) =>
      word.replace(/^['"]|['"]$/g, ''),
    );

  it('can be typed as it stands: our own parser takes it', async () => {
    const commands = everything().flatMap(({ of, line }) =>
      asWritten
        .plain([line])
        .flatMap((text) => commandsIn(text).map(({ from, to }) => ({ of, command: text.slice(from, to) }))),
    );
    const ours = commands.filter(({ command }) => command.startsWith(COMMAND));
    expect(new Set(ours.map(({ command }) => command)).size).toBeGreaterThan(15);
    const isProject = (command: string) =>
      PROJECT_COMMANDS.some(({ name }) => command.startsWith(`${COMMAND} ${name}`));
    const read = ours
      .filter(({ command }) => !isProject(command))
      .map(async (each) => {
        const argv = unquoted(each.command.slice(COMMAND.length));
        return { ...each, kind: (await readCommandLine(argv, COMMANDS, async () => environments)).kind };
      });
    expect((await Promise.all(read)).filter(({ kind }) => kind === 'bad')).toEqual([]);
    const vague = commands.filter(({ command }) =>
      /(^|[\s=/])(TEXT|FLEET|DEPLOYMENT|ID|REGION|…)(\s|$)/.test(command),
    );
    expect(vague).toEqual([]);
    const elsewhere = commands.filter(
      ({ command }) => /^aws (?!sso)/.test(command) && !command.includes('--region'),
    );
    expect(elsewhere).toEqual([]);
  });

  it('and it is a command, not only its options', () => {
    const bare = everything().filter(({ of, line }) => !of.startsWith('help') && /: {2,}--/.test(line));
    expect(bare).toEqual([]);
  });
});
