/** `npm run judges`: one line per judge, each by somebody else. `-- --only NAME`, `-- --controls`. */

import { definitions } from './definitions.ts';
import { eventPatterns } from './event-patterns.ts';
import type { Judge, Verdict } from './judge.ts';
import { resourcesInMoto } from './resources-in-moto.ts';

const JUDGES: readonly Judge[] = [definitions, eventPatterns, resourcesInMoto];

const args = process.argv.slice(2);
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
const isControl = args.includes('--controls');
const chosen = JUDGES.filter(({ name }) => only === undefined || name === only);
if (chosen.length === 0)
  throw new Error(`No judge is called ${only}: ${JUDGES.map(({ name }) => name).join(', ')}`);

for (const judge of chosen) {
  const missing = judge.missing();
  if (missing !== undefined) {
    console.log(`!!! ${judge.name}: NOT JUDGED: ${missing}`);
    continue;
  }
  const { looked, against }: Verdict = await (isControl ? judge.control() : judge.judge());
  const isRight = against.length > 0 === isControl;
  console.log(
    `${isRight ? 'ok ' : '!!!'} ${judge.name}: ${looked}; ${against.join(' | ') || 'nothing against it'}`,
  );
  if (!isRight) process.exitCode = 1;
}
