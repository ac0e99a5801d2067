/**
 * What must be true between fleets for releases to flow: who is deployed after whom, and whose artifact is promoted to
 * whom. A tarball has one place (bucket and key), which may feed several fleets; a promotion copies from place to place.
 */

import { isDeepStrictEqual } from 'node:util';
import { partitionOf } from '../lambdas/domain/core/aws.ts';
import { artifactBucketName } from '../lambdas/domain/core/names.ts';
import { meant, nearest } from '../lambdas/domain/core/nearest.ts';
import type { EnvironmentConfig, FleetConfig } from './fleet-config.ts';
import { type Problem, refusal } from './fleet-problems.ts';

/** One fleet of the file, as far as it could be read. */
export interface FlowFleet {
  /** As problems name it. */
  readonly who: string;
  /** Without what is not allowed. */
  readonly config: Partial<
    Pick<FleetConfig, 'name' | 'environment' | 'artifact' | 'image' | 'promotion' | 'after'>
  >;
  /** Has no artifact, as far as can be read. */
  readonly isImageOnly: boolean;
  /** Says something about a promotion that is not allowed. */
  readonly isUnclear: boolean;
}

/** One sentence per problem, in the words of the file's other problems. */
export function flowProblems(
  fleets: readonly FlowFleet[],
  environments: readonly EnvironmentConfig[],
): Problem[] {
  const flow = new Flow(fleets, environments);
  return [
    ...fleets.flatMap((fleet) => flow.problemsOfAfter(fleet)),
    ...fleets.flatMap((fleet) => flow.problemsOfFrom(fleet)),
    ...flow.problemsOfPlaces(),
  ];
}

const told = (name: string, field: string, given: unknown, allowed: string): Problem => ({
  noun: 'fleet',
  name,
  text: refusal(field, given, allowed),
});

class Flow {
  readonly #fleets: readonly FlowFleet[];
  readonly #byName: ReadonlyMap<string, FlowFleet>;
  readonly #environments: ReadonlyMap<string, EnvironmentConfig>;

