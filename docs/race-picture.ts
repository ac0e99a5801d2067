/** The picture of the race: how long until the new hosts alone serve, and what it costs those who wait for it. */
import type { RaceFigures } from '../simulator/race/figures.ts';
import type { Scene, Tuning } from '../simulator/race/scenes.ts';
import { brief, inHostSeconds, inThings, leastText, range, type Summary, summaries } from './race-summary.ts';
import { PICTURE_STYLE } from './story-picture-style.ts';
import { element, line, type Point, picture, text } from './svg.ts';

const WIDTH = 1_064;
const ROW = { first: 96, height: 46 } as const;
const NAMES_AT = 20;
const PANELS: Readonly<
  Record<Tuning, { x: number; width: number; most: number; every: number; title: string }>
> = {
  tuned: { x: 206, width: 240, most: 150, every: 50, title: 'Tuned ELB: 5 s × 2' },
  default: { x: 456, width: 240, most: 400, every: 200, title: 'Defaults: 30 s × 10' },
};
/** Room for a bar's label, right of the scale. */
const LABEL = 96;
const COLUMNS = { least: 742, cut: 806, left: 862, bad: 938, undone: 1_018 } as const;
const SIZES = [2, 10] as const;

const STYLE = `${PICTURE_STYLE}.ours{fill:var(--good)}.grid{stroke:var(--frame);stroke-width:1}
.bar{stroke:var(--edge);stroke-width:6;stroke-linecap:round}.bar-ours{stroke:var(--good-edge);stroke-width:6;stroke-linecap:round}
.beyond{stroke:var(--edge);stroke-width:2.5}
.dot{fill:var(--sheet);stroke:var(--ink);stroke-width:1.5}
.poor text{fill:var(--bad-edge);font-weight:700}.fine text{fill:var(--good-edge);font-weight:700}
`;

export function racePicture(results: RaceFigures): string {
  const all = summaries(results);
  const foot = ROW.first + all.length * ROW.height;
  const sheet = {
    width: WIDTH,
    height: foot + 62,
    title: 'The race: irekae and what a user would pick instead',
    description: all.map(describe).join(' '),
    style: STYLE,
    arrows: [],
  };
  return picture(sheet, [
    ...(['tuned', 'default'] as const).map((tuning) => drawPanel(tuning, foot)),
    ...drawHeads(),
    ...all.map(drawRow),
    ...drawLegend(results, foot),
  ]);
}

const describe = (one: Summary): string =>
  `${one.contender}: traffic on the new hosts after ${range(one.traffic('tuned', 2))} behind a tuned ELB, ` +
  `${range(one.traffic('default', 2))} behind one with its defaults; at least ${leastText(one.least, 'all', ' of ')} in service, ` +
  `${inHostSeconds(one.cut)} host-seconds of requests cut, ${inThings(one.left)} things left behind.`;

const scaled = (tuning: Tuning, seconds: number): number => {
  const { x, width, most } = PANELS[tuning];
  return x + 8 + (Math.min(seconds, most) / most) * (width - LABEL - 8);
};

function drawPanel(tuning: Tuning, foot: number): string {
  const { x, width, most, every, title } = PANELS[tuning];
  const ticks = Array.from({ length: most / every + 1 }, (_, index) => index * every);
  return [
    element('rect', { class: 'act', x, y: 16, width, height: foot + 20 - 16, rx: 8 }),
    text({ x: x + 12, y: 42 }, title, 'act-title', 'start'),
    text({ x: x + 12, y: 62 }, 'until the new hosts alone serve', 'small', 'start'),
    ...ticks.flatMap((tick) => [
      line(
        [
          { x: scaled(tuning, tick), y: ROW.first - 18 },
          { x: scaled(tuning, tick), y: foot - 2 },
        ],
        'grid',
      ),
      text({ x: scaled(tuning, tick), y: foot + 13 }, tick === 0 ? '0' : `${tick} s`, 'small'),
    ]),
  ].join('');
}

