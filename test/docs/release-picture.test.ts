/** The picture of the release flow shows what the fleets file and the definition say, and what fits into it. */
import { describe, expect, it } from 'vitest';
import { releaseFlow } from '../../docs/release-flow.ts';
import { releasePicture } from '../../docs/release-picture.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { type LooseFile, looseExample } from '../lib/fleets.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

const APP = 'reactio-production-app';
const { definition } = definitionOf(synthesize(), `${APP}-promote`);
const flow = releaseFlow(exampleEnvironments, APP, definition);

describe('The release flow', () => {
  it('is read off the fleets file and the definition', () =>
    expect(flow).toEqual({
      source: {
        environment: 'staging',
        key: 'reactio/app.tar.gz',
        fleets: [{ name: 'reactio-staging-app' }, { name: 'reactio-staging-worker' }],
      },
      sourceFleet: 'reactio-staging-app',
      soakMinutes: 30,
      steps: ['Choose the candidate', 'Write the proof', 'Copy the artifact', 'Record the promotion'],
      destination: {
        environment: 'production',
        key: 'reactio/app.tar.gz',
        fleets: [{ name: APP }, { name: 'reactio-production-worker', after: APP }],
      },
    }));

  it('puts those that follow below the one that they follow', () => {
    const file: LooseFile = looseExample();
    Object.assign(file.fleets[0] ?? {}, { after: 'reactio-staging-worker' });
    const { source } = releaseFlow(readFleets(file), APP, definition);
    expect(source.fleets.map(({ name }) => name)).toEqual(['reactio-staging-worker', 'reactio-staging-app']);
  });

  it('is none for a fleet that nothing is promoted to', () =>
    expect(() => releaseFlow(exampleEnvironments, 'reactio-staging-app', definition)).toThrow(
      'Nothing is promoted',
    ));
});

describe('Its picture', () => {
  const picture = releasePicture(flow);

  it('names every fleet, every tarball and every step', () => {
    const names = [...flow.source.fleets, ...flow.destination.fleets].map(({ name }) => name);
    for (const name of [...names, ...flow.steps, flow.source.key, 'staging', 'production'])
      expect(picture).toContain(`>${name}</text>`);
  });

  it('says the same in words', () =>
    expect(/<desc[^>]*>(.*)<\/desc>/.exec(picture)?.[1]).toBe(
      'CI uploads reactio/app.tar.gz to staging. In staging, an upload of reactio/app.tar.gz starts reactio-staging-app, ' +
        'reactio-staging-worker. Someone promotes what reactio-staging-app runs when it has run there for 30 minutes: ' +
        'Choose the candidate, Write the proof, Copy the artifact, Record the promotion. In production, an upload of ' +
        'reactio/app.tar.gz starts reactio-production-app, then, when reactio-production-app is deployed, ' +
        'reactio-production-worker.',
    ));

  it('stays within its frame', () => {
    const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(picture) ?? []).map(Number);
    const placed = [...picture.matchAll(/<(?:text|rect)[^>]* x="([\d.]+)" y="([\d.]+)"/g)];
    expect(placed.length).toBeGreaterThan(20);
    for (const [, x, y] of placed) {
      expect(Number(x)).toBeLessThan(width);
      expect(Number(y)).toBeLessThan(height);
    }
  });
});
