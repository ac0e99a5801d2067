/** The metrics that the functions tell (`lambdas/domain/record/metrics.ts`), as CDK knows metrics. */
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_NAMESPACE, METRICS, type MetricName } from '../lambdas/domain/record/metrics.ts';

/** @throws Error when the dimensions are not the metric's: it would be another metric, which nobody tells. */
export function fleetMetric(
  name: MetricName,
  dimensions: Readonly<Record<string, string>>,
  options: cloudwatch.MetricOptions,
): cloudwatch.Metric {
  const wanted: readonly string[] = METRICS[name].dimensions;
  if (wanted.join() !== Object.keys(dimensions).join())
    throw new Error(`${name} is told by ${wanted.join()}, not by ${Object.keys(dimensions).join()}.`);
  return new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: { ...dimensions },
    ...options,
  });
}
