/** What `--local` synthesized before: read where it is still what the fleets file says, and made again where it is not. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../lib/read-fleets.ts';
import { folderOfKept, keptTemplates } from '../../simulator/kept-templates.ts';
import { exampleEnvironments } from '../synth.ts';

const all = exampleEnvironments;
const staging = all.filter(({ name }) => name === 'staging');
let folder: string;
let made: string[][];

const templates = (needed: readonly Environment[], of = all, where: string | undefined = folder) =>
  keptTemplates({
    needed,
    all: of,
    folder: where,
    synthesize: async (missing) => {
      made.push(missing.map(({ name }) => name));
      return Object.fromEntries(
        missing.map(({ name, fleets }) => [name, { Resources: {}, fleets: fleets.length }]),
      );
    },
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
  made = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('Templates', () => {
  it('are synthesized once for a fleets file, each environment by itself', async () => {
    const first = await templates(staging);
    expect(await templates(all)).toMatchObject(first);
    expect(await templates(all)).toEqual(await templates(all));
    expect(made).toEqual([['staging'], ['production']]);
    expect(readdirSync(folder).sort()).toEqual(['production.json', 'staging.json']);
  });

  it('are made again when the file says anything else, also of another environment', async () => {
    await templates(staging);
    const changed = all.map((each) =>
      each.name === 'production' ? { ...each, alarmEmails: ['other@example.com'] } : each,
    );
    await templates(staging, changed);
    expect(made).toEqual([['staging'], ['staging']]);
    expect(readdirSync(folder)).toEqual(['staging.json']);
  });

  it('are made again when what was kept is broken', async () => {
    await templates(staging);
    writeFileSync(join(folder, 'staging.json'), '{"key": "');
    expect(Object.keys(await templates(staging))).toEqual(['staging']);
    expect(made).toHaveLength(2);
  });

  it('are made where nothing can be kept', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    expect(Object.keys(await templates(staging, all, join(file, 'below')))).toEqual(['staging']);
    expect(Object.keys(await templates(staging, all, undefined))).toEqual(['staging']);
  });

  it('are kept beside the compiled command alone: sources change under them', () => {
    expect(folderOfKept('/a/node_modules/@irekae/irekae/dist')).toBe(
      '/a/node_modules/@irekae/irekae/dist/templates',
    );
    expect(folderOfKept('/a/irekae/simulator')).toBeUndefined();
  });
});
