/** Hooks and pauses in the fleets file: what is refused, and what is made of the rest. */
import { describe, expect, it } from 'vitest';
import { readFleets } from '../../lib/read-fleets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import type { FleetEntry } from '../../simulator/example-fleet.ts';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { definitionProblems } from '../definition-lint.ts';

const ARN = 'arn:aws:lambda:ap-northeast-1:111111111111:function:migrate';
const LIVE = `${ARN}:live`;
const fleet = (changes: Partial<FleetEntry>) => exampleEntry('qa', 'shop', { loadBalancers: [], ...changes });
const problemsOf = (changes: Partial<FleetEntry>): string => {
  try {
    readFleets({
      environments: [{ name: 'qa', account: '111111111111', region: 'ap-northeast-1' }],
      fleets: [fleet(changes)],
    });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const hook = (changes: object = {}) =>
  ({ at: 'before-launch', function: ARN, timeoutMinutes: 10, ...changes }) as const;
const pause = (changes: object = {}) => ({ at: 'before-shift', timeoutMinutes: 10, ...changes }) as const;

describe('The fleets file', () => {
  it.each<[string, Partial<FleetEntry>]>([
    ['a function', { hooks: [hook()] }],
    ['an alias and a version of one', { hooks: [hook({ function: LIVE }), hook({ function: `${ARN}:7` })] }],
    ['the same function at two points', { hooks: [hook(), hook({ at: 'after-shift' })] }],
    [
      'five hooks at each of two points',
      {
        hooks: Array.from({ length: 10 }, (_, n) =>
          hook({ at: n < 5 ? 'before-launch' : 'after-shift', function: `${ARN}:${n + 1}` }),
        ),
      },
    ],
    ['a day of pauses', { pauses: [pause({ timeoutMinutes: 1_440, then: 'go on' })] }],
  ])('takes %s', (_, changes) => expect(problemsOf(changes)).toBe(''));

  it.each<[string, Partial<FleetEntry>, RegExp]>([
    [
      'a point that there is not',
      { pauses: [pause({ at: 'after-launch' })] },
      /pauses\.0\.at: given "after-launch", allowed: one of before-launch, before-shift, after-shift, before-terminate/,
    ],
    [
      'two pauses at one point',
      { pauses: [pause(), pause({ then: 'go on' })] },
      /pauses\.1\.at: given "before-shift", allowed: a point at which there is no other pause/,
    ],
    [
      'more than a day',
      { pauses: [pause({ timeoutMinutes: 1_000 }), pause({ at: 'after-shift', timeoutMinutes: 500 })] },
      /pauses: given .*, allowed: timeoutMinutes of at most 1440 together, a day/,
    ],
    [
      'more than a day at once',
      { pauses: [pause({ timeoutMinutes: 1_441 })] },
      /timeoutMinutes: given 1441, allowed: a whole number from 1 to 1440 minutes/,
    ],
    [
      'another end than the two',
      { pauses: [pause({ then: 'stop' })] },
      /pauses\.0\.then: given "stop", allowed: one of undo, go on/,
    ],
    [
      'a name for a function',
      { hooks: [hook({ function: 'migrate' })] },
      /hooks\.0\.function: given "migrate", allowed: an ARN such as/,
    ],
    [
      'what may become another function',
      { hooks: [hook({ function: `${ARN}:$LATEST` })] },
      /hooks\.0\.function: given/,
    ],
    [
      'a function of another account',
      { hooks: [hook({ function: ARN.replaceAll('1111', '2222') })] },
      /hooks\.0\.function: .*a function of qa's account and Region, 111111111111 and ap-northeast-1/,
    ],
    [
      'a function of another Region',
      { hooks: [hook({ function: ARN.replace('ap-northeast-1', 'eu-west-1') })] },
      /hooks\.0\.function: .*account and Region/,
    ],
    [
      'six hooks at one point',
      { hooks: Array.from({ length: 6 }, (_, n) => hook({ function: `${ARN}:${n + 1}` })) },
      /hooks\.5\.at: .*at most 5 hooks at one point/,
    ],
    [
      'details of no shape',
      { hooks: [hook({ details: ['x'] })] },
      /hooks\.0\.details: .*an object of at most 4096 characters as JSON/,
    ],
    [
      'details that Step Functions would take for its own',
      { hooks: [hook({ details: { of: [{ 'host.$': '$.oldHosts' }] } })] },
      /hooks\.0\.details: .*in which no name ends in \.\$/,
    ],
    [
      'what does not fit into the history',
      { hooks: [hook({ timeoutMinutes: 700 }), hook({ at: 'after-shift', timeoutMinutes: 700 })] },
      /events of the execution's history/,
    ],
  ])('refuses %s', (_, changes, says) => expect(problemsOf(changes)).toMatch(says));
});

describe('A fleet with hooks and pauses', () => {
  const made = templateOf('qa', [
    fleet({
      hooks: [
        hook(),
        hook({ function: LIVE }),
        hook({ at: 'before-terminate', function: LIVE, timeoutMinutes: 30 }),
      ],
      pauses: [pause(), pause({ at: 'before-terminate' })],
    }),
    exampleEntry('qa', 'plain', { loadBalancers: [] }),
  ]);
  const { definition } = definitionOf(made, 'shop');
  const { States } = definition;
  const next = (state: string) => {
    const {
      Next,
      Default,
      Choices = [],
    } = Object(States[state]) as { Next?: string; Default?: string; Choices?: { Next: string }[] };
    return [Next ?? Default, ...Choices.map((choice) => choice.Next)];
  };

  it('has their states, in their places, and a fleet without has none of them', () => {
    expect(next('Is this a dry run?')).toContain('Ask the hooks before the launch');
    expect(next('Ask the hooks before the launch?')).toEqual(
      expect.arrayContaining([
        'Call hook 1 before the launch',
        'Call hook 2 before the launch',
        'Launch new instances',
      ]),
    );
    expect(next('New hosts are ready?')).toContain('Wait for a person before the shift');
    expect(next('Wait for a person before the shift?')).toContain('Take old hosts out of service');
    expect(next('Watch the new hosts?')).toContain('Ask the hooks before the termination');
    expect(next('Ask the hooks before the termination?')).toContain(
      'Wait for a person before the termination',
    );
    expect(next('Wait for a person before the termination?')).toContain('Terminate old instances');
    const plain = Object.keys(definitionOf(made, 'plain').definition.States);
    expect(plain.filter((name) => /hook|person/.test(name))).toEqual([]);
  });

  it('contains nothing that the lint refuses', () => expect(definitionProblems(definition)).toEqual([]));

  it('calls exactly what the file names, for as long as one call may take, and lets a look judge whatever comes of it', () => {
    expect(States['Call hook 2 before the launch']).toMatchObject({
      Resource: LIVE,
      InputPath: '$.hooksBeforeLaunch.event',
      ResultPath: '$.hookAnswer',
      TimeoutSeconds: 610,
      Next: 'Ask the hooks before the launch',
      Catch: [
        {
          ErrorEquals: ['States.DataLimitExceeded'],
          ResultPath: '$.hookAnswer',
          Next: 'Ask the hooks before the launch',
        },
        { ErrorEquals: ['States.ALL'], ResultPath: '$.hookAnswer', Next: 'Ask the hooks before the launch' },
      ],
    });
    expect(States['Call hook 1 before the termination']).toMatchObject({ TimeoutSeconds: 910 });
    // Never what may have run.
    const [retry] = Object(States['Call hook 1 before the launch']).Retry as { ErrorEquals: string[] }[];
    expect(retry?.ErrorEquals).not.toContain('States.Timeout');
    expect(retry?.ErrorEquals.filter((error) => !error.startsWith('Lambda.'))).toEqual([]);
  });

  it('finds its failure where an answer leaves no room for what the look says', () => {
    const { Catch } = Object(States['Ask the hooks before the launch']) as {
      Catch: { ErrorEquals: string[]; Next: string; ResultPath: string }[];
    };
    expect(Catch.map(({ ErrorEquals, ResultPath }) => [ErrorEquals, ResultPath])).toEqual([
      [['States.DataLimitExceeded'], '$.hookAnswer'],
      [['LockLost'], '$.failure'],
      [['States.ALL'], '$.failure'],
    ]);
    expect(Catch[0]?.Next).toBe('Ask the hooks before the launch');
  });

  it('may call these, its neighbour none, and no function of ours any', () => {
    const policies = Object.entries(made.Resources).filter(
      ([, { Type }]) => Type === 'AWS::IAM::Role' || Type === 'AWS::IAM::Policy',
    );
    const naming = policies.filter(([, each]) => JSON.stringify(each).includes(ARN));
    expect(naming.map(([id]) => id)).toEqual([expect.stringMatching(/^rolesshopMachineRole/)]);
    const statements = Object(naming[0]?.[1].Properties).Policies[0].PolicyDocument.Statement as {
      Action: string;
      Resource: unknown;
    }[];
    const own = statements.filter(({ Resource }) => JSON.stringify(Resource).includes(ARN));
    expect(own.map(({ Action }) => Action)).toEqual(['lambda:InvokeFunction']);
    const foreign = own
      .flatMap(({ Resource }) => Resource as string[])
      .filter((arn) => !arn.includes(':function:irekae-qa-'));
    expect(foreign).toEqual([ARN, LIVE]);
  });
});
