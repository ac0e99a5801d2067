/**
 * The picture: load balancer on top, the zones side by side, the old and the new hosts in them and the state of each;
 * above it the phases, below it the sentence of the last look and what was done. After the diagrams that explained such
 * deployments in 2015.
 */
import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { ACTS } from '../../lambdas/domain/core/steps.ts';
import { span } from '../../lambdas/domain/core/words.ts';
import { alignRight, beginningOf, padTo, wrap } from '../../lib/terminal/width.ts';
import type { Line } from './narration.ts';
import type { Moment, Opening } from './performance.ts';
import type { PhaseStanding } from './phases.ts';
import { exactly, type Meaning, type Piece, type Row, spread, toWidth, widthOf } from './rows.ts';
import type { BalancerScene, HostScene, Scene } from './scene.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Everything that the picture shows. */
export interface Show {
  readonly opening: Opening;
  readonly moment: Moment;
  /** All lines so far. */
  readonly lines: readonly Line[];
}

export const SMALLEST: Size = { columns: 80, rows: 24 };
const WIDEST = 120;
const NARROWEST_ZONE = 20;
const SENTENCE_ROWS = 3;
const MOST_LINES = 10;
const FEWEST_LINES = 3;

/** Can it be drawn there? The last row stays free for the cursor. */
export function hasRoom({ columns, rows }: Size, zones: number): boolean {
  return columns >= Math.max(SMALLEST.columns, zones * NARROWEST_ZONE) && rows >= SMALLEST.rows;
}

/** At most `rows - 1` rows, none wider than `columns`. */
export function picture({ opening, moment, lines }: Show, { columns, rows }: Size): Row[] {
  const width = Math.min(columns, WIDEST);
  const top = [
    title(opening, moment, width),
    phaseRow(moment.phases),
    progressRow(moment, width),
    [],
    ...balancerBox(moment.scene, width),
    arrows(moment.scene, width),
  ];
  const below = [[], ...sentenceRows(moment, width), rule(lines, width)];
  const free = rows - 1 - top.length - below.length - FEWEST_LINES;
  const zones = zoneBoxes(moment.scene, width, free - 2);
  const room = rows - 1 - top.length - below.length - zones.length;
  return [...top, ...zones, ...below, ...lineRows(lines, opening, Math.min(room, MOST_LINES))].map((row) =>
    toWidth(row, width),
  );
}

// ── Above ──

function title({ fleet, scenario, seed, at }: Opening, moment: Moment, width: number): Row {
  const right = `seed ${seed}   ${clockText(at, moment.at)}`;
  return spread([['strong', fleet], `  scenario ${scenario}`], [['strong', right]], width);
}

/** Minutes and seconds since the beginning: `02:07`. */
export function clockText(from: Date, to: Date): string {
  return minutes((to.getTime() - from.getTime()) / 1000);
}

