/** `irekae check`: everything that is wrong with the fleets file, at once, without CDK and without an account. */
import { count, list } from '../../../lambdas/domain/core/words.ts';
import { environmentsOf } from '../../../lib/fleets-file.ts';
import { FleetsFileError } from '../../../lib/read-fleets.ts';
import { FLEETS_OPTION } from '../options.ts';
import { done, failed } from '../outcome.ts';
import type { ProjectCommand, ProjectTask } from '../project-command.ts';

export const check: ProjectCommand = {
  name: 'check',
  summary: 'tells everything that is wrong with the fleets file',
  description: [
    'Reads the whole fleets file and tells all its problems at once: which fleets, which field, the value given, what is',
    'allowed, and what was perhaps meant. What several fleets have wrong is told once. Needs no account, and reads nothing',
    'from AWS: what only an account can tell (does the subnet exist?) is for `irekae doctor`.',
    'Exit codes: 0 nothing is wrong; 1 something is; 2 bad usage.',
  ],
  options: [FLEETS_OPTION],
  run: async ({ place, given }: ProjectTask) => {
    try {
      const environments = await environmentsOf(place.fleets, given.get('fleets')?.at(-1));
      const fleets = environments.flatMap((each) => each.fleets);
      const names = environments.map(({ name }) => name);
      return done('ok', [`Nothing is wrong: ${count(fleets.length, 'fleet')} in ${list(names)}.`], {
        environments: names,
        fleets: fleets.map(({ name }) => name),
      });
    } catch (error) {
      if (!(error instanceof FleetsFileError)) throw error;
      const { message, problems } = error;
      return { ...failed('problems', message.split('\n')), problems };
    }
  },
};
