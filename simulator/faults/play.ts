/** Plays one case on a stage of its own, and judges it: the rules after every event, and the world at the end. */
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import { owedRecord } from '../../lambdas/domain/lock/debts.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { type Outcome, Rules, type Violation } from '../rules.ts';
import { API_KEY, Stage } from '../stage.ts';
import type { Timings } from '../world/timings.ts';
import type { Case } from './case.ts';
import { isLasting, losesEvents } from './catalogue.ts';
import { Following } from './following.ts';
import { Injector, type Reached } from './injector.ts';
import { CONTENT, KINDS, type Kind } from './kinds.ts';

export interface Verdict {
  /** How many of the case's faults occurred. */
  readonly applied: number;
  readonly outcome: Outcome | 'not settled';
  /** The state in which the deployment ended. */
  readonly endedIn: string;
  readonly violations: readonly Pick<Violation, 'rule' | 'what'>[];
  /** The moments that it reached, in order. */
  readonly reached: readonly Reached[];
}

const LAUNCHING: readonly string[] = [
  STEPS['launch-new-instances'].title,
  STEPS['replace-the-stragglers'].title,
];

/** Whoever reads of these believes that nothing is left to do. */
const TOLD_AS_DONE: readonly string[] = ['Deployed', 'Finished', 'RolledBack', 'Undone'];

/** A function that lost its caller may act until its time limit; after that, nothing changes in the world. */
const AFTERMATH_SECONDS = 120;

/**
 * Everything in the world takes a fraction of its time: the same calls in the same order, with fewer looks in between;
 * only EC2's reads are as late as they can be.
 */
const QUICK: Partial<Timings> = {
  pending: [5, 8],
  osBoot: [2, 3],
  bootScript: [6, 12],
  agentRegistration: [4, 5],
  visibility: [2, 8],
  shutdown: [4, 8],
  classicRegistration: [3, 6],
  idle: [2, 5],
};

export async function play(template: TemplateJson, played: Case): Promise<Verdict> {
  const kind: Kind = KINDS[played.kind];
  const stage = new Stage({
    template,
    fleet: kind.fleet,
    seed: played.seed,
    timings: QUICK,
    eventsLost: played.injuries.some(({ fault }) => losesEvents(fault)),
    ...(kind.oldPerZone !== undefined && { oldPerZone: kind.oldPerZone }),
  });
  try {
    return await new Trial(stage, played).run();
  } finally {
    stage.close();
  }
}

class Trial {
  readonly #violations: Pick<Violation, 'rule' | 'what'>[] = [];
  readonly #stage: Stage;
  readonly #case: Case;
  readonly #kind: Kind;
  readonly #injector: Injector;
  readonly #following: Following;
  /** An old host. */
  #hasTerminated = false;

  constructor(stage: Stage, played: Case) {
    this.#stage = stage;
    this.#following = new Following(stage);
    this.#case = played;
    this.#kind = KINDS[played.kind];
    this.#injector = new Injector(stage, played.injuries);
  }

