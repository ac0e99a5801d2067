/** The promotion's story: its definition, and what it does on the modelled world, whatever gets in its way. */

import { afterEach, describe, expect, it } from 'vitest';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { currentReleaseKey, promotionKey } from '../../lambdas/domain/core/names.ts';
import { partSize } from '../../lambdas/domain/promotion/copying.ts';
import {
  PROMOTION_STEP_NAMES,
  PROMOTION_STEPS,
  type PromotionStepName,
} from '../../lambdas/domain/promotion/steps.ts';
import { copyTheArtifact } from '../../lambdas/promotion/copy-the-artifact.ts';
import { PROMOTION_SECONDS } from '../../lib/promotion-machine.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { definitionProblems } from '../definition-lint.ts';
import { resource } from '../lib/template.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';
import { type ReleaseFlow, releaseFlow } from './release-flow.ts';

const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';

describe('The definition of a promotion', () => {
  const machine = () => definitionOf(synthesize(), `${APP}-promote`);
  const tasks = () => Object.entries(machine().definition.States).filter(([, { Type }]) => Type === 'Task');

  it.each([APP, WORKER])('to %s contains nothing that the lint refuses', (fleet) =>
    expect(definitionProblems(definitionOf(synthesize(), `${fleet}-promote`).definition)).toEqual([]),
  );

  it('runs every step of a promotion, and no others', () => {
    const steps = tasks().map(([, { Resource }]) => machine().stepOf(String(Resource)));
    expect(new Set(steps)).toEqual(new Set(PROMOTION_STEP_NAMES));
  });

  it('gives every task a little more time than its function has, retries it, and catches every error', () => {
    for (const [name, task] of tasks()) {
      const seconds = PROMOTION_STEPS[machine().stepOf(String(task.Resource)) as PromotionStepName].seconds;
      expect(Number(task.TimeoutSeconds) - seconds, name).toBeGreaterThanOrEqual(5);
      expect(JSON.stringify(task.Retry), name).toContain('ServiceUnavailable');
      expect(
        (task.Catch as { ErrorEquals: string[] }[]).map(({ ErrorEquals }) => ErrorEquals),
        name,
      ).toEqual([['States.ALL']]);
    }
  });

  it('writes the proof before it copies, and copies before it records', () => {
    const order: string[] = [];
    const { States } = machine().definition;
    for (let at: unknown = 'Write the proof'; typeof at === 'string'; ) {
      order.push(at);
      const { Next, Choices } = States[at] as { Next?: string; Choices?: { Next: string }[] };
      at = Next ?? Choices?.[0]?.Next;
    }
    expect(order).toEqual([
      'Write the proof',
      'Copy the artifact',
      'Copy the artifact?',
      'Record the promotion',
      'Promoted',
    ]);
  });

  it('is bounded: the largest copy of all ends before the machine and its history do', () => {
    const { bytes, most } = partSize(50e12);
    const looks = Math.ceil(50e12 / bytes / most);
    expect(looks * 9).toBeLessThan(21_000);
    expect(machine().definition.TimeoutSeconds).toBe(PROMOTION_SECONDS);
    expect(PROMOTION_SECONDS).toBeGreaterThan(13 * 3_600);
  });

  it('is a standard machine that logs every transition without its data, and is traced', () =>
    expect(
      resource(synthesize(), 'AWS::StepFunctions::StateMachine', `"irekae-${APP}-promote"`),
    ).toMatchObject({
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    }));
});

let flow: ReleaseFlow | undefined;
afterEach(() => flow?.close());
function set(seed?: number): ReleaseFlow {
  flow = releaseFlow(seed);
  return flow;
}
const SOAK_SECONDS = 30 * 60;
/** Deployed on staging, and stayed there for long enough. */
async function tested(play: ReleaseFlow, content = 'one'): Promise<string> {
  const versionId = await play.stagingDeploys(content);
  await play.staging.wait(SOAK_SECONDS);
  return versionId;
}
const destination = ({ app }: ReleaseFlow) => app.artifact;
const versions = (play: ReleaseFlow) => {
  const { bucket, key } = destination(play);
  return play.app.world.s3.versions(bucket, key);
};
const proofOf = (play: ReleaseFlow, sha256: string, fleet = APP) =>
  play.app.world.s3.readRecord(destination(play).bucket, promotionKey(fleet, sha256)) as Record<
    string,
    unknown
  >;
const sha256 = async (play: ReleaseFlow, versionId: string) =>
  play.staging.world.ports.artifacts.digest(
    play.staging.artifact.bucket,
    play.staging.artifact.key,
    versionId,
  );
const deployments = async ({ app }: ReleaseFlow) => {
  const own = app.executions.filter(({ machineName }) => machineName === `irekae-${APP}`);
  return (await Promise.all(own.map(({ result }) => result))).map(({ endedIn }) => endedIn);
};
const failedAs = ({ status, endedIn, error = '' }: ExecutionResult) => {
  expect({ status, endedIn }).toEqual({ status: 'FAILED', endedIn: 'Not promoted' });
  expect(Object.keys(FAILURES)).toContain(error);
  return error;
};

