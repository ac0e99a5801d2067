/**
 * Promotions as the fleets file says them: from which place to which, for which fleets, and who has to read in another
 * account. Each is played in the destination's account: it pulls, so that nobody else may write there.
 */
import { artifactBucketName } from '../lambdas/domain/core/names.ts';
import type { PromotionPlan } from '../lambdas/domain/promotion/promotion.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { Environment } from './read-fleets.ts';

export interface Promotion {
  /** The fleet whose machine it is. */
  readonly fleet: string;
  readonly plan: PromotionPlan;
}

/** Those into an environment: one for each of its fleets with a `promotion`. */
export function promotionsInto(environment: Environment, all: readonly Environment[]): Promotion[] {
  return environment.fleets.flatMap((fleet) =>
    fleet.promotion === undefined
      ? []
      : [{ fleet: fleet.name, plan: planOf(fleet, fleet.promotion.from, environment, all) }],
  );
}

function planOf(
  fleet: FleetConfig,
  from: string,
  environment: Environment,
  all: readonly Environment[],
): PromotionPlan {
  const home = all.find(({ fleets }) => fleets.some(({ name }) => name === from));
  const source = home?.fleets.find(({ name }) => name === from);
  if (home === undefined || source === undefined) throw new Error(`There is no fleet ${from}.`);
  return {
    from: { ...placeOf(home, source), environment: home.name },
    to: placeOf(environment, fleet),
    // All of them say where from: `release-flow-rules.ts`.
    fed: environment.fleets.flatMap(({ name, artifact, promotion }) =>
      artifact === fleet.artifact && promotion !== undefined
        ? [
            {
              fleet: name,
              from: promotion.from,
              soakMinutes: promotion.soakMinutes,
              ...(promotion.testedImage && { testedImage: true }),
            },
          ]
        : [],
    ),
  };
}

const placeOf = (environment: Environment, { artifact = '' }: FleetConfig) => ({
  bucket: artifactBucketName(environment),
  // Both ends have one: `release-flow-rules.ts`.
  key: artifact,
  ...(environment.existingBucket === undefined && { owner: environment.account }),
});

// ── Who reads at the source ────────────────────────────────────────────────────────────────────────────────────────

/** The steps that read there. Their roles have names that the source's bucket policy can know before they exist. */
const READERS = ['choose-the-candidate', 'copy-the-artifact'] as const satisfies PromotionStepName[];
export type Reader = (typeof READERS)[number];

export const isReader = (step: PromotionStepName): step is Reader => READERS.some((each) => each === step);

export interface Readers {
  /** The environment that promotes from here. */
  readonly environment: string;
  readonly account: string;
  /** Keys of artifacts, and names of the source fleets. */
  readonly artifacts: readonly string[];
  readonly fleets: readonly string[];
}

/** The environments in other accounts that promote from this one: its bucket's policy must let them read. */
export function foreignReaders(source: Environment, all: readonly Environment[]): Readers[] {
  return all
    .filter(({ account }) => account !== source.account)
    .flatMap((environment) => {
      const plans = promotionsInto(environment, all)
        .map(({ plan }) => plan)
        .filter(({ from }) => from.environment === source.name);
      if (plans.length === 0) return [];
      return [
        {
          environment: environment.name,
          account: environment.account,
          artifacts: unique(plans.map(({ from }) => from.key)),
          fleets: unique(plans.flatMap(({ fed }) => fed.map(({ from }) => from))),
        },
      ];
    });
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];
