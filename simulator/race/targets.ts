/** What irekae wants of the race. A miss is printed as one, with who was better. */
import { type Figures, inScene, type Percentiles, type RaceFigures } from './figures.ts';
import { SCENES, type Scene, type Tuning, titleOf } from './scenes.ts';

export interface Verdict {
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
  /** Without it nothing else counts. */
  readonly isPromise?: true;
}

const US = 'irekae';
const WITHIN_SECONDS = 2;

export function verdicts(results: RaceFigures): Verdict[] {
  return [
    promise(results),
    only(results),
    ...(['p50', 'p95'] as const).map((which) => closeToTheFastest(results, which)),
    bestOnDefaults(results),
  ];
}

const isClean = ({ runsThatCut, runsThatLeft }: Figures) => runsThatCut + runsThatLeft === 0;
const good = (tuning: Tuning): Scene[] =>
  SCENES.filter((scene) => scene.trouble === 'none' && scene.tuning === tuning);

function promise({ figures }: RaceFigures): Verdict {
  const dirty = figures.filter((each) => each.contender === US && !isClean(each));
  return {
    target: 'irekae cuts nothing and leaves nothing, in every row',
    measured: dirty.length === 0 ? '0 and 0' : dirty.map(dirt).join('; '),
    met: dirty.length === 0,
    isPromise: true,
  };
}

const dirt = ({ scene, runs, runsThatCut, runsThatLeft }: Figures) =>
  `${titleOf(scene)}: ${runsThatCut} of ${runs} runs cut, ${runsThatLeft} left something`;

function only({ figures }: RaceFigures): Verdict {
  const names = [...new Set(figures.map(({ contender }) => contender))];
  const clean = names.filter((name) => figures.every((each) => each.contender !== name || isClean(each)));
  const others = clean.filter((name) => name !== US);
  return {
    target: 'and is the only one',
    measured: others.length === 0 ? 'no peer does' : `so does ${others.join(', ')}`,
    met: others.length === 0 && clean.includes(US),
  };
}

/** Of those that cut nobody there. */
const fairOnes = (results: RaceFigures, scene: Scene) =>
  inScene(results, scene).filter(({ contender, runsThatCut }) => contender !== US && runsThatCut === 0);

function compared(results: RaceFigures, scene: Scene, which: keyof Percentiles) {
  const us = inScene(results, scene).find(({ contender }) => contender === US)?.trafficOnNew[which];
  const seconds = (each: Figures) => each.trafficOnNew[which] ?? Number.POSITIVE_INFINITY;
  const [best] = fairOnes(results, scene).sort((a, b) => seconds(a) - seconds(b));
  const behind = (us ?? Number.POSITIVE_INFINITY) - (best ? seconds(best) : 0);
  return { behind, text: `${scene.size} hosts ${us} s, ${best?.contender} ${best?.trafficOnNew[which]} s` };
}

function closeToTheFastest(results: RaceFigures, which: keyof Percentiles): Verdict {
  const all = good('tuned').map((scene) => compared(results, scene, which));
  return {
    target: `traffic on new within ${WITHIN_SECONDS} s of the fastest that cuts nobody, tuned, ${which}`,
    measured: all.map(({ text }) => text).join('; '),
    met: all.every(({ behind }) => behind <= WITHIN_SECONDS),
  };
}

function bestOnDefaults(results: RaceFigures): Verdict {
  const all = good('default').map((scene) => compared(results, scene, 'p95'));
  return {
    target: 'the best p95 on ELB defaults of those that cut nobody',
    measured: all.map(({ text }) => text).join('; '),
    met: all.every(({ behind }) => behind <= 0),
  };
}
