/** How a step becomes a Lambda function: one log line, errors by name, and nothing in the log that is secret (rule 11). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { Step } from '../../lambdas/domain/core/step.ts';
import { metricFields } from '../../lambdas/domain/record/metrics.ts';
import { at, launched } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';

// Loaded anew with this setting, the logger writes to the console that tests can watch, and not to one of its own.
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.resetModules();
const { lambdaHandler, systemLog } = await import('../../lambdas/clients/handler.ts');
const { keepSecret } = await import('../../lambdas/domain/core/secrets.ts');

const lines: Record<string, unknown>[] = [];
beforeEach(() => {
  lines.length = 0;
  const take = (line: unknown) => void lines.push(JSON.parse(String(line)));
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation(take);
});
afterEach(() => vi.restoreAllMocks());

const SECRET = 'the-api-key';
/** A step that answers or fails like this. */
const step = (run: () => unknown): Step<object, unknown> => ({
  name: 'new-hosts-are-ready',
  run: async () => run(),
});
const handle = (run: () => unknown, document: unknown = launched()) =>
  lambdaHandler(step(run), () => ({}))(document);
const fail = (error: unknown) => () => {
  throw error;
};

describe('a step as a Lambda function', () => {
  it('hands the document and the fleet’s own ports to the step, and answers with its result', async () => {
    const asked: string[] = [];
    const seen: unknown[] = [];
    const handler = lambdaHandler(
      {
        name: 'write-the-plan',
        run: async (document) => {
          seen.push(document);
          return { reason: 'fine' };
        },
      },
      (apiKeyParameter) => {
        asked.push(apiKeyParameter);
        return {};
      },
    );
    expect(await handler(launched())).toEqual({ reason: 'fine' });
    expect(seen).toEqual([launched()]);
    expect(asked).toEqual(['/shop/mackerel']);
  });

  it.each([
    [{ ready: true, reason: 'all 2 new hosts are ready' }, 'all 2 new hosts are ready'],
    [{ error: 'RolledBack', cause: 'AlertDuringBake: x.' }, 'AlertDuringBake: x.'],
    [{}, 'done'],
    [undefined, 'done'],
  ])('%# logs one line with what it found, for which deployment', async (result, message) => {
    await handle(() => result);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'INFO',
      message,
      fleet: 'shop',
      deployment: 'deploy-2',
      step: 'new-hosts-are-ready',
    });
  });

  it('keeps a secret that something echoed out of the result, the log and the error', async () => {
    keepSecret('s3cr3t/that-was-read');
    const echo = 'i-1 says s3cr3t/that-was-read, s3cr3t%2Fthat-was-read';
    const result = await handle(() => ({ reason: echo, consoles: { 'i-1': [echo] }, at: 7 }));
    const says = 'i-1 says ***, ***';
    expect(result).toEqual({ reason: says, consoles: { 'i-1': [says] }, at: 7 });
    const bug = await handle(fail(new TypeError(`${echo}\u001b[2J`))).catch(
      (error: unknown) => error as Error,
    );
    expect(bug).toMatchObject({ name: 'TypeError', message: `${says}\uFFFD[2J` });
    systemLog.warn(echo);
    expect(`${JSON.stringify(lines)}${(bug as Error).stack}`).not.toMatch(/s3cr3t/);
  });

  it('logs what else the step has to say under the same keys, metrics at the top of the line', async () => {
    await handle(() => {
      systemLog.warn('Could not tell people: AWS is silent', { failure: 'ServiceUnavailable' });
      systemLog.info('The deployment ended', metricFields(at(0), { fleet: 'shop' }, { LockAgeSeconds: 30 }));
      return {};
    });
    const keys = { fleet: 'shop', deployment: 'deploy-2', step: 'new-hosts-are-ready' };
    expect(lines.slice(0, 2)).toEqual([
      expect.objectContaining({ level: 'WARN', failure: 'ServiceUnavailable', ...keys }),
      expect.objectContaining({
        level: 'INFO',
        LockAgeSeconds: 30,
        _aws: {
          Timestamp: at(0).getTime(),
          CloudWatchMetrics: [
            {
              Namespace: 'irekae',
              Dimensions: [['fleet']],
              Metrics: [{ Name: 'LockAgeSeconds', Unit: 'Seconds' }],
            },
          ],
        },
        ...keys,
      }),
    ]);
  });

  it('fails under the error’s own name, and logs one sentence', async () => {
    await expect(handle(fail(new DeploymentError('NoCapacity', 'No room in subnet-a.')))).rejects.toThrow(
      failure('NoCapacity', 'No room in subnet-a.'),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'ERROR',
      message: 'No room in subnet-a.',
      failure: 'NoCapacity',
    });
  });

  it('logs no part of an error but its name and its words', async () => {
    const raw = Object.assign(new Error('fetch failed', { cause: { headers: { 'X-Api-Key': SECRET } } }), {
      request: { 'X-Api-Key': SECRET },
    });
    await expect(handle(fail(raw))).rejects.toBe(raw);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it('logs neither the document nor the answer', async () => {
    await handle(() => ({ reason: 'fine', more: SECRET }), { ...launched(), input: { reason: SECRET } });
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it('carries nothing over to the next deployment’s line', async () => {
    await handle(() => ({}));
    await handle(() => ({}), null);
    expect(lines[1]).not.toHaveProperty('deployment');
  });
});
