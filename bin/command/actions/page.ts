/** `irekae page`: the page of a deployment, as a file for a browser; of one that runs, as far as it has come. */

import { COMMAND, timelineKey } from '../../../lambdas/domain/core/names.ts';
import { orUndefined } from '../attempt.ts';
import type { Command, Everywhere, PageKeeper, Task } from '../command.ts';
import { type FoundPage, findPage } from '../follow/pages.ts';
import { aDeployment, flag, type Options, option } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { bucketOf } from '../release-records.ts';
import { sideBySide } from '../side-by-side.ts';

export const page: Command = {
  name: 'page',
  summary: 'the timeline page of a deployment, in a browser; also while it runs',
  usage: '[FLEET] [DEPLOYMENT]',
  description: [
    'Draws the page of a deployment from its record, or while it runs from the history of its execution, writes it to a',
    'file, prints the path, and opens it where a browser is at hand. Without a deployment: the one that runs, or else',
    'the newest that has a page. Without a fleet, the deployment is looked for in all of them. Changes nothing in AWS.',
    'Exit codes: 0; 1 there is no such deployment, or its record cannot be read; 2 bad usage.',
  ],
  takes: { name: 'DEPLOYMENT', check: aDeployment },
  options: [
    option('out', 'FILE', 'where to write it; default: among the temporary files'),
    flag('no-open', 'do not open a browser'),
  ],
  run: async (task) => kept(await findPage(task, task.argument), task, nothing(task)),
  runEverywhere: pageOfAny,
};

/** Of all fleets in reach: what runs comes first, then what is newest. */
async function pageOfAny(everywhere: Everywhere): Promise<Outcome> {
  const reached = await Promise.all(everywhere.environments.map((each) => everywhere.reach(each)));
  const tasks = reached.flatMap((each) => ('lines' in each ? [] : each));
  const beyond = reached.flatMap((each) => ('lines' in each ? (each.lines[0] ?? []) : []));
  const pages = await sideBySide(tasks, (task) => orUndefined(findPage(task, everywhere.argument)));
  const [first] = pages
    .flatMap((each) => each ?? [])
    .sort((a, b) => Number(b.isRunning) - Number(a.isRunning) || b.at.getTime() - a.at.getTime());
  const what = everywhere.argument === undefined ? 'a deployment with a page' : everywhere.argument;
  return kept(first, everywhere, [`No fleet in reach has a record of ${what}.`, ...beyond]);
}

const nothing = ({ fleet, argument }: Task): string[] =>
  argument === undefined
    ? [`${fleet.name} has no deployment with a page.`]
    : [
        `${fleet.name} has no record of a deployment ${argument}.`,
        `To list them:  ${COMMAND} history ${fleet.name}`,
      ];

async function kept(
  found: FoundPage | undefined,
  { page: keeper, options }: { readonly page: PageKeeper; readonly options: Options },
  whyNot: readonly string[],
): Promise<Outcome> {
  if (!found) return failed('no-deployment', whyNot);
  const { task, deployment, isRunning } = found;
  const html = await found.draw();
  if (html === undefined) return undrawn(found);
  const file = await written(keeper, `irekae-${task.fleet.name}-${deployment}.html`, html, options.out);
  if (typeof file !== 'string') return file;
  keeper.open?.(file);
  const still = isRunning ? ', which is still running: run this again for more' : '';
  const facts = { deployment, fleet: task.fleet.name, isRunning, file };
  return done('page', [`The page of ${deployment} of ${task.fleet.name}${still}:`, `  ${file}`], facts);
}

/** A folder that is not there, a disk that is full: what the system says, says it best. */
async function written(keeper: PageKeeper, name: string, html: string, out: string | undefined) {
  try {
    return await keeper.keep(name, html, out);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return failed('not-written', [
      `The page could not be written: ${error.message}`,
      'To write it elsewhere:  --out FILE',
    ]);
  }
}

function undrawn({ task, deployment, isRunning }: FoundPage): Outcome {
  const { name } = task.fleet;
  return failed('no-page', [
    `The page of ${deployment} of ${name} cannot be drawn ${isRunning ? 'yet: it has only begun' : 'by this version of irekae'}.`,
    isRunning
      ? `To follow it:  ${COMMAND} watch ${name}`
      : `The one beside its record:  aws s3 cp s3://${bucketOf(task)}/${timelineKey(name, deployment)} timeline.html`,
  ]);
}
