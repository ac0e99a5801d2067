/** State *Write the plan*: the answer of a dry run. Asks nobody; everything is in the document. */
import { lambdaHandler } from './clients/handler.ts';
import type { Ports } from './clients/ports.ts';
import { writePlan } from './domain/plan.ts';
import { defineStep } from './domain/step.ts';

export const writeThePlan = defineStep(
  'write-the-plan',
  ['image', 'release', 'oldHosts'],
  async (deployment, _ports: Pick<Ports, never>) => writePlan(deployment),
);

export const handler = lambdaHandler(writeThePlan, () => ({}));
