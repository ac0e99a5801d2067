/** One process of the crew: plays what it is sent, and reports what it found. */
import { pairs } from './campaign.ts';
import type { Case } from './case.ts';
import type { Briefing, Work } from './crew.ts';
import { play } from './play.ts';
import type { Judged } from './tally.ts';

let briefing: Briefing | undefined;

async function judge(played: Case): Promise<Judged> {
  if (!briefing) throw new Error('A worker is briefed before it plays.');
  const { applied, outcome, violations } = await play(briefing.template, played);
  return { ...played, applied, outcome, violations };
}

async function done(work: Work): Promise<Judged[]> {
  const judged: Judged[] = [];
  const batches = 'batches' in work ? work.batches : [];
  const cases = 'cases' in work ? [...work.cases] : [];
  for (const batch of batches) {
    if (!briefing) break;
    cases.push(...(await pairs(briefing.template, briefing.first, briefing.seed, batch)));
  }
  for (const each of cases) judged.push(await judge(each));
  return judged;
}

process.on('message', async (message: Briefing | Work) => {
  if ('template' in message) {
    briefing = message;
    process.send?.('briefed');
    return;
  }
  process.send?.(await done(message));
});
