/**
 * What the AWS CLI prints for a `--query` of the examples: JMESPath, carried out by a library, on an answer of the shape
 * that AWS gives. A stand-in that ignored the query would also pass with a wrong one.
 */
import { search } from '@aws-lambda-powertools/jmespath';
import { quote } from '../../lambdas/domain/launch/boot-script.ts';

/** Each `--query` in these scripts, as the shell hands it over. */
export function queriesIn(...scripts: readonly string[]): string[] {
  const found = scripts.flatMap((script) => [
    ...script.matchAll(/--query\s+(?:\\\n\s*)?(?:'([^']*)'|"([^"$`]*)"|([^\s'"]+))/g),
  ]);
  return [...new Set(found.map(([, single, double, bare]) => single ?? double ?? bare ?? ''))];
}

/** As `--output text` prints it. */
export const textOf = (query: string, answer: object): string => lines(search(query, answer as never));

function lines(found: unknown): string {
  if (!Array.isArray(found)) return word(found);
  const [rows, words] = [found.filter(Array.isArray), found.filter((each) => !Array.isArray(each))];
  const first = words.length > 0 ? [words.map(word).join('\t')] : [];
  return [...first, ...rows.map(lines)].join('\n');
}

function word(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'object') throw new Error(`The examples print no objects: ${JSON.stringify(value)}`);
  return String(value);
}

/** The text of an `aws` for these scripts: what it says for each of their queries, by action; another one fails. */
export function answering(script: string, answers: Readonly<Record<string, object>>): string {
  const rows = Object.entries(answers).flatMap(([action, answer]) =>
    queriesIn(script).map(
      (query) => `  ${quote(`${action} ${query}`)}) printf '%s\\n' ${quote(textOf(query, answer))} ;;`,
    ),
  );
  return [
    'action=$2 query=',
    'while [ $# -gt 1 ]; do if [ "$1" = --query ]; then query=$2; fi; shift; done',
    'case "$action $query" in',
    ...rows,
    "  *' ') ;;",
    '  *) exit 252 ;;',
    'esac',
  ].join('\n');
}
