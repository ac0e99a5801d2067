/** `irekae rollback` and `irekae promote`: what they start, what they refuse, and what they follow. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executionOf } from '../../lambdas/domain/core/aws.ts';
import { executionArn } from '../../simulator/run-definition.ts';
import { CALLER, FLEET, worldFleets } from './desk.ts';
import { Theatre } from './theatre.ts';

let theatre: Theatre;
beforeEach(() => {
  theatre = new Theatre();
});
afterEach(() => theatre.close());

/** The ports with a Step Functions that only notes what is started. */
function noting() {
  const started: { machine: string; name: string; input: unknown }[] = [];
  const start = async (arn: string, name: string | undefined, input: string) => {
    started.push({ machine: arn.split(':').at(-1) ?? '', name: name ?? '', input: JSON.parse(input) });
    return executionOf(arn, name ?? '');
  };
  return { started, ports: { executions: { ...theatre.ports.executions, start } } };
}

describe('rollback', () => {
  const rollback = (...more: string[]) => theatre.run(['rollback', FLEET, '--reason', 'slow pages', ...more]);

  beforeEach(async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
  });

  it.each([
    [[], 'previous'],
    [['--to', 'previous'], 'previous'],
  ])('%j asks for the release before', async (more, rollbackTo) => {
    const { started, ports } = noting();
    const said = await theatre.run(['rollback', FLEET, '--reason', 'slow pages', ...more], { ports });
    expect(said.exitCode).toBe(0);
    expect(started).toEqual([
      {
        machine: `irekae-${FLEET}`,
        name: expect.stringMatching(/^by-hand-/),
        input: { rollbackTo, reason: 'slow pages', startedBy: 'Operator/hanako' },
      },
    ]);
  });

  it('asks for a named one, with the gates that shall not count', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd2');
    const { started, ports } = noting();
    const args = ['rollback', FLEET, '--reason', 'slow', '--to', 'd1', '--override', 'freeze,provenance'];
    expect((await theatre.run(args, { ports })).exitCode).toBe(0);
    expect(started[0]?.input).toMatchObject({ rollbackTo: 'd1', override: ['freeze', 'provenance'] });
  });

  it('wants a reason', async () => {
    expect(await theatre.run(`rollback ${FLEET}`)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^--reason TEXT: missing, but required/),
    });
  });

  it('refuses what runs, what is not on record, and what never became the release; starts nothing', async () => {
    theatre.upload();
    theatre.breakLastHost();
    await theatre.stage.deploy({}, 'd2');
    const before = theatre.started.length;
    for (const [to, words] of [
      ['d1', /^d1 is what reactio-production-app runs\. .*--redeploy/],
      ['d2', /^d2 ended as RolledBack: its release never became/],
      ['d9', /has no record of a deployment d9\./],
    ] as const) {
      const said = await rollback('--to', to);
      expect(said).toMatchObject({ exitCode: 1, err: expect.stringMatching(words) });
      expect(said.err).toContain(`irekae history ${FLEET}`);
    }
    expect(theatre.started).toHaveLength(before);
  });

  it('of a fleet that was never deployed has nothing to go back to', async () => {
    theatre.close();
    theatre = new Theatre();
    expect(await rollback()).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^There is no record of what/),
    });
  });
});