  async run(): Promise<Verdict> {
    const stage = this.#stage;
    stage.newRelease(CONTENT);
    this.#kind.arrange?.(stage);
    stage.world.on(({ kind, by, changed }) => {
      if (kind === 'instances-terminated' && by !== 'scenario')
        this.#hasTerminated ||= changed.some((id) => stage.oldInstances.includes(id));
    });
    const stepBegan = () => this.#injector.acting?.startedAt;
    const rules = new Rules(stage.world, stage.fleet, 'the-deployment', stepBegan);
    this.#fence();
    this.#askOnce();
    const outcome = await this.#settle(rules);
    const { reached, applied } = this.#injector;
    const reachedByThen = [...reached];
    rules.stop();
    this.#violations.push(...rules.violations);
    if (outcome !== 'not settled' && this.#violations.length === 0) await this.#again(outcome);
    // A door only starts it.
    const deployment = stage.executions.find(({ machineName }) => !machineName.endsWith('-override'));
    const endedIn = (await deployment?.result)?.endedIn ?? 'nothing';
    return { applied, outcome, endedIn, violations: this.#violations, reached: reachedByThen };
  }

  /** Rule 8: a step whose execution does not hold the lock when it begins changes nothing. */
  #fence(): void {
    this.#stage.world.on(({ kind, by, changed }) => {
      const acting = this.#injector.acting;
      if (by === 'scenario' || !acting || changed.length === 0) return;
      if (kind === 'object-created' || kind === 'annotated' || acting.heldTheLock) return;
      this.#broken(8, `"${acting.state}" changed ${changed.join(', ')} (${kind}) without holding the lock`);
    });
  }

  /** Rule 5: EC2's bucket is everybody's. Who has an answer keeps it; only a launch that was disturbed is asked for again. */
  #askOnce(): void {
    const isDisturbed = this.#case.injuries.some(({ moment }) => LAUNCHING.includes(moment.state));
    this.#stage.world.on(({ kind, ids, changed }) => {
      if (kind === 'instances-launched' && changed.length === 0 && !isDisturbed)
        this.#broken(5, `EC2 was asked twice for the share of ${ids.join(', ')}`);
    });
  }

  async #settle(rules: Rules): Promise<Outcome | 'not settled'> {
    const stage = this.#stage;
    try {
      const { input = {}, isForged } = this.#kind;
      const running = isForged ? stage.start(input, 'the-deployment') : stage.begin(input, 'the-deployment');
      await stage.clock.until(running.result);
      // A function of a stopped execution continues, and may still take the lock: the schedule finds what it leaves.
      await stage.wait(AFTERMATH_SECONDS);
      await stage.settle();
      await stage.wait(AFTERMATH_SECONDS);
      await stage.settle();
    } catch (error) {
      this.#broken(10, error instanceof Error ? error.message : String(error));
      return 'not settled';
    }
    const results = await Promise.all(stage.executions.map(({ result }) => result));
    for (const result of results) {
      rules.bounded(result);
      rules.shown(result, API_KEY);
    }
    const outcome = this.#outcome(results.map(({ endedIn }) => endedIn));
    // EC2, a load balancer or the ledger that says "no" for good: whether they are in order is not known then.
    const isUnknown = this.#case.injuries.some(
      ({ fault, moment: { what } }) => isLasting(fault, what) && !what.startsWith('parameters.'),
    );
    if (outcome === 'needs a human' && !isUnknown && rules.areInOrder())
      this.#broken(6, 'a human is called, and the hosts are in order');
    rules.settled(outcome);
    // From the first termination on nothing is undone: who follows may have begun, also when a human finishes it.
    if (outcome !== 'needs a human' || !this.#hasTerminated)
      this.#followed(outcome === 'new hosts', this.#refusesFollowers());
    // Rule 4: a gate that lacks an answer must stay closed.
    const [only, ...others] = this.#case.injuries;
    if (outcome === 'new hosts' && only?.fault === 'withdrawn' && others.length === 0)
      this.#broken(4, 'what was withdrawn was deployed');
    if (outcome === 'new hosts' && this.#kind.openGate) this.#broken(4, 'it was deployed past a closed gate');
    return outcome;
  }

  #outcome(endings: readonly string[]): Outcome {
    const held = this.#stage.world.ledger.read(this.#stage.fleet.name)?.held;
    if (held?.needsHuman !== undefined) {
      const mayStay = this.#case.injuries.some(({ fault, moment }) => isLasting(fault, moment.what));
      if (!mayStay) this.#broken(6, `a human is called for a fault that was temporary: ${held.needsHuman}`);
      const told = endings.find((ending) => TOLD_AS_DONE.includes(ending));
      if (told && !this.#couldNotBeNoted())
        this.#broken(6, `it ended in ${told}, and then a human was called: ${held.needsHuman}`);
      return 'needs a human';
    }
    const succeeded = endings.some((ending) => ending === 'Deployed' || ending === 'Finished');
    return succeeded || this.#isRecorded() ? 'new hosts' : 'old hosts';
  }

  /** Rule 8: followers are started once, by what was deployed. */
  #followed(wasDeployed: boolean, mayLack = false): void {
    const deployed = wasDeployed ? this.#runs().artifact?.versionId : undefined;
    for (const what of this.#following.wrongSince(deployed, mayLack)) this.#broken(8, what);
  }

  /** Its ending could not be written down for the clean-up: the ledger refused. */
  #couldNotBeNoted(): boolean {
    return this.#case.injuries.some(
      ({ fault, moment: { state, what } }) =>
        state.startsWith('Release the lock') && what.startsWith('ledger.') && isLasting(fault, what),
    );
  }

  /** Refused for the deployment and for its clean-up. */
  #refusesFollowers(): boolean {
    const refusals = this.#case.injuries.filter(
      ({ fault, moment }) => fault === 'refused' && moment.what === 'executions.start',
    );
    return refusals.length > 1;
  }

  /** Stopped between the record and the end: the next deployment goes by the record. */
  #isRecorded(): boolean {
    const { outcome, deployment } = this.#runs();
    return outcome === 'Deployed' && deployment === 'the-deployment';
  }

  /** What the fleet runs, by its record, also by one that is owed. */
  #runs(): { outcome?: string; deployment?: string; artifact?: { versionId?: string } } {
    const { world, fleet } = this.#stage;
    const owed = owedRecord(world.ledger.read(fleet.name));
    return Object(owed ?? world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)));
  }

  /** Liveness: when the faults are over, the next deployment succeeds without help. */
  async #again(outcome: Outcome): Promise<void> {
    if (outcome === 'needs a human') return;
    const stage = this.#stage;
    stage.forgetCues();
    this.#kind.openGate?.(stage);
    this.#kind.beforeTheNext?.(stage);
    stage.world.mackerel.recover();
    stage.world.outages.recover();
    this.#injector.recover();
    // After an undo the same release can be deployed again; after a success, only a newer one.
    if (outcome === 'new hosts') stage.newRelease('the next release');
    const rules = new Rules(stage.world, stage.fleet, 'the-next');
    const result = await stage.deploy({}, 'the-next');
    rules.ended(result);
    if (result.endedIn !== 'Deployed')
      this.#broken(8, `the next deployment ended in ${result.endedIn}: ${result.cause ?? ''}`);
    this.#followed(result.endedIn === 'Deployed');
    const { debts = [] } = stage.world.ledger.read(stage.fleet.name)?.owed ?? {};
    for (const { kind } of debts) this.#broken(6, `a ${kind} is still owed after the next deployment`);
    this.#violations.push(
      ...rules.violations.map(({ rule, what }) => ({ rule, what: `next deployment: ${what}` })),
    );
  }

  #broken(rule: number, what: string): void {
    this.#violations.push({ rule, what });
  }
}
