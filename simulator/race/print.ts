/** The race as text: fits into 80 columns, and tells more where there are 120. */
import { type Column, table } from '../table.ts';
import { type Figures, inScene, type RaceFigures } from './figures.ts';
import { SCENES, titleOf } from './scenes.ts';
import { verdicts } from './targets.ts';

const WIDE = 120;

const seconds = (value: number | null): string => (value === null ? '-' : value.toFixed(0));
export const amount = (value: number): string => (value === 0 ? '0' : value.toFixed(1));
export const leftOf = ({ left }: Figures): number => left.instances + left.registrations + left.mackerelHosts;

const COLUMNS: readonly Column<Figures>[] = [
  ['', ({ contender }) => contender],
  ['new', ({ trafficOnNew }) => seconds(trafficOnNew.p50)],
  ['p95', ({ trafficOnNew }) => seconds(trafficOnNew.p95)],
  ['ends', ({ ended }) => seconds(ended.p50)],
  ['p95', ({ ended }) => seconds(ended.p95)],
  ['least', ({ leastInService, scene }) => `${leastInService}/${scene.size}`],
  ['short', ({ missing }) => missing.toFixed(0)],
  ['cut', ({ cut }) => amount(cut)],
  ['left', (row) => amount(leftOf(row))],
];

const MORE: readonly Column<Figures>[] = [
  [
    'EC2/ELB/Mackerel',
    ({ left }) => [left.instances, left.registrations, left.mackerelHosts].map(amount).join(' '),
  ],
  ['ends on', ({ endedOn, runs }) => endings(endedOn, runs)],
];

export const endings = (endedOn: Figures['endedOn'], runs: number): string =>
  Object.entries(endedOn)
    .filter(([, count]) => count > 0)
    .map(([release, count]) => (count === runs ? release : `${count} ${release}`))
    .join(', ');

const ABOUT = [
  'new      seconds until the new hosts alone serve, median and p95; - never',
  'ends     seconds until the run is over, cleaned up after where somebody does',
  'least    healthy hosts in service at the worst moment, of those before',
  'short    host-seconds with fewer of them in service than before, a run',
  'cut      host-seconds of requests that were in flight when a host was ended,',
  '         or were sent to it after that, a run',
  'left     instances, ELB registrations and Mackerel hosts beside the fleet',
  '         that serves in the end, a run',
];

export function printed(results: RaceFigures, columns: number): string {
  const shown = columns >= WIDE ? [...COLUMNS, ...MORE] : COLUMNS;
  return [
    `The race: everybody in the same modelled world, seeds 1 to ${results.seeds}, virtual seconds.`,
    ABOUT.map((line) => `  ${line}`).join('\n'),
    ...SCENES.map((scene) =>
      [titleOf(scene), ...table(inScene(results, scene), shown).map((line) => `  ${line}`)].join('\n'),
    ),
    [
      'Targets',
      ...verdicts(results).flatMap(({ met, target, measured }) => verdictLines(met, target, measured)),
    ].join('\n'),
  ].join('\n\n');
}

const verdictLines = (met: boolean, target: string, measured: string): string[] => [
  `  ${met ? '✓' : '✗'} ${target}`,
  ...measured.split('; ').map((part) => `      ${part}`),
];
