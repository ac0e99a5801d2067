/**
 * A monitor of Mackerel alerts at a random second of the bake, or before: a fleet that names it is undone within seconds
 * of the alert being there, or is not deployed at all; any other alert changes nothing.
 */
import type { Look } from '../../lambdas/domain/core/document.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult } from '../run-definition.ts';
import { Stage } from '../stage.ts';
import { Random } from '../world/prng.ts';
import { SMALL } from './fleets.ts';
import { BALANCERS } from './measure.ts';

const MONITOR_TYPES = [
  'host',
  'service',
  'connectivity',
  'external',
  'expression',
  'anomalyDetection',
  'query',
];
const BAKE_SECONDS = 300;

/** When it alerts, and what has to become of the deployment. */
const SITUATIONS = {
  'in the bake': { opens: 'Watch the new hosts', ends: 'AlertDuringBake' },
  'again and again': { opens: 'Watch the new hosts', ends: 'AlertDuringBake', closesAfter: 20 },
  'before it began': { opens: 'now', ends: 'AlreadyAlerting' },
  'while the hosts boot': { opens: 'Launch new instances', ends: 'AlreadyAlerting' },
  'of another monitor': { opens: 'Watch the new hosts', ends: 'Deployed', isOther: true },
  'on an old host': { opens: 'Watch the new hosts', ends: 'Deployed', isOld: true },
} as const satisfies Readonly<Record<string, Situation>>;

interface Situation {
  readonly opens: string;
  readonly ends: 'AlertDuringBake' | 'AlreadyAlerting' | 'Deployed';
  readonly closesAfter?: number;
  readonly isOther?: true;
  readonly isOld?: true;
}

export interface SignalRow {
  readonly runs: number;
  /** Those that ended as they had to. */
  readonly right: number;
  /** From the alert in the bake until the undo began, in seconds: the longest. */
  readonly longestSeconds: number;
}

/** @param draws how many seconds of the bake are drawn, for each kind of monitor in each situation */
export async function measureSignals(template: TemplateJson, draws: number): Promise<SignalRow> {
  const found: { readonly isRight: boolean; readonly seconds: number }[] = [];
  for (const type of MONITOR_TYPES)
    for (const situation of Object.values<Situation>(SITUATIONS))
      for (let draw = 0; draw < draws; draw += 1)
        found.push(await playOnce(template, type, situation, found.length + 1));
  const waits = found.map(({ seconds }) => seconds).filter((seconds) => !Number.isNaN(seconds));
  return {
    runs: found.length,
    right: found.filter(({ isRight }) => isRight).length,
    longestSeconds: Math.max(...waits),
  };
}

async function playOnce(template: TemplateJson, type: string, situation: Situation, seed: number) {
  const stage = new Stage({ template, fleet: SMALL, seed, balancers: BALANCERS.tuned });
  try {
    const limits = { ...stage.fleet.limits, bakeSeconds: BAKE_SECONDS };
    stage.configure({ limits, watch: { monitors: ['named'] } });
    stage.upload();
    const moments = alertAt(stage, type, situation, new Random(seed).branch('alert'));
    const isRight = endedAs(situation, await stage.deploy());
    const isTimed = situation.ends === 'AlertDuringBake';
    return { isRight, seconds: isTimed ? (moments.undoneAt - moments.openedAt) / 1000 : Number.NaN };
  } finally {
    stage.close();
  }
}

const endedAs = ({ ends }: Situation, { endedIn, cause }: ExecutionResult): boolean =>
  ends === 'Deployed' ? endedIn === ends : endedIn !== 'Deployed' && (cause?.includes(ends) ?? false);

function alertAt(stage: Stage, type: string, situation: Situation, random: Random) {
  const { mackerel } = stage.world;
  const named = mackerel.addMonitor({ name: 'named', type });
  const monitorId = situation.isOther ? mackerel.addMonitor({ name: 'another', type }) : named;
  const moments = { openedAt: Number.NaN, undoneAt: Number.NaN };
  const now = () => stage.clock.now().getTime();
  const host = situation.isOld && mackerel.live().find((each) => each.instanceId === stage.oldInstances[0]);
  const open = () => {
    moments.openedAt ||= now();
    const on = host ? { hostId: host.id } : {};
    const alert = mackerel.openAlert({ monitorId, status: 'CRITICAL', value: 12.5, message: '', ...on });
    const { closesAfter } = situation;
    if (closesAfter === undefined) return;
    setTimeout(() => mackerel.closeAlert(alert), closesAfter * 1000);
    setTimeout(() => Number.isNaN(moments.undoneAt) && open(), 2 * closesAfter * 1000);
  };
  if (situation.opens === 'now') open();
  const after = random.millis([0, BAKE_SECONDS]);
  stage.onEvent = ({ kind, state, answer }) => {
    if (kind === 'entered' && state === STEPS['put-old-hosts-back'].title) moments.undoneAt ||= now();
    if (kind !== 'answered' || state !== situation.opens) return;
    const { looks = 1, since } = answer as Partial<Look>;
    if (looks > 1) return;
    // In the launch at once; in the bake at any second of it.
    const at = since === undefined ? now() : Date.parse(since) + after;
    setTimeout(open, Math.max(0, at - now()));
  };
  return moments;
}