describe('promote', () => {
  const PROMOTION = `irekae-${FLEET}-promote`;

  /** Ports with a promotion that takes a while, does so, and ends so. */
  function promotion(output: object | undefined, act: () => void = () => {}) {
    const { executions } = theatre.ports;
    const { executions: model } = theatre.stage.world;
    const start = async (machine: string, name = 'unnamed', input = '{}') => {
      if (!machine.endsWith(PROMOTION)) return executions.start(machine, name, input);
      const arn = executionArn(PROMOTION, name);
      model.begin(arn, input);
      setTimeout(() => {
        act();
        if (output) model.end(arn, 'SUCCEEDED', { output });
        else model.end(arn, 'FAILED', { error: 'ServiceRefused', cause: 'ServiceRefused: S3 said no.' });
      }, 20_000);
      return arn;
    };
    return { ports: { executions: { ...executions, start } } };
  }

  /** What the promotion answers with, once there is a copy. */
  const output: Record<string, unknown> = {};
  const copied = (content: string) => {
    const versionId = theatre.upload(content);
    Object.assign(output, { reason: 'copied', promotedAs: versionId });
    return versionId;
  };
  const byUpload = () => {
    const versionId = copied('promoted');
    setTimeout(() => theatre.stage.start({ versionId, upload: { eventId: 'e' } }, 'upload-event'), 3_000);
  };

  it('starts the promotion with what was asked for', async () => {
    const { started, ports } = noting();
    const args = ['promote', FLEET, '--version', 'v1', '--override', 'soak', '--reason', 'hotfix'];
    expect(await theatre.run(args, { ports })).toMatchObject({ exitCode: 0 });
    expect(started).toEqual([
      {
        machine: `${PROMOTION}-override`,
        name: expect.stringMatching(/^by-hand-/),
        input: { versionId: 'v1', override: ['soak'], reason: 'hotfix', startedBy: 'Operator/hanako' },
      },
    ]);
  });

  it('--wait follows the promotion, and then the deployment that its upload starts', async () => {
    const visit = promotion(output, byUpload);
    const said = await theatre.run(`promote ${FLEET} --wait`, visit);
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(/^Done: copied$/m);
    expect(said.out).toMatch(new RegExp(`^Promoted as version ${output.promotedAs} of s3://`, 'm'));
    expect(said.out).toMatch(/by-hand-\S+, the promotion to reactio-production-app began \(/);
    expect(said.out).toMatch(/upload-event of reactio-production-app began/);
    expect(said.out).toMatch(/^Deployed reactio\/app\.tar\.gz/m);
    expect(theatre.started).toEqual(['upload-event']);
  });

  it('--wait ends as that deployment does', async () => {
    const visit = promotion(output, byUpload);
    theatre.breakLastHost();
    expect(await theatre.run(`promote ${FLEET} --wait`, visit)).toMatchObject({
      exitCode: 3,
      err: expect.stringMatching(/^Rolled back/),
    });
  });

  it('--wait is done when the fleet runs it already', async () => {
    const promotedAs = theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    const visit = promotion({ verdict: 'already-promoted', reason: 'it is there', promotedAs });
    const said = await theatre.run(`promote ${FLEET} --wait`, visit);
    expect(said).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^Already deployed: .* since d1\.$/m),
    });
    expect(theatre.started).toEqual(['d1']);
  });

  it('--wait follows what was promoted, and not what somebody has uploaded since', async () => {
    const visit = promotion(output, () => {
      byUpload();
      theatre.upload('somebody’s');
    });
    const said = await theatre.run(`promote ${FLEET} --wait`, visit);
    expect(said.out).toMatch(new RegExp(`^Promoted as version ${output.promotedAs} of s3://`, 'm'));
    expect(said.out).toContain('upload-event of reactio-production-app began');
  });

  it('--wait says that it does not know what was promoted', async () => {
    const said = await theatre.run(`promote ${FLEET} --wait`, promotion({ reason: 'copied' }, byUpload));
    expect(said.err).toMatch(/^The promotion succeeded, and does not say as which version of s3:/);
  });

  it('--wait says when no deployment begins', async () => {
    const visit = promotion(output, () => copied('its event was lost'));
    const said = await theatre.run(`promote ${FLEET} --wait`, visit);
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^No deployment of version \S+ began within 5 min\./),
    });
  });

  it('to a fleet that nothing is promoted to starts nothing', async () => {
    const { started, ports } = noting();
    const plain = worldFleets.fleets.map(({ promotion: _, ...fleet }) => fleet);
    const visit = { ports, fleetsFile: { ...worldFleets, fleets: plain }, caller: CALLER };
    expect(await theatre.run(`promote ${FLEET}`, visit)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^reactio-production-app has no `promotion` in the fleets file: /),
    });
    expect(started).toEqual([]);
  });

  it('--dry-run says what would be promoted, and that nothing was', async () => {
    const visit = promotion({ verdict: 'promote', reason: 'version v1 is promoted' });
    expect(await theatre.run(`promote ${FLEET} --dry-run`, visit)).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(
        /^A promotion would do this: version v1 is promoted\.\nNothing was changed\./,
      ),
    });
  });

  it('that fails ends with 1', async () => {
    const visit = promotion(undefined);
    expect(await theatre.run(`promote ${FLEET} --wait`, visit)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^Refused: ServiceRefused: S3 said no/),
    });
  });
});
