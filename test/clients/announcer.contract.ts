/** What every teller of news does: the adapter in front of an endpoint, and the modelled world. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Announcer, MachineEvent, Message } from '../../lambdas/ports/announcer.ts';

export interface AnnouncerSubject {
  readonly announcer: Announcer;
  /** What people were told, in order. */
  messages(): Promise<readonly Message[]>;
  /** What machines were told, in order. */
  events(): Promise<readonly MachineEvent[]>;
  stop(): Promise<void>;
}

const MESSAGE: Message = {
  subject: 'Deployed: shop, in 45 s',
  body: 'shop was deployed.\nTo do: nothing.\n入れ替え & <b>= 100 %\n',
  chat: { version: '1.0', source: 'custom', content: { description: '入れ替え & <b>= "100" %' } },
  attributes: { fleet: 'shop', result: 'deployed' },
};

const EVENT: MachineEvent = {
  detailType: 'Deployment ended',
  detail: { version: '1', deployment: 'deploy-2', reason: 'it says "入れ替え"' },
  resources: ['arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:deploy-2'],
  at: new Date('2026-03-01T09:00:00Z'),
};

export function announcerContract(title: string, arrange: () => Promise<AnnouncerSubject>): void {
  describe(`Announcer: ${title}`, () => {
    let subject: AnnouncerSubject;
    beforeEach(async () => {
      subject = await arrange();
    });
    afterEach(() => subject.stop());
    const refused = expect.objectContaining({ name: 'ServiceRefused' });

    it('tells people subject, text and attributes as they are', async () => {
      await subject.announcer.tellPeople(MESSAGE);
      expect(await subject.messages()).toEqual([MESSAGE]);
      expect(await subject.events()).toEqual([]);
    });

    it('tells machines type, detail, what it is about and when', async () => {
      await subject.announcer.tellMachines(EVENT);
      expect(await subject.events()).toEqual([EVENT]);
      expect(await subject.messages()).toEqual([]);
    });

    it('tells twice what it is told to tell twice', async () => {
      for (let twice = 0; twice < 2; twice += 1) {
        await subject.announcer.tellPeople(MESSAGE);
        await subject.announcer.tellMachines(EVENT);
      }
      expect(await subject.messages()).toEqual([MESSAGE, MESSAGE]);
      expect(await subject.events()).toEqual([EVENT, EVENT]);
    });

    it.each([
      ['is longer than 99 characters', 's'.repeat(100)],
      ['has two lines', 'one\ntwo'],
      ['is not ASCII', '入れ替え'],
      ['begins with a blank', ' shop'],
    ])('refuses a subject that %s', async (_, subjectLine) => {
      await expect(subject.announcer.tellPeople({ ...MESSAGE, subject: subjectLine })).rejects.toEqual(
        refused,
      );
      expect(await subject.messages()).toEqual([]);
    });

    it('refuses a text or an event that is larger than 256 KiB', async () => {
      const much = 'x'.repeat(262_145);
      await expect(subject.announcer.tellPeople({ ...MESSAGE, body: much })).rejects.toEqual(refused);
      await expect(subject.announcer.tellPeople({ ...MESSAGE, chat: { much } })).rejects.toEqual(refused);
      await expect(subject.announcer.tellMachines({ ...EVENT, detail: { much } })).rejects.toEqual(refused);
    });
  });
}