describe('A promotion', () => {
  it('copies what staging runs, proves it for every fleet that is fed, and its upload event deploys it', async () => {
    const play = set();
    const tarball = await tested(play);
    const result = await play.promote({ startedBy: 'CI', reason: 'release 12' });
    expect(result.endedIn).toBe('Promoted');
    await play.settle();
    const [copy] = versions(play);
    for (const fleet of [APP, WORKER]) {
      expect(proofOf(play, await sha256(play, tarball), fleet)).toMatchObject({
        fleet,
        versionId: copy,
        from: { fleet: 'reactio-staging-app', versionId: tarball, deployment: 'deployment-1' },
        promotedBy: 'CI',
        why: 'release 12',
      });
    }
    expect(await deployments(play)).toEqual(['Deployed']);
    const current = play.app.world.s3.readRecord(destination(play).bucket, currentReleaseKey(APP));
    expect(current).toMatchObject({ artifact: { versionId: copy, sha256: await sha256(play, tarball) } });
  });

  it('that was made already is a success that copies nothing', async () => {
    const play = set();
    await tested(play);
    await play.promote();
    const before = versions(play);
    expect((await play.promote()).endedIn).toBe('Already promoted');
    expect(versions(play)).toEqual(before);
  });

  it('twice at once copies once, and deploys once', async () => {
    const play = set();
    await tested(play);
    const both = [play.app.promote({}, 'one'), play.app.promote({}, 'two')];
    const results = await play.app.clock.until(Promise.all(both.map(({ result }) => result)));
    expect(results.map(({ endedIn }) => endedIn)).toEqual(['Promoted', 'Promoted']);
    await play.settle();
    expect(versions(play)).toHaveLength(1);
    expect(await deployments(play)).toEqual(['Deployed']);
  });

  it('by the machine of another fleet of the same tarball is the same promotion', async () => {
    const play = set();
    await tested(play);
    await play.promote();
    const result = await play.app.clock.until(play.worker.promote().result);
    expect(result.endedIn).toBe('Already promoted');
  });

  it('of an older version is made when it is asked for', async () => {
    const play = set();
    const older = await tested(play);
    await play.stagingDeploys('two');
    expect(failedAs(await play.promote())).toBe('NotProven');
    expect((await play.promote({ versionId: older })).endedIn).toBe('Promoted');
    expect(proofOf(play, await sha256(play, older)).versionId).toBe(versions(play)[0]);
  });

  it('planned changes nothing', async () => {
    const play = set();
    await tested(play);
    const result = await play.promote({ dryRun: true });
    expect(result).toMatchObject({ endedIn: 'Planned', output: { verdict: 'promote' } });
    expect(versions(play)).toEqual([]);
  });

  it('of a tarball that was put there by hand proves it, and starts its deployment anew', async () => {
    const play = set();
    await tested(play, 'by hand');
    const byHand = play.app.upload('by hand', false);
    await play.settle();
    const result = await play.promote();
    expect(result.endedIn).toBe('Promoted');
    expect(versions(play)[1]).toBe(byHand);
    expect(versions(play)).toHaveLength(2);
  });

  it('copies a large artifact in parts, and leaves none behind', async () => {
    const play = set();
    const { bucket, key } = play.staging.artifact;
    const metadata = { sha256: 'ab'.repeat(32) };
    const { versionId } = play.staging.world.s3.put(bucket, key, 'large', {
      sizeBytes: 6 * 1024 ** 3,
      metadata,
    });
    const reasons: unknown[] = [];
    play.app.onEvent = ({ kind, state, answer }) => {
      if (kind === 'answered' && state === 'Copy the artifact') reasons.push(Object(answer).reason);
    };
    const result = await play.promote({ versionId, override: ['provenance'], reason: 'the first one' });
    expect(result.endedIn).toBe('Promoted');
    expect(reasons.slice(0, -1)).toEqual(['it is copied in 12 parts', '8 of 12 parts copied']);
    expect(play.app.world.s3.unfinishedCopies()).toEqual([]);
    expect(proofOf(play, metadata.sha256)).toMatchObject({ override: ['provenance'], why: 'the first one' });
  });
});

