/** Starting what is owed, although anybody may have taken its name before. */
import { describe, expect, it } from 'vitest';
import { startOnce } from '../../lambdas/domain/lock/start-once.ts';
import type { ExecutionDescription } from '../../lambdas/ports/executions.ts';
import { at } from '../support/deployments.ts';

const ARN = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:deploy-1';
const INPUT = '{"versionId":"v2"}';

/** @param taken name → what Step Functions knows under it */
async function start(taken: (name: string) => ExecutionDescription | undefined, input = INPUT) {
  const started: string[] = [];
  await startOnce(
    ARN,
    { fleet: 'shop', name: 'waited-1', input, since: at(10) },
    {
      start: async (machine, name) => {
        if (name !== undefined && taken(name)) return undefined;
        started.push(`${machine.split(':').at(-1)} ${name ?? '(unnamed)'}`);
        return 'an execution';
      },
      describe: async (execution) => taken(execution.split(':').at(-1) ?? ''),
    },
  );
  return started;
}
const there = (input: string, seconds: number): ExecutionDescription => ({
  state: { state: 'ended', status: 'SUCCEEDED', at: at(seconds) },
  startedAt: at(seconds),
  input,
});
const first = (execution: ExecutionDescription) => (name: string) =>
  name === 'waited-1' ? execution : undefined;

describe('What is owed', () => {
  it('is started under its name', async () =>
    expect(await start(() => undefined)).toEqual(['irekae-shop waited-1']));

  it('is started at the door, if it overrides', async () =>
    expect(await start(() => undefined, '{"override":["freeze"]}')).toEqual([
      'irekae-shop-override waited-1',
    ]));

  it('is not started again when it was started since it is owed', async () =>
    expect(await start(first(there(INPUT, 10)))).toEqual([]));

  it.each([
    ['another input', there('{"dryRun":true}', 20)],
    ['the same input, before it was owed', there(INPUT, 9)],
  ])('is started under another name, the same each time, when its own has %s', async (_, execution) => {
    const started = await start(first(execution));
    expect(started).toEqual([expect.stringMatching(/^irekae-shop instead-[0-9a-f]{24}$/)]);
    expect(await start(first(execution))).toEqual(started);
  });

  it('is started without a name when every other is taken', async () =>
    expect(await start(() => there('{}', 1))).toEqual(['irekae-shop (unnamed)']));
});
