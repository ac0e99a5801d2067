/** Follows the looks of a deployment: when they saw what they waited for, and how many calls they made for it. */
import { mean } from '../../lambdas/domain/core/collections.ts';
import type { Look } from '../../lambdas/domain/core/document.ts';
import type { StoryEvent } from '../run-definition.ts';
import type { Stage } from '../stage.ts';

/** A look's moment is the end of its run: only then does the story continue. Epoch milliseconds. */
export interface Looks {
  readonly seen: { ready: number; drained: number; terminated: number };
  /** To EC2, the load balancers and Mackerel, in one poll of *New hosts are ready*; a run has one or two. */
  readonly callsPerLook: { readonly mean: number; readonly most: number };
}

const SEEN_IN = {
  'New hosts are ready': 'ready',
  'Old hosts are drained': 'drained',
  'Terminate old instances': 'terminated',
} as const;

/** Call it before the deployment begins; complete when the deployment has succeeded. */
export function followLooks(stage: Stage): Looks {
  const seen = { ready: 0, drained: 0, terminated: 0 };
  const calls: number[] = [];
  let isLooking = false;
  let before: number | undefined;
  const pollEnds = () => {
    if (before !== undefined) calls.push(callsSoFar(stage) - before);
    before = undefined;
  };
  stage.world.interceptToo(async ({ service, action }, proceed) => {
    // Every poll begins with asking the ledger whether it may go on.
    if (isLooking && service === 'ledger' && action === 'read') {
      pollEnds();
      before = callsSoFar(stage);
    }
    return proceed();
  });
  stage.onEvent = ({ at, kind, state, answer }: StoryEvent) => {
    const what = SEEN_IN[state as keyof typeof SEEN_IN];
    if (what === undefined) return;
    isLooking = kind === 'entered' && what === 'ready';
    if (kind !== 'answered') return;
    pollEnds();
    if ((answer as Look).ready) seen[what] = at.getTime();
  };
  return {
    seen,
    get callsPerLook() {
      return { mean: mean(calls), most: Math.max(...calls) };
    },
  };
}

function callsSoFar({ world: { calls } }: Stage): number {
  return calls.requests('ec2') + calls.requests('loadBalancers') + calls.requests('mackerel');
}
