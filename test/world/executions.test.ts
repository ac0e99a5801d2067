import { describe, expect, it } from 'vitest';
import { smallWorld } from './small-world.ts';

const MACHINE = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-shop';
const ARN = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:one';
const DAY = 86_400;

describe('an execution in the world', () => {
  it('runs from its begin to its end, as the runner says', async () => {
    const { world, ports, at } = smallWorld();
    expect(await ports.executions.status(ARN)).toEqual({ state: 'unknown' });
    world.executions.begin(ARN);
    expect(await ports.executions.status(ARN)).toEqual({ state: 'running' });
    expect(world.executions.running()).toEqual([ARN]);
    at(60);
    world.executions.end(ARN, 'TIMED_OUT');
    at(3600);
    expect(await ports.executions.status(ARN)).toEqual({
      state: 'ended',
      status: 'TIMED_OUT',
      at: new Date('2026-03-01T09:01:00Z'),
    });
    expect(world.executions.running()).toEqual([]);
  });

  it('that a step starts is told to the listeners once, and runs already', async () => {
    const { world, ports } = smallWorld();
    const heard: unknown[] = [];
    world.executions.onStart((...start) => heard.push([...start, world.executions.running()]));
    await ports.executions.start(MACHINE, 'one', '{"versionId":"v1"}');
    await ports.executions.start(MACHINE, 'one', '{"versionId":"v1"}');
    expect(heard).toEqual([[MACHINE, 'one', '{"versionId":"v1"}', [ARN]]]);
    // The runner may say so too.
    world.executions.begin(ARN);
    expect(await ports.executions.status(ARN)).toEqual({ state: 'running' });
  });

  it('is forgotten 90 days after its end, and its name is free again', async () => {
    const { world, ports, at } = smallWorld();
    const heard: string[] = [];
    world.executions.onStart((_machineArn, name) => heard.push(name));
    await ports.executions.start(MACHINE, 'one', '{}');
    world.executions.end(ARN, 'SUCCEEDED');
    at(90 * DAY - 1);
    expect(await ports.executions.status(ARN)).toMatchObject({ state: 'ended' });
    await ports.executions.start(MACHINE, 'one', '{}');
    expect(heard).toHaveLength(1);
    at(90 * DAY);
    expect(await ports.executions.status(ARN)).toEqual({ state: 'unknown' });
    await ports.executions.start(MACHINE, 'one', '{}');
    expect(heard).toHaveLength(2);
  });

  it('cannot begin twice or end before it runs: a mistake of the scenario', () => {
    const { world } = smallWorld();
    expect(() => world.executions.end(ARN, 'FAILED')).toThrow(`the world runs no execution ${ARN}`);
    world.executions.begin(ARN);
    world.executions.end(ARN, 'FAILED');
    expect(() => world.executions.begin(ARN)).toThrow(`had an execution ${ARN} already`);
    expect(() => world.executions.end(ARN, 'FAILED')).toThrow(`the world runs no execution ${ARN}`);
  });
});

