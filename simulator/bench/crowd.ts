/**
 * Ten fleets of six zones, whose artifacts are uploaded in the same second: sixty launches, and EC2 has one bucket of
 * five for the whole account, refilled by two a second.
 */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { exampleEntry, templateOf } from '../example-fleet.ts';
import { Stage } from '../stage.ts';

/** How many fleets, and in how many subnets each. */
export interface CrowdSize {
  readonly fleets: number;
  readonly subnets: number;
}

export const CROWD: CrowdSize = { fleets: 10, subnets: 6 };
export const WIDE: CrowdSize = { fleets: 1, subnets: 12 };

export interface Crowd extends CrowdSize {
  readonly seed: number;
  /** Fleets whose deployment ended with its new hosts. */
  readonly deployed: number;
  /** Shares that EC2 launched, of all that were wanted. */
  readonly launched: number;
  /** Shares that were asked for again after EC2 had launched them. */
  readonly askedTwice: number;
  /** Launches that EC2 turned away, and that waited for their turn. */
  readonly turnedAway: number;
  /** From the uploads until the last launch, in seconds. */
  readonly launchSeconds: number;
  /** What the empty bucket costs at least: nobody launches sixty in less. */
  readonly leastSeconds: number;
}

export const crowdTemplate = ({ fleets, subnets }: CrowdSize): TemplateJson =>
  templateOf(
    'crowd',
    Array.from({ length: fleets }, (_, index) =>
      exampleEntry('crowd', `crowd-${index}`, {
        subnets: Array.from({ length: subnets }, (_each, zone) => `subnet-0a1b2c3d4e5f600${10 + zone}`),
        loadBalancers: [],
      }),
    ),
  );

export async function measureCrowd(size: CrowdSize, seed: number): Promise<Crowd> {
  const stages = stagesOf(size, seed);
  const [first] = stages;
  if (!first) throw new Error('A crowd has at least one fleet.');
  try {
    const launches = followLaunches(first);
    const from = first.clock.now().getTime();
    for (const stage of stages) stage.upload();
    const results = await first.clock.until(Promise.all(stages.map((stage) => stage.start().result)));
    const shares = size.fleets * size.subnets;
    return {
      ...size,
      seed,
      deployed: results.filter(({ endedIn }) => endedIn === 'Deployed').length,
      launched: launches.byToken.size,
      askedTwice: [...launches.byToken.values()].filter((times) => times > 1).length,
      turnedAway: launches.turnedAway,
      launchSeconds: (launches.lastAt - from) / 1_000,
      leastSeconds: Math.max(0, shares - 5) / 2,
    };
  } finally {
    for (const stage of stages.reverse()) stage.close();
  }
}

function stagesOf(size: CrowdSize, seed: number): Stage[] {
  const template = crowdTemplate(size);
  const stages: Stage[] = [];
  for (let index = 0; index < size.fleets; index += 1) {
    const [beside] = stages;
    stages.push(new Stage({ template, fleet: `crowd-${index}`, seed, ...(beside && { beside }) }));
  }
  return stages;
}

/** What comes of each call, by its client token: which is that of a share. */
function followLaunches({ world, clock }: Stage) {
  const launches = { byToken: new Map<string, number>(), turnedAway: 0, lastAt: 0 };
  world.interceptToo(async (call, proceed) => {
    if (call.action !== 'launch') return proceed();
    const { clientToken } = call.args[0] as { readonly clientToken: string };
    try {
      const answer = await proceed();
      launches.byToken.set(clientToken, (launches.byToken.get(clientToken) ?? 0) + 1);
      launches.lastAt = clock.now().getTime();
      return answer;
    } catch (error) {
      launches.turnedAway += 1;
      throw error;
    }
  });
  return launches;
}
