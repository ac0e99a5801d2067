/** The command lines of `npm run faults` and `npm run mutants`: what they become, and every problem with them at once. */
import { describe, expect, it } from 'vitest';
import { KIND_NAMES } from '../../simulator/faults/kinds.ts';
import { HELP as FAULTS_HELP, readFaultsCommand } from '../../simulator/faults/options.ts';
import { MUTANTS } from '../../simulator/mutants/list.ts';
import { HELP as MUTANTS_HELP, readMutantsCommand } from '../../simulator/mutants/options.ts';

const words = (line: string) => line.split(' ').filter(Boolean);
const EVERYTHING = { kinds: KIND_NAMES, seed: 7, pairs: 20_000, outages: 4_000, at: '' };
const CASE = 'app@7: Launch new instances / ec2.launch #1 = late';

describe('npm run faults', () => {
  it.each([
    ['', EVERYTHING],
    ['--only worker', { ...EVERYTHING, kinds: ['worker'] }],
    ['--pairs 0 --seed=3', { ...EVERYTHING, pairs: 0, seed: 3 }],
    ['--sample 20', { kinds: KIND_NAMES, at: '', sample: 20, pairs: 0, outages: 5 }],
    ['--sample 20 --seed 9', { ...EVERYTHING, seed: 9, sample: 20, pairs: 0, outages: 5 }],
    ['--at ec2.launch', { ...EVERYTHING, at: 'ec2.launch' }],
  ])('is told by "%s"', (line, options) =>
    expect(readFaultsCommand(words(line))).toEqual({ do: 'run', options }),
  );

  it('plays one case again', () =>
    expect(readFaultsCommand(['--replay', CASE])).toMatchObject({ do: 'run', options: { replay: CASE } }));

  it.each([
    ['--only ap', /^--only ap: allowed: one of app, worker, /],
    ['--pairs many', /^--pairs many: allowed: a whole number from 0 to /],
    ['--sample 0', /^--sample 0: allowed: a whole number from 1 to /],
    ['--seed 4294967296', /^--seed 4294967296: allowed: a whole number from 0 to 4294967295$/],
    ['--seed', /^--seed: needs a value, S$/],
    ['--at --pairs=3', /^--at: needs a value, TEXT$/],
    ['--replay app', /^--replay app: allowed: a case as a violation names it, such as "/],
    ['--pair 3', /^--pair: no such option; allowed: --only, --pairs, /],
    ['--mutants=yes', /^--mutants: takes no value$/],
    ['--sample 3 --pairs 3', /^--sample: plays no pairs; leave out --pairs$/],
  ])('refuses "%s" in a sentence', (line, problem) => {
    const command = readFaultsCommand(words(line));
    expect(command).toMatchObject({
      do: 'refuse',
      problems: expect.arrayContaining([expect.stringMatching(problem)]),
    });
  });

  it('refuses options that do nothing beside a case that is replayed', () =>
    expect(readFaultsCommand(['--replay', CASE, '--seed', '3', '--only', 'app'])).toEqual({
      do: 'refuse',
      problems: [expect.stringMatching(/leave out --seed, --only$/)],
    }));

  it('tells all problems at once', () =>
    expect(readFaultsCommand(words('app --only nobody --pairs x --sample 3'))).toMatchObject({
      problems: [/^app/, /^--only/, /^--pairs/, /^--sample/].map((each) => expect.stringMatching(each)),
    }));

  it('gives help to whoever asks, whatever else is wrong', () => {
    expect(readFaultsCommand(words('--only nobody -h'))).toEqual({ do: 'help' });
    for (const name of ['--only', '--pairs', '--sample', '--at', '--seed', '--replay', '--mutants', '--help'])
      expect(FAULTS_HELP).toContain(`\n  ${name}`);
  });
});

describe('npm run mutants', () => {
  it.each([
    ['', { mutants: MUTANTS, seed: 7, mostCases: 600 }],
    ['--mutants --cases 10 --seed 3', { mutants: MUTANTS, seed: 3, mostCases: 10 }],
  ])('is told by "%s"', (line, options) =>
    expect(readMutantsCommand(words(line))).toEqual({ do: 'run', options }),
  );

  it('takes those that have a text in their names', () => {
    const command = readMutantsCommand(['--only', 'client token']);
    expect(command.do === 'run' && command.options.mutants.length).toBe(
      MUTANTS.filter(({ name }) => name.includes('client token')).length,
    );
  });

  it('refuses a text that is in no name, and the rest that is wrong, at once', () =>
    expect(readMutantsCommand(words('--only zzz --cases 0'))).toEqual({
      do: 'refuse',
      problems: [
        expect.stringMatching(/^--only zzz: allowed: text of a name: no second look before the shift; /),
        '--cases 0: allowed: a whole number from 1 to 1000000',
      ],
    }));

  it('gives help', () => {
    expect(readMutantsCommand(['--help'])).toEqual({ do: 'help' });
    for (const name of ['--only', '--seed', '--cases', '--help'])
      expect(MUTANTS_HELP).toContain(`\n  ${name}`);
  });
});
