/** The templates of the example fleets. */

import { fleetsFile } from '../examples/reactio/fleets.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';

export const exampleEnvironments = readFleets(fleetsFile);

export function synthesize(environment = 'production'): TemplateJson {
  const template = synthesizeTemplates(exampleEnvironments)[environment];
  if (template === undefined) throw new Error(`The example has no environment ${environment}`);
  return template;
}
