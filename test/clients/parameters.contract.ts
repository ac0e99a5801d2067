/** What every parameter store behind the port does: the adapter in front of an emulator, and the modelled world. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Parameters } from '../../lambdas/ports/parameters.ts';

export interface ParametersSubject {
  readonly parameters: Parameters;
  /** Stores a SecureString. */
  put(name: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export function parametersContract(title: string, arrange: () => Promise<ParametersSubject>): void {
  describe(`Parameters: ${title}`, () => {
    let subject: ParametersSubject;
    beforeEach(async () => {
      subject = await arrange();
    });
    afterEach(() => subject.stop());

    it('answers the value, decrypted', async () => {
      await subject.put('/irekae/mackerel-api-key', 'opensesame');
      expect(await subject.parameters.read('/irekae/mackerel-api-key')).toBe('opensesame');
    });

    it('answers undefined when there is no such parameter', async () => {
      expect(await subject.parameters.read('/irekae/nothing')).toBeUndefined();
    });
  });
}
