import { describe, expect, it } from 'vitest';
import { tellWaiting, waitingNewsOf } from '../../lambdas/domain/record/waiting-news.ts';
import type { Message } from '../../lambdas/ports/announcer.ts';
import { anOldHost, aSnapshot, at, shifted } from '../support/deployments.ts';
import { portsWith } from '../support/ports.ts';

const PAUSE = { at: 'after-shift', timeoutMinutes: 10, then: 'undo' } as const;
const hosts = ['i-old1', 'i-old2', 'i-old3'].map((id) => anOldHost(id));
const deployment = shifted({ oldHosts: aSnapshot({ hosts }) });

describe('The news that a deployment waits for a person', () => {
  it('says for what, until when, and what happens then', () =>
    expect(waitingNewsOf(deployment, PAUSE, at(600))).toMatchObject({
      at: 'after-shift',
      until: at(600).toISOString(),
      then: 'undo',
      newHosts: 2,
      oldHosts: 3,
      costs: expect.stringMatching(/^5 hosts run instead of 3 meanwhile/),
    }));

  it('is a mail that can be filtered by who is needed', async () => {
    const mails: Message[] = [];
    const announcer = {
      tellPeople: async (message: Message) => void mails.push(message),
      tellMachines: async () => {},
    };
    await tellWaiting(deployment, PAUSE, at(600), portsWith({ announcer }, at(0)));
    expect(mails.map(({ attributes }) => attributes)).toEqual([
      { fleet: 'shop', environment: expect.any(String), result: 'waits', needsHuman: 'true' },
    ]);
  });
});
