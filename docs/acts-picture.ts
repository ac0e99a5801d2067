/**
 * The first picture that a newcomer sees: four acts from left to right, what each does, and where its failures end. Every
 * state, and every way between them, is in the other one (`story-picture.ts`). Both are read from the definition.
 */
import type { Act, Story } from './story.ts';
import { meaningOf } from './story-layout.ts';
import { FONT, PICTURE_STYLE } from './story-picture-style.ts';
import { arrow, type Box, element, line, lines, picture, text, wrap } from './svg.ts';

const CARD = { width: 238, gap: 32, y: 42, header: 74, pad: 12 } as const;
const MARGIN = 20;
const LINE = 18;
const SMALL = 15;
const END = { gap: 40, title: 28, bottom: 10 } as const;

const cardX = (index: number) => MARGIN + index * (CARD.width + CARD.gap);

/** Acts in a row whose failures end alike, and how. */
interface Ending {
  readonly from: number;
  to: number;
  readonly title: string;
  readonly meaning: string;
  readonly kind: string;
}

export function actsPicture(story: Story): string {
  const { acts } = story;
  const most = Math.max(...acts.map((act) => stepsOf(act).length));
  const bottom = CARD.y + CARD.header + most * LINE + CARD.pad;
  const endings = endingsOf(story);
  const highest = Math.max(...endings.map((ending) => meaningLines(ending).length));
  const end = { y: bottom + END.gap, height: END.title + highest * SMALL + END.bottom };
  const width = cardX(acts.length) - CARD.gap + MARGIN;
  const height = end.y + end.height + MARGIN;
  const sheet = {
    width,
    height,
    title: 'A deployment in four acts',
    description: describe(acts, endings),
    style: PICTURE_STYLE,
    arrows: ['next', 'fails'],
  };
  return picture(sheet, [
    ...acts.map((act, index) => drawAct(act, index, bottom)),
    ...acts.slice(1).map((_, index) => drawOnward(index)),
    ...endings.flatMap((ending) => drawEnding(ending, bottom, end)),
    ...drawPointOfNoReturn(story, height),
  ]);
}

/** What an act does; how it ends well, if the deployment ends with it. */
const stepsOf = ({ rows }: Act): string[] =>
  rows.flatMap(({ kind, name }) => (kind === 'step' ? [name] : kind === 'end' ? [`✓ ${name}`] : []));

function endingsOf({ acts, tracks }: Story): Ending[] {
  const endings: Ending[] = [];
  for (const [index, { failsTo }] of acts.entries()) {
    const track = tracks.get(failsTo);
    if (!track) throw new Error(`Nothing follows ${failsTo}.`);
    const last = endings.at(-1);
    if (last?.title === track.end) last.to = index;
    else {
      const kind = track.steps.length > 0 ? 'undone' : track.beforeEnd.length > 0 ? 'refused' : 'bad';
      endings.push({ from: index, to: index, title: track.end, meaning: meaningOf(track).join(' '), kind });
    }
  }
  return endings;
}

/** The same in words, for those who cannot see the picture. */
function describe(acts: readonly Act[], endings: readonly Ending[]): string {
  return acts
    .map((act, index) => {
      const end = endings.find(({ from, to }) => from <= index && index <= to);
      return `${act.title}: ${stepsOf(act).join(', ')}. ${act.promise} A failure ends as ${end?.title}.`;
    })
    .join(' ');
}

function drawAct(act: Act, index: number, bottom: number): string {
  const x = cardX(index);
  const middle = x + CARD.width / 2;
  const box = { x, y: CARD.y, width: CARD.width, height: bottom - CARD.y, rx: 8 };
  const promise = wrap(act.promise, FONT.small, CARD.width - CARD.pad);
  return element(
    'g',
    {},
    element('rect', { class: 'act', ...box }),
    text({ x: middle, y: CARD.y + 26 }, `${index + 1}  ${act.title}`, 'act-title'),
    lines({ x: middle, y: CARD.y + 50 }, promise, 'small', SMALL),
    ...stepsOf(act).map((name, at) =>
      text({ x: middle, y: CARD.y + CARD.header + (at + 0.6) * LINE }, name, 'name'),
    ),
  );
}

/** To the next act. */
function drawOnward(index: number): string {
  const y = CARD.y + 20;
  const x = cardX(index) + CARD.width;
  return arrow(
    [
      { x: x + 3, y },
      { x: x + CARD.gap - 3, y },
    ],
    'next',
  );
}

function drawEnding(ending: Ending, bottom: number, { y, height }: Pick<Box, 'y' | 'height'>): string[] {
  const { from, to, title, kind } = ending;
  const x = cardX(from);
  const middle = x + widthOf(ending) / 2;
  const meaning = meaningLines(ending);
  return [
    ...Array.from({ length: to - from + 1 }, (_, at) => cardX(from + at) + CARD.width / 2).map((down) =>
      arrow(
        [
          { x: down, y: bottom + 2 },
          { x: down, y: y - 2 },
        ],
        'fails',
      ),
    ),
    element(
      'g',
      { class: `end ${kind}` },
      element('rect', { x, y, width: widthOf(ending), height, rx: 10 }),
      text({ x: middle, y: y + 20 }, `✗ ${title}`, 'name'),
      lines({ x: middle, y: y + END.title + (meaning.length * SMALL) / 2 }, meaning, 'small', SMALL),
    ),
  ];
}

const widthOf = ({ from, to }: Ending) => cardX(to) - cardX(from) + CARD.width;
const meaningLines = (ending: Ending) => wrap(ending.meaning, FONT.small, widthOf(ending) - 2 * CARD.pad);

function drawPointOfNoReturn({ pointOfNoReturn }: Story, height: number): string[] {
  const x = cardX(pointOfNoReturn) - CARD.gap / 2;
  return [
    line(
      [
        { x, y: 34 },
        { x, y: height - MARGIN },
      ],
      'no-return',
    ),
    text({ x, y: 26 }, 'the point of no return', 'no-return-title'),
  ];
}
