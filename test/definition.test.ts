/** The definition stays within what the local interpreter runs as AWS does, and the lint refuses what does not. */

import { describe, expect, it } from 'vitest';
import { STEPS, type StepName } from '../lambdas/domain/core/steps.ts';
import { CLEAN_UP_STEPS, WAKE_STATE } from '../lambdas/domain/core/story.ts';
import { definitionOf, type StateJson } from '../lib/resolve-definition.ts';
import { DEAD_SANDBOX, NOT_INVOKED } from '../simulator/faults/catalogue.ts';
import { definitionProblems } from './definition-lint.ts';
import { exampleEnvironments, synthesize } from './synth.ts';

const production = () => definitionOf(synthesize(), 'reactio-production-app');
const productionCleanUp = () => definitionOf(synthesize(), 'reactio-production-app-clean-up');
const bothOfProduction = () => [production(), productionCleanUp()];

describe('The definition of a fleet', () => {
  it.each(
    exampleEnvironments.flatMap(({ name, fleets }) =>
      fleets.flatMap((fleet) => [[name, fleet.name] as const, [name, `${fleet.name}-clean-up`] as const]),
    ),
  )('of %s, %s, contains nothing that the lint refuses', (environment, fleet) => {
    expect(definitionProblems(definitionOf(synthesize(environment), fleet).definition)).toEqual([]);
  });

  it('or of its clean-up runs every step in at least one state', () => {
    const steps = bothOfProduction().flatMap(({ definition, stepOf }) =>
      tasksOf(definition.States).map(([, task]) => stepOf(String(task.Resource))),
    );
    // Those of a fleet that has hooks and pauses: see test/lib/hooks.test.ts.
    const others = ['ask-the-hook', 'wait-for-a-person'];
    expect(new Set([...steps, ...others])).toEqual(new Set(Object.keys(STEPS)));
  });

  it('shares with its clean-up the steps that finish, undo and record', () => {
    const { definition, stepOf } = productionCleanUp();
    const steps = tasksOf(definition.States).map(([, task]) => stepOf(String(task.Resource)));
    expect(new Set(steps)).toEqual(new Set(CLEAN_UP_STEPS));
  });
});

describe('Every good end', () => {
  const answers = ({ definition }: ReturnType<typeof production>) =>
    Object.fromEntries(
      Object.entries(definition.States)
        .filter(([, { Type }]) => Type === 'Succeed')
        .map(([name, { OutputPath }]) => [name, OutputPath]),
    );

  it('of a deployment answers with what whoever started it wants to know', () =>
    expect(answers(production())).toEqual({
      Deployed: '$.record',
      'Already deployed': '$.release',
      Superseded: '$.release',
      'Nothing to redeploy': '$.release',
      Planned: '$.plan',
      'Waiting for its turn': '$.lock',
      'Superseded by what waits': '$.lock',
      Told: '$.lock',
    }));

  it('of a clean-up answers with what it found and did', () =>
    expect(answers(productionCleanUp())).toEqual({
      Finished: '$.record',
      Undone: '$.ending',
      'Nothing was left': '$.lock',
      'Nothing to clean up': '$.takeOver',
    }));

  it('of a promotion answers with what was promoted, or why nothing was', () =>
    expect(answers(definitionOf(synthesize(), 'reactio-production-app-promote'))).toEqual({
      Promoted: '$.record',
      'Already promoted': '$.candidate',
      Planned: '$.candidate',
    }));
});

const CALLS_A_HUMAN = ['Record the halfway stop', 'Record the failed undo'];

describe.each([
  ['deployment', production],
  ['clean-up', productionCleanUp],
])('The definition of a %s', (_, machine) => {
  it('gives every task a little more time than its function has', () => {
    const { definition, stepOf } = machine();
    for (const [name, task] of tasksOf(definition.States)) {
      const functionSeconds = STEPS[stepOf(String(task.Resource)) as StepName].seconds;
      expect(Number(task.TimeoutSeconds) - functionSeconds, name).toBeGreaterThanOrEqual(5);
    }
  });

  it('retries every task on Lambda’s own troubles and on services that do not answer', () => {
    for (const [name, task] of tasksOf(machine().definition.States)) {
      const errors = (task.Retry as { ErrorEquals: string[] }[]).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(errors, name).toEqual(
        expect.arrayContaining([
          'Lambda.TooManyRequestsException',
          ...NOT_INVOKED,
          'Lambda.Unknown',
          ...DEAD_SANDBOX,
          'Sandbox.Timedout',
          'ServiceUnavailable',
        ]),
      );
    }
  });

  it('asks for a quarter of an hour where a human is called next, elsewhere for two minutes', () => {
    const asked = tasksOf(machine().definition.States).map(([name, { Catch, Retry }]) => {
      const next = (Catch as { Next: string }[]).at(-1)?.Next ?? '';
      return [name, CALLS_A_HUMAN.includes(next), (Retry as { MaxAttempts: number }[])[0]?.MaxAttempts];
    });
    expect(asked).toEqual(asked.map(([name, calls]) => [name, calls, calls ? 30 : 6]));
    expect(asked.filter(([, calls]) => calls)).toHaveLength(5);
  });

  it('catches every error of every task, and knows first whether the lock was lost', () => {
    for (const [name, task] of tasksOf(machine().definition.States)) {
      const catchers = task.Catch as { ErrorEquals: string[]; Next: string }[];
      expect(catchers.at(-1)?.ErrorEquals, name).toEqual(['States.ALL']);
      expect(catchers[0], name).toMatchObject({ ErrorEquals: ['LockLost'], Next: 'The lock was lost' });
    }
  });
});

