/**
 * `npm run docs`: writes the picture, and the generated parts of README and runbook, from the code. A test compares
 * what is committed with what this file makes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fleetsFile } from '../bin/fleets.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { definitionOf } from '../lib/resolve-definition.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';
import { ACTS } from './acts.ts';
import { failureTable } from './failure-tables.ts';
import { environmentTable, fleetTable, inputTable } from './field-tables.ts';
import { fillParts } from './generated-parts.ts';
import { permissionTable } from './permission-table.ts';
import { costTable } from './sample-costs.ts';
import { sampleDoctor } from './sample-doctor.ts';
import { sampleNarration } from './sample-narration.ts';
import { samplePlan } from './sample-plan.ts';
import { readStory } from './story.ts';
import { storyPicture } from './story-picture.ts';

const PROJECT = join(import.meta.dirname, '..');
/** The example that README and picture show. All fleets have the same story. */
const ENVIRONMENT = 'production';
const FLEET = 'reactio-production-app';

/** Path in the project → content as it should be. */
export async function generatedFiles(template: TemplateJson): Promise<Readonly<Record<string, string>>> {
  const { definition } = definitionOf(template, FLEET);
  const plan = await samplePlan(template, FLEET);
  const costs = await costTable(template);
  const doctor = await sampleDoctor(template, FLEET);
  const readme = {
    narration: sampleNarration,
    input: inputTable,
    plan: () => plan,
    permissions: () => permissionTable(template),
    failures: () => failureTable('docs/runbook.md'),
    costs: () => costs,
    doctor: () => doctor,
  };
  const fields = { environment: environmentTable, fleet: fleetTable };
  return {
    'docs/deploy-story.svg': storyPicture(readStory(definition, ACTS)),
    'README.md': fillParts(committed('README.md'), readme),
    'docs/fleets.md': fillParts(committed('docs/fleets.md'), fields),
    'docs/runbook.md': fillParts(committed('docs/runbook.md'), { failures: failureTable }),
  };
}

export function committed(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

async function main(): Promise<void> {
  const template = synthesizeTemplates(readFleets(fleetsFile), { bundle: false })[ENVIRONMENT];
  if (template === undefined) throw new Error(`bin/fleets.ts has no environment ${ENVIRONMENT}.`);
  for (const [path, content] of Object.entries(await generatedFiles(template))) {
    writeFileSync(join(PROJECT, path), content);
    console.log(`written: ${path}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
