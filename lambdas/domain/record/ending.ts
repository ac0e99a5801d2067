/** How a failed deployment ended, told in one sentence from its document. */

import type { Deployment, Ending, Failure } from '../core/document.ts';
import { type FailureName, messageIn } from '../core/errors.ts';
import { FAILURES } from '../core/failures.ts';
import type { End } from '../core/story.ts';
import { plain } from '../core/words.ts';
import { evidenceSentence } from '../hosts/evidence.ts';
import { keptSentence } from '../hosts/kept.ts';
import { owedSentence } from './owed.ts';
import { hooksSentence } from './waited.ts';

/** Of each error. Step Functions' limit for a cause is 32,768 characters; an operator's is lower. */
const SENTENCE_LIMIT = 1_000;

/** @returns under which name the execution fails, and why: the first error's own name and sentence, what it means now. */
export function endingOf(deployment: Deployment, end: End): Ending {
  const first = explain(deployment.failure);
  const { error, consequence } = MEANING[end](deployment, first.name);
  const evidence = evidenceSentence(deployment.removal?.evidence);
  const parts = [`${first.name}: ${first.sentence}`, evidence, consequence, owedSentence(deployment)];
  return { error, cause: parts.filter((part) => part !== '').join(' ') };
}

interface Meaning {
  readonly error: string;
  readonly consequence: string;
}

const MEANING = {
  refused: (_deployment, first) => ({ error: first, consequence: 'Nothing was changed.' }),
  undone: (deployment, first) => ({
    error: first === 'Cancelled' ? 'Cancelled' : 'RolledBack',
    consequence: [
      `Undone: ${deployment.putBack?.reason ?? 'the old hosts serve'}; ${whatIsLeft(deployment)}.`,
      hooksSentence(deployment),
    ]
      .filter(Boolean)
      .join(' '),
  }),
  'undo-failed': ({ undoFailure }) => {
    const undo = explain(undoFailure);
    return {
      error: 'RollbackFailed',
      consequence: `The undo failed too: ${undo.name}: ${undo.sentence} A human is needed: see RollbackFailed in docs/runbook.md.`,
    };
  },
  halfway: () => ({
    error: 'StoppedHalfway',
    consequence:
      'The new hosts are serving, but old ones may be left. A human is needed: see StoppedHalfway in docs/runbook.md.',
  }),
} as const satisfies Readonly<Record<End, (deployment: Deployment, first: FailureName) => Meaning>>;

const whatIsLeft = ({ removal }: Deployment): string =>
  removal?.kept
    ? `${keptSentence(removal.kept)}; nothing else is left`
    : 'nothing of this deployment is left';

/**
 * A caught error in our words. Foreign names become one of the closed list.
 */
export function explain(failure: Failure | undefined): { name: FailureName; sentence: string } {
  const error = failure?.Error ?? 'Unknown';
  const message = messageIn(failure?.Cause ?? '');
  if (error in FAILURES) return { name: error as FailureName, sentence: sentence(message) };
  const name = /Timeout|Timedout/.test(error) ? 'StepTimedOut' : 'StepCrashed';
  return { name, sentence: sentence(`${error}${message && `: ${message}`}`) };
}

function sentence(text: string): string {
  if (text === '') return 'no further details.';
  const shown = plain(text, SENTENCE_LIMIT);
  return /[.!?…]$/.test(shown) ? shown : `${shown}.`;
}
