/** Metrics as log lines: CloudWatch's embedded metric format. */
import { describe, expect, it } from 'vitest';
import {
  METRICS,
  metricFields,
  phaseMetrics,
  SPANS,
  spanMetric,
} from '../../lambdas/domain/record/metrics.ts';
import { phases } from '../../lambdas/domain/record/record.ts';
import { aLook, at, baked, iso } from '../support/deployments.ts';

const FIELDS = metricFields(
  at(0),
  { fleet: 'shop', result: 'deployed' },
  { Deployments: 1, DeploymentSeconds: 45, BakeSeconds: 30.5 },
);

describe('The fields of a line', () => {
  it('declare each metric under the dimensions that it is told by', () =>
    expect(FIELDS._aws).toEqual({
      Timestamp: at(0).getTime(),
      CloudWatchMetrics: [
        {
          Namespace: 'irekae',
          Dimensions: [['fleet', 'result']],
          Metrics: [{ Name: 'Deployments', Unit: 'Count' }],
        },
        {
          Namespace: 'irekae',
          Dimensions: [['fleet']],
          Metrics: [
            { Name: 'DeploymentSeconds', Unit: 'Seconds' },
            { Name: 'BakeSeconds', Unit: 'Seconds' },
          ],
        },
      ],
    }));

  it('hold each value, and each dimension, at the root', () =>
    expect(FIELDS).toMatchObject({
      fleet: 'shop',
      result: 'deployed',
      Deployments: 1,
      DeploymentSeconds: 45,
      BakeSeconds: 30.5,
    }));
});

describe('The phases', () => {
  /** One that was in every state: no deployment is, but each state's key is known then. */
  const everywhere = baked({
    termination: aLook({ at: iso(300) }),
    retirement: { reason: 'retired', at: iso(301) },
    putBack: aLook({ at: iso(310) }),
    removal: aLook({ at: iso(320) }),
  });

  it('that a record can have are those that have a metric', () =>
    expect(Object.keys(phases(everywhere))).toEqual(SPANS.map(({ name }) => name)));

  it('have metrics of their own, all of them known', () => {
    const metrics = SPANS.map(({ name }) => spanMetric(name));
    expect(metrics).toContain('PutBackSeconds');
    expect(new Set(metrics).size).toBe(metrics.length);
    for (const metric of metrics) expect(METRICS[metric].unit).toBe('Seconds');
  });

  it('that were not come to are not told', () =>
    expect(phaseMetrics({ agree: 2, 'bring up': 60.5 })).toEqual({ AgreeSeconds: 2, BringUpSeconds: 60.5 }));

  it('count no shift that was sent back to wait', () =>
    expect(
      phases(
        baked({
          readiness: aLook({ at: iso(90) }),
          shift: { done: false, reason: 'one was not ready', at: iso(40) },
        }),
      ),
    ).not.toHaveProperty('shift'));
});
