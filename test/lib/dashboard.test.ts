/** What an environment shows and tells of its deployments: the topic of the news, and the dashboard. */
import { describe, expect, it } from 'vitest';
import { METRICS, SPANS, spanField } from '../../lambdas/domain/record/metrics.ts';
import { RESULTS } from '../../lambdas/domain/record/news.ts';
import { fleetMetric } from '../../lib/fleet-metric.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../../lib/synthesize.ts';
import { synthesize } from '../synth.ts';
import { looseExample } from './fleets.ts';
import { resource, resourcesOf, shownReference } from './template.ts';

const FLEETS = ['reactio-production-app', 'reactio-production-worker'];

describe('The topic of the news', () => {
  const ofThem = (template: TemplateJson) => resourcesOf(template, 'AWS::SNS::Topic').map(([id]) => id);

  it('is not that of the alarms, which may wake somebody', () => {
    expect(ofThem(synthesize())).toEqual([expect.stringMatching(/^Alarms/), expect.stringMatching(/^News/)]);
    const alarms = resourcesOf(synthesize(), 'AWS::CloudWatch::Alarm');
    expect(alarms.length).toBeGreaterThan(5);
    expect(JSON.stringify(alarms)).not.toContain('"News');
  });

  it('mails to whom the environment names, and wants TLS', () => {
    expect(resource(synthesize(), 'AWS::SNS::Topic', 'developers@reactio.example')).toMatchObject({
      DisplayName: 'irekae production',
      Subscription: [{ Protocol: 'email', Endpoint: 'developers@reactio.example' }],
    });
    expect(resource(synthesize(), 'AWS::SNS::TopicPolicy', '"News').PolicyDocument).toMatchObject({
      Statement: [
        { Effect: 'Deny', Action: 'sns:Publish', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      ],
    });
  });

  it('has no subscription where nobody is named', () => {
    const [, [, { Properties: topic }] = ['', { Properties: {} }]] = resourcesOf(
      synthesize('staging'),
      'AWS::SNS::Topic',
    );
    expect(topic).toEqual({ DisplayName: 'irekae staging' });
  });

  it('takes no resource for an address', () => {
    const file = looseExample();
    const mails = Array.from({ length: 20 }, (_, index) => `developer-${index}@reactio.example`);
    for (const environment of file.environments) environment.notifyEmails = mails;
    const { production } = synthesizeTemplates(readFleets(file));
    expect(Object.keys(production?.Resources ?? {})).toEqual(Object.keys(synthesize().Resources));
  });
});

interface Widget {
  readonly type: string;
  readonly width: number;
  readonly x: number;
  readonly y: number;
  readonly properties: {
    readonly title?: string;
    readonly metrics?: readonly (readonly unknown[])[];
    readonly markdown?: string;
    readonly query?: string;
  };
}

/** By name: the dashboard stands in the environment's stack, the machines in those of the fleets. */
const MACHINES = 'arn:aws:states:ap-northeast-1:222222222222:stateMachine:irekae-';

describe('The dashboard', () => {
  const dashboard = () => resource(synthesize(), 'AWS::CloudWatch::Dashboard');
  const body = () =>
    JSON.parse(shownReference(dashboard().DashboardBody)) as {
      start: string;
      periodOverride: string;
      widgets: Widget[];
    };
  const widgetsOf = (fleet: string) =>
    body().widgets.filter(({ properties }) => properties.title?.startsWith(`${fleet}:`));
  const metricsOf = (title: string) =>
    body().widgets.find(({ properties }) => properties.title === title)?.properties.metrics ?? [];

  it('is one for the environment, over the time between releases, with the periods that it names', () => {
    expect(dashboard().DashboardName).toBe('irekae-production');
    expect(body()).toMatchObject({ start: '-P28D', periodOverride: 'inherit' });
    expect(body().widgets[0]?.properties.markdown).toContain('irekae production');
  });

  it.each(FLEETS)('has a row for %s', (fleet) => {
    const row = widgetsOf(fleet);
    expect(row.map(({ x, width }) => [x, width])).toEqual([0, 6, 12, 18].map((x) => [x, 6]));
    expect(new Set(row.map(({ y }) => y)).size).toBe(1);
  });

  it('counts deployments by each result, of this fleet', () => {
    const metrics = metricsOf('reactio-production-app: deployments a day');
    expect(metrics.map((metric) => metric.slice(0, 6))).toEqual(
      RESULTS.map((result) => ['irekae', 'Deployments', 'fleet', 'reactio-production-app', 'result', result]),
    );
    expect(metrics.map((metric) => metric[6])).toEqual(
      RESULTS.map((label) => expect.objectContaining({ label, period: 86_400, stat: 'Sum' })),
    );
  });

  it('shows each phase that a record can have, out of the logs of the steps that tell an ending', () => {
    const { properties } = widgetsOf('reactio-production-app')[1] ?? {};
    const lines = properties?.query?.split(/ ?\n?\| /) ?? [];
    expect(lines).toEqual([
      "SOURCE '/aws/lambda/irekae-production-record-the-release'",
      "SOURCE '/aws/lambda/irekae-production-record-the-failure'",
      'filter fleet = "reactio-production-app" and ispresent(DeploymentSeconds)',
      `stats ${SPANS.map(({ name }) => `max(${spanField(name)}) as \`${name}\``).join(', ')} by bin(1d)`,
    ]);
    for (const [, group] of lines.join().matchAll(/'([^']+)'/g))
      expect(resource(synthesize(), 'AWS::Logs::LogGroup', `"${group}"`)).toBeDefined();
  });

  it('shows failures and clean-ups of the fleet’s two machines, and its lock', () => {
    const executions = metricsOf('reactio-production-app: failures and clean-ups a day');
    expect(executions.map(([namespace, name, , machine]) => [namespace, name, machine])).toEqual([
      ['AWS/States', 'ExecutionsFailed', `${MACHINES}reactio-production-app`],
      ['AWS/States', 'ExecutionsAborted', `${MACHINES}reactio-production-app`],
      ['AWS/States', 'ExecutionsTimedOut', `${MACHINES}reactio-production-app`],
      ['AWS/States', 'ExecutionsStarted', `${MACHINES}reactio-production-app-clean-up`],
      ['AWS/States', 'ExecutionsFailed', `${MACHINES}reactio-production-app-clean-up`],
    ]);
    expect(metricsOf('reactio-production-app: lock and orphans').map(([, name]) => name)).toEqual([
      'LockAgeSeconds',
      'OrphanSeconds',
    ]);
  });

  it('shows every metric that is told', () => {
    const shown = body().widgets.flatMap(({ properties }) => properties.metrics ?? []);
    const own = shown.filter(([namespace]) => namespace === 'irekae').map(([, name]) => name);
    const notShown = Object.keys(METRICS).filter((name) => !own.includes(name));
    expect(notShown).toEqual([]);
  });

  it('fits into CloudWatch’s limits with twenty fleets: 500 widgets, 2,500 metrics', () => {
    const metrics = widgetsOf('reactio-production-app').flatMap(({ properties }) => properties.metrics ?? []);
    expect(20 * metrics.length).toBeLessThanOrEqual(2_500);
  });
});

describe('A metric of a fleet', () => {
  it('is refused under dimensions that nobody tells it by', () =>
    expect(() => fleetMetric('Deployments', { fleet: 'shop' }, {})).toThrow('fleet,result'));
});