  constructor(fleets: readonly FlowFleet[], environments: readonly EnvironmentConfig[]) {
    this.#fleets = fleets;
    this.#byName = new Map(
      fleets.flatMap((fleet) => (fleet.config.name === undefined ? [] : [[fleet.config.name, fleet]])),
    );
    this.#environments = new Map(environments.map((environment) => [environment.name, environment]));
  }

  problemsOfAfter({ who, config, isImageOnly }: FlowFleet): Problem[] {
    const { name, environment, artifact, after } = config;
    if (after === undefined) return [];
    const refuse = (allowed: string) => [told(who, 'after', after, allowed)];
    if (after === name) return refuse('another fleet');
    const leader = this.#byName.get(after)?.config;
    if (leader === undefined) return refuse(this.#nameOfAFleet(after));
    if (leader.environment !== environment) {
      return refuse(`a fleet of the same environment; that one is of ${leader.environment}`);
    }
    if (leader.artifact !== artifact) {
      const [mine, its] = [artifact, leader.artifact].map((each) => each ?? 'none');
      return refuse(`a fleet with the same artifact, ${mine}; that one has ${its}`);
    }
    // What is handed on is the image, so it has to be one of this fleet's kind.
    if (isImageOnly && !isDeepStrictEqual(leader.image, config.image)) {
      return refuse('a fleet with the same image, because the image is the release; that one has another');
    }
    const circle = circleFrom(name, (each) => this.#byName.get(each)?.config.after);
    return circle ? refuse(`a fleet that does not wait for this one: ${circle.join(' → ')}`) : [];
  }

  problemsOfFrom(fleet: FlowFleet): Problem[] {
    const { who, config } = fleet;
    const from = config.promotion?.from;
    if (from === undefined) return [];
    const refuse = (allowed: string) => [told(who, 'promotion.from', from, allowed)];
    if (from === config.name) return refuse('another fleet');
    const source = this.#byName.get(from);
    if (source === undefined) return refuse(this.#nameOfAFleet(from));
    if (source.isImageOnly) {
      return refuse(
        'a fleet with an artifact: artifacts are promoted, and the release of that one is its image, which is shared with ' +
          'an account and named there instead',
      );
    }
    const [here, there] = [this.#placeOf(fleet), this.#placeOf(source)];
    if (here === undefined || there === undefined) return [];
    if (here === there) {
      return refuse(
        `a fleet with another artifact or bucket; both have ${here}, which would be copied onto itself`,
      );
    }
    const circle = circleFrom(here, (place) => this.#sourceOf(place));
    if (circle) return refuse(`a fleet that is not promoted from this one: ${circle.join(' ← ')}`);
    const [mine, its] = [this.#partitionOf(fleet), this.#partitionOf(source)];
    return mine === its
      ? []
      : refuse(
          `a fleet of the same AWS partition, ${mine}; that one is in ${its}, and S3 copies within one only`,
        );
  }

  /** Fleets fed from one place are promoted to together: one copy, one proof for each. */
  problemsOfPlaces(): Problem[] {
    const places = new Map<string, FlowFleet[]>();
    for (const fleet of this.#fleets) {
      const place = this.#placeOf(fleet);
      if (place !== undefined) places.set(place, [...(places.get(place) ?? []), fleet]);
    }
    return [...places].flatMap(([place, fed]) =>
      fed.some((each) => each.isUnclear) ? [] : this.#disagreements(place, fed),
    );
  }

  #disagreements(place: string, fed: readonly FlowFleet[]): Problem[] {
    const first = fed.find(({ config }) => config.promotion !== undefined);
    if (first === undefined) return [];
    const source = this.#sourcePlaceOf(first);
    return fed.flatMap((fleet) => {
      const { who, config } = fleet;
      if (config.promotion === undefined) {
        const because = `${first.config.name} has one, and ${place} feeds both`;
        return [told(who, 'promotion', undefined, because)];
      }
      if (config.environment !== first.config.environment) {
        return [
          told(
            who,
            'promotion',
            config.promotion,
            `none: ${place} is promoted to in ${first.config.environment}`,
          ),
        ];
      }
      const own = this.#sourcePlaceOf(fleet);
      return own === undefined || source === undefined || own === source
        ? []
        : [
            told(
              who,
              'promotion.from',
              config.promotion.from,
              `a fleet fed by ${source}, as that of ${first.config.name} is`,
            ),
          ];
    });
  }

  #placeOf({ config }: FlowFleet): string | undefined {
    const environment = this.#environments.get(config.environment ?? '');
    return environment === undefined || config.artifact === undefined
      ? undefined
      : `s3://${artifactBucketName(environment)}/${config.artifact}`;
  }

  #sourcePlaceOf({ config }: FlowFleet): string | undefined {
    const source = this.#byName.get(config.promotion?.from ?? '');
    return source && this.#placeOf(source);
  }

  #sourceOf(place: string): string | undefined {
    const promoted = this.#fleets.find(
      (fleet) => fleet.config.promotion !== undefined && this.#placeOf(fleet) === place,
    );
    return promoted && this.#sourcePlaceOf(promoted);
  }

  #partitionOf({ config }: FlowFleet): string {
    return partitionOf(this.#environments.get(config.environment ?? '')?.region ?? '');
  }

  #nameOfAFleet(given: string): string {
    const names = [...this.#byName.keys()];
    return `the name of a fleet${meant(nearest(given, names))}`;
  }
}

/** The way from `start` back to itself; `undefined` when it does not lead there. */
function circleFrom(
  start: string | undefined,
  next: (from: string) => string | undefined,
): string[] | undefined {
  if (start === undefined) return undefined;
  const way = [start];
  for (let at = next(start); at !== undefined && !way.includes(at); at = next(at)) {
    way.push(at);
    if (next(at) === start) return [...way, start];
  }
  return undefined;
}