const HEADS: Readonly<Record<keyof typeof COLUMNS, readonly string[]>> = {
  least: ['in service,', 'at least'],
  cut: ['cut,', 'host-s'],
  left: ['left', 'behind'],
  bad: ['bad release', 'given up after'],
  undone: ['a break', 'is undone'],
};

const drawHeads = (): string[] => [
  text({ x: (COLUMNS.least + COLUMNS.undone) / 2, y: 36 }, 'The worst of all rows', 'act-title'),
  ...Object.entries(HEADS).flatMap(([column, words]) =>
    words.map((word, index) =>
      text({ x: COLUMNS[column as keyof typeof COLUMNS], y: 56 + index * 15 }, word, 'small'),
    ),
  ),
];

function drawRow(one: Summary, index: number): string {
  const y = ROW.first + index * ROW.height;
  const isOurs = one.contender === 'irekae';
  const band = `M8 ${y - 17}H${WIDTH - 8}V${y + ROW.height - 19}H8Z`;
  return [
    ...(isOurs ? [element('path', { class: 'ours', d: band })] : []),
    text({ x: NAMES_AT, y: y + 10 }, one.contender, 'name', 'start'),
    ...(['tuned', 'default'] as const).flatMap((tuning) =>
      SIZES.map((size, lane) => drawBar(one, tuning, size, y + lane * 19 - 3)),
    ),
    ...drawNumbers(one, y + 10),
  ].join('');
}

function drawBar(one: Summary, tuning: Tuning, size: Scene['size'], y: number): string {
  const { most } = PANELS[tuning];
  const { p50, p95 } = one.traffic(tuning, size);
  const from: Point = { x: scaled(tuning, p50 ?? most), y };
  const to: Point = { x: Math.max(from.x + 0.1, scaled(tuning, p95 ?? most)), y };
  const name = one.contender === 'irekae' ? 'bar-ours' : 'bar';
  const isBeyond = (p50 ?? most + 1) > most;
  return [
    ...(isBeyond ? [beyond(from)] : [line([from, to], name), dot(from)]),
    text({ x: to.x + 9, y: y + 4 }, range({ p50, p95 }), 'small', 'start'),
  ].join('');
}

const dot = ({ x, y }: Point): string => element('circle', { class: 'dot', cx: x, cy: y, r: 3.4 });

/** Right of the scale's end. */
const beyond = ({ x, y }: Point): string =>
  [x - 6, x]
    .map((tip) =>
      element('path', { class: 'beyond', d: `M${tip - 5} ${y - 4}L${tip} ${y}L${tip - 5} ${y + 4}` }),
    )
    .join('');

function drawNumbers(one: Summary, y: number): string[] {
  const isWhole = one.least.leastInService >= one.least.scene.size;
  return [
    judged(isWhole, { x: COLUMNS.least, y }, leastText(one.least, 'all', ' of ')),
    judged(one.cut === 0, { x: COLUMNS.cut, y }, inHostSeconds(one.cut)),
    judged(one.left === 0, { x: COLUMNS.left, y }, inThings(one.left)),
    text({ x: COLUMNS.bad, y }, brief(one.givesUp), 'small'),
    judged(one.undone.runs === one.undone.of, { x: COLUMNS.undone, y }, shareText(one.undone)),
  ];
}

const shareText = ({ runs, of }: Summary['undone']): string => {
  if (runs === 0) return 'no';
  return runs === of ? 'yes' : `${Math.floor((100 * runs) / of)} %`;
};

const judged = (isFine: boolean, at: Point, words: string): string =>
  element('g', { class: isFine ? 'fine' : 'poor' }, text(at, words, 'small'));

function drawLegend({ seeds }: RaceFigures, foot: number): string[] {
  const y = foot + 44;
  return [
    line(
      [
        { x: NAMES_AT + 8, y: y - 4 },
        { x: NAMES_AT + 44, y: y - 4 },
      ],
      'bar',
    ),
    dot({ x: NAMES_AT + 8, y: y - 4 }),
    text(
      { x: NAMES_AT + 60, y },
      `from the median to the 95th percentile of ${seeds} deployments in the modelled world; above 2 hosts, below 10`,
      'small',
      'start',
    ),
  ];
}