describe('A resolved definition', () => {
  it('has readable names where CloudFormation will put ids', () => {
    const { definition } = production();
    expect(definition.States['Resolve the image']?.Resource).toMatch(/^\$\{\w+CurrentVersion\w+\}$/);
    const parameters = definition.States['Open the deployment']?.Parameters;
    expect(parameters).toMatchObject({
      fleet: {
        launchTemplate: {
          id: expect.stringMatching(/^\$\{\w+\}$/),
          version: expect.stringMatching(/^\$\{\w+\.LatestVersionNumber\}$/),
        },
      },
    });
  });

  it('knows the function and the step behind a task', () => {
    const { definition, functionOf, stepOf } = production();
    const resource = String(definition.States['Put old hosts back']?.Resource);
    expect(synthesize().Resources[functionOf(resource)]?.Type).toBe('AWS::Lambda::Function');
    expect(stepOf(resource)).toBe('put-old-hosts-back');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: how a resolved definition names a function
    expect(() => functionOf('${Nothing.Arn}')).toThrow('Not a function of this template');
  });

  it('is found by the logical id of its machine too, and says which there are when it is not found', () => {
    const { machine, definition } = production();
    expect(definitionOf(synthesize(), machine).definition).toEqual(definition);
    expect(() => definitionOf(synthesize(), 'nobody')).toThrow(machine);
  });
});

