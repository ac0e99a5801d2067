/** The command's own decisions: how an execution stands, how long one still takes, what is news, what trouble means. */

import { describe, expect, it } from 'vitest';
import { planLines } from '../../bin/command/actions/plan.ts';
import type { Task } from '../../bin/command/command.ts';
import { hasShifted } from '../../bin/command/follow/look.ts';
import { News } from '../../bin/command/follow/news.ts';
import { EXIT_CODES, endFromRecord, standingOf } from '../../bin/command/follow/standing.ts';
import { timeLeft } from '../../bin/command/follow/time-left.ts';
import { troubleOutcome } from '../../bin/command/trouble.ts';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { PHASES } from '../../lambdas/domain/core/steps.ts';
import { actBegunBy, beginningOf } from '../../lambdas/domain/core/story.ts';
import type { ExecutionDescription, HistoryTurn } from '../../lambdas/ports/executions.ts';
import type { LedgerRow, Phase } from '../../lambdas/ports/ledger.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { layOut } from '../../lib/terminal/layout.ts';
import { synthesize } from '../synth.ts';
import { FLEET } from './desk.ts';

const at = new Date('2026-11-22T03:00:00Z');
const ended = (
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED',
  more: object = {},
): ExecutionDescription => ({
  state: { state: 'ended', status, at },
  startedAt: at,
  ...more,
});

describe('Its traffic', () => {
  it.each([
    ['Take old hosts out of service', false],
    ['Wait for a person before the shift', false],
    ['Call hook 1 before the launch', false],
    ['Call hook 2 after the shift', true],
    ['Ask the hooks before the termination', true],
    ['Wait for a person after the shift', true],
  ])('is all on the new hosts in *%s*: %s', (state, expected) => {
    const turns: HistoryTurn[] = [{ id: 9, at, state, kind: 'entered' }];
    const execution = 'arn:aws:states:r:1:execution:irekae-shop:deploy-2';
    expect(hasShifted({ at, execution, acting: execution, turns })).toBe(expected);
  });
});

describe('An execution', () => {
  it('that runs is running', () =>
    expect(standingOf({ state: { state: 'running' }, startedAt: at })).toEqual({ is: 'running' }));

  it.each([
    [{ outcome: 'Deployed', reason: 'r' }, 'deployed'],
    [{ verdict: 'already-deployed', reason: 'r' }, 'already-deployed'],
    [{ verdict: 'superseded', reason: 'r' }, 'superseded'],
    [{ reason: 'r', earliestFinish: { seconds: 1 } }, 'planned'],
    [{ verdict: 'something-new', reason: 'r' }, 'done'],
    ['no object', 'done'],
  ])('that succeeded with %j is over: %s', (output, verdict) =>
    expect(standingOf(ended('SUCCEEDED', { output }))).toMatchObject({ is: 'over', end: { verdict } }),
  );

  it('that left its request waits', () =>
    expect(standingOf(ended('SUCCEEDED', { output: { verdict: 'waiting', reason: 'r' } }))).toEqual({
      is: 'waiting',
      reason: 'r',
    }));

  it.each([
    ['ABORTED', {}],
    ['TIMED_OUT', {}],
    ['FAILED', { error: 'States.DataLimitExceeded' }],
    ['FAILED', { error: 'LockLost' }],
    ['FAILED', {}],
  ] as const)('that ended as %s %j is left to others', (status, more) =>
    expect(standingOf(ended(status, more)).is).toBe('dead'),
  );

  it.each(Object.keys(FAILURES).filter((name) => name !== 'LockLost'))(
    'that failed as %s is over',
    (error) => {
      const standing = standingOf(ended('FAILED', { error, cause: 'why' }));
      const verdict = {
        RolledBack: 'rolled-back',
        Cancelled: 'cancelled',
        StoppedHalfway: 'needs-human',
        RollbackFailed: 'needs-human',
      };
      expect(standing).toEqual({
        is: 'over',
        end: { verdict: verdict[error as keyof typeof verdict] ?? 'refused', reason: 'why', error },
      });
    },
  );

  it('whose record others wrote ended as that says', () => {
    const record = (outcome: string) => ({
      deployment: 'd',
      outcome,
      reason: 'r',
      startedBy: '',
      newInstances: [],
      oldInstances: [],
      startedAt: '',
      finishedAt: '',
      phases: {},
    });
    expect(endFromRecord(undefined).verdict).toBe('refused');
    expect(endFromRecord(record('Deployed')).verdict).toBe('deployed');
    expect(endFromRecord(record('RolledBack')).verdict).toBe('rolled-back');
    expect(endFromRecord(record('StoppedHalfway')).verdict).toBe('needs-human');
  });

  it('has the exit codes that CI relies on', () =>
    expect(EXIT_CODES).toEqual({
      deployed: 0,
      'already-deployed': 0,
      superseded: 0,
      planned: 0,
      done: 0,
      refused: 3,
      'rolled-back': 3,
      'needs-human': 4,
      cancelled: 5,
    }));
});

