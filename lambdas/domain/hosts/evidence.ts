/**
 * The evidence of a failed deployment: what the new instances that failed wrote to their consoles, read before the undo
 * removes them. It travels in the document to *Record the failure*, because a function that speaks to EC2 and to S3
 * would load twice as much.
 */
import type { Instance } from '../../ports/ec2.ts';
import type { Deployment, Evidence } from '../core/document.ts';
import { masked } from '../core/secrets.ts';
import { cut, list, printable } from '../core/words.ts';

/** Three show whether all failed alike. */
export const MOST_CONSOLES = 3;
const MOST_BYTES = 4_096;

/** What EC2 says of an instance that somebody terminated or stopped by a call: it did not die of itself. */
const ENDED_BY_A_CALL = 'Client.UserInitiatedShutdown';

/**
 * The new instances that failed: those that died, and those that the first error names (never ready, not ready anymore,
 * with an alert). None after an error that is nobody's fault, such as a deployment that was cancelled.
 */
export function failedInstances({ failure }: Deployment, instances: readonly Instance[]): string[] {
  const named = new Set(failure?.Cause?.match(/\bi-\w+/g));
  const dead = instances.filter(
    ({ stateReason }) => stateReason !== undefined && !stateReason.startsWith(ENDED_BY_A_CALL),
  );
  const blamed = instances.filter(({ instanceId }) => named.has(instanceId));
  return [...new Set([...dead, ...blamed].map(({ instanceId }) => instanceId))].slice(0, MOST_CONSOLES);
}

/** A console without colours, other control characters, and the secrets that are known here. */
export const readable = (console: string): string =>
  masked(console)
    .replace(/[^\P{Cc}\r\n\t]\[[0-9;?]*[A-Za-z]/gu, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '');

/** The end of a console as lines: at most 4 KB. @param text readable */
export function lastLines(text: string): string[] {
  const end = Buffer.from(text).subarray(-MOST_BYTES).toString('utf8');
  // Cut in the middle of a character, it would begin with up to three replacement characters.
  const lines = end.replace(/^\uFFFD{1,3}/, '').split('\n');
  return lines.map((line) => printable(line.trimEnd().replaceAll('\t', ' '))).filter((line) => line !== '');
}

const LONGEST_QUOTE = 300;

/** `The console of i-1 ends with "irekae: FAILED: …".`; empty when no console says anything. */
export function evidenceSentence(evidence: readonly Evidence[] = []): string {
  const quotes = evidence.flatMap(({ instanceId, console }) => {
    const line = tellingLine(console);
    return line === undefined
      ? []
      : [`${instanceId} ends with "${cut(line, LONGEST_QUOTE).replace(/\.$/, '')}"`];
  });
  return quotes.length === 0 ? '' : `The console of ${list(quotes)}.`;
}

/** Why the boot script failed; else what it said last; else whatever stands at the end. Nothing of a host that booted well. */
function tellingLine(console: readonly string[]): string | undefined {
  const upwards = [...console].reverse();
  const said = (what: RegExp) => upwards.find((line) => what.test(line));
  const failed = said(/irekae: FAILED: /);
  // Whose boot script came to its end is not explained by how it booted, but for what it warned of.
  const last = said(/irekae: /);
  const isBooted = failed === undefined && /irekae: started /.test(last ?? '');
  const line = failed ?? (isBooted ? said(/irekae: the image has no mackerel-agent/) : (last ?? upwards[0]));
  return line?.replace(/^.*?(?=irekae: )/, '');
}
