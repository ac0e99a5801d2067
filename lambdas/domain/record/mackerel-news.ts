/** The news of a deployment as Mackerel shows them: service metrics, and the metadata of the new hosts. */
import type { DeploymentEnded } from './news.ts';

export interface NamedValue {
  /** Letters, digits, `.`, `_` and `-`; what stands before the last `.` is the graph. */
  readonly name: string;
  readonly value: number;
}

/** Somebody changed his mind: that is no failure. */
const NO_FAILURE: readonly DeploymentEnded['result'][] = ['deployed', 'cancelled'];

/** Of one role, in one request: Mackerel wants service metrics once a minute at most. Seconds, and 0 or 1. */
export function serviceMetricsOf(role: string, { result, seconds, phases }: DeploymentEnded): NamedValue[] {
  const spans = Object.entries({ ...phases, total: seconds });
  return [
    ...spans.map(([phase, value]) => ({
      name: `irekae.${role}.seconds.${phase.replaceAll(' ', '-')}`,
      value,
    })),
    { name: `irekae.${role}.failures`, value: NO_FAILURE.includes(result) ? 0 : 1 },
  ];
}

/** Under which namespace a host's metadata tells what it runs. */
export const HOST_METADATA_NAMESPACE = 'irekae';

/** Which release a host runs, and where more is to be found. */
export const hostMetadataOf = (news: DeploymentEnded) => ({
  fleet: news.fleet,
  environment: news.environment,
  deployment: news.deployment,
  ...(news.artifact && { artifact: news.artifact }),
  ...(news.imageId && { imageId: news.imageId }),
  startedBy: news.startedBy,
  ...(news.why && { why: news.why }),
  deployedAt: news.endedAt,
  record: news.record,
});