describe('The lint refuses', () => {
  const RETRY = {
    ErrorEquals: ['A'],
    IntervalSeconds: 2,
    MaxAttempts: 3,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
  };
  const CATCH_ALL = { ErrorEquals: ['States.ALL'], Next: 'End' };
  const task = {
    Type: 'Task',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: how a resolved definition names a version of a function
    Resource: '${FCurrentVersion1}',
    TimeoutSeconds: 40,
    Retry: [RETRY],
    Next: 'End',
  };
  const pass = { Type: 'Pass', Next: 'End' };
  const inMap = (state: object, extra: object = {}) => ({
    Type: 'Map',
    ...extra,
    ItemProcessor: { StartAt: 'Inside', States: { Inside: { ...state, Next: undefined, End: true } } },
    Next: 'End',
  });
  const inParallel = (state: object) => ({
    Type: 'Parallel',
    Branches: [{ StartAt: 'Inside', States: { Inside: { ...state, Next: undefined, End: true } } }],
    Next: 'End',
  });
  const machine = (state: object, top: object = {}) =>
    JSON.parse(
      JSON.stringify({ ...top, StartAt: 'It', States: { It: state, End: { Type: 'Succeed' } } }),
    ) as object;

  it('nothing in a definition that is sound', () => {
    expect(definitionProblems(machine({ ...task, Catch: [CATCH_ALL] }))).toEqual([]);
    expect(definitionProblems(machine(inMap(pass)))).toEqual([]);
    expect(definitionProblems(machine(inParallel(task)))).toEqual([]);
    expect(definitionProblems(machine({ ...pass, Parameters: { 'a.$': '$$.Execution.Input' } }))).toEqual([]);
  });

  it.each([
    ['JSONata for the whole machine', machine(pass, { QueryLanguage: 'JSONata' }), 'uses JSONata'],
    ['JSONata in one state', machine({ ...pass, QueryLanguage: 'JSONata' }), 'uses JSONata'],
    ['variables', machine({ ...pass, Assign: { a: 1 } }), 'uses Assign'],
    [
      'variables in a catcher',
      machine({ ...task, Catch: [{ ...CATCH_ALL, Assign: { a: 1 } }] }),
      'uses Assign',
    ],
    [
      'the state in the context',
      machine({ ...pass, Parameters: { 'a.$': '$$.State.RetryCount' } }),
      '$$.State.RetryCount is not',
    ],
    [
      'the machine in the context',
      machine({ ...pass, Parameters: { 'a.$': '$$.StateMachine.Id' } }),
      '$$.StateMachine.Id is not',
    ],
    [
      'the context in an intrinsic',
      machine({ ...pass, Parameters: { 'a.$': "States.Format('{}', $$.State.Name)" } }),
      '$$.State.Name is not',
    ],
    [
      'the execution’s input inside a Map',
      machine(inMap({ ...pass, Parameters: { 'a.$': '$$.Execution.Input' } })),
      '$$.Execution.Input is not',
    ],
    [
      'the execution’s input inside a Parallel',
      machine(inParallel({ ...pass, InputPath: '$$.Execution.Input' })),
      '$$.Execution.Input is not',
    ],
    [
      'a Map that tolerates failures',
      machine(inMap(pass, { ToleratedFailureCount: 1 })),
      'ToleratedFailureCount is ignored',
    ],
    [
      'a Distributed Map',
      machine({
        ...inMap(pass),
        ItemProcessor: {
          ...inMap(pass).ItemProcessor,
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        },
      }),
      'Distributed Map',
    ],
    [
      'an intrinsic as the path of an error',
      machine({ Type: 'Fail', ErrorPath: "States.Format('{}', $.a)" }),
      'ErrorPath is an intrinsic',
    ],
    [
      'an intrinsic as the path of a cause',
      machine({ Type: 'Fail', Error: 'A', CausePath: "States.Format('{}', $.a)" }),
      'CausePath is an intrinsic',
    ],
    ['a heartbeat', machine({ ...task, HeartbeatSeconds: 10 }), 'no heartbeat'],
    [
      'a callback',
      machine({ ...task, Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' }),
      'waits for a callback',
    ],
    [
      'a service other than Lambda',
      machine({ ...task, Resource: 'arn:aws:states:::dynamodb:putItem' }),
      'not a function of the template',
    ],
    [
      'a filter in a path',
      machine({ ...pass, InputPath: '$.hosts[?(@.ready==true)]' }),
      'fails when nothing matches',
    ],
    [
      'a filter in a condition',
      machine({ Type: 'Choice', Choices: [{ Variable: '$.a[?(@.b)]', IsPresent: true, Next: 'End' }] }),
      'fails when nothing matches',
    ],
    ['a task without a time limit', machine({ ...task, TimeoutSeconds: undefined }), 'no time limit'],
    [
      'a retrier after States.ALL',
      machine({ ...task, Retry: [{ ...RETRY, ErrorEquals: ['States.ALL'] }, RETRY] }),
      'not alone and last',
    ],
    [
      'States.ALL in company',
      machine({ ...task, Retry: [{ ...RETRY, ErrorEquals: ['A', 'States.ALL'] }] }),
      'not alone and last',
    ],
    [
      'a catcher after States.ALL',
      machine({ ...task, Catch: [CATCH_ALL, { ErrorEquals: ['A'], Next: 'End' }] }),
      'not alone and last',
    ],
    ['a shrinking pause', machine({ ...task, Retry: [{ ...RETRY, BackoffRate: 0.5 }] }), 'BackoffRate'],
    [
      'a pause growth left to the default',
      machine({ ...task, Retry: [{ ...RETRY, BackoffRate: undefined }] }),
      'BackoffRate',
    ],
    ['no pause', machine({ ...task, Retry: [{ ...RETRY, IntervalSeconds: 0 }] }), 'IntervalSeconds'],
    ['half an attempt', machine({ ...task, Retry: [{ ...RETRY, MaxAttempts: 1.5 }] }), 'MaxAttempts'],
    [
      'attempts left to the default',
      machine({ ...task, Retry: [{ ...RETRY, MaxAttempts: undefined }] }),
      'MaxAttempts',
    ],
    [
      'a longest pause below the first',
      machine({ ...task, Retry: [{ ...RETRY, MaxDelaySeconds: 1 }] }),
      'MaxDelaySeconds',
    ],
    [
      'pauses without a bound',
      machine({ ...task, Retry: [{ ...RETRY, MaxDelaySeconds: undefined }] }),
      'MaxDelaySeconds',
    ],
    [
      'a pause of more than a year',
      machine({ ...task, Retry: [{ ...RETRY, MaxDelaySeconds: 31_622_401 }] }),
      'MaxDelaySeconds',
    ],
    [
      'an unknown jitter',
      machine({ ...task, Retry: [{ ...RETRY, JitterStrategy: 'HALF' }] }),
      'HALF does not exist',
    ],
    [
      'a bad retrier inside a Parallel',
      machine(inParallel({ ...task, Retry: [{ ...RETRY, IntervalSeconds: 0 }] })),
      'IntervalSeconds',
    ],
    ['a dangling transition', machine({ ...pass, Next: 'Nowhere' }), 'MISSING_TRANSITION_TARGET'],
  ])('%s', (_, definition, problem) => {
    expect(definitionProblems(definition).join('; ')).toContain(problem);
  });
});

/** Those that run a step: one starts the machine of the wakes. */
function tasksOf(states: Readonly<Record<string, StateJson>>): [string, StateJson][] {
  return Object.entries(states).filter(([name, { Type }]) => Type === 'Task' && name !== WAKE_STATE);
}
