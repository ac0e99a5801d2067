/** `npm run judges`: one line per judge, each by somebody else. `-- --only NAME`, `-- --controls`, `-- --all`. */

import { cloudformation } from './cloudformation.ts';
import { definitions } from './definitions.ts';
import { eventPatterns } from './event-patterns.ts';
import { host } from './host.ts';
import type { Judge, Verdict } from './judge.ts';
import { mackerel } from './mackerel.ts';
import { ministack } from './ministack.ts';
import { permissions } from './permissions.ts';
import { resourcesInMoto } from './resources-in-moto.ts';
import { signatures } from './signatures.ts';
import { storiesOnMoto } from './stories-on-moto.ts';

const JUDGES: readonly Judge[] = [
  cloudformation,
  definitions,
  eventPatterns,
  host,
  mackerel,
  ministack,
  permissions,
  resourcesInMoto,
  signatures,
  storiesOnMoto,
];

const args = process.argv.slice(2);
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
const withControls = args.includes('--controls');
const all = args.includes('--all');
const chosen = JUDGES.filter(({ name }) => only === undefined || name === only);
if (chosen.length === 0)
  throw new Error(`No judge is called ${only}: ${JUDGES.map(({ name }) => name).join(', ')}`);

for (const judge of chosen) {
  const missing = judge.missing();
  if (missing !== undefined) {
    console.log(`!!! ${judge.name}: NOT JUDGED: ${missing}`);
    continue;
  }
  tell(judge.name, await judge.judge(all), false);
  if (withControls) tell(`${judge.name}, of the broken product`, await judge.control(), true);
}

function tell(who: string, { looked, against }: Verdict, mustObject: boolean): void {
  const isRight = against.length > 0 === mustObject;
  console.log(`${isRight ? 'ok ' : '!!!'} ${who}: ${looked}; ${told(against)}`);
  if (!isRight) process.exitCode = 1;
}

/** The first few say enough. */
function told(against: readonly string[]): string {
  if (against.length === 0) return 'nothing against it';
  const more = against.length > 3 ? ` | … and ${against.length - 3} more` : '';
  return against.slice(0, 3).join(' | ') + more;
}
