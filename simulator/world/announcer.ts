/**
 * The modelled SNS topic, event bus and log of an environment: what was sent, in order. They refuse what the real ones
 * would.
 */

import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { Announcer, MachineEvent } from '../../lambdas/ports/announcer.ts';
import type { Log } from '../../lambdas/ports/log.ts';

type Message = Parameters<Announcer['tellPeople']>[0];

export interface LogLine {
  readonly level: 'info' | 'warn';
  readonly sentence: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const LARGEST_BYTES = 262_144;
/** SNS: ASCII that begins with a letter, number or punctuation mark, without line ends, less than 100 characters. */
const SUBJECT = /^[!-~][ -~]{0,98}$/;

export class AnnouncerModel {
  readonly messages: Message[] = [];
  readonly events: MachineEvent[] = [];
  readonly lines: LogLine[] = [];

  tellPeople(message: Message): void {
    if (!SUBJECT.test(message.subject))
      throw refused(`publish: Invalid parameter: Subject ${message.subject}`);
    if (message.body === '' || tooLarge(message.body)) throw refused('publish: Invalid parameter: Message');
    this.messages.push(message);
  }

  tellMachines(event: MachineEvent): void {
    if (tooLarge(JSON.stringify(event.detail))) throw refused('put the event: it is too large');
    this.events.push(event);
  }

  readonly log: Log = {
    info: (sentence, fields = {}) => void this.lines.push({ level: 'info', sentence, fields }),
    warn: (sentence, fields = {}) => void this.lines.push({ level: 'warn', sentence, fields }),
  };
}

const tooLarge = (text: string) => Buffer.byteLength(text) > LARGEST_BYTES;

const refused = (what: string) => new DeploymentError('ServiceRefused', `AWS refused to ${what}.`);
