/**
 * The release flow as data for its picture: which tarball feeds which fleets, in which order, and what a promotion does
 * between them. Read from the fleets and the synthesized definition, so that the picture shows what is deployed.
 */
import type { Environment } from '../lib/read-fleets.ts';
import type { StateMachineDefinition } from '../lib/resolve-definition.ts';

/** A tarball's key in an environment, and the fleets that it feeds. */
export interface Home {
  readonly environment: string;
  readonly key: string;
  /** Leaders first, each followed by those that follow it. */
  readonly fleets: readonly { readonly name: string; readonly after?: string }[];
}

export interface ReleaseFlow {
  readonly source: Home;
  readonly sourceFleet: string;
  readonly soakMinutes: number;
  /** The promotion's tasks, in order. */
  readonly steps: readonly string[];
  readonly destination: Home;
}

/**
 * @param definition of the promotion to this fleet
 * @throws Error when nothing is promoted to it
 */
export function releaseFlow(
  environments: readonly Environment[],
  fleet: string,
  definition: StateMachineDefinition,
): ReleaseFlow {
  const [to, promoted] = find(environments, fleet);
  const promotion = promoted.promotion;
  if (promotion === undefined || promoted.artifact === undefined)
    throw new Error(`Nothing is promoted to ${fleet}.`);
  const [from, source] = find(environments, promotion.from);
  if (source.artifact === undefined) throw new Error(`${source.name} has no artifact to promote.`);
  return {
    source: homeOf(from, source.artifact),
    sourceFleet: source.name,
    soakMinutes: promotion.soakMinutes,
    steps: happyPath(definition),
    destination: homeOf(to, promoted.artifact),
  };
}

function find(environments: readonly Environment[], name: string) {
  for (const environment of environments) {
    const fleet = environment.fleets.find((each) => each.name === name);
    if (fleet) return [environment, fleet] as const;
  }
  throw new Error(`There is no fleet ${name}.`);
}

function homeOf({ name, fleets }: Environment, key: string): Home {
  const fed = fleets.filter(({ artifact }) => artifact === key);
  const withFollowers = (leader: string | undefined): Home['fleets'] =>
    fed
      .filter(({ after }) => after === leader)
      .flatMap((fleet) => [
        { name: fleet.name, ...(fleet.after !== undefined && { after: fleet.after }) },
        ...withFollowers(fleet.name),
      ]);
  return { environment: name, key, fleets: withFollowers(undefined) };
}

/** Tasks from the start to the good end: a question continues where it does not end, a wait when it is over. */
function happyPath({ StartAt, States }: StateMachineDefinition): string[] {
  const steps: string[] = [];
  const been = new Set<string>();
  for (let at: string | undefined = StartAt; at !== undefined && !been.has(at); ) {
    been.add(at);
    const {
      Type,
      Next,
      Default,
      Choices = [],
    } = States[at] as {
      Type: string;
      Next?: string;
      Default?: string;
      Choices?: readonly { readonly Next: string }[];
    };
    if (Type === 'Task') steps.push(at);
    const ways = [Next, Default, ...Choices.map((choice) => choice.Next)];
    at =
      ways.find(
        (way) =>
          way !== undefined && ['Task', 'Choice'].includes(String(States[way]?.Type)) && !been.has(way),
      ) ?? ways.find((way) => States[way ?? '']?.Type === 'Succeed');
  }
  return steps;
}