describe('The time left', () => {
  const usual = { agree: 5, 'bring up': 60, shift: 1, drain: 9, bake: 300, terminate: 20, retire: 5 };
  const held = (phase: Phase) => ({ phase, since: at }) as NonNullable<LedgerRow['held']>;
  const moment = (seconds: number) => new Date(at.getTime() + seconds * 1000);
  const after = {
    readiness: { at: moment(65).toISOString() },
    bake: { at: moment(400).toISOString() },
  } as Deployment;

  it.each<[Phase, number, number]>([
    ['agree', 0, 400],
    ['bring-up', 30, 370],
    ['bring-up', 500, 0],
    // 335 s from the readiness of the new hosts, whenever that came.
    ['shift', 65, 335],
    ['shift', 165, 235],
    ['remove', 400, 25],
    ['remove', 410, 15],
  ])('in the phase %s after %i s is %i s', (phase, passed, seconds) =>
    expect(timeLeft([usual], held(phase), after, moment(passed))).toEqual({ seconds, from: 1 }),
  );

  it('counts from the last step that there was: nothing is watched without a bake', () => {
    const drained = {
      readiness: { at: moment(65).toISOString() },
      drain: { at: moment(75).toISOString() },
    } as unknown as Deployment;
    const short = { ...usual, bake: 0 };
    expect(timeLeft([short], held('remove'), drained, moment(80))).toEqual({ seconds: 20, from: 1 });
  });

  it('rests on the middle one of the earlier deployments', () => {
    const slow = { ...usual, bake: 3_000 };
    expect(timeLeft([slow, usual, usual], held('agree'), undefined, at)).toEqual({ seconds: 400, from: 3 });
  });

  it('is unknown without experience, without a lock, and while undoing', () => {
    expect(timeLeft([], held('agree'), undefined, at)).toBeUndefined();
    expect(timeLeft([usual], undefined, undefined, at)).toBeUndefined();
    expect(timeLeft([usual], held('undo'), undefined, at)).toBeUndefined();
  });
});

describe('News', () => {
  let id = 0;
  const said = (state: string, reason: string): HistoryTurn => {
    id += 1;
    return { id, at, state, kind: 'answered', answer: { reason } };
  };
  const texts = (news: News, ...turns: HistoryTurn[]) => news.of('arn:x:one', turns).map(({ text }) => text);

  it('are told once, however often they are seen', () => {
    const news = new News();
    const turn = said('Wait', 'one');
    expect([texts(news, turn), texts(news, turn)]).toEqual([['one'], []]);
  });

  it('are not what only counts down, and what swings back', () => {
    const news = new News();
    const turns = ['5 min', '4 min 50 s', '1 h 2 min', '9 s'].map((span) => said('Wait', `another ${span}`));
    expect(texts(news, ...turns)).toEqual(['another 5 min']);
    expect(news.latest).toBe('Wait: another 9 s');
    expect(texts(news, said('Wait', 'other'), said('Wait', 'another 3 s'), said('Wait', 'other'))).toEqual([
      'other',
    ]);
  });

  it('tell failures by the name and the sentence within Lambda’s JSON', () => {
    id += 1;
    const cause = JSON.stringify({ errorType: 'NoCapacity', errorMessage: 'EC2 is full' });
    const turn: HistoryTurn = { id, at, state: 'Launch', kind: 'failed', error: 'NoCapacity', cause };
    expect(new News().of('arn:x:two', [turn])).toMatchObject([
      { text: 'NoCapacity: EC2 is full.', isFailure: true },
    ]);
  });

  it('know the states that begin the acts by their names in the story', () => {
    const { States } = definitionOf(synthesize(), FLEET).definition;
    const acts = PHASES.filter((phase) => phase !== 'agree');
    for (const act of acts) {
      expect(States).toHaveProperty([beginningOf(act)]);
      expect(actBegunBy(beginningOf(act))).toBe(act);
    }
    expect(acts).toHaveLength(4);
    expect(actBegunBy('Old hosts are drained')).toBeUndefined();
  });
});