describe('calls of the ledger and of executions', () => {
  it('are counted, one request each', async () => {
    const { world, ports } = smallWorld();
    const hold = await ports.ledger.take('shop', { holder: ARN, startedBy: 'ops' });
    await ports.ledger.enter('shop', hold ?? { holder: '', generation: 0 }, 'shift', '{}');
    await ports.ledger.read('shop');
    await ports.executions.status(ARN);
    await ports.executions.start(MACHINE, 'two', '{}');
    expect(world.calls.byAction()).toEqual({
      'ledger.take': 1,
      'ledger.enter': 1,
      'ledger.read': 1,
      'executions.status': 1,
      'executions.start': 1,
    });
    expect(world.calls.requests('ledger')).toBe(3);
  });

  it('can be lost before they take effect, and after', async () => {
    const { world, ports } = smallWorld();
    const claim = { holder: ARN, startedBy: 'ops' };
    world.intercept = async () => {
      throw new Error('lost');
    };
    await expect(ports.ledger.take('shop', claim)).rejects.toThrow('lost');
    expect(world.ledger.read('shop')).toBeUndefined();
    world.intercept = async ({ service, action }, proceed) => {
      await proceed();
      throw new Error(`the answer to ${service}.${action} was lost`);
    };
    await expect(ports.ledger.take('shop', claim)).rejects.toThrow('the answer to ledger.take was lost');
    await expect(ports.executions.start(MACHINE, 'two', '{}')).rejects.toThrow('executions.start was lost');
    expect(world.ledger.read('shop')).toMatchObject({ held: { holder: ARN, generation: 1 } });
    expect(world.executions.running()).toHaveLength(1);
  });

  it('tells its events as Step Functions numbers them, and none of what a function does after its end', async () => {
    const { world, ports, at } = smallWorld();
    world.executions.begin(ARN, '{}');
    const turn = (seconds: number, ...[given, isTask]: [object, boolean?]) => {
      at(seconds);
      world.executions.turn(ARN, given as Parameters<typeof world.executions.turn>[1], isTask);
    };
    const state = 'Take old hosts out of service';
    turn(1, { kind: 'entered', state }, true);
    turn(2, { kind: 'failed', state, error: 'Lambda.Unknown' });
    turn(3, { kind: 'entered', state }, true);
    // Told a turn late: it does not come between a run and its answer.
    turn(3, { kind: 'entered', state: 'Ready?' });
    turn(4, { kind: 'answered', state });
    turn(5, { kind: 'entered', state: 'Old hosts are drained' }, true);
    at(6);
    world.executions.end(ARN, 'ABORTED');
    turn(7, { kind: 'answered', state: 'Old hosts are drained' });
    const events = await ports.executions.events(ARN, new Date('2026-03-01T08:00:00Z'));
    expect(events.map(({ id, follows, kind }) => `${id} after ${follows}: ${kind}`)).toEqual([
      '1 after 0: other',
      '2 after 1: entered',
      '3 after 2: scheduled',
      '4 after 3: other',
      '5 after 3: failed',
      '6 after 5: scheduled',
      '7 after 6: other',
      '8 after 7: entered',
      '9 after 6: answered',
      '10 after 9: entered',
      '11 after 10: scheduled',
      '12 after 11: other',
      '13 after 12: ended',
    ]);
    const late = await ports.executions.events(ARN, new Date('2026-03-01T09:00:05Z'));
    expect(late.map(({ id }) => id)).toEqual([9, 10, 11, 12, 13]);
    expect((await ports.executions.recent(ARN)).at(-1)).toMatchObject({ kind: 'entered' });
    expect(await ports.executions.events('another', new Date(0))).toEqual([]);
  });

  it('knows the document that its newest state was entered with', async () => {
    const { world, ports } = smallWorld();
    expect(await ports.executions.document(ARN)).toBeUndefined();
    world.executions.begin(ARN, '{}');
    expect(await ports.executions.document(ARN)).toBeUndefined();
    world.executions.enteredWith(ARN, { look: 1 });
    world.executions.enteredWith(ARN, { look: 2 });
    world.executions.end(ARN, 'ABORTED');
    world.executions.enteredWith(ARN, { look: 3 });
    expect(await ports.executions.document(ARN)).toEqual({ look: 2 });
  });

  it('tells its newest turns, and how it ended', async () => {
    const { world, ports, at } = smallWorld();
    world.executions.begin(ARN, '{}');
    for (let look = 1; look <= 40; look += 1) {
      at(look);
      world.executions.turn(ARN, { kind: 'answered', state: 'Wait', answer: { look } });
    }
    const turns = await ports.executions.recent(ARN);
    expect(turns).toHaveLength(35);
    expect(turns.at(-1)).toEqual({
      id: 40,
      at: new Date('2026-03-01T09:00:40Z'),
      kind: 'answered',
      state: 'Wait',
      answer: { look: 40 },
    });
    world.executions.end(ARN, 'FAILED', { error: 'RolledBack', cause: 'why' });
    expect(await ports.executions.describe(ARN)).toMatchObject({
      input: '{}',
      error: 'RolledBack',
      cause: 'why',
    });
    at(100 * DAY);
    expect(await ports.executions.recent(ARN)).toEqual([]);
    expect(await ports.executions.describe(ARN)).toBeUndefined();
  });
});
