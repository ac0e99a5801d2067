/** The templates of the example fleets, made once per worker: synthesis is the slow part of every test on them. */

import { fleetsFile } from '../examples/reactio/fleets.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';

export const exampleEnvironments = readFleets(fleetsFile);

let templates: Readonly<Record<string, TemplateJson>> | undefined;

export function synthesize(environment = 'production'): TemplateJson {
  templates ??= synthesizeTemplates(exampleEnvironments, { bundle: false });
  const template = templates[environment];
  if (template === undefined) throw new Error(`The example has no environment ${environment}`);
  return template;
}
