/**
 * Flows on one fleet before an audience. *abort*: someone stops the execution in the console, and it is undone from
 * outside. *two-uploads*: a newer upload finds the lock held, waits, and is deployed next.
 */
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { Scenario } from '../scenarios.ts';
import { Stage } from '../stage.ts';
import { type PerformOptions, performOn } from './performance.ts';
import { startByUpload } from './start.ts';

export interface InterruptionOptions extends Omit<PerformOptions, 'scenario'> {
  readonly template: TemplateJson;
  readonly fleet: string;
  readonly region?: string | undefined;
  readonly tarball: Uint8Array;
}

type Played = Promise<{ readonly asItMust: boolean }>;

export function performAbort(options: InterruptionOptions): Played {
  const { template, tarball } = options;
  return onStage(options, (stage) => {
    const scenario: Scenario = {
      tells: 'An upload is deployed; while the old hosts drain, someone presses *Stop execution*.',
      kind: 'app',
      arrange: () => stage.whenEntering('Old hosts are drained', () => stage.executions[0]?.stop()),
      endsIn: 'Undone',
    };
    const start = () => startByUpload(stage, template, tarball);
    return performOn(stage, scenario, { ...options, scenario: 'abort' }, start);
  });
}

export function performTwoUploads(options: InterruptionOptions): Played {
  return onStage(options, async (stage) => {
    const first = await performOn(
      stage,
      firstAct(stage, options),
      { ...options, scenario: 'two-uploads' },
      () => startByUpload(stage, options.template, options.tarball),
    );
    const waited = stage.executions.find(({ name }) => name.startsWith('waited-'));
    if (!waited) return { asItMust: false };
    const second: Scenario = {
      tells: '2 of 2: the lock is free, and the waiting request starts automatically.',
      kind: 'app',
      arrange: () => {},
      endsIn: 'Deployed',
    };
    stage.world.calls.reset();
    const told = `${waited.name} was started by the deployment before it`;
    const last = await performOn(stage, second, { ...options, scenario: 'two-uploads' }, () => ({
      deployment: waited.name,
      input: {},
      told,
    }));
    return { asItMust: first.asItMust && last.asItMust };
  });
}

/** The newer upload arrives while the hosts of the older one boot. */
function firstAct(stage: Stage, { template, tarball, audience }: InterruptionOptions): Scenario {
  const tell = (text: string) => audience.tells({ kind: 'upload', at: stage.clock.now(), text });
  const uploadAgain = () => {
    const { deployment, input } = startByUpload(stage, template, Buffer.concat([tarball, tarball]));
    tell('a newer version is uploaded; its event starts an execution as well');
    const { result } = stage.begin(input, deployment);
    void result.then(({ endedIn, output }) => tell(`${endedIn}: ${Object(output).reason}`));
  };
  return {
    tells: '1 of 2: an upload is deployed, and a newer one arrives while its hosts boot.',
    kind: 'app',
    arrange: () => stage.whenEntering('New hosts are ready', uploadAgain),
    endsIn: 'Deployed',
  };
}

async function onStage(
  { template, fleet, region, seed }: InterruptionOptions,
  play: (stage: Stage) => Played,
): Played {
  const stage = new Stage({ template, fleet, region, seed });
  try {
    return await play(stage);
  } finally {
    stage.close();
  }
}
