/** One modelled EC2 instance: what it was launched as, its drawn life, and what has happened to it since. */
import type { Instance, InstanceState } from '../../lambdas/ports/ec2.ts';
import {
  type Ending,
  type Life,
  SELF_SHUTDOWN,
  type Stage,
  type Stretch,
  stageAt,
  stateAt,
} from './instance-life.ts';
import { TERMINATED_VISIBLE_MILLIS, wholeSeconds } from './timings.ts';

/** What an instance was launched as. */
export interface InstanceFacts {
  readonly instanceId: string;
  /** `ip-10-0-…`, the kernel's host name. */
  readonly hostName: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly clientToken?: string;
  /** What the boot script writes to the console if it gives up. */
  readonly consoleLine?: string;
  /** Its agent tells Mackerel no instance id, but these addresses. */
  readonly namelessAt?: readonly string[];
}

/** `ip-10-0-1-23` is the host name of 10.0.1.23. */
export const addressOf = ({ hostName }: Pick<InstanceFacts, 'hostName'>): string =>
  hostName.replace('ip-', '').replaceAll('-', '.');

export class ModelInstance {
  #facts: InstanceFacts;
  readonly life: Life;
  /** EC2 refuses to terminate it. */
  protected = false;
  #ending: Ending | undefined;
  /** When the processes on it stop: at the first ending, even if it was stopped first and terminated later. */
  #downAt: number;
  /** The last one may be open-ended. */
  readonly #outages: { from: number; to: number }[] = [];
  #up: readonly Stretch[] | undefined;

  constructor(facts: InstanceFacts, life: Life, ending?: Ending) {
    this.#facts = facts;
    this.life = life;
    this.#ending = ending;
    this.#downAt = ending?.at ?? Number.POSITIVE_INFINITY;
  }

  get facts(): InstanceFacts {
    return this.#facts;
  }

  get id(): string {
    return this.facts.instanceId;
  }

  /** The ending in force, perhaps still in the future. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  get downAt(): number {
    return this.#downAt;
  }

  state(at: number): InstanceState {
    return stateAt(this.life, this.#ending, at);
  }

  stage(at: number): Stage {
    return stageAt(this.life, this.#ending, at);
  }

  isTerminated(at: number): boolean {
    return this.#ending?.into === 'terminated' && at >= this.#ending.doneAt;
  }

  /** Do EC2's reads show it at this moment? */
  isVisible(at: number): boolean {
    return at >= this.life.visibleAt && !this.isForgotten(at);
  }

  /** Terminated so long ago that EC2 no longer describes it. */
  isForgotten(at: number): boolean {
    return this.isTerminated(at) && at >= (this.#ending?.doneAt ?? 0) + TERMINATED_VISIBLE_MILLIS;
  }

  /** Ends it, unless an ending already under way leaves nothing to do. Returns whether this changed anything. */
  end(ending: Ending): boolean {
    const current = this.#ending;
    const underWay = current !== undefined && current.at <= ending.at;
    if (underWay && (current.into === 'terminated' || ending.into === 'stopped')) return false;
    this.#downAt = underWay ? this.#downAt : ending.at;
    this.#ending = ending;
    this.#up = undefined;
    return true;
  }

  tag(tags: Readonly<Record<string, string>>): void {
    this.#facts = { ...this.#facts, tags: { ...this.#facts.tags, ...tags } };
  }

  /** From this moment the application fails its health checks. */
  breakApplication(at: number): void {
    if (this.#outages.at(-1)?.to === Number.POSITIVE_INFINITY) return;
    this.#outages.push({ from: at, to: Number.POSITIVE_INFINITY });
    this.#up = undefined;
  }

  healApplication(at: number): void {
    const outage = this.#outages.at(-1);
    if (outage === undefined || outage.to !== Number.POSITIVE_INFINITY) return;
    outage.to = at;
    this.#up = undefined;
  }

  applicationIsUp(at: number): boolean {
    return this.uptime().some(({ from, to }) => from <= at && at < to);
  }

  /** When the application answers, in order. */
  uptime(): readonly Stretch[] {
    this.#up ??= this.#computeUptime();
    return this.#up;
  }

  /** As EC2 describes it at this moment. */
  describe(at: number): Instance {
    const { instanceId, zone, subnetId, imageId, instanceType } = this.facts;
    const stateReason = this.stateReason(at);
    return {
      instanceId,
      state: this.state(at),
      ...(stateReason !== undefined && { stateReason }),
      // EC2 takes the address back when the instance has ended.
      ...(this.isTerminated(at) ? {} : { address: addressOf(this.facts) }),
      launchedAt: wholeSeconds(this.life.launchedAt),
      zone,
      subnetId,
      imageId,
      instanceType,
      ...(this.facts.clientToken !== undefined && { clientToken: this.facts.clientToken }),
      tags: this.#tagsAreLost(at) ? {} : this.facts.tags,
    };
  }

  stateReason(at: number): string | undefined {
    return this.#ending !== undefined && at >= this.#ending.at ? this.#ending.reason : undefined;
  }

  /** Everything on its console so far, line by line: nothing before it boots, and the boot script's failure. */
  consoleOutput(at: number): string {
    if (at < Math.min(this.life.bootedAt, this.#downAt)) return '';
    const { hostName, consoleLine } = this.facts;
    const failed = consoleLine !== undefined && this.stateReason(at) === SELF_SHUTDOWN;
    const lines = [
      '[    0.000000] Linux version 6.1.0 (builder@build) #1 SMP',
      `[    4.213377] systemd[1]: Hostname set to <${hostName}>.`,
      `${hostName} cloud-init[512]: running the boot script`,
      ...(failed ? [consoleLine, `[   31.004211] reboot: Power down`] : []),
    ];
    return `${lines.join('\r\n')}\r\n`;
  }

  #tagsAreLost(at: number): boolean {
    return this.isTerminated(at) && at >= (this.#ending?.doneAt ?? 0) + this.life.tagsKeptMillis;
  }

  #computeUptime(): readonly Stretch[] {
    const stretches: Stretch[] = [];
    let from = this.life.applicationUpAt;
    for (const outage of [...this.#outages, { from: this.#downAt, to: Number.POSITIVE_INFINITY }]) {
      const to = Math.min(outage.from, this.#downAt);
      if (from < to) stretches.push({ from, to });
      from = Math.max(from, outage.to);
    }
    return stretches;
  }
}
