/** The answer of a real dry run on the modelled world: the example in docs/input.md is not made up. */

import type { TemplateJson } from '../lib/synthesize.ts';
import { giveTemplate } from '../simulator/local-region.ts';
import { Stage, UNTUNED } from '../simulator/stage.ts';
import { block } from './markdown.ts';

/** @param fleet one behind an untuned load balancer, so that the plan has advice to give */
export async function samplePlan(template: TemplateJson, fleet: string): Promise<string> {
  const stage = new Stage({ template, fleet, seed: 1, balancers: UNTUNED });
  giveTemplate(stage);
  try {
    stage.upload();
    const { endedIn, output } = await stage.deploy({ dryRun: true }, 'what-would-happen');
    if (endedIn !== 'Planned') throw new Error(`The dry run ended in ${endedIn}.`);
    return block('json', readable(output));
  } finally {
    stage.close();
  }
}

/** Names that CloudFormation fills in would only confuse. */
const readable = (plan: unknown) =>
  JSON.stringify(plan, null, 2).replace(/\$\{\w+\}/g, 'irekae-production-artifacts');