function minutes(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${two(seconds / 60)}:${two(seconds % 60)}`;
}

const MARKS = { done: '✔', now: '▶', failed: '✖', ahead: '·' } as const;
const MEANINGS = { done: 'good', now: 'strong', failed: 'bad', ahead: 'faint' } as const;

function phaseRow(phases: readonly PhaseStanding[]): Row {
  // After a failure, later phases are not awaited.
  const undone = phases.some(({ standing }) => standing === 'failed');
  const shown = phases.filter(({ standing }) => !undone || standing !== 'ahead');
  return shown.flatMap(({ phase, standing, seconds }, index): Piece[] => {
    const lasted = standing === 'ahead' ? '' : ` ${span(seconds)}`;
    const before: Piece[] = index === 0 ? [] : [['faint', ' ── ']];
    return [...before, [MEANINGS[standing], `${MARKS[standing]} ${ACTS[phase].title}${lasted}`]];
  });
}

/** The longest name of a task, and a space. */
const STATE_WIDTH = 40;

function progressRow({ state = '', progress }: Moment, width: number): Row {
  const length = width - STATE_WIDTH - 9;
  const full = Math.round(progress * length);
  const percent = alignRight(`${Math.floor(progress * 100)} %`, 6);
  return [
    `  ${padTo(state, STATE_WIDTH)}`,
    ['good', '█'.repeat(full)],
    ['faint', '░'.repeat(length - full)],
    percent,
  ];
}

function balancerBox({ balancers, zones, hosts }: Scene, width: number): Row[] {
  const centres = zoneCentres(zones.length, width);
  const left = Math.max(0, (centres[0] ?? 0) - 12);
  const right = Math.min(width - 1, (centres.at(-1) ?? width - 1) + 12);
  const inner = Math.max(right - left - 1, 50);
  const margin = ' '.repeat(Math.min(left, width - inner - 2));
  const content = balancers.length === 0 ? [noBalancer()] : balancers.map(balancerRow);
  const name = balancers.length === 1 ? ' load balancer ' : ' load balancers ';
  const served = zones.map((zone) =>
    hosts.some((host) => host.zone === zone && host.balancer && host.serves),
  );
  const bottom = [...'─'.repeat(inner)];
  centres.forEach((centre, index) => {
    if (served[index]) bottom[centre - margin.length - 1] = '┬';
  });
  return [
    [margin, padTo(`┌─${balancers.length === 0 ? '' : name}`, inner + 1, '─'), '┐'],
    ...content.map((row): Row => [margin, '│', ...toWidth([' ', ...row], inner), '│']),
    [margin, '└', bottom.join(''), '┘'],
  ];
}

const noBalancer = (): Row => ['no load balancer: Mackerel alone decides which hosts are ready'];

function balancerRow({ name, oldInService, newInService }: BalancerScene): Row {
  return [
    ['strong', name],
    '  in service: ',
    ['old', `${oldInService} OLD`],
    ', ',
    ['new', `${newInService} NEW`],
  ];
}

/** Where the requests go in each zone. */
function arrows({ zones, hosts }: Scene, width: number): Row {
  const row: Piece[] = [];
  zoneCentres(zones.length, width).forEach((centre, index) => {
    const served = hosts.filter((host) => host.zone === zones[index] && host.balancer && host.serves);
    if (served.length === 0) return;
    const sides = (['OLD', 'NEW'] as const).filter((side) => served.some((host) => host.side === side));
    row.push(' '.repeat(centre - widthOf(row)), ['good', '▼'], ` to ${sides.join(' and ')}`);
  });
  return row;
}

// ── The zones ──

function zoneCentres(zones: number, width: number): number[] {
  const boxWidth = Math.floor(width / Math.max(1, zones));
  return Array.from({ length: zones }, (_, index) => index * boxWidth + Math.floor((boxWidth - 1) / 2));
}

function zoneBoxes({ zones, hosts }: Scene, width: number, mostRows: number): Row[] {
  const boxWidth = Math.floor(width / Math.max(1, zones.length));
  const inner = boxWidth - 3;
  const perZone = zones.map((zone) => hosts.filter((host) => host.zone === zone));
  const most = Math.max(0, ...perZone.map((those) => those.length));
  const contents = perZone.map((those) => hostRows(those, most, mostRows));
  const height = Math.max(1, ...contents.map((rows) => rows.length));
  const beside = (part: (index: number) => Row): Row => zones.flatMap((_, index) => [...part(index), ' ']);
  return [
    beside((index) => [zoneTitle(zones[index] ?? '', inner + 1), '┐']),
    ...Array.from({ length: height }, (_, line) =>
      beside((index) => ['│', ...toWidth(contents[index]?.[line] ?? [], inner), '│']),
    ),
    beside(() => ['└', '─'.repeat(inner), '┘']),
  ];
}

const zoneTitle = (zone: string, width: number) => padTo(beginningOf(`┌─ zone ${zone} `, width), width, '─');

/** Two rows for each host as long as there is room in every zone, otherwise one; the rest is counted. */
function hostRows(hosts: readonly HostScene[], most: number, mostRows: number): Row[] {
  const spaced = most * 3 - 1 <= mostRows;
  if (spaced || most * 2 <= mostRows) {
    return hosts.flatMap((host, index) => [
      ...(spaced && index > 0 ? [[]] : []),
      hostRow(host),
      standingRow(host),
    ]);
  }
  if (hosts.length <= mostRows) return hosts.map(hostRow);
  const rest = hosts.slice(mostRows - 1);
  const serving = rest.filter((host) => host.serves).length;
  return [
    ...hosts.slice(0, mostRows - 1).map(hostRow),
    [`   … and ${rest.length} more, ${serving} in service`],
  ];
}

/** Ids are long: this much is enough to distinguish them. */
const shortId = (instanceId: string) => instanceId.slice(0, 10);

/** Sentences with ids shortened as in the picture. */
const withShortIds = (text: string) => text.replace(/\bi-[0-9a-f]{17}\b/g, shortId);

function hostRow({ instanceId, side, life, ageSeconds, serves }: HostScene): Row {
  if (life === 'gone') return [['faint', `   ${side} ${shortId(instanceId)} gone`]];
  const meaning: Meaning = life === 'broken' || life === 'stopped' ? 'bad' : 'strong';
  return [
    ' ',
    serves ? ['good', '▶'] : ' ',
    ' ',
    [side === 'OLD' ? 'old' : 'new', side],
    ` ${shortId(instanceId)} `,
    [meaning, life],
    ageSeconds === undefined ? '' : ` ${minutes(ageSeconds)}`,
  ];
}

function standingRow({ mackerel, balancer, trouble, life }: HostScene): Row {
  if (trouble !== undefined) return ['   ', ['bad', `✖ ${trouble}`]];
  if (life === 'gone') return [];
  const health: Meaning = balancer === 'in service' ? 'good' : balancer === 'unhealthy' ? 'bad' : 'faint';
  const atBalancer: Piece[] = balancer === undefined ? [] : [', LB ', [health, balancer]];
  return [`   Mackerel ${mackerel}`, ...atBalancer];
}

// ── Below ──

function sentenceRows({ sentence, isFailure }: Moment, width: number): Row[] {
  const lines = exactly(SENTENCE_ROWS, wrap(withShortIds(sentence), width), width);
  return lines.map((line) => [[isFailure ? 'bad' : 'strong', line]]);
}

/** Shows the reason for the undo until the end. */
function rule(lines: readonly Line[], width: number): Row {
  const name = lines.find(({ kind }) => kind === 'fails')?.text.split(':')[0];
  if (name === undefined) return [['faint', padTo('─ what was done ', width, '─')]];
  const text = `─ ${name}: ${FAILURES[name as FailureName] ?? 'see the runbook'} `;
  return [['bad', padTo(text, width, '─')]];
}

/** Without sentences and phases, which are shown above. */
function lineRows(lines: readonly Line[], { at: start }: Opening, most: number): Row[] {
  const done = lines.filter(({ kind }) => kind !== 'says' && kind !== 'phase').slice(-most);
  const rows = done.map(({ at, kind, text }): Row => {
    const told = withShortIds(text);
    const isBad = kind === 'fails' || kind === 'happens';
    return [['faint', `${clockText(start, at)}  `], isBad ? ['bad', told] : told];
  });
  return Array.from({ length: most }, (_, index) => rows[index] ?? []);
}
