/** A deployment's end in one line. It holds names alone, and nothing that others wrote. */
import { span } from '../core/words.ts';
import type { DeploymentEnded, Result } from './news.ts';

/** What happened, in a line that is read at a glance: a mail's subject, a chat's heading. */
export function headlineOf(news: Omit<DeploymentEnded, 'headline'>): string {
  const { fleet, failure } = news;
  const because = failure ? ` (${failure.name})` : '';
  const headlines: Readonly<Record<Result, string>> = {
    deployed: `Deployed: ${fleet}, in ${span(news.seconds)}${news.toDo ? '; something is to be done' : ''}`,
    'rolled-back': `Rolled back: ${fleet}${because}; the old hosts are serving`,
    cancelled: `Cancelled: ${fleet}; the old hosts are serving`,
    refused: `Not deployed: ${fleet} (${news.outcome}); nothing was changed`,
    'stopped-halfway': `A human is needed: ${fleet} stopped halfway${because}`,
    'rollback-failed': `A human is needed: ${fleet}, the undo failed${because}`,
  };
  return headlines[news.result];
}
