/** State *Write the plan*: the answer of a dry run. Asks nobody; everything is in the document. */
import { lambdaHandler } from './clients/handler.ts';
import { defineStep } from './domain/core/step.ts';
import { writePlan } from './domain/record/plan.ts';
import type { Ports } from './ports/ports.ts';

export const writeThePlan = defineStep(
  'write-the-plan',
  ['image', 'release', 'oldHosts'],
  async (deployment, _ports: Pick<Ports, never>) => writePlan(deployment),
);

export const handler = lambdaHandler(writeThePlan, () => ({}));