describe('A plan', () => {
  const task = {
    fleet: { name: FLEET, freezes: [] },
    environment: { name: 'production', account: '1', region: 'r', fleets: [] },
    ports: { clock: { now: () => at, sleep: async () => {} } },
    options: {},
  } as unknown as Task;
  const plan = {
    reason: '',
    release: { artifact: 'app.tar.gz', versionId: 'v1', sha256: 'abc', runtimes: [], imageId: 'ami-1' },
    launch: [{ subnet: 's', instances: 2, tries: ['t4g.small in s'] }],
    replace: [],
    leaveAlone: [{ name: 'i-9', why: 'it has no tag' }],
    earliestFinish: { seconds: 22, parts: [] },
    advice: ['web drains for 5 min'],
  };

  it('says what would be left alone, and what would make it better', () => {
    const lines = planLines(task, plan);
    expect(lines).toContain('and replace none: no host is in service now.');
    expect(lines).toContain('  i-9: it has no tag');
    expect(lines).toContain('  web drains for 5 min');
  });

  it('that a gate would refuse says who and why, and not how to do it', () => {
    const lines = planLines(task, { ...plan, refusals: ['Frozen: year end'] });
    expect(lines.slice(-3)).toEqual([
      'Nothing was changed. A deployment would be refused:',
      '  Frozen: year end',
      `To deploy anyway, on record:  npx --no -- irekae deploy ${FLEET} --override freeze --reason 'it cannot wait for the end of the freeze' --wait`,
    ]);
    expect(lines.join('\n')).not.toContain('To do it');
  });

  it('says on which image it was tested, where that is another one', () => {
    const release = { ...plan.release, testedImage: 'ami-9' };
    expect(layOut(planLines(task, { ...plan, release }))).toContain(
      `  image     ${plan.release.imageId} (it was tested on ami-9)`,
    );
    expect(layOut(planLines(task, plan))).toContain(`  image     ${plan.release.imageId}`);
  });

  it('of another version that cannot be read is shown as it is', () =>
    expect(planLines(task, { other: 1 })).toEqual(['{\n  "other": 1\n}']));
});

describe('Trouble', () => {
  const refusal = (words: string) =>
    new DeploymentError(
      'ServiceRefused',
      `AWS refused to tell whose credentials these are: ${words}. Check the permissions of x.`,
    );

  it.each([
    [
      'SignatureDoesNotMatch: Signature expired: 20261122T030000Z is now earlier than 20261122T031500Z',
      'ClockOff',
      /^The clock of this machine is wrong/,
    ],
    [
      'RequestTimeTooSkewed: The difference between the request time and the current time is too large',
      'ClockOff',
      /Set the clock \(NTP\)/,
    ],
    ['InvalidSignatureException: Signature not yet current: x', 'ClockOff', /clock/],
    ['ExpiredToken: The security token included in the request is expired', 'ExpiredCredentials', /Log in/],
    [
      'InvalidClientTokenId: The security token included in the request is invalid',
      'BadCredentials',
      /AWS does not know these credentials/,
    ],
    ['AccessDenied: not authorized', 'ServiceRefused', /AccessDenied/],
  ])('%s is %s', (words, error, told) => {
    const outcome = troubleOutcome(refusal(words), undefined);
    expect(outcome).toMatchObject({ exitCode: 1, facts: { error } });
    expect(outcome.lines.join('\n')).toMatch(told);
    if (error !== 'ServiceRefused') expect(outcome.lines.join('\n')).not.toMatch(/permissions/);
  });

  it('that no answer came is not told in the words of the runtime', () => {
    const error = new DeploymentError(
      'ServiceUnavailable',
      'AWS could not tell x now: TypeError: fetch failed.',
    );
    const outcome = troubleOutcome(error, undefined);
    expect(outcome).toMatchObject({ exitCode: 1, facts: { error: 'Unreachable' } });
    expect(outcome.lines.join('\n')).toMatch(
      /^AWS cannot be reached from here: .*\nNothing was read or changed\./,
    );
    expect(outcome.lines.join('\n')).not.toMatch(/TypeError/);
  });
});
