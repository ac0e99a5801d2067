/** botocore (PyPI) recomputes the signature of every request that our tests see: of the SDK, of our own signers, of bash. */
import { join } from 'node:path';
import type { Judge, Verdict } from './judge.ts';
import { recordedBy } from './recorded.ts';
import { lacksPython, python, run } from './tools.ts';

const TESTS = [
  'test/clients',
  'test/command/aws.test.ts',
  'test/command/inspector.test.ts',
  'test/boot-script.test.ts',
];

export const signatures: Judge = {
  name: 'signatures',
  missing: () => lacksPython('botocore'),
  judge: async () => recomputed(recordedBy(TESTS, 'requests')),
  // Signed for a place that it is not sent to.
  control: async () =>
    recomputed(recordedBy(TESTS, 'requests').map((line) => line.replace('"host":"', '"host":"elsewhere.'))),
};

/** @param lines each a request as JSON, with the secret key of whoever sent it */
export function recomputed(lines: readonly string[]): Verdict {
  const { out } = run(python, [join(import.meta.dirname, 'botocore/signatures.py')], `${lines.join('\n')}\n`);
  const { count, services, against } = JSON.parse(out) as {
    count: number;
    services: string[];
    against: string[];
  };
  return { looked: `${count} requests to ${services.join(', ')}`, against };
}
