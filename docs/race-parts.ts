/** The race in the documents: a line for each contender in both READMEs, and everything in `docs/race.md`. */
import { PEERS } from '../simulator/race/contenders.ts';
import { type Figures, inScene, type RaceFigures } from '../simulator/race/figures.ts';
import { GROUP_FACTS } from '../simulator/race/group.ts';
import type { Fact } from '../simulator/race/peer.ts';
import { amount, endings, leftOf } from '../simulator/race/print.ts';
import { SCENES, titleOf } from '../simulator/race/scenes.ts';
import { type Verdict, verdicts } from '../simulator/race/targets.ts';
import { table } from './markdown.ts';
import { brief, inHostSeconds, inThings, leastText, range, type Summary, summaries } from './race-summary.ts';

interface Words {
  readonly head: readonly string[];
  readonly all: string;
  readonly of: string;
  readonly undone: string;
  readonly kept: string;
}

const ENGLISH: Words = {
  head: [
    'median–p95 of 100 deployments',
    'traffic on new, tuned ELB',
    'on ELB defaults',
    'in service, at least',
    'cut, host-seconds',
    'left behind',
    'a bad release is given up after',
    'a host breaks after the shift',
  ],
  all: 'all',
  of: ' of ',
  undone: 'undone',
  kept: 'stays on new',
};

const JAPANESE: Words = {
  head: [
    '100 回の中央値–p95',
    '新ホストへの切り替え完了、調整済み ELB',
    'ELB の既定値',
    '稼働数の最小',
    '中断したリクエスト（ホスト秒）',
    '残されたもの',
    '不良リリースを断念するまで',
    '切り替え後のホスト故障',
  ],
  all: '全台',
  of: ' / ',
  undone: '切り戻す',
  kept: '新リリースのまま',
};

/** The table, and what irekae misses, with who is better. */
export const raceTable = (results: RaceFigures): string => {
  const missed = verdicts(results).filter(({ met }) => !met);
  if (missed.length === 0) return tableIn(results, ENGLISH);
  return [
    tableIn(results, ENGLISH),
    'What irekae [wants of the race](docs/race.md) and misses today:',
    missed.map(verdictLine).join('\n'),
  ].join('\n\n');
};
export const raceTableJa = (results: RaceFigures): string => tableIn(results, JAPANESE);

const verdictLine = ({ met, target, measured }: Verdict): string =>
  `- ${met ? '✓' : '✗'} ${target}: ${measured}`;

function tableIn(results: RaceFigures, words: Words): string {
  const [who = '', ...rest] = words.head;
  const head = [who.replace('100', `${results.seeds}`), ...rest];
  return table(
    head,
    summaries(results).map((one) => lineOf(one, words)),
  );
}

const lineOf = (one: Summary, words: Words): string[] => [
  one.contender === 'irekae' ? '**irekae**' : one.contender,
  range(one.traffic('tuned', 2)),
  range(one.traffic('default', 2)),
  leastText(one.least, words.all, words.of),
  inHostSeconds(one.cut),
  inThings(one.left),
  brief(one.givesUp),
  undoneText(one.undone, words),
];

function undoneText({ runs, of }: Summary['undone'], words: Words): string {
  if (runs === of) return words.undone;
  return runs === 0 ? words.kept : `${words.undone} ${runs}${words.of}${of}`;
}

/** Everything, scene by scene. */
export const raceRows = (results: RaceFigures): string =>
  SCENES.map((scene) =>
    [`### ${titleOf(scene)}`, table(HEAD, inScene(results, scene).map(cells))].join('\n\n'),
  ).join('\n\n');

const HEAD = [
  '',
  'new, p50',
  'p95',
  'ends, p50',
  'p95',
  'least',
  'short',
  'cut',
  'left',
  'EC2 / ELB / Mackerel',
  'ends on',
];

const seconds = (value: number | null) => (value === null ? '–' : `${Math.round(value)} s`);

const cells = (row: Figures): string[] => [
  row.contender,
  seconds(row.trafficOnNew.p50),
  seconds(row.trafficOnNew.p95),
  seconds(row.ended.p50),
  seconds(row.ended.p95),
  `${row.leastInService} of ${row.scene.size}`,
  row.missing.toFixed(0),
  amount(row.cut),
  amount(leftOf(row)),
  [row.left.instances, row.left.registrations, row.left.mackerelHosts].map(amount).join(' / '),
  endings(row.endedOn, row.runs),
];

export const raceTargets = (results: RaceFigures): string => verdicts(results).map(verdictLine).join('\n');

export const raceFacts = (): string =>
  [
    ...PEERS.map(({ name, facts }) => [name, facts] as const),
    [
      'All that stand in an Auto Scaling group (Riff-Raff, CodeDeploy, Instance Refresh)',
      GROUP_FACTS,
    ] as const,
  ]
    .map(([name, facts]) => [`### ${name[0]?.toUpperCase()}${name.slice(1)}`, factTable(facts)].join('\n\n'))
    .join('\n\n');

const factTable = (facts: readonly Fact[]): string =>
  table(
    ['what', '', 'from'],
    facts.map(({ what, known, source }) => [what, known, source]),
  );
