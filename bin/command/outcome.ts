/** What a command answers with. */
import { COMMAND } from '../../lambdas/domain/core/names.ts';

/**
 * 0: done, or there was nothing to do. 1: not possible, or not agreed to. Of a command that waits for a deployment also
 * 3: rolled back, or refused; 4: halfway, a human is needed; 5: cancelled; 6: waited too long, or cannot see it any longer; 130: Ctrl-C.
 */
export type OutcomeCode = 0 | 1 | 3 | 4 | 5 | 6 | 130;

/** As of an outcome; 2: bad usage, nothing was read or changed. */
export type ExitCode = OutcomeCode | 2;

export interface Outcome {
  readonly exitCode: OutcomeCode;
  /** One or two words, for machines. */
  readonly outcome: string;
  readonly lines: readonly string[];
  /** What `--json` prints beside the outcome; what is `undefined` there is left out. */
  readonly facts?: object | undefined;
}

const endsWith = (exitCode: OutcomeCode) => (outcome: string, lines: readonly string[], facts?: object) => ({
  exitCode,
  outcome,
  lines,
  facts,
});

/** Done as requested, or there was nothing to do. */
export const done = endsWith(0);
/** Not possible, or not agreed to. */
export const failed = endsWith(1);

/** The outcome when nobody agreed. */
export const notAgreed = (command: string, fleet: string, facts?: object): Outcome =>
  failed('not-confirmed', [`Nothing was changed. To do it:  ${COMMAND} ${command} ${fleet} --yes`], facts);
