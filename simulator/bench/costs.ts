/** What a deployment costs on AWS, by what it is billed for. The hosts themselves, and their traffic, are not counted. */
import { sum } from '../../lambdas/domain/core/collections.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult } from '../run-definition.ts';
import type { AnyStepName } from '../steps.ts';
import type { FunctionFacts } from './functions.ts';
import { usd } from './prices.ts';
import type { Usage } from './usage.ts';

export interface Cost {
  readonly gbSeconds: number;
  readonly invocations: number;
  /** Bytes, of the machine and of the functions. */
  readonly logged: number;
  /** US cents each. */
  readonly lambdaCents: number;
  readonly stepFunctionsCents: number;
  readonly logCents: number;
  readonly metricCents: number;
  /** The ledger, S3, the key, mails and events. */
  readonly requestCents: number;
  readonly cents: number;
}

/** The orphan watch tells a lock that is held, most likely once. */
const LOCK_AGE = 1;

/** @param logsData whether the machine logs execution data: `logsDataOf` its template */
export function costOf(
  { runs, transitions, logged }: Pick<ExecutionResult, 'runs' | 'transitions' | 'logged'>,
  usage: Usage,
  functions: ReadonlyMap<AnyStepName, Pick<FunctionFacts, 'memoryMb'>>,
  logsData: boolean,
): Cost {
  let gbSeconds = 0;
  let invocations = 0;
  for (const [step, { count, seconds }] of runs) {
    gbSeconds += (seconds * (functions.get(step)?.memoryMb ?? Number.NaN)) / 1024;
    invocations += count;
  }
  const bytes =
    logged.machine.events + (logsData ? logged.machine.data : 0) + logged.functions + usage.lineBytes;
  const cents = {
    lambdaCents: 100 * (usd('gbSecond', gbSeconds) + usd('invocation', invocations)),
    stepFunctionsCents: 100 * (usd('transition', transitions) + usd('trace', 1)),
    logCents: 100 * usd('logByte', bytes),
    metricCents: 100 * usd('metricHour', usage.metrics + LOCK_AGE),
    requestCents: 100 * requestsOf(usage),
  };
  const all = sum(Object.values(cents));
  return { gbSeconds, invocations, logged: bytes, ...cents, cents: all };
}

const requestsOf = (usage: Usage): number =>
  usd('readUnit', usage.readUnits) +
  usd('writeUnit', usage.writeUnits) +
  usd('get', usage.gets) +
  usd('put', usage.puts) +
  usd('decryption', usage.decryptions) +
  usd('mail', usage.mails) +
  usd('customEvent', usage.events);

/** @throws Error for a machine that does not log everything: what it writes is not known here. */
export function logsDataOf(template: TemplateJson, machine: string): boolean {
  const found = Object.values(template.Resources).find(
    ({ Properties }) => Properties?.StateMachineName === machine,
  );
  const { Level, IncludeExecutionData } = Object(found?.Properties?.LoggingConfiguration);
  if (Level !== 'ALL') throw new Error(`${machine} logs at the level ${Level}, not ALL.`);
  return IncludeExecutionData === true;
}
