/** The findings as an operator reads them: first what to fix, then what is unknown, warnings, and what is fine. */

import { groupBy } from '../../../lambdas/domain/core/collections.ts';
import { count, list } from '../../../lambdas/domain/core/words.ts';
import { width } from '../../../lib/terminal/width.ts';
import { section, table } from '../wording.ts';
import { byLevel, CHECKS, type Finding, LEVELS, type Level } from './finding.ts';

export const reportLines = (findings: readonly Finding[]): string[] =>
  byLevel(findings).flatMap(([level, found]) => {
    const lines = level === 'ok' ? fineLines(found) : byReason(found).flatMap(findingLines);
    return section(LEVELS[level].heading, lines);
  });

const findingLines = ({ check, sentence, mend = [] }: Finding): string[] =>
  table([[CHECKS[check].padEnd(AREA_WIDTH), sentence], ...mend.map((line) => ['', `  ${line}`])]);

/** One outage, or one missing permission, is reported once, with everything that could not be checked because of it. */
function byReason(findings: readonly Finding[]): Finding[] {
  const reasonOf = ({ about, sentence }: Finding) =>
    about === undefined ? sentence : sentence.slice(about.length);
  return [...groupBy(findings, reasonOf)].flatMap(([reason, [first, ...more]]) => {
    if (first?.about === undefined) return first ? [first, ...more] : [];
    const abouts = [first, ...more].flatMap(({ about }) => about ?? []);
    return [{ ...first, sentence: `${list(abouts, abouts.length)}${reason}` }];
  });
}

/** One row for each area: what is fine must not push the rest off the screen. */
function fineLines(findings: readonly Finding[]): string[] {
  const areas = new Set(findings.map(({ check }) => CHECKS[check]));
  return [...areas].flatMap((area) => {
    const sentences = findings.filter(({ check }) => CHECKS[check] === area).map(({ sentence }) => sentence);
    return table([[area.padEnd(AREA_WIDTH), sentences.join('; ')]]);
  });
}

const AREA_WIDTH = Math.max(...Object.values(CHECKS).map(width));
/** `1 problem, 2 warnings; 17 checks are fine.` */
export function summary(findings: readonly Finding[]): string {
  const found = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const [problems, unknowns, warnings] = [found('problem'), found('unknown'), found('warning')];
  const bad = [
    problems > 0 && count(problems, 'problem'),
    unknowns > 0 && `${unknowns} unknown`,
    warnings > 0 && count(warnings, 'warning'),
  ].filter((words) => words !== false);
  const well = `${count(found('ok'), 'check is', 'checks are')} fine`;
  return bad.length === 0 ? `Healthy: ${well}.` : `${bad.join(', ')}; ${well}.`;
}
