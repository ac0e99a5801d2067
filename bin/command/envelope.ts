/** What `--json` prints: one document of one shape, whichever command it was and however it ended. */
import { VERSION } from '../../lib/version.ts';
import type { ExitCode } from './outcome.ts';

export interface Envelope {
  /** The version that printed it. */
  readonly irekae: string;
  /** As typed; `null`: none. */
  readonly command: string | null;
  /** `null`: it was given none. */
  readonly fleet: string | null;
  /** Whether it ended with 0. */
  readonly ok: boolean;
  /** One or two words. */
  readonly outcome: string;
  readonly exitCode: ExitCode;
  /** What a person reads at the end; lines are separated by line breaks. */
  readonly message: string;
  /** What the command found or did. */
  readonly result: object;
  /** `null`: there is none. */
  readonly problem: Problem | null;
}

export interface Problem {
  /** The failure's name: that of the runbook, or what is wrong with credentials or the connection. `null`: it has none. */
  readonly error: string | null;
  /** Each by itself. */
  readonly sentences: readonly string[];
}

export interface Ended {
  readonly command: string | undefined;
  readonly fleet: string | undefined;
  readonly outcome: string;
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
  readonly facts?: object | undefined;
  /** Default: the lines. */
  readonly problems?: readonly string[];
}

/** What each part means: the table in docs/command.md, which names all there are. */
export const PARTS: Readonly<Record<keyof Envelope, string>> = {
  irekae: 'the version of irekae that printed it',
  command: 'the command, as typed; `null`: none',
  fleet: 'the fleet, as typed; `null`: none',
  ok: 'whether it ended with 0',
  outcome: 'how it ended, in a word or two: `deployed`, `rolled-back`, `bad-usage`',
  exitCode: 'the exit code',
  message: 'what a person reads at the end',
  result: 'what the command found or did; each command has its own fields, and none has to be there',
  problem:
    '`null` where `ok`; else `error`, the failure’s name in the [runbook](runbook.md) or that of what is wrong with ' +
    'credentials and connection (`null`: it has none), and `sentences`, each problem by itself',
};

export function envelopeOf({
  command,
  fleet,
  outcome,
  exitCode,
  lines,
  facts = {},
  problems,
}: Ended): Envelope {
  const { error, ...result } = facts as { readonly error?: string; readonly reason?: string };
  const ok = exitCode === 0;
  // What a person was shown before the end is not said again there.
  const said = lines.length > 0 ? lines : [result.reason ?? ''];
  return {
    irekae: VERSION,
    command: command ?? null,
    fleet: fleet ?? null,
    ok,
    outcome,
    exitCode,
    message: said.join('\n'),
    result,
    problem: ok ? null : { error: error ?? null, sentences: problems ?? said.filter((line) => line !== '') },
  };
}
