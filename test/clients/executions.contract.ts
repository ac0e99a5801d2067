/** What every Step Functions behind the port does: the adapter in front of an emulator, and the modelled world. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Executions } from '../../lambdas/ports/executions.ts';

export interface ExecutionsSubject {
  readonly executions: Executions;
  /** Of a state machine whose executions run until they are stopped. */
  readonly machineArn: string;
  /** Names of the machine's executions, in any order. */
  started(): Promise<readonly string[]>;
  /** As `StopExecution` does: ABORTED. */
  stopExecution(executionArn: string): Promise<void>;
  stop(): Promise<void>;
}

export function executionsContract(title: string, arrange: () => Promise<ExecutionsSubject>): void {
  describe(`Executions: ${title}`, () => {
    let subject: ExecutionsSubject;
    let executions: Executions;
    beforeEach(async () => {
      subject = await arrange();
      ({ executions } = subject);
    });
    afterEach(() => subject.stop());

    const arnOf = (name: string) => `${subject.machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const start = (name: string, input = '{"versionId":"v1"}') =>
      executions.start(subject.machineArn, name, input);

    it('runs what was started', async () => {
      await start('one');
      expect(await executions.status(arnOf('one'))).toEqual({ state: 'running' });
    });

    it('starts the same name once, whatever the input', async () => {
      await start('one');
      await start('one');
      await start('one', '{"versionId":"v2"}');
      expect(await subject.started()).toEqual(['one']);
    });

    it('does not start a name again that has ended', async () => {
      await start('one');
      await subject.stopExecution(arnOf('one'));
      await start('one');
      expect(await executions.status(arnOf('one'))).toMatchObject({ state: 'ended' });
      expect(await subject.started()).toEqual(['one']);
    });

    it('starts another name', async () => {
      await start('one');
      await start('two');
      expect([...(await subject.started())].sort()).toEqual(['one', 'two']);
    });

    it('tells how and when one ended', async () => {
      await start('one');
      await subject.stopExecution(arnOf('one'));
      expect(await executions.status(arnOf('one'))).toEqual({
        state: 'ended',
        status: 'ABORTED',
        at: expect.any(Date),
      });
    });

    it('does not know one that was never started', async () => {
      expect(await executions.status(arnOf('nobody'))).toEqual({ state: 'unknown' });
      expect(await executions.describe(arnOf('nobody'))).toBeUndefined();
    });

    it('describes one that runs with its input', async () => {
      await start('one');
      expect(await executions.describe(arnOf('one'))).toEqual({
        state: { state: 'running' },
        startedAt: expect.any(Date),
        input: '{"versionId":"v1"}',
      });
    });

    it('describes one that was stopped without an output', async () => {
      await start('one');
      await subject.stopExecution(arnOf('one'));
      const described = await executions.describe(arnOf('one'));
      expect(described).toMatchObject({ state: { state: 'ended', status: 'ABORTED' } });
      expect(described).not.toHaveProperty('output');
    });
  });
}
