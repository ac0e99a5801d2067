/**
 * An Auto Scaling group, as far as the peers need one: it registers what it launches as soon as it runs, and lets what
 * it terminates drain first. It decides at once and sees everything at the moment it happens: in the peers' favour.
 */
import type { Arena, Release } from './arena.ts';
import type { Fact } from './peer.ts';

export const GROUP_FACTS: readonly Fact[] = [
  {
    what: 'The group registers an instance when it runs, and before it ends one it deregisters it and waits until it has drained.',
    known: 'published',
    source: 'Auto Scaling user guide, Elastic Load Balancing; ELB user guide, connection draining',
  },
  {
    what: 'It launches, registers and deregisters without any delay of its own, and notices a drained host at once.',
    known: 'assumed',
    source: 'its scheduler takes seconds to minutes',
  },
  {
    what: 'ELB health checks are on, and what falls out of service after it had been in service is replaced at once; a host that starts is never given up.',
    known: 'assumed',
    source:
      'off by default; with a grace period of 300 s an untuned ELB’s hosts would be ended while they start',
  },
  {
    what: 'mackerel-agent retires its host at shutdown, always in time.',
    known: 'assumed',
    source: 'AUTO_RETIREMENT is off by default, and may lose the race against the shutdown (Mackerel’s docs)',
  },
];

/** From a group's heartbeat to the next. */
const LOOK_SECONDS = 1;

export class Group {
  readonly #arena: Arena;
  /** Of those, who was in service before. */
  readonly #members = new Map<string, boolean>();
  #isOver = false;

  constructor(arena: Arena, members: readonly string[] = arena.stage.oldInstances) {
    this.#arena = arena;
    for (const id of members) this.#members.set(id, true);
  }

  /** Takes over hosts that are in service. */
  adopt(ids: readonly string[]): void {
    for (const id of ids) this.#members.set(id, true);
  }

  /** Launches and registers. */
  async launch(count: number, release: Release = 'new'): Promise<string[]> {
    const ids = await this.#arena.launch(this.#arena.aws, count, release);
    for (const id of ids) {
      this.#members.set(id, false);
      void this.#register(id);
    }
    return ids;
  }

  async #register(id: string): Promise<void> {
    await this.#arena.untilRunning(id, (seconds) => this.#arena.awsWaits(seconds));
    if (this.#arena.instance(id).ending) return;
    await this.#arena.aws.loadBalancers.register(this.#arena.balancer, [id]);
  }

  /** All at once: out of the balancer, drained, ended. Resolves when the order to end them is given. */
  async terminate(ids: readonly string[]): Promise<void> {
    const { aws, balancer } = this.#arena;
    for (const id of ids) this.#members.delete(id);
    await aws.loadBalancers.deregister(balancer, ids);
    // Drained, and known to all of EC2: it ends nobody whom it does not know yet.
    const ready = ids.map((id) =>
      Math.max(this.#arena.drainedAt(id), this.#arena.instance(id).life.visibleAt),
    );
    await this.#arena.awsWaits(Math.max(0, ...ready.map((at) => at - this.#arena.now())) / 1_000);
    await aws.ec2.terminate(ids);
  }

  /** Replaces whoever falls out of service, until it is told to stop. */
  async heal(): Promise<void> {
    while (!this.#isOver) {
      await this.#arena.awsWaits(LOOK_SECONDS);
      const ill = this.#fallen();
      if (ill.length === 0) continue;
      for (const id of ill) this.#members.delete(id);
      void this.terminate(ill);
      await this.launch(ill.length);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  #fallen(): string[] {
    const states = new Map(this.#arena.membersNow().map(({ instanceId, state }) => [instanceId, state]));
    return [...this.#members].flatMap(([id, wasInService]) => {
      const state = states.get(id);
      if (state === 'in-service') this.#members.set(id, true);
      return wasInService && state === 'out-of-service' ? [id] : [];
    });
  }
}
