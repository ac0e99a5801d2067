/** The race runs, irekae keeps its promise in every row of it, and nobody else is held back by how it is played. */
import { beforeAll, describe, expect, it } from 'vitest';
import { readRace } from '../../docs/race-summary.ts';
import { width } from '../../lib/terminal/width.ts';
import { CONTENDERS, nameOf, PEERS, raceTemplate } from '../../simulator/race/contenders.ts';
import { type RaceFigures, race, summary } from '../../simulator/race/figures.ts';
import { GROUP_FACTS } from '../../simulator/race/group.ts';
import { type Played, play } from '../../simulator/race/play.ts';
import { printed } from '../../simulator/race/print.ts';
import { SCENES, titleOf } from '../../simulator/race/scenes.ts';
import { verdicts } from '../../simulator/race/targets.ts';

const template = raceTemplate();
let quick: RaceFigures;
beforeAll(async () => {
  quick = await race(template, 1);
});

const figuresOf = (contender: string) => quick.figures.filter((each) => each.contender === contender);
const onAGoodDay = (contender: string) =>
  figuresOf(contender).filter(({ scene }) => scene.trouble === 'none');

describe('In the race', () => {
  it.each(SCENES.map((scene) => [titleOf(scene), scene] as const))(
    'irekae cuts and leaves nothing: %s',
    (_, scene) => {
      const ours = quick.figures.find((each) => each.contender === 'irekae' && each.scene === scene);
      expect(ours).toMatchObject({
        cut: 0,
        left: { instances: 0, registrations: 0, mackerelHosts: 0 },
        runsThatLeft: 0,
      });
    },
  );

  it.each(CONTENDERS.map(nameOf))('%s gets its hosts into service when all goes well', (contender) => {
    const rows = onAGoodDay(contender);
    expect(rows).toHaveLength(4);
    for (const { trafficOnNew, endedOn, left } of rows) {
      expect(trafficOnNew.p50).toBeGreaterThan(30);
      expect(endedOn).toEqual({ old: 0, new: 1, both: 0 });
      expect(left).toEqual({ instances: 0, registrations: 0, mackerelHosts: 0 });
    }
  });

  it('who ends hosts that serve cuts requests, and who takes them out one by one has fewer in service', () => {
    for (const { cut, leastInService, scene } of onAGoodDay('the script of 2015')) {
      expect(cut).toBeGreaterThan(scene.size);
      expect(leastInService).toBe(scene.size);
    }
    for (const { cut, leastInService, scene, missing } of onAGoodDay('in place, one at a time')) {
      expect(cut).toBe(0);
      expect(leastInService).toBe(scene.size - 1);
      expect(missing).toBeGreaterThan(10 * scene.size);
    }
  });

  it('a release that never gets healthy is on nobody’s traffic, and is left behind by who has no undo', () => {
    const rows = quick.figures.filter(({ scene }) => scene.trouble === 'never-healthy');
    expect(rows).toHaveLength(CONTENDERS.length);
    for (const { trafficOnNew } of rows) expect(trafficOnNew.p50).toBeNull();
    const leavers = rows.filter(({ runsThatLeft }) => runsThatLeft > 0).map(({ contender }) => contender);
    expect(leavers).toEqual([
      'the script of 2015',
      'Riff-Raff autoscaling',
      'CodeDeploy blue/green',
      'in place, one at a time',
    ]);
  });

  it('the same seed gives the same race', async () => {
    const [scene] = SCENES;
    if (!scene) throw new Error('There is no scene.');
    const run = { template, scene, seed: 7, typicalSeconds: 100 };
    for (const peer of PEERS) expect(await play(peer, run)).toEqual(await play(peer, run));
  });
});

describe('The table of the race', () => {
  it.each([80, 120])('fits into %i columns', (columns) => {
    const lines = printed(quick, columns).split('\n');
    expect(lines.length).toBeGreaterThan(SCENES.length * CONTENDERS.length);
    // Verdicts are sentences, which a terminal may break.
    const rows = lines.slice(0, lines.indexOf('Targets'));
    expect(rows.filter((line) => width(line) > columns)).toEqual([]);
  });

  it('says more where there is room', () => {
    expect(printed(quick, 80)).not.toContain('ends on');
    expect(printed(quick, 120)).toContain('ends on');
  });
});

describe('What irekae wants of the race', () => {
  const better = (contender: string): RaceFigures => ({
    seeds: 1,
    figures: quick.figures.map((each) =>
      each.contender === contender
        ? { ...each, trafficOnNew: { p50: 1, p95: 1 }, runsThatCut: 0, runsThatLeft: 0 }
        : each,
    ),
  });
  const worse = (): RaceFigures => ({
    seeds: 1,
    figures: quick.figures.map((each) => (each.contender === 'irekae' ? { ...each, runsThatLeft: 1 } : each)),
  });

  it('is missed where a peer is better, who is named', () => {
    const missed = verdicts(better('CodeDeploy blue/green')).filter(({ met }) => !met);
    expect(missed).toHaveLength(4);
    for (const { measured } of missed) expect(measured).toContain('CodeDeploy blue/green');
  });

  it('is not missed by who cuts requests', () => {
    const cutter = better('the script of 2015').figures.map((each) =>
      each.contender === 'the script of 2015' ? { ...each, runsThatCut: 1 } : each,
    );
    for (const { measured } of verdicts({ seeds: 1, figures: cutter }))
      expect(measured).not.toContain('the script of 2015');
  });

  it('is nothing worth when its promise is broken', () => {
    const [promise] = verdicts(worse());
    expect(promise).toMatchObject({ met: false, isPromise: true });
    expect(promise?.measured).toContain('0 of 1 runs cut, 1 left something');
  });
});

describe('The figures', () => {
  const run = (changes: Partial<Played>): Played => ({
    ended: 100,
    trafficOnNew: 60,
    leastInService: 2,
    missing: 0,
    cut: 0,
    servesInTheEnd: 'new',
    left: { instances: 0, registrations: 0, mackerelHosts: 0 },
    ...changes,
  });

  it('know of runs that never got there', () => {
    const { trafficOnNew: _, ...never } = run({});
    expect(summary([run({}), run({}), never]).trafficOnNew).toEqual({ p50: 60, p95: null });
    expect(summary([never, never, run({})]).trafficOnNew).toEqual({ p50: null, p95: null });
  });

  it('count the runs that cut or left, however little', () => {
    const left = { instances: 0, registrations: 0, mackerelHosts: 1 };
    expect(summary([run({}), run({ left }), run({ cut: 0.01 })])).toMatchObject({
      runsThatCut: 1,
      runsThatLeft: 1,
    });
  });

  it('that are kept for the documents are of all who take part, in every scene, a hundred times', () => {
    const kept = readRace();
    expect(kept.seeds).toBeGreaterThanOrEqual(100);
    expect(kept.figures.map(({ contender, scene }) => `${contender}: ${titleOf(scene)}`)).toEqual(
      CONTENDERS.flatMap((contender) => SCENES.map((scene) => `${nameOf(contender)}: ${titleOf(scene)}`)),
    );
  });

  it('rest on facts that say where they are from', () => {
    const facts = [...PEERS.flatMap((peer) => peer.facts), ...GROUP_FACTS];
    expect(facts.length).toBeGreaterThan(15);
    expect(facts.filter(({ source }) => source.length < 10)).toEqual([]);
  });
});