describe('A promotion is refused', () => {
  it('before staging has run it for long enough, unless somebody says why', async () => {
    const play = set();
    await play.stagingDeploys();
    const result = await play.promote();
    expect(failedAs(result)).toBe('NotProven');
    expect(result.cause).toMatch(
      /of the 30 min that promotion\.soakMinutes asks for; try again in 29 min .*Nothing was promoted\.$/,
    );
    expect(versions(play)).toEqual([]);
    expect((await play.promote({ override: ['soak'], reason: 'outage' })).endedIn).toBe('Promoted');
  });

  it('when staging was never deployed', async () => {
    const play = set();
    play.staging.upload();
    expect(failedAs(await play.promote())).toBe('NotProven');
  });

  it('when staging failed with it', async () => {
    const play = set();
    const versionId = play.staging.upload('broken');
    play.staging.world.ec2.fate = () => ({ kind: 'never-healthy' });
    await play.staging.deploy({ versionId });
    const result = await play.promote({ versionId });
    expect(failedAs(result)).toBe('NotProven');
    expect(result.cause).toContain('was never deployed');
  });

  it('when staging went back from it since', async () => {
    const play = set();
    const good = await tested(play, 'good');
    const bad = await tested(play, 'bad');
    await play.staging.deploy({ versionId: good });
    const result = await play.promote({ versionId: bad });
    expect(failedAs(result)).toBe('NotProven');
    expect(result.cause).toContain(`went back from it`);
  });

  it('of a version that never existed', async () => {
    const play = set();
    await tested(play);
    expect(failedAs(await play.promote({ versionId: 'nonsense' }))).toBe('ArtifactNotFound');
  });

  it('with an input that it does not know, with all problems at once', async () => {
    const play = set();
    const result = await play.promote({ versionId: 5, override: ['freeze'] });
    expect(failedAs(result)).toBe('InvalidInput');
    expect(result.cause).toMatch(/versionId: .*override\.0: .*reason: missing/);
  });
});

describe('Whatever gets in its way', () => {
  const STATES = ['Choose the candidate', 'Write the proof', 'Copy the artifact', 'Record the promotion'];

  it.each(some(STATES))(
    'an execution that is stopped on entering "%s" leaves nothing that another one could not finish',
    async (state) => {
      const play = set();
      await tested(play);
      const stopped = play.app;
      stopped.whenEntering(state, () => stopped.executions.at(-1)?.stop());
      const first = await play.promote();
      expect(first.status).toBe('ABORTED');
      const again = await play.promote();
      expect(['Promoted', 'Already promoted']).toContain(again.endedIn);
      await play.settle();
      expect(versions(play)).toHaveLength(1);
      expect(await deployments(play)).toEqual(['Deployed']);
    },
  );

  it.each(STATES)(
    'a step that runs twice, and whose first answer is lost, does it once: "%s"',
    async (state) => {
      const play = set();
      await tested(play);
      let lost = false;
      play.app.around = async (run, act) => {
        const answer = await act();
        if (lost || run.state !== state) return answer;
        lost = true;
        throw Object.assign(new Error('lost'), { name: 'Lambda.Unknown' });
      };
      expect((await play.promote()).endedIn).toBe('Promoted');
      expect(lost).toBe(true);
      await play.settle();
      expect(versions(play)).toHaveLength(1);
      expect(await deployments(play)).toEqual(['Deployed']);
    },
  );

  it('a newer upload of somebody’s is not overwritten', async () => {
    const play = set();
    await tested(play);
    let newer = '';
    play.app.whenEntering('Copy the artifact', () => {
      newer = play.app.upload('somebody’s');
    });
    const result = await play.promote();
    expect(failedAs(result)).toBe('CopyFailed');
    expect(result.cause).toContain(`version ${newer}`);
    expect(versions(play)).toEqual([newer]);
  });

  it('a copy in parts that fails is thrown away', async () => {
    const play = set();
    const { bucket, key } = play.staging.artifact;
    const large = { sizeBytes: 6 * 1024 ** 3, metadata: { sha256: 'ab'.repeat(32) } };
    const { versionId } = play.staging.world.s3.put(bucket, key, 'large', large);
    let looks = 0;
    play.app.around = (run, act) => {
      if (run.step === 'copy-the-artifact') looks += 1;
      if (looks === 2) play.app.upload('somebody’s');
      return act();
    };
    const result = await play.promote({ versionId, override: ['provenance'], reason: 'the first one' });
    expect(failedAs(result)).toBe('CopyFailed');
    expect(play.app.world.s3.unfinishedCopies()).toEqual([]);
  });

  it('S3 that does not answer for a minute only takes longer', async () => {
    const play = set();
    await tested(play);
    const until = play.app.clock.now().getTime() + 60_000;
    play.app.around = (run, act) =>
      play.app.clock.now().getTime() < until
        ? Promise.reject(Object.assign(new Error(`not now: ${run.step}`), { name: 'ServiceUnavailable' }))
        : act();
    const result = await play.promote();
    expect(result.endedIn).toBe('Promoted');
    expect(result.seconds).toBeGreaterThan(60);
  });

  it('a step that S3 never answers fails under its own name', async () => {
    const play = set();
    await tested(play);
    play.app.around = (run, act) =>
      run.step === copyTheArtifact.name
        ? Promise.reject(Object.assign(new Error('not now'), { name: 'ServiceUnavailable' }))
        : act();
    expect(failedAs(await play.promote())).toBe('ServiceUnavailable');
  });

  it('even an explanation that fails ends under a name of the list', async () => {
    const play = set();
    play.app.around = () => Promise.reject(Object.assign(new Error('x'), { name: 'TypeError' }));
    const result = await play.promote();
    expect(result).toMatchObject({ status: 'FAILED', error: 'StepCrashed' });
  });
});
