/** What the judges look at: the templates of the fleets file, as they would be deployed. */
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { type Environment, readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';

export interface Judged {
  readonly environment: Environment;
  readonly template: TemplateJson;
}

export function judgedTemplates(): Judged[] {
  const environments = readFleets(fleetsFile);
  const templates = synthesizeTemplates(environments);
  return environments.map((environment) => ({
    environment,
    template: templates[environment.name] as TemplateJson,
  }));
}
