/**
 * `npm run docs`: writes the pictures, the sample page, and the generated parts of README and of the pages in `docs/`,
 * from the code. A test compares what is committed with what this file makes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { type Environment, readFleets } from '../lib/read-fleets.ts';
import { definitionOf } from '../lib/resolve-definition.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';
import { ACT_PLANS } from './acts.ts';
import { actsPicture } from './acts-picture.ts';
import {
  commandReference,
  commonOptions,
  envelopeTable,
  sampleRun,
  scenarioTable,
} from './command-reference.ts';
import { durationTable, eventTable, metricTable, serviceMetricTable } from './event-tables.ts';
import { failureTable, failureTableJa } from './failure-tables.ts';
import { environmentTable, fleetTable, inputTable, promotionInputTable } from './field-tables.ts';
import { fillParts } from './generated-parts.ts';
import { peoplePolicies } from './people-policies.ts';
import { permissionTable } from './permission-table.ts';
import { personTable, recordPermissions } from './person-permissions.ts';
import { raceFacts, raceRows, raceTable, raceTableJa, raceTargets } from './race-parts.ts';
import { racePicture } from './race-picture.ts';
import { readRace } from './race-summary.ts';
import { releaseFlow } from './release-flow.ts';
import { releasePicture } from './release-picture.ts';
import { roomTable } from './rooms.ts';
import { readArrows, roomsPicture } from './rooms-picture.ts';
import { costTables } from './sample-costs.ts';
import { sampleDoctor } from './sample-doctor.ts';
import { sampleNarration } from './sample-narration.ts';
import { sampleNews } from './sample-news.ts';
import { samplePlan } from './sample-plan.ts';
import { sampleTimeline } from './sample-timeline.ts';
import { readStory } from './story.ts';
import { storyPicture } from './story-picture.ts';
import { signalTable } from './what-decides.ts';
import { whatDecidesPicture } from './what-decides-picture.ts';

const PROJECT = join(import.meta.dirname, '..');
/** The example that README and picture show. All fleets have the same story. */
const ENVIRONMENT = 'production';
const FLEET = 'reactio-production-app';

/** Environment → template. */
type Templates = Readonly<Record<string, TemplateJson>>;

function templateIn(templates: Templates): TemplateJson {
  const template = templates[ENVIRONMENT];
  if (template === undefined) throw new Error(`The example has no environment ${ENVIRONMENT}.`);
  return template;
}

/** The parts of the command's page. */
async function commandParts(templates: Templates): Promise<Readonly<Record<string, () => string>>> {
  const samples = {
    'sample-deploy': `deploy ${FLEET} --wait`,
    'sample-plan': `plan ${FLEET}`,
    'sample-history': `history ${FLEET}`,
  };
  const doctor = await sampleDoctor(templateIn(templates), FLEET);
  const parts: Record<string, () => string> = {
    common: commonOptions,
    commands: commandReference,
    envelope: envelopeTable,
    scenarios: scenarioTable,
    doctor: () => doctor,
  };
  // One after the other: each needs the process's clock for itself.
  for (const [name, line] of Object.entries(samples)) {
    const sample = await sampleRun(line, templates);
    parts[name] = () => sample;
  }
  return parts;
}

/** Path in the project → its expected content. */
export async function generatedFiles(templates: Templates): Promise<Readonly<Record<string, string>>> {
  const template = templateIn(templates);
  const { definition } = definitionOf(template, FLEET);
  const story = readStory(definition, ACT_PLANS);
  const plan = await samplePlan(template, FLEET);
  const costs = await costTables(template);
  const news = await sampleNews(template, FLEET);
  const narration = await sampleNarration();
  const race = readRace();
  const recorded = await recordPermissions(templates);
  const readme = {
    narration: () => narration,
    ...parts(costs.english),
    race: () => raceTable(race),
  };
  const japanese = { ...parts(costs.japanese), race: () => raceTableJa(race) };
  const racePage = { targets: () => raceTargets(race), rows: () => raceRows(race), facts: raceFacts };
  const input = { input: inputTable, plan: () => plan, 'promotion-input': promotionInputTable };
  const events = {
    deployed: () => news.deployed,
    'rolled-back': () => news.rolledBack,
    event: () => news.event,
    fields: eventTable,
    metrics: metricTable,
    durations: durationTable,
    'service-metrics': serviceMetricTable,
  };
  const fields = { environment: environmentTable, fleet: fleetTable };
  return {
    'docs/deploy-story.svg': actsPicture(story),
    'docs/deploy-states.svg': storyPicture(story),
    'docs/what-decides.svg': whatDecidesPicture(story),
    'docs/what-decides.md': fillParts(committed('docs/what-decides.md'), {
      signals: () => signalTable(story),
    }),
    'docs/release-flow.svg': releasePicture(releaseFlowOf(template)),
    'docs/race.svg': racePicture(race),
    'docs/race.md': fillParts(committed('docs/race.md'), racePage),
    'docs/rooms.svg': roomsPicture(readArrows()),
    'docs/architecture.md': fillParts(committed('docs/architecture.md'), { rooms: roomTable }),
    'docs/sample-timeline.html': await sampleTimeline(template, FLEET),
    'README.md': fillParts(committed('README.md'), readme),
    'README.ja.md': fillParts(committed('README.ja.md'), japanese),
    'docs/command.md': fillParts(committed('docs/command.md'), await commandParts(templates)),
    'docs/fleets.md': fillParts(committed('docs/fleets.md'), fields),
    'docs/events.md': fillParts(committed('docs/events.md'), events),
    'docs/input.md': fillParts(committed('docs/input.md'), input),
    'docs/permissions.md': fillParts(committed('docs/permissions.md'), {
      permissions: () => permissionTable(template),
      person: () => personTable(recorded),
    }),
    'examples/iam/people.template.json': peoplePolicies(recorded, environmentOf()),
    'docs/runbook.md': fillParts(committed('docs/runbook.md'), { failures: failureTable }),
    'docs/runbook.ja.md': fillParts(committed('docs/runbook.ja.md'), { failures: failureTableJa }),
  };
}

function environmentOf(): Environment {
  const found = readFleets(fleetsFile).find(({ name }) => name === ENVIRONMENT);
  if (!found) throw new Error(`bin/fleets.ts has no environment ${ENVIRONMENT}.`);
  return found;
}

/** Texts that are made already, as parts. */
const parts = (texts: Readonly<Record<string, string>>): Readonly<Record<string, () => string>> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, () => text]));

const releaseFlowOf = (template: TemplateJson) =>
  releaseFlow(readFleets(fleetsFile), FLEET, definitionOf(template, FLEET, 'promote').definition);

export function committed(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

async function main(): Promise<void> {
  const templates = synthesizeTemplates(readFleets(fleetsFile));
  for (const [path, content] of Object.entries(await generatedFiles(templates))) {
    writeFileSync(join(PROJECT, path), content);
    console.log(`written: ${path}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
