/**
 * How long it takes until the old hosts alone serve again, after something went wrong at a random moment. The moment is
 * drawn from a deployment with the same seed in which nothing did.
 */
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { UNDONE_FLEET } from './fleets.ts';

type Mishap = (stage: Stage) => void;
type Stretch = 'before the shift' | 'after the shift';

interface Case {
  readonly what: string;
  readonly during: Stretch;
  readonly happens: Mishap;
  /** Of the median. */
  readonly mostSeconds: number;
}

const stop: Mishap = (stage) => stage.executions[0]?.stop();
const cancel: Mishap = ({ world, fleet }) => {
  world.ledger.requestCancel(fleet.name, world.ledger.read(fleet.name)?.held?.holder ?? '', 'the operator');
};
const alert: Mishap = (stage) => {
  const [host] = newInstances(stage)[0]?.hosts ?? [];
  stage.world.mackerel.openAlert({ hostId: host?.id ?? '', status: 'CRITICAL', message: '5xx' });
};

export const UNDO_CASES: readonly Case[] = [
  { what: 'stopped before the shift', during: 'before the shift', happens: stop, mostSeconds: 5 },
  { what: 'stopped after the shift', during: 'after the shift', happens: stop, mostSeconds: 75 },
  { what: 'cancelled after the shift', during: 'after the shift', happens: cancel, mostSeconds: 29 },
  { what: 'an alert after the shift', during: 'after the shift', happens: alert, mostSeconds: 32 },
];

export interface UndoRow extends Pick<Case, 'what' | 'mostSeconds'> {
  readonly runs: number;
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

/** How often it is looked who serves. */
const EVERY_SECONDS = 0.2;

export async function measureUndo(template: TemplateJson, undone: Case, runs: number): Promise<UndoRow> {
  const seconds: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) seconds.push(await secondsToOldAlone(template, undone, seed));
  seconds.sort((one, other) => one - other);
  const at = (share: number) => seconds[Math.ceil(share * seconds.length) - 1] ?? Number.NaN;
  const { what, mostSeconds } = undone;
  return { what, mostSeconds, runs, median: at(0.5), p95: at(0.95), most: at(1) };
}

async function secondsToOldAlone(template: TemplateJson, undone: Case, seed: number): Promise<number> {
  const [from, to] = (await stretches(template, seed))[undone.during];
  const moment = Math.round(new Random(seed).branch(undone.what).between([from, to]));
  return onStage(template, seed, async (stage) => {
    const { clock } = stage;
    const startedAt = clock.now().getTime();
    const { result } = stage.start();
    await clock.until(clock.sleep((moment - startedAt) / 1000));
    undone.happens(stage);
    let alone: number | undefined;
    let isOver = false;
    const joined = new Set<string>();
    const look = async () => {
      while (!isOver) {
        alone = oldAlone(stage, joined) ? (alone ?? clock.now().getTime()) : undefined;
        await clock.sleep(EVERY_SECONDS);
      }
    };
    void look();
    await clock.until(result);
    await stage.wait(1);
    await stage.settle();
    isOver = true;
    await stage.wait(1);
    if (alone === undefined) throw new Error(`${undone.what}, seed ${seed}: not undone`);
    return (alone - moment) / 1000;
  });
}

/** In epoch milliseconds: from the launch's answer to the shift; from the shift's to the last bake's. */
async function stretches(
  template: TemplateJson,
  seed: number,
): Promise<Record<Stretch, readonly [number, number]>> {
  return onStage(template, seed, async (stage) => {
    const at = new Map<string, number>();
    stage.onEvent = ({ kind, state, at: moment }) => void at.set(`${kind} ${state}`, moment.getTime());
    await stage.deploy();
    const moment = (kind: string, step: keyof typeof STEPS) => at.get(`${kind} ${STEPS[step].title}`) ?? 0;
    const shift = 'take-old-hosts-out-of-service';
    return {
      'before the shift': [moment('answered', 'launch-new-instances'), moment('entered', shift)],
      'after the shift': [moment('answered', shift), moment('answered', 'watch-the-new-hosts')],
    };
  });
}

async function onStage<T>(template: TemplateJson, seed: number, play: (stage: Stage) => Promise<T>) {
  const stage = new Stage({ template, fleet: UNDONE_FLEET, seed });
  try {
    stage.upload();
    return await play(stage);
  } finally {
    stage.close();
  }
}

const newInstances = ({ world, oldInstances }: Stage) =>
  world.view().instances.filter(({ instanceId }) => !oldInstances.includes(instanceId));

/** The old hosts are in service everywhere, and each new one has left the load balancers for good, or ends. */
function oldAlone({ world, oldInstances }: Stage, joined: Set<string>): boolean {
  const { instances, loadBalancers } = world.view();
  const listed = loadBalancers.flatMap(({ members }) => members.filter(({ state }) => state !== 'draining'));
  for (const { instanceId } of listed) joined.add(instanceId);
  const isListed = (id: string) => listed.some(({ instanceId }) => instanceId === id);
  const oldServe = loadBalancers.every(({ members }) =>
    oldInstances.every((id) => members.some((each) => each.instanceId === id && each.state === 'in-service')),
  );
  return (
    oldServe &&
    instances.every(
      ({ instanceId: id, state }) =>
        oldInstances.includes(id) ||
        state === 'shutting-down' ||
        state === 'terminated' ||
        (joined.has(id) && !isListed(id)),
    )
  );
}
