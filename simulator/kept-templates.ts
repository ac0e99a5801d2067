/**
 * Templates that were synthesized before: loading CDK and synthesizing is most of what `--local` costs, and comes out the
 * same for the same fleets file. Kept beside the compiled command, where an upgrade or a build leaves nothing of them;
 * the build puts the example's there. Sources, which change under them, keep none.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { Environment } from '../lib/read-fleets.ts';
import type { TemplateJson } from '../lib/synthesize.ts';

type Templates = Readonly<Record<string, TemplateJson>>;

export interface TemplateMaker {
  /** Those that are asked for. */
  readonly needed: readonly Environment[];
  /** All of the fleets file: promotions lead from one to another. */
  readonly all: readonly Environment[];
  /** Where they are kept; absent: nowhere. */
  readonly folder?: string | undefined;
  synthesize(missing: readonly Environment[]): Promise<Templates>;
}

const COMPILED = 'dist';
export const KEPT = 'templates';

/** Of the command that runs. */
export const folderOfKept = (here = import.meta.dirname): string | undefined =>
  basename(here) === COMPILED ? join(here, KEPT) : undefined;

export async function keptTemplates({ needed, all, folder, synthesize }: TemplateMaker): Promise<Templates> {
  const key = keyOf(all);
  const found = needed.flatMap(({ name }) => {
    const template = folder && readKept(join(folder, `${name}.json`), key);
    return template ? [[name, template] as const] : [];
  });
  const kept: Templates = Object.fromEntries(found);
  const missing = needed.filter(({ name }) => !(name in kept));
  if (missing.length === 0) return kept;
  const made = await synthesize(missing);
  if (folder) keep(folder, key, made);
  return { ...kept, ...made };
}

/** What templates follow from, beside the code that they are kept with. */
function keyOf(all: readonly Environment[]): string {
  const { version } = createRequire(import.meta.url)('aws-cdk-lib/package.json');
  return createHash('sha256')
    .update(JSON.stringify([version, all]))
    .digest('hex');
}

function readKept(file: string, key: string): TemplateJson | undefined {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    return kept.key === key ? kept.template : undefined;
  } catch {
    // None, or half of one.
    return undefined;
  }
}

function keep(folder: string, key: string, made: Templates): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, template] of Object.entries(made)) {
      const own = join(folder, `${name}.${process.pid}`);
      writeFileSync(own, JSON.stringify({ key, template }));
      renameSync(own, join(folder, `${name}.json`));
    }
  } catch {
    // A folder that is not ours to write to: the next run synthesizes again.
  }
}
