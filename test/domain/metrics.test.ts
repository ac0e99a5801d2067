/** Metrics as log lines: CloudWatch's embedded metric format. */
import { describe, expect, it } from 'vitest';
import {
  DURATIONS,
  METRICS,
  metricFields,
  phaseFields,
  SPANS,
  spanField,
} from '../../lambdas/domain/record/metrics.ts';
import { phases } from '../../lambdas/domain/record/record.ts';
import { aLook, at, baked, iso } from '../support/deployments.ts';

const FIELDS = metricFields(
  at(0),
  { fleet: 'shop', result: 'deployed' },
  { Deployments: 1, DeploymentSeconds: 45, BakeSeconds: 30.5, LockAgeSeconds: 7 },
);

describe('The fields of a line', () => {
  it('declare each metric under the dimensions that it is told by, and no duration as one', () =>
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
          Metrics: [{ Name: 'LockAgeSeconds', Unit: 'Seconds' }],
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
      LockAgeSeconds: 7,
    }));

  it('declare nothing where no metric is told: a list without one is an error to CloudWatch', () => {
    expect(metricFields(at(0), { fleet: 'shop' }, {})).toEqual({ fleet: 'shop' });
    expect(metricFields(at(0), { fleet: 'shop' }, { BakeSeconds: 1 })).toEqual({
      fleet: 'shop',
      BakeSeconds: 1,
    });
  });
});

describe('The phases', () => {
  /** One that was in every state: no deployment is, but each state's key is known then. */
  const everywhere = baked({
    hooksAfterShift: aLook({ at: iso(250) }),
    pauseAfterShift: aLook({ at: iso(260) }),
    firstWatch: aLook({ ready: true }),
    termination: aLook({ at: iso(300) }),
    retirement: { reason: 'retired', at: iso(301) },
    putBack: aLook({ at: iso(310) }),
    removal: aLook({ at: iso(320) }),
  });

  it('that a record can have are those that have a field', () =>
    expect(Object.keys(phases(everywhere))).toEqual(SPANS.map(({ name }) => name)));

  it('have fields of their own, which are no metrics, and are explained', () => {
    const fields = SPANS.map(({ name }) => spanField(name));
    expect(fields).toContain('PutBackSeconds');
    expect(new Set(fields).size).toBe(fields.length);
    for (const field of fields) expect(METRICS).not.toHaveProperty(field);
    expect(DURATIONS.map(([field]) => field)).toEqual(['DeploymentSeconds', ...fields]);
  });

  it('that were not come to are not told', () =>
    expect(phaseFields({ agree: 2, 'bring up': 60.5 })).toEqual({ AgreeSeconds: 2, BringUpSeconds: 60.5 }));

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
