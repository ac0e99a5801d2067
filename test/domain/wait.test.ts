/** A look of a wait: two polls while a result is due, each as if the story had come round, one otherwise. */
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { defineWait, type Found, type Turn } from '../../lambdas/domain/core/wait.ts';
import type { Clock } from '../../lambdas/ports/clock.ts';
import { aLook, at, iso, launched } from '../support/deployments.ts';

/** A clock that moves when somebody sleeps; each poll takes `pollMillis`. */
function play(
  polls: readonly (Partial<Found<'begun'>> | Error)[],
  { pollMillis = 300, lastsSeconds = 600, startedAt = at(200), document = launched() as Deployment } = {},
) {
  let now = startedAt;
  const seen: { at: Date; turn: Turn<'begun', { note: string }>; deployment: Deployment }[] = [];
  const slept: number[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: async (millis) => {
      slept.push(millis);
      now = new Date(now.getTime() + millis);
    },
  };
  const step = defineWait('terminate-old-instances', {
    needs: [],
    remembers: ['begun'],
    keeps: ['note'],
    seconds: () => lastsSeconds,
    look: async (deployment: Deployment, _ports: { clock: Clock }, turn: Turn<'begun', { note: string }>) => {
      const found = polls[seen.length];
      seen.push({ at: now, turn, deployment });
      now = new Date(now.getTime() + pollMillis);
      if (found instanceof Error) throw found;
      return { ready: false, reason: `poll ${seen.length}`, ...found };
    },
    late: (_deployment, { reason }) => new DeploymentError('OldHostsNotTerminated', `late: ${reason}`),
  });
  return { answer: step.run(document, { clock }), seen, slept };
}

const moments = ({ seen }: ReturnType<typeof play>) =>
  seen.map((poll) => (poll.at.getTime() - at(200).getTime()) / 1000);

describe('A look', () => {
  it('polls again half a second later while a result is due', async () => {
    const played = play([{}, { ready: true, reason: 'done' }]);
    expect(await played.answer).toMatchObject({ ready: true, reason: 'done', at: iso(200.8), looks: 2 });
    expect(moments(played)).toEqual([0, 0.8]);
  });

  it('polls no third time: the pause is the story’s', async () => {
    const played = play([{}, {}, { ready: true }]);
    expect(await played.answer).toMatchObject({ ready: false, nextLookInSeconds: 1, reason: 'poll 2' });
  });

  it.each<[string, Partial<Found<'begun'>>, object]>([
    ['what it waits for is there', { ready: true }, {}],
    ['nothing new can be seen so soon', { earliest: at(203) }, {}],
    ['who is asked should not be asked every second', { patienceSeconds: 3 }, {}],
    ['who is asked is slow, and the function’s time is for one such poll', {}, { pollMillis: 2_000 }],
  ])('is one poll when %s', async (_title, found, options) => {
    const played = play([found, new Error('polled again')], options);
    await played.answer;
    expect(played.seen).toHaveLength(1);
    expect(played.slept).toEqual([]);
  });

  it('goes on in the second poll from what the first one found, remembered and kept', async () => {
    const played = play([
      { memory: { begun: 1, hosts: { 'i-1': 5 } } },
      new DeploymentError('ServiceUnavailable', 'AWS is away.'),
    ]);
    expect(await played.answer).toMatchObject({
      ready: false,
      reason: 'unknown: AWS is away.',
      memory: { begun: 1, 'i-1': 5 },
      since: iso(200),
      said: [
        [at(200).getTime() / 1000, 'poll 1'],
        [at(201).getTime() / 1000, 'unknown: AWS is away.'],
      ],
    });
    expect(played.seen[1]?.turn.memory).toEqual({ begun: 1, hosts: { 'i-1': 5 } });
    expect(played.seen[1]?.deployment.termination).toMatchObject({ reason: 'poll 1' });
  });

  it('throws what the second poll throws', () =>
    expect(play([{}, new DeploymentError('ReadinessLost', 'It broke.')]).answer).rejects.toThrow(
      'It broke.',
    ));

  it('has its last poll on the deadline or after it, never a failure on an answer that is older', async () => {
    const late = play([{}, {}], { lastsSeconds: 0.5 });
    await expect(late.answer).rejects.toThrow('late: poll 2');
    const inTime = play([{}, { ready: true }], { lastsSeconds: 0.5 });
    expect(await inTime.answer).toMatchObject({ ready: true });
    const notYet = play([{}, {}], { lastsSeconds: 0.9 });
    expect(await notYet.answer).toMatchObject({ ready: false, nextLookInSeconds: 1 });
  });

  it('is not the last one where its time passed while its function was not run: that time is added', async () => {
    const termination = aLook({ since: iso(20), at: iso(80), nextLookInSeconds: 3 });
    const document = { ...launched(), termination } as Deployment;
    // 60 s of 100 had passed, then 117 were lost.
    const goesOn = play([{ patienceSeconds: 9 }], { document, lastsSeconds: 100 });
    expect(await goesOn.answer).toMatchObject({ nextLookInSeconds: 9, lostSeconds: 117 });
    expect(goesOn.seen[0]?.turn.deadline).toEqual(at(20 + 100 + 117));
    const over = play([{}], { document, lastsSeconds: 60 });
    await expect(over.answer).rejects.toThrow('late: poll 1');
  });
});
