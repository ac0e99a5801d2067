/** The table of what decides is what the steps do: every name, at every step, and nothing else. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { ACT_PLANS } from '../../docs/acts.ts';
import { failureGroups } from '../../docs/failure-tables.ts';
import { readStory } from '../../docs/story.ts';
import { DECIDING_STEPS, decisionsOf, SIGNALS, signalTable, wordsOf } from '../../docs/what-decides.ts';
import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { OVERRIDES } from '../../lambdas/domain/core/input.ts';
import { rowOf, STEP_NAMES, type StepName } from '../../lambdas/domain/core/steps.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { SCENARIOS } from '../../simulator/scenarios.ts';
import { synthesize } from '../synth.ts';

/** They say that something cannot be done, and not whether it should. */
const NO_SIGNALS: readonly FailureName[] = [
  'InvalidInput',
  'NotTold',
  'ArtifactNotFound',
  'ArtifactUnusable',
  'ImageNotFound',
  'LaunchTemplateUnusable',
  'MackerelKeyUnreadable',
  'MackerelRefused',
  'MackerelRoleUnknown',
  'LoadBalancerUnusable',
  'SubnetUnusable',
  'NothingToRollBackTo',
  'NoCapacity',
  'LaunchRefused',
  'TerminationRefused',
  'Stopped',
];

const story = readStory(definitionOf(synthesize(), 'reactio-production-app').definition, ACT_PLANS);
const told = (step: StepName) => [...new Set(SIGNALS.flatMap(({ at }) => at[step]?.ends ?? []))].sort();
const SIGNALLED = [...new Set(STEP_NAMES.flatMap(told))];
/** On the way of every deployment, until nothing decides anymore: from the last termination on it is only finished. */
const ON_THE_WAY = STEP_NAMES.slice(0, STEP_NAMES.indexOf('terminate-old-instances') + 1).filter(
  (step) => !rowOf(step).isAside || DECIDING_STEPS.includes(step),
);

/** Each step's function, without what it never calls. */
const code = new Map<StepName, string>();
beforeAll(async () => {
  const lambdas = join(import.meta.dirname, '../../lambdas');
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(ON_THE_WAY.map((step) => [step, join(lambdas, `${step}.ts`)])),
    outdir: lambdas,
    bundle: true,
    write: false,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  for (const step of ON_THE_WAY)
    code.set(step, outputFiles.find(({ path }) => path.endsWith(`/${step}.js`))?.text ?? '');
});

describe('What decides', () => {
  it.each(ON_THE_WAY)('at %s: what its function can throw', (step) => {
    const text = code.get(step) ?? '';
    expect(text).toContain('DeploymentError');
    const can = (name: FailureName) =>
      name === 'Cancelled'
        ? // Every ledger can throw it, to whoever goes on.
          /function (assertMayGoOn|enterPhase)\(/.test(text)
        : new RegExp(`(new DeploymentError\\(\\s*|\\bname: )"${name}"`).test(text);
    expect(told(step)).toEqual(SIGNALLED.filter(can).sort());
  });

  it('is every failure of a deployment that can be refused or undone, but for what cannot be done at all', () => {
    const groups = failureGroups().slice(0, 2);
    expect(groups.map(({ title }) => title)).toEqual([
      'Before anything was changed',
      'While the old hosts still serve: undone',
    ]);
    const names = groups.flatMap((group) => group.names);
    expect([...SIGNALLED, ...NO_SIGNALS].sort()).toEqual([...names].sort());
  });

  it('may be overridden by each override, and by no other', () => {
    const named = SIGNALS.flatMap(({ unless }) => (typeof unless === 'string' ? [unless] : []));
    expect([...new Set(named)].sort()).toEqual([...OVERRIDES].sort());
  });

  it.each(SIGNALS.flatMap((signal) => (signal.scenario ? [[signal.scenario, signal] as const] : [])))(
    'is seen in the scenario %s, which ends as the table says',
    (name, signal) => {
      const { because = '', endsIn }: { because?: string; endsIn: string } = SCENARIOS[name];
      const ends = decisionsOf(signal, story).flatMap((each) => each.ends);
      const words = ends.filter((each) => each.name === because).map((each) => each.words);
      expect(words).toContain(endsIn === 'Nothing was changed' ? 'refused' : 'undone');
    },
  );

  it('refuses first, then undoes, and calls a human only where an old host may have ended', () => {
    const words = (step: StepName) =>
      [...new Set(SIGNALS.flatMap((signal) => decisionsOf(signal, story)))]
        .filter((each) => each.step === step)
        .map(wordsOf);
    for (const step of DECIDING_STEPS.filter((each) => rowOf(each).act === 'agree'))
      expect(new Set(words(step)), step).toEqual(new Set(['refused']));
    for (const step of DECIDING_STEPS.filter((each) => ['bring-up', 'shift'].includes(rowOf(each).act)))
      expect(words(step).join(), step).not.toMatch(/refused|human/);
    expect(words('terminate-old-instances')).toContain('undone, or a human is called');
  });

  it('is one row each in the page', () =>
    expect(signalTable(story).split('\n')).toHaveLength(SIGNALS.length + 2));
});
