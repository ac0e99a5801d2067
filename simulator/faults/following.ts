/**
 * Rule 8 between fleets: the followers of a fleet are started once by each deployment that succeeded, with its version,
 * and never by one that did not. The followers themselves are not played: only their starts matter here.
 */
import { machineIn } from '../../lambdas/domain/core/aws.ts';
import { machineName } from '../../lambdas/domain/core/names.ts';
import type { Stage } from '../stage.ts';

interface Start {
  readonly machine: string;
  readonly name: string;
  readonly versionId: unknown;
}

export class Following {
  readonly #stage: Stage;
  #starts: Start[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.world.executions.onStart((machineArn, name, input) => {
      const machine = machineIn(machineArn);
      const { versionId } = JSON.parse(input) as { versionId?: unknown };
      this.#starts.push({ machine, name, versionId });
    });
  }

  /**
   * What is wrong with the starts since the last call, in sentences.
   * @param deployed the version that was deployed, if one was
   * @param mayLack the starts were permanently refused
   */
  wrongSince(deployed: string | undefined, mayLack = false): string[] {
    const starts = this.#starts;
    this.#starts = [];
    return this.#stage.fleet.followers.flatMap((follower) => {
      // What follows a deployment with an override starts at the door, which is not played either.
      const machines = (['deploy', 'override'] as const).map((kind) => machineName(follower, kind));
      const own = starts.filter(({ machine }) => machines.includes(machine));
      const names = own.map(({ name }) => name).join(', ') || 'nothing';
      const strayed = own.filter(({ versionId }) => versionId !== deployed);
      if (deployed === undefined)
        return own.length === 0 ? [] : [`${names} started ${follower}, although nothing was deployed`];
      if (strayed.length > 0)
        return [`${follower} was started with ${strayed[0]?.versionId} instead of ${deployed}`];
      const isRight = own.length === 1 || (own.length === 0 && mayLack);
      return isRight ? [] : [`${follower} was started ${own.length} times (${names}) after one deployment`];
    });
  }
}
