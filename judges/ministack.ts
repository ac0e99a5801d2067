/**
 * The CDK CLI deploys to ministack (PyPI), a CloudFormation by somebody else: what comes up is what the template has, and
 * an upload starts the machines by the template's own rule. In a network of its own: the functions run too, and would
 * otherwise call AWS.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { fleetStackName, stackName } from '../lambdas/domain/core/names.ts';
import { readFleets } from '../lib/read-fleets.ts';
import type { ResourceJson, TemplateJson } from '../lib/synthesize.ts';
import type { Judge, Verdict } from './judge.ts';
import { foundInSpaces, lacksSpaces } from './spaces.ts';
import { lacksPrograms, lacksPython, program, python, run } from './tools.ts';

const PROJECT = join(import.meta.dirname, '..');
const CDK = join(PROJECT, 'node_modules/aws-cdk/bin/cdk');
const LIMIT_MILLIS = 240_000;

export const ministack: Judge = {
  name: 'ministack',
  missing: () => lacksPrograms('ministack') ?? lacksPython('boto3') ?? lacksSpaces(),
  judge: () => deployed((template) => template),
  // A rule that waits for something else than an upload.
  control: () => deployed((template) => template.replaceAll('"Object Created"', '"Object Deleted"')),
};

interface CameUp {
  /** The last words of the CDK CLI. */
  readonly failed: string | null;
  readonly resources: Readonly<Record<string, number>>;
  /** The last words of a deployment that takes a permission from a fleet that is being deployed, and from one that is not. */
  readonly refused?: string | null;
  readonly allowed?: string | null;
  /** Who holds the fleet's lock then. */
  readonly closedBy?: string | null;
  readonly started: readonly { readonly machine: string; readonly bucket: string; readonly key: string }[];
}

async function deployed(broken: (template: string) => string): Promise<Verdict> {
  const [environment] = readFleets(fleetsFile);
  if (environment === undefined) throw new Error('the example names no environment');
  const { account, region, name, fleets } = environment;
  const folder = mkdtempSync(join(tmpdir(), 'irekae-ministack-'));
  try {
    const assembly = join(folder, 'cdk.out');
    const stacks = [stackName(name), ...fleets.map((fleet) => fleetStackName(name, fleet.name))];
    run('node', [CDK, 'synth', '--quiet', '--output', assembly, ...stacks], '', {
      IREKAE_FLEETS: join(import.meta.dirname, '../examples/reactio/fleets.ts'),
    });
    let changed = 0;
    const Resources: Record<string, ResourceJson> = {};
    for (const stack of stacks) {
      const file = join(assembly, `${stack}.template.json`);
      const template = JSON.parse(broken(readFileSync(file, 'utf8'))) as TemplateJson;
      changed += withoutMetricMath(template);
      writeFileSync(file, JSON.stringify(template));
      Object.assign(Resources, template.Resources);
    }
    const bucket = `irekae-${name}-${account}-${region}`;
    const key = fleets[0]?.artifact ?? '';
    const machines = fleets.filter(({ artifact }) => artifact === key).map((fleet) => `irekae-${fleet.name}`);
    const given = join(folder, 'given.json');
    writeFileSync(
      given,
      JSON.stringify({
        ...{
          fleet: fleets[0]?.name,
          assembly,
          stacks,
          account,
          region,
          folder,
          bucket,
          key,
          machines: machines.length,
        },
        ...{ cdk: CDK, ministack: program('ministack') },
      }),
    );
    const inside = [python, join(import.meta.dirname, 'ministack/deploy.py'), given];
    const cameUp = (await foundInSpaces(inside, LIMIT_MILLIS)) as CameUp;
    const { failed, resources, started } = cameUp;
    const wanted = countedByType({ Resources });
    const startedBy = started.map((each) => [each.machine, each.bucket, each.key]).sort();
    const against = [
      ...(failed === null ? [] : [`the deployment failed: ${failed}`]),
      ...differences(wanted, resources),
      ...(failed === null ? againstGuard(cameUp) : []),
      ...(isDeepStrictEqual(startedBy, machines.map((each) => [each, bucket, key]).sort())
        ? []
        : [`an upload started ${started.map(({ machine }) => machine).join(', ') || 'no machine'}`]),
    ];
    const sum = Object.values(resources).reduce((all, each) => all + each, 0);
    return {
      looked: `the CDK CLI deployed ${sum} resources of ${Object.keys(resources).length} types, ${changed} of them as a simpler one; an upload started ${started.length} machines`,
      against,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The guard of permissions runs there, and is asked by that CloudFormation. */
function againstGuard({ refused, allowed, closedBy }: CameUp): string[] {
  const isRefused =
    refused?.startsWith('UPDATE_ROLLBACK_COMPLETE') &&
    refused.includes('deploy-7 holds the lock') &&
    refused.includes('Nothing was changed');
  return [
    ...(isRefused ? [] : [`a change took permissions from a running deployment: ${refused}`]),
    ...(allowed === null ? [] : [`a change was refused that takes from nobody: ${allowed}`]),
    ...(closedBy?.includes(':cdk-deploy-') ? [] : [`the fleet was not closed, but held by ${closedBy}`]),
  ];
}

/** It makes no alarm of metric math, and says so: an alarm of its first metric stands in. @returns how many */
function withoutMetricMath({ Resources }: TemplateJson): number {
  let changed = 0;
  for (const { Type, Properties } of Object.values(Resources)) {
    const { Metrics } = Properties ?? {};
    if (Type !== 'AWS::CloudWatch::Alarm' || !Array.isArray(Metrics) || Properties === undefined) continue;
    const { MetricStat } = Metrics.find((each) => 'MetricStat' in each);
    const { Metric, Period, Stat } = MetricStat;
    Object.assign(Properties, { ...Metric, Period, Statistic: Stat, Metrics: undefined });
    changed += 1;
  }
  return changed;
}

function countedByType({ Resources }: TemplateJson): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { Type } of Object.values(Resources)) counts[Type] = (counts[Type] ?? 0) + 1;
  return counts;
}

const differences = (
  wanted: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): string[] =>
  Object.entries(wanted)
    .filter(([type, count]) => found[type] !== count)
    .map(([type, count]) => `${found[type] ?? 0} of ${count} ${type}`);
