/** The table of signals as a picture: signals from top to bottom, the states that ask them from left to right. */
import { rowOf, type StepName, titleOf } from '../lambdas/domain/core/steps.ts';
import type { Story } from './story.ts';
import { FONT, PICTURE_STYLE } from './story-picture-style.ts';
import { element, line, lines, picture, text, wrap } from './svg.ts';
import { DECIDING_STEPS, type Decision, decisionsOf, SIGNALS, type Signal, wordsOf } from './what-decides.ts';

const MARGIN = 20;
const TOP = 36;
const LABEL = 250;
const COLUMN = { width: 104, gap: 8, pad: 3 } as const;
const HEAD = { acts: 34, height: 112 } as const;
const ROW = { height: 50, gap: 4 } as const;
const SMALL = 15;

const columnX = (index: number) => MARGIN + LABEL + index * (COLUMN.width + COLUMN.gap);
const rowY = (index: number) => TOP + HEAD.height + index * (ROW.height + ROW.gap);

export function whatDecidesPicture(story: Story): string {
  const rows = SIGNALS.map((signal) => ({ signal, decisions: decisionsOf(signal, story) }));
  const bottom = rowY(rows.length);
  const sheet = {
    width: columnX(DECIDING_STEPS.length) - COLUMN.gap + MARGIN,
    height: bottom + MARGIN,
    title: 'What decides about a deployment',
    description: rows.map(describe).join(' '),
    style: PICTURE_STYLE,
    arrows: [],
  };
  return picture(sheet, [
    ...acts().map((act) => drawAct(act, bottom)),
    ...DECIDING_STEPS.map(drawHead),
    ...rows.flatMap(drawRow),
    ...drawPointOfNoReturn(bottom),
  ]);
}

interface Row {
  readonly signal: Signal;
  readonly decisions: readonly Decision[];
}

/** The same in words, for those who cannot see the picture. */
const describe = ({ signal, decisions }: Row): string =>
  `${signal.name} (${signal.whose}): ${decisions.map((each) => `${rowOf(each.step).title}: ${wordsOf(each)}`).join('; ')}.`;

interface Act {
  readonly title: string;
  readonly from: number;
  readonly to: number;
}

/** Neighbouring columns of one act. */
function acts(): Act[] {
  const titles = DECIDING_STEPS.map((step) => titleOf(rowOf(step).act));
  return [...new Set(titles)].map((title) => ({
    title,
    from: titles.indexOf(title),
    to: titles.lastIndexOf(title),
  }));
}

function drawAct({ title, from, to }: Act, bottom: number): string {
  const x = columnX(from) - COLUMN.pad;
  const width = columnX(to) + COLUMN.width + COLUMN.pad - x;
  return element(
    'g',
    {},
    element('rect', { class: 'act', x, y: TOP, width, height: bottom - TOP, rx: 8 }),
    lines({ x: x + width / 2, y: TOP + HEAD.acts / 2 + 2 }, wrap(title, FONT.title, width), 'act-title', 20),
  );
}

function drawHead(step: StepName, index: number): string {
  const at = { x: columnX(index) + COLUMN.width / 2, y: TOP + (HEAD.acts + HEAD.height) / 2 };
  return lines(at, wrap(rowOf(step).title, FONT.small, COLUMN.width), 'small', SMALL);
}

function drawRow({ signal, decisions }: Row, index: number): string[] {
  const y = rowY(index);
  const name = wrap(signal.name, FONT.name, LABEL - COLUMN.gap * 2);
  const below = name.length * 17;
  const top = y + (ROW.height - below) / 2 + 12;
  return [
    ...name.map((each, at) => text({ x: MARGIN, y: top + at * 17 }, each, 'name', 'start')),
    ...decisions.map((decision) => drawCell(decision, y)),
  ];
}

function drawCell(decision: Decision, y: number): string {
  const x = columnX(DECIDING_STEPS.indexOf(decision.step));
  const kind = decision.ends.at(-1)?.kind ?? '';
  const words = wrap(wordsOf(decision), FONT.small, COLUMN.width - 2 * COLUMN.pad);
  return element(
    'g',
    { class: `end ${kind}` },
    element('rect', { x, y, width: COLUMN.width, height: ROW.height, rx: 6 }),
    lines({ x: x + COLUMN.width / 2, y: y + ROW.height / 2 }, words, 'small', SMALL),
  );
}

/** Between the columns: the first of its act is the one that passes it. */
function drawPointOfNoReturn(bottom: number): string[] {
  const x = columnX(DECIDING_STEPS.findIndex((step) => rowOf(step).act === 'remove')) - COLUMN.gap / 2;
  return [
    line(
      [
        { x, y: TOP - 6 },
        { x, y: bottom },
      ],
      'no-return',
    ),
    text({ x, y: TOP - 14 }, 'the point of no return', 'no-return-title'),
  ];
}
