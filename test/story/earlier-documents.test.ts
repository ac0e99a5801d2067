/**
 * What earlier releases wrote into the ledger, from every phase: a clean-up that comes with this one reads it, and knows
 * what is left to do. A key that became required, or a shape that changed, would leave it to a human.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDeployment } from '../../lambdas/domain/core/document.ts';
import { workLeftOf } from '../../lambdas/domain/lock/dead-holders.ts';
import type { Phase } from '../../lambdas/ports/ledger.ts';
import type { EarlierDocument } from './earlier/record.ts';

const FOLDER = join(import.meta.dirname, 'earlier');
const releases = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map(
    (file) =>
      JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
        version: string;
        documents: EarlierDocument[];
      },
  );

describe.each(releases)('A document of $version', ({ documents }) => {
  it('is kept of every phase that has one', () => {
    expect(new Set(documents.map(({ phase }) => phase))).toEqual(
      new Set(['bring-up', 'shift', 'remove', 'undo']),
    );
  });

  it.each(documents)('of $kind, in $phase, is read as it was written', ({ document }) => {
    const needed = ['release', 'oldHosts'] as const;
    const read = parseDeployment(document, [...needed]);
    for (const key of [...needed, 'launch'] as const)
      expect(read[key] ?? {}).toMatchObject(Object(document)[key] ?? {});
  });

  it.each(documents)('of $kind, in $phase, says what is left to do', ({ phase, document }) => {
    const left = workLeftOf({ phase: phase as Phase, document: JSON.stringify(document) });
    // An ending that was written down leaves the lock alone to be let go of.
    const isEnded = 'ending' in document || 'record' in document;
    expect(left).toBe(isEnded ? 'release' : phase === 'remove' ? 'finish' : 'undo');
  });
});
