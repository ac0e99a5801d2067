/** What a deployment of the example fleets costs, counted in real runs on the modelled world. */
import { span } from '../lambdas/domain/core/words.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import type { ExecutionResult } from '../simulator/run-definition.ts';
import { type BalancerTuning, Stage, TUNED, UNTUNED } from '../simulator/stage.ts';
import { code, table } from './markdown.ts';

/** USD, in most Regions, Tokyo among them. Sources: AWS's price lists for Step Functions and Lambda (arm64). */
const PRICE = {
  transition: 0.025 / 1_000,
  gigabyteSecond: 0.000_013_333_4,
  invocation: 0.2 / 1_000_000,
} as const;

interface Sample {
  readonly fleet: string;
  readonly about: string;
  readonly balancers: BalancerTuning;
}

const SAMPLES: readonly Sample[] = [
  { fleet: 'reactio-production-app', about: 'health check 5 s × 2', balancers: TUNED },
  { fleet: 'reactio-production-app', about: 'a classic ELB’s defaults, 30 s × 10', balancers: UNTUNED },
  { fleet: 'reactio-production-worker', about: 'no load balancer', balancers: TUNED },
];

export async function costTable(template: TemplateJson): Promise<string> {
  const rows: string[][] = [];
  for (const sample of SAMPLES) rows.push(costRow(sample, await run(template, sample), template));
  return table(['deployment', 'transitions', 'function runs', 'GB-seconds', 'USD', 'took'], rows);
}

async function run(template: TemplateJson, { fleet, balancers }: Sample): Promise<ExecutionResult> {
  const stage = new Stage({ template, fleet, seed: 1, balancers });
  try {
    stage.upload();
    const result = await stage.deploy();
    return { ...result, runs: await stage.runsWithWakes(result) };
  } finally {
    stage.close();
  }
}

function costRow({ fleet, about }: Sample, result: ExecutionResult, template: TemplateJson): string[] {
  const runs = [...result.runs];
  const count = runs.reduce((sum, [, each]) => sum + each.count, 0);
  const gigabyteSeconds = runs.reduce(
    (sum, [step, { seconds }]) => sum + (seconds * memoryOf(template, step)) / 1024,
    0,
  );
  const usd =
    result.transitions * PRICE.transition + gigabyteSeconds * PRICE.gigabyteSecond + count * PRICE.invocation;
  return [
    `${code(fleet)}, ${about}`,
    String(result.transitions),
    String(count),
    gigabyteSeconds.toFixed(0),
    usd.toFixed(3),
    span(result.seconds),
  ];
}

/** In MB, as deployed. */
function memoryOf(template: TemplateJson, step: string): number {
  const found = Object.values(template.Resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function' && Object(Properties?.Environment).Variables?.IREKAE_STEP === step,
  );
  return Number(found?.Properties?.MemorySize);
}
